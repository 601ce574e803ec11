/*
 * Penalty "copy-me": λ·Σ ½·‖w‖²/n over the filters of every layer, n the number of a filter's weights.
 *
 * 1. Say above in one line what your penalty is, and in .reference below where it comes from.
 * 2. Write term(): which units of the network's parameters are penalised, and by which rule (enum pb_penalty_unit,
 *    enum pb_penalty_rule). Backends compute the rules.
 * 3. Write coefficients(), or leave it out where every unit counts alike: one finite number from 0 up per unit. λ is the
 *    matrix's and is multiplied by the host. Set .period in the term where they change within an epoch.
 * 4. Declare your settings in the option table, or delete it with the struct (and .options…): the table parses them,
 *    checks them, documents them and records them in every result.
 * 5. make && make check; then <penalty plugin="copy-me" lambda="1e-4"/> in a matrix.
 *
 * <prunebench/penalty.h> says of every hook what it must do and who owns what.
 */
#include <prunebench/penalty.h>

struct options {
    bool linear;
};

/* What create() was given; the host keeps both until destroy(). */
struct penalty {
    const struct pb_host *host;
    const struct options *options;
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct penalty *penalty = host->alloc(host, sizeof *penalty);
    if (penalty == NULL)
        return PB_ERROR_MEMORY; /* alloc has left the message */
    penalty->host = host;
    penalty->options = options;
    *self = penalty;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct penalty *penalty = self;
    penalty->host->free(penalty->host, self);
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    static const struct pb_penalty_term filters = {
        .size = sizeof(struct pb_penalty_term), .unit = PB_UNIT_FILTERS, .rule = PB_RULE_L2};
    (void)self;
    return index == 0 ? &filters : NULL;
}

static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer,
                                   double *coefficients)
{
    const struct penalty *penalty = self;
    const bool counts = !layer->linear || penalty->options->linear;
    (void)index;
    for (uint32_t unit = 0; unit < layer->units; unit++)
        coefficients[unit] = counts ? 1.0 / layer->unit_values : 0;
    return PB_OK;
}

static const struct pb_penalty penalty = {
    .size = sizeof(struct pb_penalty),
    .create = create,
    .term = term,
    .coefficients = coefficients,
    .destroy = destroy,
};

static const struct pb_option options[] = {
    {.name = "linear",
     .help = "whether linear layers are penalised as well",
     .type = PB_OPTION_BOOL,
     .default_text = "false",
     .offset = offsetof(struct options, linear)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_PENALTY),      .name = "copy-me",
    .summary = "mean square of the filter", .version = "1.0.0",
    PB_OPTIONS(options, struct options),    .penalty = &penalty,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
