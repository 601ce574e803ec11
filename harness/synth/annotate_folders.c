/* The layout of a user's own images, which the dataset plugin `folder` reads: SPLIT/CLASS/NUMBER.jpg. */
#include <stdio.h>

#include "synth/set.h"

static void number_in_class(struct synth_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        set->samples[i].id = set->samples[i].number + 1;
}

static void folder_file(const struct synth_set *set, const struct synth_sample *sample, char *path)
{
    char name[SYNTH_NAME];
    synth_class_name(set, sample->class, name);
    snprintf(path, SYNTH_FILE, "%s/%s/%04u.jpg", sample->split == SYNTH_TEST ? "test" : "train", name, sample->id);
}

/* The folders say it all. */
static enum pb_status annotate_nothing(const struct synth_set *set, struct pb_error *error)
{
    (void)set;
    (void)error;
    return PB_OK;
}

const struct synth_layout synth_layout_fish = {
    .folder = "fish",
    .number = number_in_class,
    .file = folder_file,
    .annotate = annotate_nothing,
};
