/* The layouts whose annotations are text: FGVC-Aircraft and CUB-200-2011. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "synth/set.h"

enum pb_status synth_write_text(const struct synth_set *set, const char *path, struct pb_text *text,
                                struct pb_error *error)
{
    enum pb_status status;
    char *whole = pb_path_join(set->root, path);
    if (whole && !text->failed)
        status = pb_file_write_atomic(whole, text->data ? text->data : "", text->length, error);
    else
        status = pb_fail_memory(error, text->length);
    pb_free(whole);
    pb_text_free(text);
    return status;
}

/* Aircraft: numbers of seven digits in no order, as the photographs' are. */
static void number_aircraft(struct synth_set *set)
{
    /* Multiplying by a constant permutes the residues of a prime. */
    enum { PRIME = 9999991, STEP = 3674653, FIRST = 34309 };
    for (uint32_t i = 0; i < set->count; i++)
        set->samples[i].id = (uint32_t)((FIRST + (uint64_t)i * STEP) % PRIME);
}

static void aircraft_file(const struct synth_set *set, const struct synth_sample *sample, char *path)
{
    (void)set;
    snprintf(path, SYNTH_FILE, "data/images/%07u.jpg", sample->id);
}

/* The three names that a photograph goes by, coarser from one to the next. */
enum level { LEVEL_VARIANT, LEVEL_FAMILY, LEVEL_MANUFACTURER, LEVELS };
static const char *const level_names[LEVELS] = {"variant", "family", "manufacturer"};
static const char *const level_files[LEVELS] = {"variants", "families", "manufacturers"};

static void aircraft_name(uint32_t class, enum level level, char *name)
{
    char names[LEVELS][SYNTH_NAME];
    synth_aircraft_names(class, names[LEVEL_VARIANT], names[LEVEL_FAMILY], names[LEVEL_MANUFACTURER]);
    memcpy(name, names[level], SYNTH_NAME);
}

static bool in_list(enum synth_split split, enum synth_split first, enum synth_split last)
{
    return split >= first && split <= last;
}

static enum pb_status write_aircraft_lists(const struct synth_set *set, enum level level, struct pb_error *error)
{
    static const struct {
        const char *name;
        enum synth_split first, last;
    } lists[] = {{"train", SYNTH_TRAIN, SYNTH_TRAIN},
                 {"val", SYNTH_VAL, SYNTH_VAL},
                 {"trainval", SYNTH_TRAIN, SYNTH_VAL},
                 {"test", SYNTH_TEST, SYNTH_TEST}};
    char name[SYNTH_NAME], path[SYNTH_FILE];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct pb_text text = {0};
        for (uint32_t s = 0; s < set->count; s++) {
            const struct synth_sample *sample = &set->samples[s];
            if (!in_list(sample->split, lists[i].first, lists[i].last))
                continue;
            aircraft_name(sample->class, level, name);
            pb_text_append(&text, "%07u %s\n", sample->id, name);
        }
        snprintf(path, sizeof path, "data/images_%s_%s.txt", level_names[level], lists[i].name);
        const enum pb_status status = synth_write_text(set, path, &text, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

/* Every name of a level once. */
static enum pb_status write_aircraft_names(const struct synth_set *set, enum level level, struct pb_error *error)
{
    struct pb_text text = {0};
    char name[SYNTH_NAME], path[SYNTH_FILE], earlier[SYNTH_NAME];
    for (uint32_t c = 0; c < set->options->classes; c++) {
        bool known = false;
        aircraft_name(c, level, name);
        for (uint32_t e = 0; e < c && !known; e++) {
            aircraft_name(e, level, earlier);
            known = strcmp(name, earlier) == 0;
        }
        if (!known)
            pb_text_append(&text, "%s\n", name);
    }
    snprintf(path, sizeof path, "data/%s.txt", level_files[level]);
    return synth_write_text(set, path, &text, error);
}

static enum pb_status annotate_aircraft(const struct synth_set *set, struct pb_error *error)
{
    enum pb_status status;
    for (enum level level = LEVEL_VARIANT; level < LEVELS; level++) {
        if ((status = write_aircraft_lists(set, level, error)) != PB_OK ||
            (status = write_aircraft_names(set, level, error)) != PB_OK)
            return status;
    }
    struct pb_text boxes = {0};
    for (uint32_t s = 0; s < set->count; s++) {
        const double *box = set->samples[s].box;
        pb_text_append(&boxes, "%07u %.0f %.0f %.0f %.0f\n", set->samples[s].id, box[0] + 1, box[1] + 1,
                       box[0] + box[2], box[1] + box[3]);
    }
    return synth_write_text(set, "data/images_box.txt", &boxes, error);
}

const struct synth_layout synth_layout_aircraft = {
    .folder = "fgvc-aircraft-2013b",
    .banner = 20,
    .number = number_aircraft,
    .file = aircraft_file,
    .annotate = annotate_aircraft,
};

static void number_from_one(struct synth_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        set->samples[i].id = i + 1;
}

/* As in images.txt: below images/. */
static void bird_path(const struct synth_sample *sample, char *path)
{
    char name[SYNTH_NAME];
    synth_bird_name(sample->class, name);
    snprintf(path, SYNTH_FILE - 16, "%s/%s_%04u.jpg", name, strchr(name, '.') + 1, sample->number + 1);
}

static void bird_file(const struct synth_set *set, const struct synth_sample *sample, char *path)
{
    char below[SYNTH_FILE - 16];
    (void)set;
    bird_path(sample, below);
    snprintf(path, SYNTH_FILE, "images/%s", below);
}

static enum pb_status annotate_birds(const struct synth_set *set, struct pb_error *error)
{
    enum { IMAGES, LABELS, SPLITS, BOXES, CLASSES, FILES };
    static const char *const files[FILES] = {"images.txt", "image_class_labels.txt", "train_test_split.txt",
                                             "bounding_boxes.txt", "classes.txt"};
    struct pb_text text[FILES] = {{0}};
    char name[SYNTH_FILE];
    for (uint32_t s = 0; s < set->count; s++) {
        const struct synth_sample *sample = &set->samples[s];
        bird_path(sample, name);
        pb_text_append(&text[IMAGES], "%u %s\n", sample->id, name);
        pb_text_append(&text[LABELS], "%u %u\n", sample->id, sample->class + 1);
        pb_text_append(&text[SPLITS], "%u %d\n", sample->id, sample->split != SYNTH_TEST);
        pb_text_append(&text[BOXES], "%u %.1f %.1f %.1f %.1f\n", sample->id, sample->box[0], sample->box[1],
                       sample->box[2], sample->box[3]);
    }
    for (uint32_t c = 0; c < set->options->classes; c++) {
        synth_bird_name(c, name);
        pb_text_append(&text[CLASSES], "%u %s\n", c + 1, name);
    }
    enum pb_status status = PB_OK;
    for (int f = 0; f < FILES; f++) {
        if (status == PB_OK)
            status = synth_write_text(set, files[f], &text[f], error);
        pb_text_free(&text[f]);
    }
    return status;
}

const struct synth_layout synth_layout_birds = {
    .folder = "CUB_200_2011",
    .number = number_from_one,
    .file = bird_file,
    .annotate = annotate_birds,
};
