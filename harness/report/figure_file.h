/* Figures as gnuplot leaves them: whole or cut. gnuplot ends well even when the disk was full. */
#ifndef PB_REPORT_FIGURE_FILE_H
#define PB_REPORT_FIGURE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Whether the bytes are a figure from its beginning to its end; format: "png", "pdf" or "svg". */
bool pb_figure_is_whole(const char *format, const char *data, size_t length);

/* A drawn file that is cut, empty or not there is PB_ERROR_RUN, with its size and the room that is left on its disk. */
PB_MUST_CHECK enum pb_status pb_figure_file_check(const char *path, const char *format, struct pb_error *error);

#endif
