/* A criterion that was linked without a library that it needs. */
#include "bad-criterion.h"

double undefined_symbol_of_no_library(void);

static enum pb_status score_with_library(void *self, const struct pb_layer_view *layer, double *scores)
{
    const enum pb_status status = score(self, layer, scores);
    scores[0] = undefined_symbol_of_no_library();
    return status;
}

static const struct pb_criterion operations = {
    .size = sizeof(struct pb_criterion),
    .create = create,
    .score = score_with_library,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    GOOD_TEXTS("undefined-symbol"),
    .criterion = &operations,
};
EXPORT(plugin)
