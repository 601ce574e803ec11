/* What planning many cells shares: data sets and backends that were opened, engines that were predicted. */
#ifndef PB_PLANNING_OPENED_H
#define PB_PLANNING_OPENED_H

#include "planning/cell_plan.h"
#include "planning/estimate.h"

/* What is known of one data set or backend since it was opened; kept for the next cell that uses the same. */
struct pb_known_data {
    char *key;
    uint32_t classes, train, validation, test;
    char fingerprint[65]; /* "": it is not here */
    char missing[256]; /* it is not here */
    struct pb_error refusal; /* it is here, and wrong */
};
struct pb_known_device {
    char *key;
    struct pb_device *device; /* where it was refused: the host's portable operators */
    struct pb_error refusal;
    uint64_t resident; /* bytes that opening it brought in */
};

struct pb_known_weights {
    char *path;
    char sha256[65]; /* "": the file is not here, or cannot be read */
};

struct pb_opened {
    struct pb_known_data *data;
    size_t data_count;
    struct pb_known_device *devices;
    size_t device_count;
    struct pb_known_weights *weights;
    size_t weights_count; /* and teachers' files */
    struct pb_known_teacher *teachers;
    size_t teacher_count;
    struct pb_estimates estimates;
    uint64_t baseline; /* resident bytes of a process before its cell opens anything */
};

/* Opened now or before; it belongs to *opened, until the next call. A data set that is wrong, or cannot carry the cell, is an error; one
 * that is not here is none. */
PB_MUST_CHECK enum pb_status pb_find_data(struct pb_opened *opened, const struct pb_cell_config *config,
                                          const struct pb_known_data **found, struct pb_error *error);
/* A backend that cannot be created is no error: the host's own operators replace it, so that memory can be predicted. */
PB_MUST_CHECK enum pb_status pb_find_device(struct pb_opened *opened, const struct pb_cell_config *config,
                                            const struct pb_known_device **found, struct pb_error *error);
/* path: NULL where the cell has no teacher's file. *found: NULL then, and where the file is not here. A file that is damaged or no
 * checkpoint is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_find_teacher(struct pb_opened *opened, const char *path,
                                             const struct pb_known_teacher **found, struct pb_error *error);
void pb_known_teachers_free(struct pb_opened *opened);

#endif
