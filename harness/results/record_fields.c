/* The tables of a result document's fields, in the document's order. */
#include "results/record_fields.h"

#include <math.h>

#include "base/memory.h"
#include "results/field_tables.h"
#include "results/record_content.h"

double pb_gamma_near_zero(const struct pb_gamma_record *gamma)
{
    double count = 0;
    if (gamma->bins == NULL)
        return NAN;
    for (uint32_t i = 0; i < gamma->bin_count; i++)
        count += gamma->bins[i];
    return count > 0 ? gamma->bins[0] / count : (double)NAN;
}

static const char *const SPLITS[] = {"train", "validation", "test", NULL};
const char *const pb_cell_status_names[] = {
    [PB_CELL_OK] = "ok",
    [PB_CELL_FAILED] = "failed",
    [PB_CELL_CRASHED] = "crashed",
    [PB_CELL_TIMED_OUT] = "timed-out",
    [PB_CELL_MEMORY] = "out-of-memory",
    [PB_CELL_BLOCKED] = "blocked",
    NULL,
};

#define ROW pb_record
static const struct pb_field FAILURE[] = {
    {"signal", PB_FIELD_STRING, AT(signal), .help = "the signal that ended its process"},
    {"message", PB_FIELD_TEXT_ELEMENT, AT(message), .help = "what was reported"},
    {"log", PB_FIELD_TEXT_ELEMENT, AT(log_tail), .help = "the last lines of its log"},
};
static const struct pb_fields FAILURE_FIELDS = {
    .name = "failure",
    .help = "Why the cell has no full result.",
    OF_ROW,
    FIELDS(FAILURE),
};

static const struct pb_field PROVENANCE[] = {
    {"provenance", PB_FIELD_PAIRS, LIST(provenance, provenance_count)},
};
static const struct pb_fields PROVENANCE_FIELDS = {
    .name = "provenance",
    .help = "version, git, host, cpu, threads, backend, backend-detail, fallbacks, matrix-sha256, started, seconds, …",
    OF_ROW,
    FIELDS(PROVENANCE),
};

static const struct pb_field DATA[] = {
    {"train", PB_FIELD_COUNT32, true, AT(train_images)},
    {"validation", PB_FIELD_COUNT32, true, AT(validation_images)},
    {"test", PB_FIELD_COUNT32, true, AT(test_images)},
    {"classes", PB_FIELD_COUNT32, true, AT(class_count)},
    {"skipped", PB_FIELD_COUNT32, true, AT(skipped_images), .help = "images that could not be read"},
    {"train-per-class", PB_FIELD_RANGE, AT(train_per_class), .help = "images per class, validation's included"},
    {"test-per-class", PB_FIELD_RANGE, AT(test_per_class)},
    {"width", PB_FIELD_RANGE, AT(image_width),
     .help = "pixels of the image files, or of the boxes where images are cropped to them"},
    {"height", PB_FIELD_RANGE, AT(image_height)},
};
const struct pb_fields pb_data_fields = {
    .name = "data",
    .help = "Images used, by split. Three numbers are the smallest, the median and the largest.",
    OF_ROW,
    FIELDS(DATA),
};

static const struct pb_field EQUIVALENCE[] = {
    {"max-relative", PB_FIELD_REAL, true, AT(equivalence)},
};
static const struct pb_fields EQUIVALENCE_FIELDS = {
    .name = "equivalence",
    .help = "max|Δ| / max|logit| between the masked and the compacted network.",
    OF_ROW,
    FIELDS(EQUIVALENCE),
};

static const struct pb_field MEMORY[] = {
    {"peak-rss-bytes", PB_FIELD_COUNT, true, AT(peak_rss_bytes)},
};
static const struct pb_fields MEMORY_FIELDS = {
    .name = "memory",
    OF_ROW,
    FIELDS(MEMORY),
};
#undef ROW

#define ROW pb_pair
static const struct pb_field OPTION[] = {
    {"name", PB_FIELD_NAME, true, AT(key)},
    {"value", PB_FIELD_STRING, true, AT(value)},
};
static const struct pb_fields OPTION_FIELDS = {
    .name = "option",
    OF_ROW,
    FIELDS(OPTION),
};
#undef ROW

#define ROW pb_record
static const struct pb_inner OPTIONS[] = {
    {"option", &OPTION_FIELDS, PB_ANY_TIMES, LIST(config, config_count)},
};
static const struct pb_fields CONFIG_FIELDS = {
    .name = "config",
    .help = "Every option as resolved, defaults included.",
    OF_ROW,
    INNER(OPTIONS),
};
#undef ROW

