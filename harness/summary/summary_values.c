/* What is read off each cell, and its statistics over a row's seeds. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"

/* The values of one quantity, one per cell of the row. */
struct samples {
    const char *name, *stage;
    uint32_t batch;
    double *values; /* NaN where the cell lacks it */
    double error_square; /* Σ of squared binomial errors */
    uint32_t error_count;
    uint32_t noisy_count;
};
struct sample_set {
    struct samples *items;
    uint32_t count;
    uint32_t cell_count, cell; /* of the row; the one that is being read */
    bool differences; /* to the baseline: every cell of the row has one */
    enum pb_status status;
    struct pb_error *error;
};

/* One quantity of one cell. */
struct sample {
    const char *name, *stage;
    uint32_t batch;
    double value;
    double image_error; /* NaN: none */
    bool noisy;
};

static struct samples *find_samples(struct sample_set *set, const struct sample *sample)
{
    for (uint32_t i = 0; i < set->count; i++) {
        struct samples *item = &set->items[i];
        if (strcmp(item->name, sample->name) == 0 && strcmp(item->stage, sample->stage) == 0 &&
            item->batch == sample->batch)
            return item;
    }
    struct samples *items = pb_array_room(set->items, set->count, sizeof *items, set->error);
    if (items == NULL)
        return NULL;
    set->items = items;
    double *values = pb_calloc(set->cell_count, sizeof *values);
    if (values == NULL) {
        (void)pb_fail_memory(set->error, set->cell_count * sizeof *values);
        return NULL;
    }
    for (uint32_t i = 0; i < set->cell_count; i++)
        values[i] = NAN;
    items[set->count] =
        (struct samples){.name = sample->name, .stage = sample->stage, .batch = sample->batch, .values = values};
    return &items[set->count++];
}

static void add_sample(struct sample_set *set, const struct sample *sample)
{
    if (set->status != PB_OK || isnan(sample->value))
        return;
    struct samples *item = find_samples(set, sample);
    if (item == NULL) {
        set->status = PB_ERROR_MEMORY;
        return;
    }
    item->values[set->cell] = sample->value;
    item->noisy_count += sample->noisy;
    if (!isnan(sample->image_error)) {
        item->error_square += sample->image_error * sample->image_error;
        item->error_count++;
    }
}

static void add(struct sample_set *set, const char *name, const char *stage, double value)
{
    struct sample sample = {.name = name, .stage = stage, .value = value, .image_error = NAN};
    add_sample(set, &sample);
}

static void add_accuracy(struct sample_set *set, const struct pb_accuracy_record *row, const char *stage)
{
    struct sample sample = {
        .name = "top1", .stage = stage, .value = row->top1, .image_error = pb_binomial_error(row->top1, row->images)};
    add_sample(set, &sample);
    sample.name = "top5";
    sample.value = row->top5;
    sample.image_error = pb_binomial_error(row->top5, row->images);
    add_sample(set, &sample);
    add(set, "loss", stage, row->loss);
}

static void add_cost(struct sample_set *set, const struct pb_cost_record *row)
{
    add(set, "params", row->stage, (double)row->params);
    add(set, "params-trunk", row->stage, (double)row->params_trunk);
    add(set, "params-head", row->stage, (double)row->params_head);
    add(set, "macs", row->stage, (double)row->macs);
    if (row->has_masks) {
        add(set, "nonzero-params", row->stage, (double)row->nonzero_params);
        add(set, "nonzero-macs", row->stage, (double)row->nonzero_macs);
    }
    if (row->has_zeros) {
        add(set, "zero-filters", row->stage, (double)row->zero_filters);
        add(set, "zero-input-channels", row->stage, (double)row->zero_inputs);
        add(set, "zero-shapes", row->stage, (double)row->zero_shapes);
    }
    add(set, "bytes", row->stage, (double)row->bytes);
    if (row->has_target) {
        add(set, "achieved", row->stage, row->achieved);
        add(set, "floored", row->stage, row->floored);
    }
}

static double reduction(uint64_t before, uint64_t after)
{
    return before == 0 ? NAN : 1 - (double)after / (double)before;
}

static void add_reductions(struct sample_set *set, const struct pb_record *record)
{
    const struct pb_cost_record *base = pb_summary_cost(record, "base");
    const struct pb_cost_record *pruned = pb_summary_cost(record, "pruned");
    if (base == NULL || pruned == NULL)
        return;
    add(set, "params-reduction", "pruned", reduction(base->params, pruned->params));
    add(set, "params-trunk-reduction", "pruned", reduction(base->params_trunk, pruned->params_trunk));
    add(set, "params-head-reduction", "pruned", reduction(base->params_head, pruned->params_head));
    add(set, "macs-reduction", "pruned", reduction(base->macs, pruned->macs));
    add(set, "bytes-reduction", "pruned", reduction(base->bytes, pruned->bytes));
}

