/* All cells of a run, grouped: data set → schedule → target × criterion, with statistics over seeds. */
#ifndef PB_SUMMARY_SUMMARY_H
#define PB_SUMMARY_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xml.h"
#include "results/record.h"
#include "statistics/over_seeds.h"

/* One measured quantity over the seeds of a row. Strings live as long as the summary. */
struct pb_summary_value {
    const char *name; /* "top1", "params", "params-reduction", "median-ms", …: see summary_values.c */
    const char *stage; /* "base", "pruned", "retrained"; "final": the last of them that was measured; "" without one */
    uint32_t batch; /* of latencies; else 0 */
    struct pb_statistics over_seeds;
    double
        image_error; /* accuracies: binomial standard error of the test images, root mean square over seeds; else NaN */
    uint32_t noisy; /* latencies: seeds whose figure is marked */
};

/* A layer's width over the seeds of a row. */
struct pb_summary_layer {
    const char *name;
    uint32_t channels;
    struct pb_statistics kept;
};

/* One pruning step over the seeds of a row; counts are of all layers. */
struct pb_summary_step {
    const char *stage, *from; /* "prune-40", and the stage that it cut */
    struct pb_statistics before, after; /* channels */
    struct pb_statistics threshold, ties, floored, equivalence; /* as in pb_pruning_record */
    struct pb_statistics achieved; /* share of the unpruned network's measure that is gone after it */
};

/* A layer that was pruned alone, without training, and what the network then was worth on the validation images. */
struct pb_summary_alone {
    const char *layer;
    uint32_t channels, kept;
    struct pb_statistics top1; /* over seeds */
};

/* One line of a table: the cells that differ in nothing but the seed. */
struct pb_summary_row {
    const char *criterion, *target, *measure; /* "" in a baseline */
    double amount; /* what was asked for, 0 … 1 */
    struct pb_statistics removed; /* share of the measure that is gone; n 0: nothing was pruned, or it is not known */
    double rounding; /* two shares that differ by no more are the same: a channel's */
    bool off_target; /* a seed missed the amount by more than rounding, or what it reached is not known */
    bool removed_varies; /* seeds differ by more than rounding */
    double place; /* rows are in this order: the share removed, or the amount where the two are the same */
    uint32_t without_baseline; /* cells that ended well and lack the unpruned network's accuracy */
    uint32_t collapsed; /* cells whose accuracy is near chance, or half lost; see summary_removed.c */
    bool best; /* distinguished from random controls and from the next criterion; see summary_best.c */
    bool control; /* the criterion is a random control */
    bool select_on_test, zero_gamma_beta; /* weaker protocols, marked wherever the numbers show */
    const struct pb_record **cells; /* by seed; those that ended well first */
    uint32_t cell_count, ok_count;
    struct pb_summary_value *values;
    uint32_t value_count;
    struct pb_summary_layer *layers;
    uint32_t layer_count;
    struct pb_summary_step *steps; /* in the order in which they were done */
    uint32_t step_count;
    struct pb_summary_alone *alone; /* by layer, then in the order in which they were measured */
    uint32_t alone_count;
    const struct pb_record *published; /* the reference's numbers for this row (results/reference.h); NULL: none */
};

/* Final top-1 of row a minus that of row b, paired by seed. */
struct pb_summary_comparison {
    const struct pb_summary_row *a, *b; /* of the same target */
    struct pb_statistics difference;
    double p; /* of no difference, from the seeds; NaN for n < 2 */
    bool unlike; /* the two removed different shares, so that their accuracies cannot be compared */
    double image_error; /* of the difference, from the test images alone; what is left for one seed */
};

struct pb_summary_schedule {
    const char *label;
    char *id; /* "birds.one-shot": a file name */
    struct pb_summary_row baseline; /* the unpruned network */
    struct pb_summary_row *rows; /* by the share removed, then criterion */
    uint32_t row_count;
    struct pb_summary_comparison *comparisons;
    uint32_t comparison_count;
};

/* Fewer seeds give no interval and distinguish nothing. */
#define PB_ENOUGH_SEEDS 3
/* Distinguished: the paired t test's p, times the number of candidates that the best was chosen from, is at most this. */
#define PB_LEVEL 0.05

