/* A data set in numbers: images by split and class, their sizes. */
#ifndef PB_CELL_FINDINGS_DATA_H
#define PB_CELL_FINDINGS_DATA_H

#include "experiment/session.h"
#include "results/record.h"

PB_MUST_CHECK enum pb_status pb_findings_data(const struct pb_session *session, struct pb_record *record,
                                              struct pb_error *error);

#endif
