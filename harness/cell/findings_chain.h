/* What a session's chain of stages left behind, as rows of the record. */
#ifndef PB_CELL_FINDINGS_CHAIN_H
#define PB_CELL_FINDINGS_CHAIN_H

#include "experiment/session.h"
#include "results/record.h"

/* Epochs of the trainings, every pruning, the worst equivalence. */
PB_MUST_CHECK enum pb_status pb_findings_chain(struct pb_session *session, struct pb_record *record,
                                               struct pb_error *error);
/* Layers of the base model with what the last of the record's prunings left of them, and the distribution of their γ. */
PB_MUST_CHECK enum pb_status pb_findings_layers(struct pb_session *session, pb_stage base, struct pb_record *record,
                                                struct pb_error *error);

#endif
