/* What a data set looks like to the network: contact sheets for the report. */
#ifndef PB_CELL_CONTACT_SHEETS_H
#define PB_CELL_CONTACT_SHEETS_H

#include "experiment/session.h"
#include "results/record.h"

/*
 * OUT/samples/NAME/ with samples.png (rows of classes, training images as the network sees them), classes.txt (the
 * rows' names) and augmented.png (one training image as it is, then augmented anew each time). Made once for a data set
 * and its preprocessing; NAME goes into the record's provenance as "samples".
 */
PB_MUST_CHECK enum pb_status pb_session_samples(struct pb_session *session, struct pb_record *record,
                                                struct pb_error *error);

#endif
