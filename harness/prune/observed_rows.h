/* Sampled rows of the consumers on the current batch, as a criterion sees them. */
#ifndef PB_PRUNE_OBSERVED_ROWS_H
#define PB_PRUNE_OBSERVED_ROWS_H

#include <prunebench/criterion.h>

#include "base/guard.h"
#include "prune/layer_rows.h"

struct pb_observed_rows;

/* consumers: those of the network's groups; the network must outlive the rows. spec: images are those of the largest batch. */
PB_MUST_CHECK enum pb_status pb_observed_rows_create(const struct pb_network *network,
                                                     const struct pb_consumers *consumers,
                                                     const struct pb_rows_spec *spec, struct pb_observed_rows **rows,
                                                     struct pb_error *error);
/* Draws rows of the batch that the engine has run on, in place of the last batch's. */
PB_MUST_CHECK enum pb_status pb_observed_rows_sample(struct pb_observed_rows *rows, struct pb_engine *engine,
                                                     uint32_t images, struct pb_error *error);
/* There is no batch any more. */
void pb_observed_rows_clear(struct pb_observed_rows *rows);
/* consumer: index into the list. *view is NULL where there is no batch; else valid until the next batch, or clear. */
PB_MUST_CHECK enum pb_status pb_observed_rows_show(struct pb_observed_rows *rows, uint32_t consumer,
                                                   const struct pb_rows_view **view, struct pb_error *error);
void pb_observed_rows_free(struct pb_observed_rows **rows);

#endif