/* The pruned network of highest accuracy in a section, and whether it may be called the best. */
struct pb_summary_best {
    const struct pb_summary_schedule *schedule;
    const struct pb_summary_row *row; /* NULL: none has been pruned and has not collapsed */
    uint32_t candidates; /* rows that it was chosen from */
    const struct pb_summary_schedule *next_schedule;
    const struct pb_summary_row *next; /* the next method at the same target; NULL: there is none */
    double p_control, p_next; /* times the candidates, at most 1; NaN: no test */
    const char *
        verdict; /* "best", "few-seeds", "no-control", "unlike", "control", "next": what it is not distinguished from */
};

/* A method, or a control, among all of its target. */
struct pb_summary_entry {
    const struct pb_summary_schedule *schedule;
    const struct pb_summary_row *row;
    const struct pb_summary_row *control; /* layer-proportion, of the same schedule; NULL: there is none */
    struct pb_statistics top1; /* final */
    /* One more than the methods that are distinguished as better; all methods less those distinguished as worse. Two that removed the
     * same share and cannot be distinguished thus share a place. 0: it has none. */
    uint32_t first, last;
    struct pb_statistics
        against; /* final top-1 minus the control's, paired by seed, interval from the board's residual */
    double p; /* of no difference to the control, with those of the board's other methods (Holm); NaN: no test */
    const char
        *verdict; /* "better", "worse", "same" than the control, or why that is not known; see summary_leaderboard.c */
};
/* All methods and controls of a section at one target, the most accurate first, collapsed ones last. */
struct pb_summary_board {
    const struct pb_summary_row *sample; /* one of the target's rows */
    struct pb_summary_entry *entries;
    uint32_t entry_count;
    uint32_t methods; /* that have a place */
    struct pb_residual residual; /* noise of a row's top-1 from seed to seed */
    const char *verdict; /* "ranked", or why nothing is: "one-seed", "two-seeds", "one-method", "no-test" */
    bool headline; /* the board that a report shows first; one of a section, none where all methods collapsed */
};

/* |γ| of the unpruned network over all layers, mean counts over seeds. */
struct pb_summary_gamma {
    double *bins; /* from 0 to max in equal widths; NULL without batch norm */
    uint32_t bin_count;
    double max, channels, near_zero; /* near_zero: share in the first bin */
    uint32_t seeds;
};

/* |γ| before the first and after the last pruning step of one row, both on one axis, means over its seeds. */
struct pb_summary_gamma_change {
    const struct pb_summary_schedule *schedule;
    const struct pb_summary_row *row; /* NULL: no cell recorded it */
    struct pb_summary_gamma before, after;
};

/* A data set's contact sheets (experiment/samples.h), as the documents name them and as they are in OUT/samples. */
struct pb_summary_samples {
    char *key; /* of the folder; NULL where the documents name none or its files are not there */
    char **classes; /* a row each */
    uint32_t class_count;
    struct pb_summary_side {
        uint32_t width, height; /* pixels */
    } samples, augmented;
};

/* In what a section's network or data differ from the published ones. */
struct pb_summary_scale {
    const char *what; /* "image size" */
    char *ours, *published;
};

/* Everything but schedule, target, criterion and seed is the same in here. */
struct pb_summary_section {
    const char *dataset, *model, *backend, *variant;
    char *id, *title; /* a file name; a headline: the data set and whatever else differs between sections */
    const struct pb_summary_section *all; /* every section of the summary, this one included */
    uint32_t all_count;
    const struct pb_record *sample; /* one of its cells, for image and class counts */
    struct pb_summary_schedule *schedules;
    uint32_t schedule_count;
    struct pb_summary_best best;
    struct pb_summary_board *boards; /* by measure and amount */
    uint32_t board_count;
    struct pb_summary_gamma gamma;
    struct pb_summary_gamma_change gamma_change;
    struct pb_summary_samples samples;
    const struct pb_record *published; /* of the reference: the same data set and kind of network; NULL: none */
    struct pb_summary_scale *scales; /* none where the scale is that of the reference, or there is none */
    uint32_t scale_count;
};

/* A comparison that the matrix declares: <compare variant="…" with="…" equal-within="…"/>. */
struct pb_summary_declared {
    char *variant, *with;
    char *id; /* a file name: "heavy-plain" */
    double equal_within; /* two top-1 are equal where the 95 % interval of their paired difference lies within ± this */
};

