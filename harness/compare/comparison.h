/* Two runs, or two results, cell by cell: what is missing, what has other bits, which inputs changed, whether it is worse. */
#ifndef PB_COMPARE_COMPARISON_H
#define PB_COMPARE_COMPARISON_H

#include "base/text.h"
#include "compare/quality.h"
#include "compare/speed.h"
#include "summary/summary.h"

enum pb_side { PB_BEFORE, PB_AFTER };

struct pb_compared_side {
    char *path;
    bool folder; /* of a run; else one result document */
    char *networks; /* the folder of its stored networks; NULL: PATH/stages */
    /* Its records, what cannot be read and what is of another matrix; of a document its record alone. */
    struct pb_summary run;
    const struct pb_record **records; /* by id */
};

/* A cell that one side has no result of, or a document that cannot be taken into account. */
struct pb_compare_gap {
    enum pb_side side;
    const char *why; /* "missing", "unreadable", or of pb_left_out_names */
    char *name; /* the cell's id, or the file's name */
    char *message; /* NULL: why says it all */
};

/* What came of a cell that both sides have. */
enum pb_cell_state {
    PB_CELL_FAILED_HERE, /* it did not end well on one side, and is not compared */
    PB_CELL_IDENTICAL, /* the same stage keys, the same bits */
    PB_CELL_SAME_NUMBERS, /* other stage keys, yet every number is the same to the last bit */
    PB_CELL_OTHER_NUMBERS, /* other stage keys, other numbers */
    PB_CELL_DEFECT, /* a stage of the same key has other bits */
};
extern const char *const pb_cell_states[]; /* "failed", "identical", "same-numbers", "other-numbers", "defect" */

struct pb_compared_cell {
    const char *id;
    const struct pb_record *before, *after;
    enum pb_cell_state state;
    uint32_t
        networks; /* of its stages, those whose stored networks both folders hold and that were compared byte for byte */
    bool one_network; /* the last stages are known to be the same network: by key, or by the bytes of their files */
    uint32_t group; /* index */
};

/* One input that is another one on the other side, in one cell or in many. */
struct pb_input_change {
    const char *kind; /* "code", "plugin", "data", "kernels", "machine", "option" */
    const char *key; /* "training.lr" */
    const char *before, *after; /* NULL: not given */
    bool unlike; /* other images, kernel sets or machines: the two cannot be compared */
    uint32_t *cells; /* indices, ascending */
    uint32_t cell_count;
};

/* A stage that has the same key and the same kernel set on both sides, and other bits. */
struct pb_bit_defect {
    uint32_t cell; /* index; PB_NO_CELL: no document names the stage */
    char *stage; /* "pruned", or the stage's key */
    char *what; /* "accuracy top1 is 0.5 before and 0.25 after" */
};
#define PB_NO_CELL UINT32_MAX

/* Cells that differ in nothing but the seed. */
struct pb_compared_group {
    char *name; /* the cells' id without the seed */
    uint32_t *cells; /* indices of those that ended well on both sides */
    uint32_t cell_count;
    double *before, *after; /* final top-1 on the test images, of the cells that have it */
    uint32_t before_count, after_count;
    bool same; /* every cell is identical, or has the same numbers */
    struct pb_quality_result quality; /* of no meaning where same */
};

/* Right and wrong answers of two inference paths of one network, image by image. */
struct pb_compared_paths {
    uint32_t cell;
    uint64_t images;
    uint32_t only_before, only_after; /* images that only this side has right */
    double p; /* exact McNemar's test, corrected over all cells that were tested (Holm) */
};

struct pb_comparison {
    struct pb_compared_side sides[2];
    struct pb_compare_gap *gaps;
    uint32_t gap_count;
    struct pb_compared_cell *cells; /* those that both sides have, by id */
    uint32_t cell_count;
    uint32_t state_counts[PB_CELL_DEFECT + 1];
    struct pb_bit_defect *defects;
    uint32_t defect_count;
    uint32_t files; /* networks of one key that both folders hold, whose bytes were compared */
    uint32_t without_files; /* cells that ended well on both sides, none of whose networks was compared */
    struct pb_input_change *changes;
    uint32_t change_count;
    struct pb_compared_group *groups;
    uint32_t group_count;
    struct pb_compared_paths *paths;
    uint32_t path_count;
    struct pb_speed_comparison speed;
};

/* From which difference on a change matters, as shares: also where nothing fails by it. */
struct pb_margins {
    double quality, speed, memory;
};

/* Reads a folder of a run, or one result document. A side without any result that can be read is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_compared_side_read(const char *path, struct pb_compared_side *side,
                                                   struct pb_error *error);
void pb_compared_side_free(struct pb_compared_side *side);
/*
 * Both are folders, or both are result documents, which are compared whatever their ids. Takes over what is in sides, also when it fails.
 * *comparison is freed by pb_comparison_free.
 */
PB_MUST_CHECK enum pb_status pb_compare_sides(struct pb_compared_side sides[2], const struct pb_margins *margins,
                                              struct pb_comparison *comparison, struct pb_error *error);
void pb_comparison_free(struct pb_comparison *comparison);

/* What is to fail. Other bits under the same stage key always do. */
struct pb_gate {
    bool quality, speed, memory;
};
enum pb_verdict {
    PB_VERDICT_GOOD, /* equal or better, as far as the gate asks */
    PB_VERDICT_REGRESSION = 1,
    /* Before all others: what is missing may be what is worse. Also where a gate has nothing to judge by. */
    PB_VERDICT_NOT_COMPARABLE = 3,
    PB_VERDICT_FAILED = 4, /* before a regression */
};
enum pb_verdict pb_comparison_verdict(const struct pb_comparison *comparison, const struct pb_gate *gate);
/* Why a gate has nothing to judge by, and so cannot pass; NULL: it has. */
const char *pb_comparison_blind(const struct pb_comparison *comparison, const struct pb_gate *gate);
/* Equal, better or worse, by how much, how sure: one sentence or two, without a line's end. */
void pb_comparison_sentence(const struct pb_comparison *comparison, const struct pb_margins *margins,
                            struct pb_text *text);
/* The row of this verdict whose effect is the largest; NULL: there is none. *count: how many have it. */
const struct pb_compared_group *pb_comparison_most(const struct pb_comparison *comparison,
                                                   enum pb_quality_verdict verdict, uint32_t *count);
/* Whether the two cannot be compared as a whole. */
bool pb_comparison_is_unlike(const struct pb_comparison *comparison);

#endif
