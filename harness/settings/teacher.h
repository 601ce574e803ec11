/* The checkpoint that a cell's retraining learns from. */
#ifndef PB_SETTINGS_TEACHER_H
#define PB_SETTINGS_TEACHER_H

#include "graph/network.h"
#include "settings/config.h"

/* Reads the network, without its momentum. A file that is missing, damaged or no checkpoint is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_teacher_load(const char *path, struct pb_network **teacher, struct pb_error *error);

/* Whether the network of the cell's file can teach it: it takes the cell's images and outputs the data set's classes; else
 * PB_ERROR_INPUT. classes: 0 where they are not known. */
PB_MUST_CHECK enum pb_status pb_teacher_suits(const struct pb_cell_config *config, const struct pb_graph *teacher,
                                              uint32_t classes, struct pb_error *error);

#endif
