/* The steps of pb_summary_read, each in a file of its own. */
#ifndef PB_SUMMARY_SUMMARY_PARTS_H
#define PB_SUMMARY_SUMMARY_PARTS_H

#include "base/text.h"
#include "graph/counting.h"
#include "results/cell_list.h"
#include "summary/summary.h"

/* The axes whose labels order and group cells. */
enum pb_axis { PB_AXIS_DATASET, PB_AXIS_MODEL, PB_AXIS_BACKEND, PB_AXIS_VARIANT, PB_AXIS_SCHEDULE, PB_AXIS_CRITERION };
#define PB_AXIS_COUNT 6
extern const char *const pb_axis_names[PB_AXIS_COUNT]; /* also the config keys */

/* The labels of every axis in the matrix's order. */
struct pb_axis_order {
    struct {
        char **labels;
        uint32_t count;
    } axes[PB_AXIS_COUNT];
};
/* From out/matrix.xml; empty when that is not there (labels are then ordered by name). */
PB_MUST_CHECK enum pb_status pb_axis_order_read(const char *out, struct pb_axis_order *order, struct pb_error *error);
uint32_t pb_axis_rank(const struct pb_axis_order *order, enum pb_axis axis, const char *label);
void pb_axis_order_free(struct pb_axis_order *order);

/* Without these a cell has no place in any table: PB_ERROR_INPUT with path. */
PB_MUST_CHECK enum pb_status pb_summary_check_keys(const char *path, const struct pb_record *record,
                                                   struct pb_error *error);
