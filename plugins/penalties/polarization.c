/* polarization: λ·(t·Σ|γ| − Σ|γ − mean γ|) over all scales of batch norms, which are kept in 0 … limit. */
#include <prunebench/penalty.h>

struct options {
    double t, limit;
};

struct polarization {
    const struct pb_host *host;
    struct pb_penalty_term terms[2];
};

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    const struct options *given = options;
    struct polarization *made = host->alloc(host, sizeof *made);
    if (made == NULL)
        return PB_ERROR_MEMORY;
    *made = (struct polarization){
        .host = host,
        .terms = {{.size = sizeof(struct pb_penalty_term),
                   .unit = PB_UNIT_NORM_SCALES,
                   .rule = PB_RULE_POLARIZATION,
                   .parameter = given->t},
                  {.size = sizeof(struct pb_penalty_term),
                   .unit = PB_UNIT_NORM_SCALES,
                   .rule = PB_RULE_INTERVAL,
                   .parameter = given->limit}},
    };
    *self = made;
    return PB_OK;
}

static void destroy(void *self)
{
    const struct polarization *made = self;
    made->host->free(made->host, self);
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    const struct polarization *made = self;
    return index < 2 ? &made->terms[index] : NULL;
}

static const struct pb_penalty penalty = {
    .size = sizeof(struct pb_penalty), .create = create, .term = term, .destroy = destroy};

static const struct pb_option options[] = {
    {.name = "t",
     .help = "weight of the L1 part; near 1 the scales split into two groups, above 2 they all shrink",
     .type = PB_OPTION_REAL,
     .default_text = "1.4",
     .min = 0.01,
     .max = 100,
     .offset = offsetof(struct options, t)},
    {.name = "limit",
     .help = "largest scale; after every step scales are limited to 0 … limit",
     .type = PB_OPTION_REAL,
     .default_text = "1",
     .min = 0.01,
     .max = 100,
     .offset = offsetof(struct options, limit)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_PENALTY),
    .name = "polarization",
    .summary = "λ·(t·Σ|γ| − Σ|γ − mean γ|): pushes the scales of batch norms apart, to zero and to a common value",
    .version = "1.0.0",
    .reference = "T. Zhuang et al., Neuron-level Structured Pruning using Polarization Regularizer, NeurIPS 2020",
    .reference_code =
        "The authors' code has λ from 3e-5 to 1e-4, and takes the threshold of the pruning from the gap in "
        "the histogram of scales; here that is a target with measure=\"gap\".",
    PB_OPTIONS(options, struct options),
    .penalty = &penalty,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
