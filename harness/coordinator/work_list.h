/*
 * What a run has to do, for the workers that join it: OUT/work-list.json. Written last of all that a run prepares, so that whoever finds
 * that the other files are those it names has a run that is whole.
 */
#ifndef PB_COORDINATOR_WORK_LIST_H
#define PB_COORDINATOR_WORK_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A cell that is to be run. */
struct pb_work_item {
    const char *id;
    char document[65]; /* SHA-256 of the document that is there and does not count; "" where there is none */
};

struct pb_work_list {
    char id[33]; /* random: no two lists have the same */
    char matrix[65], plans[65]; /* SHA-256 of OUT/matrix.xml and OUT/plans.txt */
    const char *version, *git, *numerics; /* borrowed; of the program that planned the run */
    const char *folder; /* its working folder: relative paths of the matrix begin there */
    bool workers_measure; /* the latencies; else the coordinator does, on its own host */
    struct pb_work_plugin {
        const char *file; /* the object */
        char sha256[65];
    } * plugins;
    size_t plugin_count;
    struct pb_work_failure {
        char stage[65]; /* key */
        const char *cell, *message; /* in which it failed, and why */
    } * failures; /* stages that an earlier run could not make: cells behind them are blocked */
    size_t failure_count;
    struct pb_work_item *cells; /* in the matrix's order */
    size_t cell_count;
    json_t *json; /* that the strings of a list that was read belong to; else NULL */
};

PB_MUST_CHECK enum pb_status pb_work_list_write(const char *out, const struct pb_work_list *list,
                                                struct pb_error *error);
/* A folder without one is PB_ERROR_INPUT: no run was planned there. */
PB_MUST_CHECK enum pb_status pb_work_list_read(const char *out, struct pb_work_list *list, struct pb_error *error);
void pb_work_list_free(struct pb_work_list *list);

/* Which file the list is: another one after a run was prepared anew. All zero where there is none. */
struct pb_work_list_identity {
    uint64_t inode;
    int64_t seconds, nanoseconds;
};
struct pb_work_list_identity pb_work_list_look(const char *out);

#endif
