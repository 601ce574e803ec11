/* Running gnuplot on a template of ours: no shell, labels only as data. */
#ifndef PB_REPORT_GNUPLOT_H
#define PB_REPORT_GNUPLOT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

/*
 * Runs `gnuplot -d -c TEMPLATE arguments…` ($PRUNEBENCH_GNUPLOT instead of gnuplot where set) and waits. A gnuplot that
 * is not there, or that fails, is PB_ERROR_RUN with what to install or what it said. arguments: NULL-terminated.
 */
PB_MUST_CHECK enum pb_status pb_gnuplot(const char *template_path, const char *const *arguments,
                                        struct pb_error *error);

/* Text for an argument that a template shows, without "]]>", which gnuplot's SVG could not hold. From pb_calloc; NULL when
 * memory is out. */
char *pb_gnuplot_argument(const char *value);
/* A label as a field of a tab-separated data file: no tabs, line ends, quotes, backslashes or "]]>", all of which gnuplot
 * would read, or write, as something else. tic: the field becomes a tic label, where '%' means a format. */
void pb_gnuplot_field(struct pb_text *text, const char *label, bool tic);

#endif