/* Attributes of earlier documents. */
static void put_nothing(struct pb_xml_writer *writer, const char *name, const void *row)
{
    (void)writer, (void)name, (void)row;
}

#define ROW pb_cost_record
static const struct pb_field COST[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"params", PB_FIELD_COUNT, true, AT(params)},
    {"params-trunk", PB_FIELD_COUNT, AT(params_trunk)},
    {"params-head", PB_FIELD_COUNT, AT(params_head)},
    {"macs", PB_FIELD_COUNT, AT(macs)},
    {"macs-thesis", PB_FIELD_COUNT, .derive = put_nothing, .help = "not written any more, and ignored"},
    {"counted", PB_FIELD_COUNT, AT(counted), .known = offsetof(struct ROW, has_counted),
     .help = "published results: the work as their study counts it, by its counting.xml"},
    {"nonzero-params", PB_FIELD_COUNT, AT(nonzero_params), .known = offsetof(struct ROW, has_masks),
     .help = "where single weights are masked: params without them"},
    {"nonzero-macs", PB_FIELD_COUNT, AT(nonzero_macs), .known = offsetof(struct ROW, has_masks),
     .help = "where single weights are masked: macs without those of masked weights; no kernel here skips them"},
    {"zero-filters", PB_FIELD_COUNT, AT(zero_filters), .known = offsetof(struct ROW, has_zeros),
     .help = "where the matrix has penalties: filters of convolutions whose weights are all exactly zero"},
    {"zero-input-channels", PB_FIELD_COUNT, AT(zero_inputs), .known = offsetof(struct ROW, has_zeros),
     .help = "as zero-filters, of the weights that read one input channel"},
    {"zero-shapes", PB_FIELD_COUNT, AT(zero_shapes), .known = offsetof(struct ROW, has_zeros),
     .help = "as zero-filters, of the weights at one place of all filters"},
    {"bytes", PB_FIELD_COUNT, AT(bytes), .help = "of the checkpoint without momentum"},
    {"widths", PB_FIELD_COUNTS, LIST(widths, width_count)},
    {"requested", PB_FIELD_REAL, AT(requested), .known = offsetof(struct ROW, has_target),
     .help = "of the pruned network: the share to remove that was requested; absent where the target is a threshold"},
    {"achieved", PB_FIELD_REAL, AT(achieved), .known = offsetof(struct ROW, has_target),
     .help = "the share that was removed"},
    {"floored", PB_FIELD_COUNT32, AT(floored), .known = offsetof(struct ROW, has_target),
     .help = "channels that the floor kept"},
    {"graph", PB_FIELD_TEXT_ELEMENT, AT(graph), .help = "the network's layers as JSON, as its checkpoint has them"},
};
static const struct pb_fields COST_FIELDS = {
    .name = "cost",
    .help = "What is absent is not known.",
    OF_ROW,
    FIELDS(COST),
};
#undef ROW

#define ROW pb_accuracy_record
static const struct pb_field ACCURACY[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"split", PB_FIELD_WORD, true, AT(split), .choices = SPLITS},
    {"top1", PB_FIELD_SHARE, AT(top1)},
    {"top5", PB_FIELD_SHARE, AT(top5)},
    {"loss", PB_FIELD_REAL, AT(loss)},
    {"images", PB_FIELD_COUNT, true, AT(images)},
    {"right", PB_FIELD_STRING, AT(right),
     .help = "of the cell's last network: which images are right, a bit each in the data set's order, the lowest of a "
             "byte first, as "
             "base64"},
    {"class-top1", PB_FIELD_REALS_ELEMENT, LIST(class_top1, class_count), .help = "of each class"},
};
static const struct pb_fields ACCURACY_FIELDS = {
    .name = "accuracy",
    .help = "Shares 0 … 1; an attribute that is absent was not a number.",
    OF_ROW,
    FIELDS(ACCURACY),
};
#undef ROW

#define ROW pb_latency_record
static const struct pb_field LATENCY[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"batch", PB_FIELD_POSITIVE32, true, AT(batch)},
    {"threads", PB_FIELD_COUNT32, true, AT(threads)},
    {"runs", PB_FIELD_COUNT32, true, AT(runs), .help = "in all rounds together"},
    {"median-ms", PB_FIELD_REAL, AT(median_ms)},
    {"p95-ms", PB_FIELD_REAL, AT(p95_ms)},
    {"min-ms", PB_FIELD_REAL, AT(min_ms)},
    {"spread", PB_FIELD_REAL, AT(spread),
     .help = "inter-quartile range of the rounds' medians, as a share of their median"},
    {"noisy", PB_FIELD_FLAG, AT(noisy), .help = "the spread stayed large, or other processes were running"},
};
static const struct pb_fields LATENCY_FIELDS = {
    .name = "latency",
    .help = "One network, batch and thread count are measured once for all cells of a run, in rounds.",
    OF_ROW,
    FIELDS(LATENCY),
};
#undef ROW

