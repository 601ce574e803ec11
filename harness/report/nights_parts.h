/* The parts of pb_nights_page. */
#ifndef PB_REPORT_NIGHTS_PARTS_H
#define PB_REPORT_NIGHTS_PARTS_H

#include "history/history.h"
#include "history/history_series.h"
#include "history/trend.h"
#include "report/figure_data.h"

/* What is known of the nights. */
struct pb_nights {
    const struct pb_history *history;
    struct pb_night_series series;
    struct pb_trend trend;
};

/* Appends the document that nights.xsl reads, in the namespace "urn:prunebench:nights:1". folder: that of the page, absolute. best: the
 * run that "what is best" is about; NULL: none. */
PB_MUST_CHECK enum pb_status pb_nights_document(const struct pb_nights *nights, const char *folder,
                                                const struct pb_history_run *best, struct pb_text *text,
                                                struct pb_error *error);

/* Top-1 of each data set, times and memory, failed cells, by night, with the changes of level (nights.gp). */
PB_MUST_CHECK enum pb_status pb_figure_nights(const struct pb_nights *nights, struct pb_figure_data *made,
                                              struct pb_error *error);

#endif
