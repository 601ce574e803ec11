/* What the norms of filters share: the option `folded` and what it does. */
#ifndef PB_CRITERIA_FILTER_NORM_H
#define PB_CRITERIA_FILTER_NORM_H

#include <math.h>
#include <stdbool.h>

#include <prunebench/criterion.h>

struct filter_norm_options {
    bool folded;
};

struct filter_norm {
    const struct pb_host *host;
    bool folded;
};

#define FILTER_NORM_OPTION_FOLDED                                                                                          \
    {                                                                                                                      \
        .name = "folded",                                                                                                  \
        .help = "times |γ|/σ of the batch norm behind it, σ = √(running variance + ε): the norm of the filter that " \
                "convolution and batch norm are together; every layer needs a batch norm then",                            \
        .type = PB_OPTION_BOOL, .default_text = "false", .offset = offsetof(struct filter_norm_options, folded),           \
    }

static inline enum pb_status filter_norm_create(const struct pb_host *host, const void *options, void **self)
{
    const struct filter_norm_options *chosen = options;
    struct filter_norm *norm = host->alloc(host, sizeof(*norm));
    if (!norm)
        return PB_ERROR_MEMORY;
    *norm = (struct filter_norm){.host = host, .folded = chosen->folded};
    *self = norm;
    return PB_OK;
}

/* Turns the norms of a layer's weights into those of the folded filters, where that was chosen. */
static inline enum pb_status filter_norm_fold(const struct filter_norm *norm, const struct pb_layer_view *layer,
                                              double *scores)
{
    if (!norm->folded)
        return PB_OK;
    if (!layer->gamma)
        return norm->host->fail(norm->host, PB_ERROR_INPUT,
                                "layer '%s' has no batch norm to fold; set option 'folded' to false or choose a model "
                                "with batch norm",
                                layer->name);
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] *= fabs((double)layer->gamma[c]) / sqrt((double)layer->running_var[c] + layer->norm_eps);
    return PB_OK;
}

static inline void filter_norm_destroy(void *self)
{
    struct filter_norm *norm = self;
    norm->host->free(norm->host, norm);
}

#endif