static void put_near_zero(struct pb_xml_writer *writer, const char *name, const void *row)
{
    pb_xml_put_real(writer, name, pb_gamma_near_zero(row));
}

static void put_cumulated(struct pb_xml_writer *writer, const char *name, const void *row)
{
    const struct pb_gamma_record *gamma = row;
    uint32_t *sums = pb_calloc((size_t)gamma->bin_count + 1, sizeof *sums), sum = 0;
    writer->failed |= sums == NULL;
    if (writer->failed)
        goto cleanup;
    for (uint32_t i = 0; i < gamma->bin_count; i++)
        sums[i] = sum += gamma->bins[i];
    pb_xml_put_counts(writer, name, sums, gamma->bin_count);
cleanup:
    pb_free(sums);
}

#define ROW pb_gamma_record
static const struct pb_field GAMMA[] = {
    {"max", PB_FIELD_REAL, true, AT(max)},
    {"near-zero", PB_FIELD_SHARE, true, .derive = put_near_zero, .help = "the share in the first bin"},
    {"bins", PB_FIELD_COUNTS, true, LIST(bins, bin_count)},
    {"cumulated", PB_FIELD_COUNTS, true, .derive = put_cumulated, .help = "of each bin and all before it"},
};
const struct pb_fields pb_gamma_fields = {
    .name = "gamma",
    .help =
        "|γ| of batch norms, counted in bins of equal width from 0 to max. In a cell: of all prunable layers of the "
        "base model.",
    OF_ROW,
    FIELDS(GAMMA),
};
#undef ROW

#define ROW pb_layer_record
static const struct pb_field LAYER[] = {
    {"name", PB_FIELD_NAME, true, AT(name)},
    {"channels", PB_FIELD_COUNT32, true, AT(channels)},
    {"kept", PB_FIELD_COUNT32, true, AT(kept)},
};
static const struct pb_fields LAYER_FIELDS = {
    .name = "layer",
    .help = "Channels of the unpruned network, and after the last pruning.",
    OF_ROW,
    FIELDS(LAYER),
};
#undef ROW

#define ROW pb_trial_record
static const struct pb_field TRIAL[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"split", PB_FIELD_NAME, true, AT(split)},
    {"top1", PB_FIELD_REAL, true, AT(top1)},
    {"loss", PB_FIELD_REAL, AT(loss)},
    {"images", PB_FIELD_COUNT, true, AT(images)},
    {"trained", PB_FIELD_FLAG, AT(trained), .help = "after the last pruning before it"},
    {"kept", PB_FIELD_COUNTS, LIST(kept, kept_count),
     .help = "channels, in the order of the layer elements; absent where nothing was pruned"},
};
static const struct pb_fields TRIAL_FIELDS = {
    .name = "trial",
    .help = "What the schedule measured on its way: a candidate of a search, a layer pruned alone.",
    OF_ROW,
    FIELDS(TRIAL),
};
#undef ROW

#define ROW pb_scoring_record
static const struct pb_field SCORING[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage), .help = "score; mask or prune where these ask the criterion themselves"},
    {"seconds", PB_FIELD_REAL, true, AT(seconds)},
    {"peak-rss-growth", PB_FIELD_REAL, AT(bytes),
     .help = "bytes: the most memory at once beyond what the cell held before, in resident pages; absent where the "
             "kernel does "
             "not count it"},
};
static const struct pb_fields SCORING_FIELDS = {
    .name = "scoring",
    .help = "What the criterion took, calibration images included. Scorings within a training have none.",
    OF_ROW,
    FIELDS(SCORING),
};
#undef ROW

