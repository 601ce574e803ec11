/* The cells of the matrix that was run last in a folder, each with the digest of its configuration: OUT/matrix-cells.txt.
 * The coordinator writes it; reports take only results that it names. */
#ifndef PB_RESULTS_CELL_LIST_H
#define PB_RESULTS_CELL_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pb_listed_cell {
    const char *id;
    char digest[65]; /* as in a document's provenance, PB_KEY_CONFIG */
};

struct pb_cell_list {
    bool present; /* false: the folder has no list */
    struct pb_listed_cell *cells; /* by id; the ids are in data */
    uint32_t count;
    char *data;
};

/* Sorts cells by id and replaces out/matrix-cells.txt. */
PB_MUST_CHECK enum pb_status pb_cell_list_write(const char *out, struct pb_listed_cell *cells, uint32_t count,
                                                struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_cell_list_read(const char *out, struct pb_cell_list *list, struct pb_error *error);
/* NULL when the matrix has no such cell. */
const struct pb_listed_cell *pb_cell_list_find(const struct pb_cell_list *list, const char *id);
void pb_cell_list_free(struct pb_cell_list *list);

#endif
