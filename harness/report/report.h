/* From result documents to summary.xml, tables, figures and index.html. */
#ifndef PB_REPORT_REPORT_H
#define PB_REPORT_REPORT_H

#include <stdbool.h>

#include "base/text.h"

#include "base/error.h"

enum pb_report_format {
    PB_REPORT_HTML = 1,
    PB_REPORT_LATEX = 2,
    PB_REPORT_MARKDOWN = 4,
    PB_REPORT_CSV = 8,
    PB_REPORT_FIGURES = 16
};

struct pb_report_options {
    unsigned formats; /* or-ed; 0: all */
    bool quiet;
    const char
        *reference; /* published results to set beside the run's: a name or a file; NULL: the matrix's own, if any;
                            * "none": none */
};

/* Reads every document in out/cells (one that cannot be read is warned about and left out), writes out/summary.xml and out/report/. */
PB_MUST_CHECK enum pb_status pb_report(const char *out, const struct pb_report_options *options,
                                       struct pb_error *error);

struct pb_stylesheet_options {
    const char *stylesheet, *output;
    const char *reference; /* as in pb_report_options */
};
/* Writes out/summary.xml afresh, applies the user's stylesheet to it (no network, no files written) and writes what it makes
 * to output. */
PB_MUST_CHECK enum pb_status pb_report_stylesheet(const char *out, const struct pb_stylesheet_options *options,
                                                  struct pb_error *error);

/* The results table as plain text (what `run` and `make demo` print last): appended to text. */
PB_MUST_CHECK enum pb_status pb_report_console(const char *out, struct pb_text *text, struct pb_error *error);

#endif
