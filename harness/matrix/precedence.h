/* Which value applies: the matrix's own, an axis entry's, then variants and overrides by how much they name. */
#ifndef PB_MATRIX_PRECEDENCE_H
#define PB_MATRIX_PRECEDENCE_H

#include "matrix/document.h"

/* Ranks below those of overrides: an override that names n axes has PB_RANK_OVERRIDE + n. */
enum { PB_RANK_NONE, PB_RANK_MATRIX, PB_RANK_ENTRY, PB_RANK_OVERRIDE };

#define PB_OPTION_LIMIT 256 /* different options that the changes of one cell may set */

struct pb_chosen_value {
    const struct pb_assignment *value;
    const struct pb_assignment *rival; /* equally specific, another text */
    uint32_t rank;
};
struct pb_chosen_option {
    const struct pb_option_assignment *option, *rival;
    uint32_t rank;
};
struct pb_precedence {
    struct pb_chosen_value values[PB_SETTING_LIMIT];
    struct pb_chosen_option options[PB_OPTION_LIMIT];
    uint32_t option_count;
};

/* The changes apply where nothing of a higher rank does. False: more options than PB_OPTION_LIMIT. */
bool pb_precedence_offer(struct pb_precedence *precedence, const struct pb_changes *changes, uint32_t rank);
/* Everything that applies at one place; contradictions and penalties without batch norm are PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_precedence_collect(const struct pb_document *document,
                                                   const uint32_t place[PB_MATRIX_COUNT],
                                                   struct pb_precedence *precedence, struct pb_error *error);
/* λ asked for where model has no batch norm is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_precedence_check_penalties(const struct pb_document *document,
                                                           const struct pb_precedence *precedence, const char *model,
                                                           struct pb_error *error);

/* Whether a setting that may follow something else was given a value of its own. */
bool pb_precedence_gives(const struct pb_precedence *precedence, const char *element, const char *name);
/* Where its value is; 0 for a default. */
long pb_precedence_line(const struct pb_precedence *precedence, const char *element, const char *name);

/* Everything but plugins, names and rounds. document: for its penalties; NULL: none. */
PB_MUST_CHECK enum pb_status pb_precedence_fill(const struct pb_document *document,
                                                const struct pb_precedence *precedence, struct pb_cell_values *values,
                                                struct pb_error *error);
/* The options of the entry's plugin on an axis. */
PB_MUST_CHECK enum pb_status pb_precedence_options(const struct pb_document *document,
                                                   const struct pb_precedence *precedence, enum pb_matrix_axis axis,
                                                   const struct pb_entry *entry, struct pb_options *options,
                                                   struct pb_error *error);

/* What cell starts from, where its model names a pretraining (pretraining_values.c). *line: where that is. */
PB_MUST_CHECK enum pb_status pb_pretraining_values_fill(const struct pb_document *document,
                                                        const struct pb_precedence *precedence, const char *label,
                                                        struct pb_cell_config *cell, long *line,
                                                        struct pb_error *error);

#endif
