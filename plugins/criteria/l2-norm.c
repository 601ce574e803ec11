/* l2-norm: a filter is as important as its weights are large. score = √Σw² over the filter, folded: times |γ|/σ. */
#include "filter-norm.h"

static const struct pb_option options[] = {FILTER_NORM_OPTION_FOLDED};

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    const size_t filter = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    for (uint32_t c = 0; c < layer->channels; c++) {
        double squares = 0;
        for (size_t i = 0; i < filter; i++)
            squares += (double)layer->weight[c * filter + i] * layer->weight[c * filter + i];
        scores[c] = sqrt(squares);
    }
    return filter_norm_fold(self, layer, scores);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_WEIGHTS,
    .uses = PB_DATA_NORM,
    .coupling = PB_COUPLE_SUM,
    .normalise = PB_NORMALISE_MEAN, /* filters of different layers have different numbers of weights */
    .create = filter_norm_create,
    .score = score,
    .destroy = filter_norm_destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "l2-norm",
    .summary = "Euclidean norm of a filter's weights",
    .version = "1.1.0",
    .reference = "H. Li et al., Pruning Filters for Efficient ConvNets, 2016, arXiv:1608.08710",
    PB_OPTIONS(options, struct filter_norm_options),
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
