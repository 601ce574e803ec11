/* Accuracy of a network over batches. */
#include "training/evaluate.h"

#include <math.h>

#include "base/memory.h"

/* How many logits of a row are above the label's (ties count for the lower index, as an arg-max would). */
static uint32_t rank_of_label(const float *logits, uint32_t label, uint32_t classes)
{
    uint32_t above = 0;
    for (uint32_t c = 0; c < classes; c++)
        above += logits[c] > logits[label] || (c < label && logits[c] == logits[label]);
    return above;
}

static double cross_entropy(const float *logits, uint32_t label, uint32_t classes)
{
    double top = logits[0];
    for (uint32_t c = 1; c < classes; c++)
        top = fmax(top, logits[c]);
    double sum = exp(logits[0] - top);
    for (uint32_t c = 1; c < classes; c++)
        sum += exp(logits[c] - top);
    return log(sum) - (logits[label] - top); /* sum ≥ 1: the largest logit's own term */
}

uint32_t pb_count_correct(const float *logits, const uint32_t *labels, uint32_t count, uint32_t classes)
{
    uint32_t correct = 0;
    for (uint32_t i = 0; i < count; i++)
        correct += rank_of_label(logits + (size_t)i * classes, labels[i], classes) == 0;
    return correct;
}

struct tally {
    uint64_t images, top1, top5;
    double loss;
    uint64_t *class_images, *class_correct;
};

static void add_row(struct tally *tally, const float *logits, uint32_t label, uint32_t classes)
{
    const uint32_t rank = rank_of_label(logits, label, classes);
    tally->images++;
    tally->top1 += rank == 0;
    tally->top5 += rank < 5;
    tally->loss += cross_entropy(logits, label, classes);
    tally->class_images[label]++;
    tally->class_correct[label] += rank == 0;
}

/* A network whose values ran over has no accuracy: says where the first of them is. */
static enum pb_status check_logits(struct pb_engine *engine, const struct pb_batch *batch, const float *logits,
                                   uint32_t classes, struct pb_error *error)
{
    char where[96];
    bool finite = true;
    for (size_t i = 0; i < (size_t)batch->count * classes; i++)
        finite = finite && isfinite(logits[i]);
    if (finite)
        return PB_OK;
    const enum pb_status status = pb_engine_trace_nonfinite(engine, batch->images, batch->count, false, where, error);
    return status == PB_OK ? pb_fail(error, PB_ERROR_RUN,
                                     "the network's output is not finite; the first value that is not is in %s",
                                     where[0] ? where : "its output")
                           : status;
}

enum pb_status pb_evaluate(struct pb_engine *engine, struct pb_batches *batches, uint32_t classes,
                           struct pb_accuracy *accuracy, struct pb_error *error)
{
    struct tally tally = {.class_images = pb_calloc(classes, sizeof(uint64_t)),
                          .class_correct = pb_calloc(classes, sizeof(uint64_t))};
    struct pb_accuracy found = {.class_top1 = pb_calloc(classes, sizeof(double)), .class_count = classes};
    float *logits = NULL;
    uint32_t capacity = 0;
    enum pb_status status = PB_OK;
    if (!tally.class_images || !tally.class_correct || !found.class_top1) {
        status = pb_fail_memory(error, classes * 3 * sizeof(double));
        goto cleanup;
    }
    status = pb_batches_start(batches, 0, error);
    while (status == PB_OK) {
        struct pb_batch batch;
        status = pb_batches_next(batches, &batch, error);
        if (status != PB_OK || batch.count == 0)
            break;
        if (batch.count > capacity) {
            pb_free(logits);
            logits = pb_calloc((size_t)batch.count * classes, sizeof *logits);
            capacity = logits ? batch.count : 0;
            if (!logits) {
                status = pb_fail_memory(error, (size_t)batch.count * classes * sizeof *logits);
                break;
            }
        }
        status = pb_engine_forward(engine, batch.images, batch.count, logits, error);
        if (status == PB_OK)
            status = check_logits(engine, &batch, logits, classes, error);
        for (uint32_t i = 0; status == PB_OK && i < batch.count; i++)
            add_row(&tally, logits + (size_t)i * classes, batch.labels[i], classes);
    }
    if (status != PB_OK)
        goto cleanup;
    const double images = tally.images ? (double)tally.images : NAN;
    found.images = tally.images;
    found.top1 = (double)tally.top1 / images;
    found.top5 = (double)tally.top5 / images;
    found.loss = tally.loss / images;
    for (uint32_t c = 0; c < classes; c++)
        found.class_top1[c] =
            tally.class_images[c] ? (double)tally.class_correct[c] / (double)tally.class_images[c] : 0;
    *accuracy = found;
    found.class_top1 = NULL;

cleanup:
    pb_free(tally.class_images);
    pb_free(tally.class_correct);
    pb_free(found.class_top1);
    pb_free(logits);
    return status;
}

void pb_accuracy_free(struct pb_accuracy *accuracy)
{
    pb_free(accuracy->class_top1);
    *accuracy = (struct pb_accuracy){0};
}

json_t *pb_accuracy_to_json(const struct pb_accuracy *accuracy)
{
    json_t *classes = json_array();
    for (uint32_t c = 0; c < accuracy->class_count; c++)
        json_array_append_new(classes, json_real(accuracy->class_top1[c]));
    return json_pack("{s:f, s:f, s:f, s:I, s:o}", "top1", accuracy->top1, "top5", accuracy->top5, "loss",
                     accuracy->loss, "images", (json_int_t)accuracy->images, "classes", classes);
}

enum pb_status pb_accuracy_from_json(const json_t *json, struct pb_accuracy *accuracy, struct pb_error *error)
{
    struct pb_accuracy read = {0};
    json_int_t images = 0;
    json_t *classes = NULL;
    if (json_unpack((json_t *)(uintptr_t)json, "{s:F, s:F, s:F, s:I, s:o}", "top1", &read.top1, "top5", &read.top5,
                    "loss", &read.loss, "images", &images, "classes", &classes) != 0 ||
        !json_is_array(classes))
        return pb_fail(error, PB_ERROR_INPUT, "a stored evaluation lacks its figures; remove its stage folder");
    read.images = (uint64_t)images;
    read.class_count = (uint32_t)json_array_size(classes);
    read.class_top1 = pb_calloc(read.class_count, sizeof *read.class_top1);
    if (!read.class_top1 && read.class_count)
        return pb_fail_memory(error, read.class_count * sizeof *read.class_top1);
    for (uint32_t c = 0; c < read.class_count; c++)
        read.class_top1[c] = json_number_value(json_array_get(classes, c));
    *accuracy = read;
    return PB_OK;
}
