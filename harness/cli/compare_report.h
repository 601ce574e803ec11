/* A comparison for a terminal, in Markdown, as JSON, and as a page. */
#ifndef PB_CLI_COMPARE_REPORT_H
#define PB_CLI_COMPARE_REPORT_H

#include "cli/markup.h"
#include "compare/comparison.h"

/* What is reported, and by which limits. */
struct pb_compare_report {
    const struct pb_comparison *comparison;
    struct pb_margins margins;
    struct pb_gate gate;
    enum pb_verdict verdict;
};
void pb_compare_report_tables(const struct pb_compare_report *report, const struct pb_markup *markup);
/* Prints one JSON object. */
PB_MUST_CHECK enum pb_status pb_compare_report_json(const struct pb_compare_report *report, struct pb_error *error);
/* Writes one page that needs no other file. */
PB_MUST_CHECK enum pb_status pb_compare_report_html(const struct pb_compare_report *report, const char *path,
                                                    struct pb_error *error);

#endif
