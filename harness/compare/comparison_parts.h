/* The steps of pb_compare_sides, each in a file of its own. */
#ifndef PB_COMPARE_COMPARISON_PARTS_H
#define PB_COMPARE_COMPARISON_PARTS_H

#include "compare/comparison.h"

/* Fills gaps, cells and their groups. */
PB_MUST_CHECK enum pb_status pb_compare_pair(struct pb_comparison *comparison, struct pb_error *error);
/* Fills changes. */
PB_MUST_CHECK enum pb_status pb_compare_inputs(struct pb_comparison *comparison, struct pb_error *error);
/* Fills the states of cells, and the defects that documents show. */
PB_MUST_CHECK enum pb_status pb_compare_bits(struct pb_comparison *comparison, struct pb_error *error);
/* Adds the defects that the networks of both folders show, counts what was compared, and marks cells whose last network is the same. */
PB_MUST_CHECK enum pb_status pb_compare_files(struct pb_comparison *comparison, struct pb_error *error);
/* Fills the groups' accuracies and quality. */
PB_MUST_CHECK enum pb_status pb_compare_quality(struct pb_comparison *comparison, double margin,
                                                struct pb_error *error);
/* Fills paths. */
PB_MUST_CHECK enum pb_status pb_compare_paths(struct pb_comparison *comparison, struct pb_error *error);
/* Fills speed. */
PB_MUST_CHECK enum pb_status pb_compare_speed(struct pb_comparison *comparison, const struct pb_margins *margins,
                                              struct pb_error *error);

/* Takes stage and what over, which are from pb_calloc (NULL: memory was out). */
PB_MUST_CHECK enum pb_status pb_compare_add_defect(struct pb_comparison *comparison, uint32_t cell, char *stage,
                                                   char *what, struct pb_error *error);
/* A provenance entry; NULL when absent or empty. */
const char *pb_provenance_of(const struct pb_record *record, const char *key);
/* Both say the same kernel set, or one does not say. */
bool pb_same_kernels(const struct pb_record *before, const struct pb_record *after);

/* The stages of a document that have keys, the first one first. */
enum pb_depth { PB_DEPTH_NONE, PB_DEPTH_BASE, PB_DEPTH_PRUNED, PB_DEPTH_LAST };
enum { PB_KEYED_STAGES = 3 };
struct pb_keyed_stage {
    const char *key, *name; /* "stage-base", "base" */
    enum pb_depth depth;
};
extern const struct pb_keyed_stage pb_keyed_stages[PB_KEYED_STAGES];
/* The key of a cell's last network; NULL where the document has none. */
const char *pb_last_key(const struct pb_record *record);

/* How two rows of a result document differ: the first field whose value is another one. */
struct pb_field_difference {
    char stage[128]; /* "prune-40" */
    char text[300]; /* "accuracy top1 is 0.5 before and 0.25 after" */
};
struct pb_number_visitor {
    enum pb_status (*found)(void *argument, const struct pb_field_difference *difference, struct pb_error *error);
    void *argument;
};
/*
 * Compares the numbers that stages up to this depth decide, bit for bit; what a clock or the machine decides is left out, and what only one
 * of the documents has because it is of an earlier version. trials: what a schedule measured on its way, too.
 */
PB_MUST_CHECK enum pb_status pb_compare_numbers(const struct pb_record *before, const struct pb_record *after,
                                                enum pb_depth depth, bool trials,
                                                const struct pb_number_visitor *visitor, struct pb_error *error);

#endif
