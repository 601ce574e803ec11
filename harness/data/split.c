/* The seeded, stratified split of the official training images into training and validation. */
#include "data/split.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/rng.h"

/* How many of a class's images validate: the nearest to the share that leaves at least one on either side. */
static uint32_t validation_count(uint32_t images, double share)
{
    const uint32_t nearest = (uint32_t)llround(images * share);
    return nearest < 1 ? 1 : nearest > images - 1 ? images - 1 : nearest;
}

static enum pb_status check_class(const struct pb_dataset_contents *contents, uint32_t label, const uint32_t *members,
                                  uint32_t count, struct pb_error *error)
{
    const char *name = contents->class_names[label];
    if (count == 0)
        return pb_fail(error, PB_ERROR_INPUT,
                       "class '%s' has no training image; a validation split needs two (or set its share to 0)", name);
    if (count == 1) {
        const struct pb_sample *only = &contents->samples[members[0]];
        return pb_fail_at(
            error, PB_ERROR_INPUT, only->source, only->line,
            "class '%s' has this one training image; a validation split needs two (or set its share to 0)", name);
    }
    return PB_OK;
}

/* Marks the validation images of one class. members is shuffled. */
static enum pb_status split_class(const struct pb_dataset_contents *contents, uint32_t label, uint32_t *members,
                                  uint32_t count, const struct pb_split_spec *spec, bool *validates,
                                  struct pb_error *error)
{
    char stream[48];
    struct pb_rng rng;
    const enum pb_status status = check_class(contents, label, members, count, error);
    if (status != PB_OK)
        return status;
    /* A stream per class: images added to one class leave the other classes' split as it was. */
    (void)snprintf(stream, sizeof stream, "validation.%u", label);
    pb_rng_init(&rng, spec->seed, stream);
    pb_rng_shuffle(&rng, members, count);
    const uint32_t chosen = validation_count(count, spec->validation);
    for (uint32_t i = 0; i < chosen; i++)
        validates[members[i]] = true;
    return PB_OK;
}

static enum pb_status choose(const struct pb_dataset_contents *contents, uint32_t training_count,
                             const struct pb_split_spec *spec, uint32_t *members, bool *validates,
                             struct pb_error *error)
{
    for (uint32_t label = 0; label < contents->class_count; label++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < training_count; i++)
            if (contents->samples[i].label == label)
                members[count++] = i;
        const enum pb_status status = split_class(contents, label, members, count, spec, validates, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

enum pb_status pb_split_training(const struct pb_dataset_contents *contents, uint32_t training_count,
                                 const struct pb_split_spec *spec, struct pb_training_split *split,
                                 struct pb_error *error)
{
    if (!(spec->validation >= 0 && spec->validation < 1))
        return pb_fail(error, PB_ERROR_INPUT, "a validation share of %g; it must be 0 to below 1", spec->validation);
    uint32_t *members = pb_calloc(training_count, sizeof *members);
    bool *validates = pb_calloc(training_count, sizeof *validates);
    uint32_t *train = pb_calloc(training_count, sizeof *train);
    uint32_t *validation = pb_calloc(training_count, sizeof *validation);
    uint32_t train_count = 0, chosen = 0;
    enum pb_status status = PB_OK;
    if (members == NULL || validates == NULL || train == NULL || validation == NULL)
        status = pb_fail_memory(error, (size_t)training_count * sizeof *members);
    else if (spec->validation > 0)
        status = choose(contents, training_count, spec, members, validates, error);
    if (status == PB_OK) {
        for (uint32_t i = 0; i < training_count; i++)
            if (validates[i])
                validation[chosen++] = i;
            else
                train[train_count++] = i;
        *split = (struct pb_training_split){
            .train = train, .train_count = train_count, .validation = validation, .validation_count = chosen};
    } else {
        pb_free(train);
        pb_free(validation);
    }
    pb_free(members);
    pb_free(validates);
    return status;
}
