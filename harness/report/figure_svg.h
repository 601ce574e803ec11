/* gnuplot's SVG made fit to stand inside an HTML page. */
#ifndef PB_REPORT_FIGURE_SVG_H
#define PB_REPORT_FIGURE_SVG_H

#include "base/error.h"

/*
 * Rewrites the file in place: no DOCTYPE or prolog, every id (and what refers to it) with name in front so that pages
 * can hold many, no groups that hold nothing (which are most of the file), a font stack that does not depend on what is
 * installed, a title for readers who cannot see it, and the text of a point as its title, for the pointer.
 */
PB_MUST_CHECK enum pb_status pb_figure_svg_finish(const char *path, const char *name, const char *title,
                                                  struct pb_error *error);

#endif
