/* What a criterion is shown of one layer: copies that it cannot change. */
#ifndef PB_PRUNE_SHOWN_H
#define PB_PRUNE_SHOWN_H

#include "base/guard.h"
#include "prune/layers.h"

enum { PB_SHOWN_ARRAYS = 20 }; /* arrays of struct pb_layer_view */

/* {0} is empty. Used for one layer after the other; must not be moved. */
struct pb_shown {
    struct pb_guarded arrays[PB_SHOWN_ARRAYS];
    struct pb_guarded view, name, scores;
    uint32_t threads; /* that look whether what was downloaded is finite; 0 and 1: one */
};
void pb_shown_free(struct pb_shown *shown);

/* Downloads what data names from an engine that has run on view's batch, and points view at it. All of it is finite. */
PB_MUST_CHECK enum pb_status pb_shown_observe(struct pb_shown *shown, struct pb_engine *engine,
                                              const struct pb_network *network, const struct pb_prunable_layer *layer,
                                              uint32_t data, struct pb_layer_view *view, struct pb_error *error);

/* The view as the criterion gets it: all that it points to is copied, or was downloaded, and is read-only until the next. */
PB_MUST_CHECK enum pb_status pb_shown_protect(struct pb_shown *shown, const struct pb_layer_view *view,
                                              const struct pb_layer_view **protected_view, struct pb_error *error);

/* For the note of where the process is: which arrays of the view are NULL, and what would bring them. observes: the hook is shown a
 * batch. */
void pb_shown_hint(const struct pb_layer_view *view, uint32_t data, bool observes, char *text, size_t size);

#endif