static void add_latencies(struct sample_set *set, const struct pb_record *record, bool base_only)
{
    for (uint32_t i = 0; i < record->latency_count; i++) {
        const struct pb_latency_record *row = &record->latencies[i];
        if (base_only && strcmp(row->stage, "base") != 0)
            continue;
        struct sample sample = {.name = "median-ms",
                                .stage = row->stage,
                                .batch = row->batch,
                                .value = row->median_ms,
                                .image_error = NAN,
                                .noisy = row->noisy};
        add_sample(set, &sample);
        sample.name = "p95-ms";
        sample.value = row->p95_ms;
        add_sample(set, &sample);
        for (uint32_t k = 0; k < record->latency_count; k++) {
            const struct pb_latency_record *base = &record->latencies[k];
            if (strcmp(row->stage, "base") == 0 || strcmp(base->stage, "base") != 0 || base->batch != row->batch ||
                base->threads != row->threads || !(row->median_ms > 0) || row->noisy || base->noisy)
                continue;
            sample.name = "speed-up";
            sample.value = base->median_ms / row->median_ms;
            add_sample(set, &sample);
        }
    }
}

/* Mean seconds of the epochs whose stage is (or is not) the base's. */
static double epoch_seconds(const struct pb_record *record, bool base)
{
    double sum = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < record->epoch_count; i++)
        if ((strcmp(record->epochs[i].stage, "base") == 0) == base && !isnan(record->epochs[i].seconds)) {
            sum += record->epochs[i].seconds;
            count++;
        }
    return count == 0 ? NAN : sum / count;
}

/* Channels that came back in all soft epochs; NaN without any such epoch. */
static double revived(const struct pb_record *record)
{
    uint64_t sum = 0;
    bool soft = false;
    for (uint32_t i = 0; i < record->epoch_count; i++) {
        soft |= record->epochs[i].masked != 0;
        sum += record->epochs[i].revived;
    }
    return soft ? (double)sum : (double)NAN;
}

/* Of all of a cell's scorings together; NaN where the document has none. */
static double scoring_seconds(const struct pb_record *record)
{
    double sum = record->scoring_count == 0 ? (double)NAN : 0;
    for (uint32_t i = 0; i < record->scoring_count; i++)
        sum += record->scorings[i].seconds;
    return sum;
}

/* Of the cell's scoring that took most of it; NaN where the document does not say. */
static double scoring_bytes(const struct pb_record *record)
{
    double most = (double)NAN;
    for (uint32_t i = 0; i < record->scoring_count; i++)
        most = fmax(most, record->scorings[i].bytes);
    return most;
}

static void add_base(struct sample_set *set, const struct pb_record *record)
{
    const struct pb_accuracy_record *accuracy = pb_record_baseline(record);
    const struct pb_cost_record *cost = pb_summary_cost(record, "base");
    if (accuracy != NULL)
        add_accuracy(set, accuracy, "base");
    if (cost != NULL)
        add_cost(set, cost);
    add_latencies(set, record, true);
    add(set, "epoch-seconds", "base", epoch_seconds(record, true));
}

static void add_all(struct sample_set *set, const struct pb_record *record)
{
    static const char *const STAGES[] = {"base", "pruned", "retrained"};
    const struct pb_accuracy_record *base = pb_record_baseline(record);
    const struct pb_accuracy_record *final = pb_record_final(record);
    for (size_t i = 0; i < sizeof STAGES / sizeof *STAGES; i++) {
        const struct pb_accuracy_record *row = i == 0 ? base : pb_record_test(record, STAGES[i]);
        if (row != NULL)
            add_accuracy(set, row, STAGES[i]);
    }
    if (final != NULL)
        add_accuracy(set, final, "final");
    if (set->differences && base != NULL && final != NULL) {
        add(set, "top1-delta", "final", final->top1 - base->top1);
        add(set, "top5-delta", "final", final->top5 - base->top5);
    }
    for (size_t i = 0; i < sizeof STAGES / sizeof *STAGES; i++) {
        const struct pb_cost_record *cost = pb_summary_cost(record, STAGES[i]);
        if (cost != NULL)
            add_cost(set, cost);
    }
    add_reductions(set, record);
    add_latencies(set, record, false);
    add(set, "equivalence", "", record->equivalence);
    add(set, "revived", "", revived(record));
    add(set, "scoring-seconds", "", scoring_seconds(record));
    add(set, "scoring-bytes", "", scoring_bytes(record));
    if (record->peak_rss_bytes != 0)
        add(set, "peak-rss-bytes", "", (double)record->peak_rss_bytes);
    add(set, "epoch-seconds", "base", epoch_seconds(record, true));
    add(set, "epoch-seconds", "retrained", epoch_seconds(record, false));
}