/* Fills records and unreadable from out/cells. */
PB_MUST_CHECK enum pb_status pb_summary_read_cells(const char *out, struct pb_summary *summary, struct pb_error *error);
/* Takes record over, or frees it and lists it as left out because of its name or of what list says (summary_bind.c). */
PB_MUST_CHECK enum pb_status pb_summary_bind(struct pb_summary *summary, const struct pb_cell_list *list,
                                             const char *name, struct pb_record *record, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_summary_leave_out(struct pb_summary *summary, const char *file, enum pb_left_out reason,
                                                  const char *message, struct pb_error *error);
/* From sorted records, those of one cell that another document also has, and of each row those whose settings, seed
 * aside, are not those of most of its cells. */
PB_MUST_CHECK enum pb_status pb_summary_unmix(struct pb_summary *summary, struct pb_error *error);
/* One line per reason on the log. */
void pb_summary_warn_left_out(const struct pb_summary *summary);
/* The first option in which two cells differ other than in the seed and the matrix's name; NULL without one. */
const char *pb_summary_other_setting(const struct pb_record *a, const struct pb_record *b);
/* Sorts records, makes sections, schedules, rows. */
PB_MUST_CHECK enum pb_status pb_summary_group(struct pb_summary *summary, const struct pb_axis_order *order,
                                              struct pb_error *error);
/* What a file name may hold of a label. */
void pb_summary_append_slug(struct pb_text *text, const char *label);
PB_MUST_CHECK enum pb_status pb_summary_name_sections(struct pb_summary *summary, struct pb_error *error);
/* The cost of a stage, NULL when the cell has none. */
const struct pb_cost_record *pb_summary_cost(const struct pb_record *record, const char *stage);
/* Fills values and layers of a row from its cells. */
PB_MUST_CHECK enum pb_status pb_summary_measure(struct pb_summary_row *row, struct pb_error *error);
/* The same for a baseline: one cell per seed counts, base stages only. */
PB_MUST_CHECK enum pb_status pb_summary_measure_base(struct pb_summary_row *row, struct pb_error *error);
/* Adds "counted" of base and pruned networks, and "counted-reduction": the work by a study's counting. A cell has none whose
 * document lacks the network. */
PB_MUST_CHECK enum pb_status pb_summary_add_counted(struct pb_summary_row *row, const struct pb_counting *counting,
                                                    struct pb_error *error);
/* Fills what a row achieved: removed and the members behind it, without_baseline, collapsed. */
PB_MUST_CHECK enum pb_status pb_summary_measure_removed(struct pb_summary_row *row, struct pb_error *error);
/* Counts the seeds whose unpruned network is near chance, as collapsed. */
void pb_summary_judge_baseline(struct pb_summary_row *baseline);
PB_MUST_CHECK enum pb_status pb_summary_sort_rows(struct pb_summary_schedule *schedule, struct pb_error *error);
/* The mean shares removed differ by no more than rounding. */
bool pb_summary_same_share(const struct pb_summary_row *a, const struct pb_summary_row *b);
/* Gives equal networks one latency each: the median of what cells measured. Changes the records. */
PB_MUST_CHECK enum pb_status pb_summary_share_latencies(struct pb_summary *summary, struct pb_error *error);
/* The difference of two rows; a and b of made stay as they are. Without a common seed: n 0. */
PB_MUST_CHECK enum pb_status pb_summary_compare_rows(const struct pb_summary_row *a, const struct pb_summary_row *b,
                                                     struct pb_summary_comparison *made, struct pb_error *error);
/* Marks the best row of each target, and fills the section's best. */
PB_MUST_CHECK enum pb_status pb_summary_add_best(struct pb_summary_section *section, struct pb_error *error);
/* Fills the section's boards. */
PB_MUST_CHECK enum pb_status pb_summary_add_leaderboard(struct pb_summary_section *section, struct pb_error *error);
void pb_summary_free_leaderboard(struct pb_summary_section *section);
PB_MUST_CHECK enum pb_status pb_summary_compare(struct pb_summary_schedule *schedule, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_summary_add_gamma(struct pb_summary_section *section, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_summary_add_gamma_change(struct pb_summary_section *section, struct pb_error *error);
/* Fills steps of a row from its cells. */
PB_MUST_CHECK enum pb_status pb_summary_measure_steps(struct pb_summary_row *row, struct pb_error *error);
/* The layers that a schedule pruned alone. */
PB_MUST_CHECK enum pb_status pb_summary_measure_alone(struct pb_summary_row *row, struct pb_error *error);
/* Looks below out/samples for what the section's documents name. */
PB_MUST_CHECK enum pb_status pb_summary_add_samples(const char *out, struct pb_summary_section *section,
                                                    struct pb_error *error);
void pb_summary_free_samples(struct pb_summary_samples *samples);
PB_MUST_CHECK enum pb_status pb_summary_add_facts(struct pb_summary *summary, struct pb_error *error);

/* The comparisons that out/matrix.xml declares. */
PB_MUST_CHECK enum pb_status pb_summary_add_compared(struct pb_summary *summary, struct pb_error *error);
/* "fewer", "more", "not-told-apart" parameters at equal top-1; "not-equal" top-1; "one-seed" and
 * "two-seeds", which decide nothing. */
const char *pb_summary_compared_verdict(const struct pb_summary_compared *made);
void pb_summary_free_compared(struct pb_summary *summary);

/* The row's cell of a seed that ended well; NULL without one. */
const struct pb_record *pb_summary_seed(const struct pb_summary_row *row, uint64_t seed);
/* The cell's last test accuracy: retrained, else pruned, else base; NULL without one. */
const struct pb_accuracy_record *pb_record_final(const struct pb_record *record);
/* A stage's on the test images; NULL without one. */
const struct pb_accuracy_record *pb_record_test(const struct pb_record *record, const char *stage);
/* The unpruned network's test accuracy after full training; NULL without one. */
const struct pb_accuracy_record *pb_record_baseline(const struct pb_record *record);
/* Share of the measure that is gone; NaN where nothing was pruned or the document does not say. */
double pb_record_removed(const struct pb_record *record, const char *measure);
/* The seed as a number; 0 when it is none. */
uint64_t pb_record_seed(const struct pb_record *record);

#endif