#define ROW pb_pruned_layer_record
static const struct pb_field PRUNED_LAYER[] = {
    {"name", PB_FIELD_NAME, true, AT(name)},
    {"before", PB_FIELD_COUNT32, true, AT(before)},
    {"after", PB_FIELD_COUNT32, true, AT(after)},
    {"threshold", PB_FIELD_REAL, AT(threshold), .help = "absent where no channel was to be removed"},
    {"ties", PB_FIELD_COUNT32, true, AT(ties), .help = "channels whose score is the threshold"},
    {"floored", PB_FIELD_COUNT32, true, AT(floored), .help = "channels that the floor kept"},
};
static const struct pb_inner PRUNED_LAYER_INNER[] = {
    {"gamma-before", &pb_gamma_fields, PB_AT_MOST_ONCE, AT(gamma_before)},
    {"gamma-after", &pb_gamma_fields, PB_AT_MOST_ONCE, AT(gamma_after)},
};
static const struct pb_fields PRUNED_LAYER_FIELDS = {
    .name = "pruned-layer",
    .help = "One layer in one pruning step.",
    OF_ROW,
    FIELDS(PRUNED_LAYER),
    INNER(PRUNED_LAYER_INNER),
};
#undef ROW

#define ROW pb_pruning_record
static const struct pb_field PRUNING[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"from", PB_FIELD_NAME, true, AT(from), .help = "the stage whose network was pruned"},
    {"requested", PB_FIELD_REAL, AT(requested),
     .help = "share of the unpruned network; absent where the target is a threshold"},
    {"achieved", PB_FIELD_REAL, true, AT(achieved), .help = "share of the unpruned network"},
    {"floored", PB_FIELD_COUNT32, true, AT(floored), .help = "channels that the floor kept"},
    {"threshold", PB_FIELD_REAL, AT(threshold),
     .help = "the highest of the layers': the normalised score up to which channels were removed"},
    {"equivalence", PB_FIELD_REAL, AT(equivalence), .help = "as of the cell, for this step alone"},
    {"warning", PB_FIELD_LINE_ELEMENTS, AT(warnings),
     .help = "what is likely to be wrong with the ranking: raw scores of unlike layers compared, a layer nearly "
             "emptied"},
};
static const struct pb_inner PRUNING_INNER[] = {
    {"gamma-before", &pb_gamma_fields, PB_AT_MOST_ONCE, AT(gamma_before)},
    {"gamma-after", &pb_gamma_fields, PB_AT_MOST_ONCE, AT(gamma_after)},
    {"layer", &PRUNED_LAYER_FIELDS, PB_ANY_TIMES, LIST(layers, layer_count)},
};
const struct pb_fields pb_pruning_fields = {
    .name = "pruning",
    .help = "One pruning step.",
    OF_ROW,
    FIELDS(PRUNING),
    INNER(PRUNING_INNER),
};
#undef ROW

#define ROW pb_masked_layer_record
static const struct pb_field MASKED_LAYER[] = {
    {"name", PB_FIELD_NAME, true, AT(name)},
    {"weights", PB_FIELD_COUNT, true, AT(weights)},
    {"masked", PB_FIELD_COUNT, true, AT(masked), .help = "of them, after this step"},
    {"change", PB_FIELD_REAL, AT(change),
     .help = "of the weights that are left, by the criterion's repair: its length as a share of theirs; absent without "
             "one"},
};
static const struct pb_fields MASKED_LAYER_FIELDS = {
    .name = "masked-layer",
    .help = "One layer in one masking of single weights.",
    OF_ROW,
    FIELDS(MASKED_LAYER),
};
#undef ROW

#define ROW pb_masking_record
static const struct pb_field MASKING[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"from", PB_FIELD_NAME, true, AT(from), .help = "the stage whose network was masked"},
    {"requested", PB_FIELD_REAL, true, AT(requested), .help = "share of the weights"},
    {"achieved", PB_FIELD_REAL, true, AT(achieved), .help = "share of the weights"},
    {"weights", PB_FIELD_COUNT, true, AT(weights), .help = "of all convolutions and linear layers"},
    {"masked", PB_FIELD_COUNT, true, AT(masked), .help = "of them, after this step"},
};
static const struct pb_inner MASKING_INNER[] = {
    {"layer", &MASKED_LAYER_FIELDS, PB_ANY_TIMES, LIST(layers, layer_count)},
};
const struct pb_fields pb_masking_fields = {
    .name = "masking",
    .help = "One masking of single weights.",
    OF_ROW,
    FIELDS(MASKING),
    INNER(MASKING_INNER),
};
#undef ROW

