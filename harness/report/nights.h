/* The front page over many nights. */
#ifndef PB_REPORT_NIGHTS_H
#define PB_REPORT_NIGHTS_H

#include "history/history.h"

/*
 * Writes one self-contained HTML page: how the last night ended, since when something is better or worse, what is best, every method
 * and every night of the history. A night whose report is in the page's folder or below it is linked there. What was at path
 * stays when anything fails.
 */
PB_MUST_CHECK enum pb_status pb_nights_page(const struct pb_history *history, const char *path, struct pb_error *error);

#endif