/* A row of the declared variant against one of the other, paired by seed. */
struct pb_summary_compared {
    const struct pb_summary_declared *declared;
    const struct pb_summary_section *section, *with_section;
    const struct pb_summary_schedule *schedule, *with_schedule;
    const struct pb_summary_row *row, *with_row;
    bool against_unpruned; /* with_row is a baseline */
    bool same_target; /* else: with_row is the smallest network of the other variant with equal top-1 */
    struct pb_statistics top1; /* difference */
    struct pb_statistics params; /* relative difference */
};

/* How often each value of an option or of a provenance entry occurs. */
struct pb_summary_fact {
    const char *name;
    struct pb_summary_fact_value {
        const char *value;
        uint32_t cells;
    } * values;
    uint32_t value_count;
};

struct pb_summary_unreadable {
    char *file, *message;
};

/* Why a result document that can be read is in no table. */
enum pb_left_out {
    PB_LEFT_OUT_NAME, /* file name, id and content name different cells: a copy, or renamed */
    PB_LEFT_OUT_MATRIX, /* the matrix that was run last has no such cell */
    PB_LEFT_OUT_EARLIER, /* the matrix has the cell with other settings, or code that decides numbers has changed */
    PB_LEFT_OUT_TWICE, /* another document is of the same cell */
    PB_LEFT_OUT_VERSION, /* it does not say what its criterion is: a random control would be taken for a criterion */
    PB_LEFT_OUT_SETTINGS, /* its settings are not those of its row's other seeds */
    PB_LEFT_OUT_COUNT
};
extern const char *const pb_left_out_names[PB_LEFT_OUT_COUNT + 1]; /* "of another matrix", …, NULL */
struct pb_summary_left_out {
    char *file, *message;
    enum pb_left_out reason;
};

struct pb_summary {
    char *out; /* the folder that it was read from; NULL: none */
    struct pb_record *records; /* every cell that could be read, in the tables' order */
    uint32_t record_count;
    struct pb_summary_unreadable *unreadable;
    uint32_t unreadable_count;
    struct pb_summary_left_out *left_out;
    uint32_t left_out_count;
    const char *matrix; /* its name; "" when no cell gives one */
    const char *reference_name, *reference_title; /* the reference's, NULL without one */
    struct pb_summary_section *sections;
    uint32_t section_count;
    struct pb_summary_declared *declared;
    uint32_t declared_count;
    struct pb_summary_compared *compared;
    uint32_t compared_count;
    struct pb_summary_fact *options, *provenance;
    uint32_t option_count, provenance_count;
};

/* Reads out/cells and groups. A document that cannot be read, or lacks the keys to group by, is warned about and listed
 * as unreadable. One that is not of the matrix that was run last (results/cell_list.h), is a copy, or has other settings
 * than its row's other seeds is warned about and listed as left out. A folder without any cell for a table is
 * PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_summary_read(const char *out, struct pb_summary *summary, struct pb_error *error);
/* The same of records that were read before, of one run: without samples and declared
 * comparisons, labels ordered by name. Takes *records, from
 * pb_calloc, over in any case. name: for messages. None, or one without the keys to group by, is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_summary_of(const char *name, struct pb_record **records, uint32_t count,
                                           struct pb_summary *summary, struct pb_error *error);
/* The document that stylesheets read, validated against schema/summary-1.xsd; pb_summary_write writes it to a file. */
PB_MUST_CHECK enum pb_status pb_summary_document(const struct pb_summary *summary, struct pb_xml *document,
                                                 struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_summary_write(const char *path, const struct pb_summary *summary,
                                              struct pb_error *error);
void pb_summary_free(struct pb_summary *summary);

/* NULL when it was not measured. */
const struct pb_summary_value *pb_summary_find(const struct pb_summary_row *row, const char *name, const char *stage,
                                               uint32_t batch);
/* Mean over seeds; NaN when it was not measured. */
double pb_summary_mean(const struct pb_summary_row *row, const char *name, const char *stage, uint32_t batch);
/* The share that is gone in per cent, at most one digit behind the point: "39.9"; "–" where it is not known. */
void pb_summary_format_share(double share, char buffer[16]);
/* A config entry of a cell; "" when absent. */
const char *pb_summary_config(const struct pb_record *record, const char *key);

#endif
