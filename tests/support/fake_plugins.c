/* A registry of plugins that do nothing, for tests of what only looks at names and option tables. */
#include "support/fake_plugins.h"

struct taylor_options {
    bool grad;
    double share;
};
static const struct pb_option taylor_rows[] = {
    {.name = "grad",
     .help = "use gradients",
     .type = PB_OPTION_BOOL,
     .default_text = "true",
     .offset = offsetof(struct taylor_options, grad)},
    {.name = "share",
     .help = "how much",
     .type = PB_OPTION_REAL,
     .default_text = "0.5",
     .max = 1,
     .offset = offsetof(struct taylor_options, share)},
};

struct soft_options {
    int32_t zero;
};
static const char *const zero_choices[] = {"filters", "gamma-beta", NULL};
static const struct pb_option soft_rows[] = {
    {.name = "zero",
     .help = "what is zeroed",
     .type = PB_OPTION_ENUM,
     .default_text = "filters",
     .choices = zero_choices,
     .offset = offsetof(struct soft_options, zero)},
};

static const struct pb_criterion plain = {.size = sizeof plain};
static const struct pb_criterion layer_mean_l2 = {
    .size = sizeof layer_mean_l2, .scope = PB_SCOPE_LAYER, .coupling = PB_COUPLE_MEAN, .normalise = PB_NORMALISE_L2};
static const struct pb_schedule schedule = {.size = sizeof schedule};
static const struct pb_backend backend = {.size = sizeof backend};
static const struct pb_dataset dataset = {.size = sizeof dataset};

#define PLUGIN(kind_, name_, ...)                                                                                      \
    &(const struct pb_plugin)                                                                                          \
    {                                                                                                                  \
        PB_PLUGIN_HEADER(kind_), .name = name_, .summary = "fake", .version = "1.0.0", __VA_ARGS__                     \
    }
#define LOADED(kind_, name_, ...)                                                                                      \
    {                                                                                                                  \
        .plugin = PLUGIN(kind_, name_, __VA_ARGS__), .file = "fake.so", .sha256 = "00"                                 \
    }

static struct pb_loaded loaded[] = {
    LOADED(PB_KIND_CRITERION, "bn-scale", .criterion = &plain),
    LOADED(PB_KIND_CRITERION, "l1-norm", .criterion = &plain),
    LOADED(PB_KIND_CRITERION, "random", .criterion = &plain),
    {.plugin = &(const struct pb_plugin){PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "taylor", .summary = "fake",
                                         .version = "1.0.0", .options = taylor_rows, .option_count = 2,
                                         .option_stride = sizeof(struct pb_option),
                                         .options_size = sizeof(struct taylor_options), .criterion = &layer_mean_l2},
     .file = "fake.so",
     .sha256 = "00"},
    LOADED(PB_KIND_SCHEDULE, "iterative", .schedule = &schedule),
    LOADED(PB_KIND_SCHEDULE, "one-shot", .schedule = &schedule),
    {.plugin = &(const struct pb_plugin){PB_PLUGIN_HEADER(PB_KIND_SCHEDULE), .name = "soft", .summary = "fake",
                                         .version = "1.0.0", .options = soft_rows, .option_count = 1,
                                         .option_stride = sizeof(struct pb_option),
                                         .options_size = sizeof(struct soft_options), .schedule = &schedule},
     .file = "fake.so",
     .sha256 = "00"},
    LOADED(PB_KIND_BACKEND, "blis", .traits = PB_PLUGIN_DEFAULT, .backend = &backend),
    LOADED(PB_KIND_BACKEND, "reference", .backend = &backend),
    LOADED(PB_KIND_DATASET, "aircraft", .dataset = &dataset),
    LOADED(PB_KIND_DATASET, "birds", .dataset = &dataset),
    LOADED(PB_KIND_DATASET, "cars", .dataset = &dataset),
};

const struct pb_registry fake_registry = {.plugins = loaded, .count = sizeof loaded / sizeof *loaded};