/* The set's statistics as the row's values; frees the set. */
static enum pb_status finish(struct sample_set *set, struct pb_summary_row *row)
{
    struct pb_summary_value *values = NULL;
    if (set->status == PB_OK && set->count != 0) {
        values = pb_calloc(set->count, sizeof *values);
        if (values == NULL)
            set->status = pb_fail_memory(set->error, set->count * sizeof *values);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const struct samples *item = &set->items[i];
        if (values != NULL)
            values[i] = (struct pb_summary_value){
                .name = item->name,
                .stage = item->stage,
                .batch = item->batch,
                .over_seeds = pb_statistics_of(item->values, set->cell_count),
                .image_error = item->error_count == 0 ? NAN : sqrt(item->error_square / item->error_count),
                .noisy = item->noisy_count,
            };
        pb_free(item->values);
    }
    pb_free(set->items);
    if (set->status == PB_OK) {
        row->values = values;
        row->value_count = set->count;
    }
    return set->status;
}

static enum pb_status measure_layers(struct pb_summary_row *row, struct pb_error *error)
{
    const struct pb_record *first = row->cells[0];
    if (row->ok_count == 0 || first->layer_count == 0)
        return PB_OK;
    double *kept = pb_calloc(row->ok_count, sizeof *kept);
    struct pb_summary_layer *layers = pb_calloc(first->layer_count, sizeof *layers);
    if (kept == NULL || layers == NULL) {
        pb_free(kept);
        pb_free(layers);
        return pb_fail_memory(error, first->layer_count * sizeof *layers);
    }
    for (uint32_t i = 0; i < first->layer_count; i++) {
        for (uint32_t cell = 0; cell < row->ok_count; cell++) {
            const struct pb_record *record = row->cells[cell];
            kept[cell] = i < record->layer_count ? (double)record->layers[i].kept : (double)NAN;
        }
        layers[i] = (struct pb_summary_layer){.name = first->layers[i].name,
                                              .channels = first->layers[i].channels,
                                              .kept = pb_statistics_of(kept, row->ok_count)};
    }
    pb_free(kept);
    row->layers = layers;
    row->layer_count = first->layer_count;
    return PB_OK;
}

enum pb_status pb_summary_measure(struct pb_summary_row *row, struct pb_error *error)
{
    struct sample_set set = {.cell_count = row->ok_count, .differences = row->without_baseline == 0, .error = error};
    for (set.cell = 0; set.cell < row->ok_count; set.cell++)
        add_all(&set, row->cells[set.cell]);
    enum pb_status status = finish(&set, row);
    return status != PB_OK ? status : measure_layers(row, error);
}

/* Cells of one seed share their base model: moves the first of each seed that has it (or, without accuracy, the first that
 * ended well) to the front, and returns how many these are. */
static uint32_t keep_one_per_seed(struct pb_summary_row *row, bool with_accuracy)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < row->cell_count; i++) {
        const struct pb_record *cell = row->cells[i];
        bool counted = cell->status != PB_CELL_OK || (with_accuracy && pb_record_baseline(cell) == NULL);
        for (uint32_t k = 0; k < kept; k++)
            counted |= pb_record_seed(row->cells[k]) == pb_record_seed(cell);
        if (!counted)
            row->cells[kept++] = cell;
    }
    return kept;
}

enum pb_status pb_summary_measure_base(struct pb_summary_row *row, struct pb_error *error)
{
    uint32_t kept = keep_one_per_seed(row, true);
    const bool measured = kept != 0;
    if (!measured) /* no accuracy, but the unpruned network's size is known */
        kept = keep_one_per_seed(row, false);
    row->cell_count = kept;
    row->ok_count = measured ? kept : 0;
    struct sample_set set = {.cell_count = kept, .error = error};
    for (set.cell = 0; set.cell < kept; set.cell++)
        add_base(&set, row->cells[set.cell]);
    return finish(&set, row);
}
