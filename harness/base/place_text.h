/* Where a process was, and what it died of there, as sentences. */
#ifndef PB_BASE_PLACE_TEXT_H
#define PB_BASE_PLACE_TEXT_H

#include "base/place.h"

/* A copy of another process's notes whose strings end and hold no control characters, whatever that process did to them. */
void pb_place_copy(const struct pb_place *place, struct pb_place *copy);

/*
 * The innermost call that has not returned: "criterion 'my-score', hook score, layer 'conv1_1'"; "operator 'conv_forward' of
 * backend 'blis', node 'conv1_1'"; "" when the process was in no foreign code. seconds: how long, at the time now.
 */
void pb_place_describe(const struct pb_place *place, double now, char *text, size_t size, double *seconds);
/* Whether that call is a plugin's own: neither the host's service that a hook called, nor an operator. */
bool pb_place_in_hook(const struct pb_place *place);

/* "criterion 'x' wrote to 'gamma' of layer 'conv3_2' in score; views are read-only", of the innermost hook. */
void pb_place_overstep(const struct pb_place *place, const struct pb_fault *fault, char *text, size_t size);

/* PB_ERROR_RUN where the innermost hook has written beside an array that did not reach another page: the sentence of
 * pb_place_overstep, and a rule behind it ("a layer has as many scores as channels"). To be called before pb_place_leave. */
struct pb_guarded;
PB_MUST_CHECK enum pb_status pb_place_check_beside(const struct pb_guarded *array, const char *rule,
                                                   struct pb_error *error);

/* What is known of a fault that is no guarded array's: "it read address 0x0; …"; "" when nothing is. */
void pb_place_reason(const struct pb_place *place, char *text, size_t size);

#endif
