/* Which cell goes next: cells that share a stage wait until the first of them has made it, and fall with it. */
#ifndef PB_COORDINATOR_QUEUE_H
#define PB_COORDINATOR_QUEUE_H

#include "base/error.h"
#include "planning/cell_plan.h"

#define PB_NONE UINT32_MAX

enum pb_stage_state { PB_STAGE_MISSING, PB_STAGE_MAKING, PB_STAGE_STORED, PB_STAGE_FAILED };

/* A stage that one or more cells pass through. */
struct pb_shared_stage {
    char key[65];
    char name[48];
    enum pb_verb_kind verb;
    uint32_t parent; /* the stage that it begins with; PB_NONE: the untrained network */
    uint64_t macs;
    uint32_t epochs; /* of a training; 0: it is none */
    uint64_t memory; /* of the cell that needs most to make it */
    bool provisional; /* its key is not the one that it is stored under: what it is made from is not known here */
    enum pb_stage_state state;
    uint32_t owner; /* the cell that makes it, or made it fail */
    uint32_t first; /* the first cell, in the matrix's order, that passes through it */
    uint32_t users; /* how many do */
    uint32_t maker; /* since pb_queue_expect: the cell that will make it; PB_NONE: not known */
    uint64_t longest; /* what that cell has to make in all */
};

struct pb_queue {
    struct pb_shared_stage *stages;
    uint32_t stage_count, stage_capacity;
    uint32_t *places; /* hash table of the stages' keys: index + 1 into stages, 0 where it is empty */
    uint32_t place_count; /* a power of two, at least twice stage_capacity */
    uint32_t **path; /* per cell: its stages in order */
    uint32_t *path_length;
    uint32_t cell_count;
};
PB_MUST_CHECK enum pb_status pb_queue_create(uint32_t cell_count, struct pb_queue *queue, struct pb_error *error);
void pb_queue_free(struct pb_queue *queue);

/* The next stage of a cell's path; cells in the matrix's order. Cells without a path are never delayed. */
PB_MUST_CHECK enum pb_status pb_queue_add(struct pb_queue *queue, uint32_t cell, const struct pb_planned_stage *stage,
                                          struct pb_error *error);

/* The key of the cell's last stage; "" where it has no stages, or the key is provisional. */
const char *pb_queue_last_key(const struct pb_queue *queue, uint32_t cell);

/* May the cell start now? PB_STAGE_MISSING: yes; MAKING: another makes its next stage; FAILED: *stage has failed. */
enum pb_stage_state pb_queue_ask(const struct pb_queue *queue, uint32_t cell, uint32_t *stage);
/*
 * Of the cells that wait (waiting[cell]) and may start, the one to start now; PB_NONE where none may. It is the one whose missing
 * stages are the most work in sequence, since the run cannot end before they are made: whoever starts it makes first what the longest
 * paths share. Among equals it is the one whose next stage most cells share, then the first in the matrix's order. Cells without a path
 * come last.
 */
uint32_t pb_queue_next(const struct pb_queue *queue, const bool *waiting);

/* The cell begins: what is missing of its path it now makes. */
void pb_queue_start(struct pb_queue *queue, uint32_t cell);
/* It has passed the first done stages of its path. */
void pb_queue_progress(struct pb_queue *queue, uint32_t cell, uint32_t done);
/* How a cell ended: with all stages stored, at a stage that failed, or failed of something that no other cell has part in. */
enum pb_cell_end { PB_END_OK, PB_END_STAGE_FAILED, PB_END_ALONE };
/* It has ended. PB_END_STAGE_FAILED: returns the stage it was at (PB_NONE when all were passed). What it did not make is missing
 * again. */
uint32_t pb_queue_end(struct pb_queue *queue, uint32_t cell, enum pb_cell_end end);
/* A stage known to have failed in an earlier run. */
void pb_queue_fail(struct pb_queue *queue, uint32_t cell, const char *key);

/* Which cell will make each stage, when these run in the order of pb_queue_next and none fails. */
void pb_queue_expect(struct pb_queue *queue, const bool *waiting);
/* Work of the stages that the cell will make; 0 before pb_queue_expect. */
uint64_t pb_queue_weight(const struct pb_queue *queue, uint32_t cell);

#endif
