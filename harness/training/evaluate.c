/* Accuracy of a network over batches. */
#include "training/evaluate.h"

#include <math.h>

#include <string.h>

#include "base/base64.h"
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
    uint8_t *right;
    size_t right_room; /* bytes */
};

/* Room for the bits of count more images, 0. */
static enum pb_status extend_right(struct tally *tally, uint32_t count, struct pb_error *error)
{
    const size_t needed = (size_t)(tally->images + count + 7) / 8, room = needed < 1024 ? 1024 : 2 * needed;
    if (tally->right && needed <= tally->right_room)
        return PB_OK;
    uint8_t *grown = pb_realloc(tally->right, tally->right_room, room, 1);
    if (!grown)
        return pb_fail_memory(error, room);
    memset(grown + tally->right_room, 0, room - tally->right_room);
    tally->right = grown;
    tally->right_room = room;
    return PB_OK;
}

static void add_row(struct tally *tally, const float *logits, uint32_t label, uint32_t classes)
{
    const uint32_t rank = rank_of_label(logits, label, classes);
    tally->right[tally->images / 8] |= (uint8_t)((rank == 0) << tally->images % 8);
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
        if (status == PB_OK)
            status = extend_right(&tally, batch.count, error);
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
    found.right = tally.right;
    *accuracy = found;
    found.class_top1 = NULL;
    tally.right = NULL;

cleanup:
    pb_free(tally.class_images);
    pb_free(tally.class_correct);
    pb_free(tally.right);
    pb_free(found.class_top1);
    pb_free(logits);
    return status;
}

void pb_accuracy_free(struct pb_accuracy *accuracy)
{
    pb_free(accuracy->class_top1);
    pb_free(accuracy->right);
    *accuracy = (struct pb_accuracy){0};
}

json_t *pb_accuracy_to_json(const struct pb_accuracy *accuracy)
{
    char *right = accuracy->right ? pb_base64(accuracy->right, (accuracy->images + 7) / 8) : NULL;
    if (accuracy->right && !right)
        return NULL;
    json_t *classes = json_array();
    for (uint32_t c = 0; c < accuracy->class_count; c++)
        json_array_append_new(classes, json_real(accuracy->class_top1[c]));
    json_t *json =
        json_pack("{s:f, s:f, s:f, s:I, s:o, s:s*}", "top1", accuracy->top1, "top5", accuracy->top5, "loss",
                  accuracy->loss, "images", (json_int_t)accuracy->images, "classes", classes, "right", right);
    pb_free(right);
    return json;
}

static enum pb_status read_right(const char *text, struct pb_accuracy *accuracy, struct pb_error *error)
{
    size_t bytes;
    const enum pb_status status = pb_base64_read(text, &accuracy->right, &bytes, error);
    if (status == PB_OK && bytes != (accuracy->images + 7) / 8)
        return pb_fail(error, PB_ERROR_INPUT,
                       "a stored evaluation of %llu images says of %zu which are right; remove its stage folder",
                       (unsigned long long)accuracy->images, bytes * 8);
    return status;
}

enum pb_status pb_accuracy_from_json(const json_t *json, struct pb_accuracy *accuracy, struct pb_error *error)
{
    struct pb_accuracy read = {0};
    json_int_t images = 0;
    json_t *classes = NULL;
    const char *right = NULL;
    if (json_unpack((json_t *)(uintptr_t)json, "{s:F, s:F, s:F, s:I, s:o, s?s}", "top1", &read.top1, "top5", &read.top5,
                    "loss", &read.loss, "images", &images, "classes", &classes, "right", &right) != 0 ||
        !json_is_array(classes))
        return pb_fail(error, PB_ERROR_INPUT, "a stored evaluation lacks its figures; remove its stage folder");
    read.images = (uint64_t)images;
    read.class_count = (uint32_t)json_array_size(classes);
    read.class_top1 = pb_calloc(read.class_count, sizeof *read.class_top1);
    if (!read.class_top1 && read.class_count)
        return pb_fail_memory(error, read.class_count * sizeof *read.class_top1);
    for (uint32_t c = 0; c < read.class_count; c++)
        read.class_top1[c] = json_number_value(json_array_get(classes, c));
    const enum pb_status status = right ? read_right(right, &read, error) : PB_OK;
    if (status == PB_OK)
        *accuracy = read;
    else
        pb_accuracy_free(&read);
    return status;
}
