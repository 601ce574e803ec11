/* A criterion with an option whose default is outside its own range. */
#include "bad-criterion.h"

struct options {
    double rate;
};

static const struct pb_option options[] = {
    {.name = "rate",
     .help = "share of something",
     .type = PB_OPTION_REAL,
     .default_text = "2",
     .min = 0,
     .max = 1,
     .offset = offsetof(struct options, rate)},
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("bad-options"),
    .options = options,
    .option_count = 1,
    .option_stride = sizeof(struct pb_option),
    .options_size = sizeof(struct options),
    GOOD_OPERATIONS,
};
EXPORT(plugin)