#define ROW pb_epoch_record
static const struct pb_field EPOCH[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"n", PB_FIELD_COUNT32, true, AT(number), .help = "counts from 1"},
    {"lr", PB_FIELD_REAL, AT(lr)},
    {"loss", PB_FIELD_REAL, AT(loss)},
    {"top1", PB_FIELD_REAL, AT(top1), .help = "on the training images as they were trained on"},
    {"validation", PB_FIELD_REAL, AT(validation_top1), .help = "top-1 of that split"},
    {"validation-loss", PB_FIELD_REAL, AT(validation_loss)},
    {"seconds", PB_FIELD_REAL, AT(seconds)},
    {"masked", PB_FIELD_COUNT32, true, AT(masked), .help = "soft pruning: channels masked after this epoch"},
    {"revived", PB_FIELD_COUNT32, true, AT(revived), .help = "those of the epoch before that are no longer masked"},
    {"teacher", PB_FIELD_STRING, AT(teacher),
     .help = "the stage whose network the training learned from, beside the labels; or checkpoint and the beginning of "
             "provenance's teacher-sha256"},
    {"zero", PB_FIELD_STRING, AT(zero),
     .help = "soft pruning: what of a masked channel is zeroed, gamma-beta or filters"},
    {"mask", PB_FIELD_MASKS, AT(mask),
     .help = "a word of hexadecimal digits for each layer, its first channel the highest bit of the first digit, 1 "
             "where masked"},
};
static const struct pb_fields EPOCH_FIELDS = {
    .name = "epoch",
    OF_ROW,
    FIELDS(EPOCH),
};
#undef ROW

#define ROW pb_repair_record
static const struct pb_field REPAIR[] = {
    {"stage", PB_FIELD_NAME, true, AT(stage)},
    {"layer", PB_FIELD_NAME, true, AT(layer)},
    {"rows", PB_FIELD_COUNT32, true, AT(rows), .help = "sampled outputs that were compared"},
    {"error-before", PB_FIELD_REAL, true, AT(error_before),
     .help = "how far the pruned layer's outputs were from those before the pruning, as a share of the latter's norm"},
    {"error-after", PB_FIELD_REAL, true, AT(error_after), .help = "the same once the layer was repaired"},
    {"without-bias", PB_FIELD_FLAG, AT(without_bias),
     .help = "the layer has no bias that could be moved, and is as it was"},
};
static const struct pb_fields REPAIR_FIELDS = {
    .name = "repair",
    .help = "One layer that lost inputs and was repaired.",
    OF_ROW,
    FIELDS(REPAIR),
};
#undef ROW

#define ROW pb_record
static const struct pb_field CELL[] = {
    {"id", PB_FIELD_NAME, true, AT(id)},
    {"status", PB_FIELD_CHOICE, true, AT(status), .choices = pb_cell_status_names},
};
static const struct pb_inner CELL_INNER[] = {
    {"failure", &FAILURE_FIELDS, .times = PB_AT_MOST_ONCE},
    {"config", &CONFIG_FIELDS, .times = PB_ONCE},
    {"provenance", &PROVENANCE_FIELDS, .times = PB_ONCE},
    {"data", &pb_data_fields, .times = PB_ONCE},
    {"cost", &COST_FIELDS, PB_ANY_TIMES, LIST(costs, cost_count)},
    {"accuracy", &ACCURACY_FIELDS, PB_ANY_TIMES, LIST(accuracies, accuracy_count)},
    {"latency", &LATENCY_FIELDS, PB_ANY_TIMES, LIST(latencies, latency_count)},
    {"equivalence", &EQUIVALENCE_FIELDS, .times = PB_AT_MOST_ONCE},
    {"gamma", &pb_gamma_fields, PB_AT_MOST_ONCE, AT(gamma)},
    {"layer", &LAYER_FIELDS, PB_ANY_TIMES, LIST(layers, layer_count)},
    {"trial", &TRIAL_FIELDS, PB_ANY_TIMES, LIST(trials, trial_count)},
    {"scoring", &SCORING_FIELDS, PB_ANY_TIMES, LIST(scorings, scoring_count)},
    {"pruning", &pb_pruning_fields, PB_ANY_TIMES, LIST(prunings, pruning_count)},
    {"repair", &REPAIR_FIELDS, PB_ANY_TIMES, LIST(repairs, repair_count)},
    {"masking", &pb_masking_fields, PB_ANY_TIMES, LIST(maskings, masking_count)},
    {"epoch", &EPOCH_FIELDS, PB_ANY_TIMES, LIST(epochs, epoch_count)},
    {"memory", &MEMORY_FIELDS, .times = PB_ONCE},
};
const struct pb_fields pb_record_fields = {
    .name = "cell",
    .help = "What one cell of a matrix found.",
    OF_ROW,
    FIELDS(CELL),
    INNER(CELL_INNER),
};
#undef ROW
