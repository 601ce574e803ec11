/* Named models, built or refused, for tests. */
#ifndef PB_TEST_MODELS_H
#define PB_TEST_MODELS_H

#include "graph/models.h"

/* Fails the test where the model cannot be built. */
struct pb_graph *model_of(struct pb_model_spec spec);
/* Fails the test unless the spec is refused as wrong input, with this in the message. */
void model_refused(struct pb_model_spec spec, const char *message);

#endif
