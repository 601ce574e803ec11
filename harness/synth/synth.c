/* Draws the default images, set by set. */
#include "synth/synth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/version.h"
#include "synth/set.h"

/* Raise it when the same options begin to draw other images: sets drawn before are then drawn again. */
enum { DRAWING_VERSION = 1 };

static const struct synth_layout *const layouts[SYNTH_KINDS] = {
    [SYNTH_AIRCRAFT] = &synth_layout_aircraft,
    [SYNTH_BIRDS] = &synth_layout_birds,
    [SYNTH_CARS] = &synth_layout_cars,
    [SYNTH_FISH] = &synth_layout_fish,
};

static struct pb_synth_place first_place(void)
{
    return (struct pb_synth_place){synth_kind_name(0), layouts[0]->folder};
}

static enum pb_status check_options(const struct pb_synth_options *options, struct pb_error *error)
{
    /* Six digits number the images of cars_annos.mat. */
    const uint64_t images = ((uint64_t)options->train_per_class + options->test_per_class) * options->classes;
    if (options->classes < 2 || options->classes > SYNTH_CLASSES_MAX)
        return pb_fail(error, PB_ERROR_INPUT, "synth: %u classes; ask for 2 to %d", options->classes,
                       SYNTH_CLASSES_MAX);
    if (options->train_per_class < 2 || options->test_per_class < 1)
        return pb_fail(error, PB_ERROR_INPUT,
                       "synth: every class needs at least 2 images to train on and 1 to test on, not %u and %u",
                       options->train_per_class, options->test_per_class);
    if (images > 999999)
        return pb_fail(error, PB_ERROR_INPUT, "synth: %" PRIu64 " images in a set; the layouts number 999999 at most",
                       images);
    if ((options->width > 0) != (options->height > 0))
        return pb_fail(error, PB_ERROR_INPUT, "synth: images of %u×%u pixels; give both sides or none", options->width,
                       options->height);
    if (options->width > 0 && (options->width < PB_SYNTH_SIZE_MIN || options->width > PB_SYNTH_SIZE_MAX ||
                               options->height < PB_SYNTH_HEIGHT_MIN || options->height > PB_SYNTH_SIZE_MAX))
        return pb_fail(error, PB_ERROR_INPUT,
                       "synth: images of %u×%u pixels; ask for a width of %d to %d and a height of %d to %d",
                       options->width, options->height, PB_SYNTH_SIZE_MIN, PB_SYNTH_SIZE_MAX, PB_SYNTH_HEIGHT_MIN,
                       PB_SYNTH_SIZE_MAX);
    if (options->quality > 100)
        return pb_fail(error, PB_ERROR_INPUT, "synth: a JPEG quality of %u; ask for 1 to 100", options->quality);
    if (options->size < PB_SYNTH_SIZE_MIN || options->size > PB_SYNTH_SIZE_MAX)
        return pb_fail(error, PB_ERROR_INPUT, "synth: images of %u pixels; ask for %d to %d", options->size,
                       PB_SYNTH_SIZE_MIN, PB_SYNTH_SIZE_MAX);
    return PB_OK;
}

/* Reads "aircraft,birds"; NULL: those with an official layout. */
static enum pb_status parse_sets(const char *text, bool requested[SYNTH_KINDS], struct pb_error *error)
{
    const char *names[SYNTH_KINDS];
    for (enum synth_kind kind = 0; kind < SYNTH_KINDS; kind++) {
        names[kind] = synth_kind_name(kind);
        requested[kind] = text == NULL && kind != SYNTH_FISH;
    }
    while (text && *text) {
        const size_t length = strcspn(text, ",");
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), text);
        enum synth_kind kind = 0;
        while (kind < SYNTH_KINDS && strcmp(word, names[kind]) != 0)
            kind++;
        if (kind == SYNTH_KINDS) {
            const char *closest = pb_closest(word, names, SYNTH_KINDS);
            return pb_fail(error, PB_ERROR_INPUT, "synth: there is no set '%s'; %s%s%s", word,
                           closest ? "did you mean '" : "the sets are aircraft, birds, cars and fish",
                           closest ? closest : "", closest ? "'?" : "");
        }
        requested[kind] = true;
        text += length + (text[length] == ',');
    }
    return PB_OK;
}

/* Everything that decides what is drawn, as a line. */
static void describe(const struct synth_set *set, char text[SYNTH_FILE])
{
    const struct pb_synth_options *o = set->options;
    char sides[40] = "", quality[24] = "";
    if (o->width > 0)
        snprintf(sides, sizeof sides, ", sides %u×%u", o->width, o->height);
    if (o->quality > 0)
        snprintf(quality, sizeof quality, ", quality %u", o->quality);
    snprintf(text, SYNTH_FILE,
             "prunebench synth: drawing %d, set %s, classes %u, train %u, test %u, size %u, seed %" PRIu64
             ", layout %s%s%s\n",
             DRAWING_VERSION, synth_kind_name(set->kind), o->classes, o->train_per_class, o->test_per_class, o->size,
             o->seed, set->kind == SYNTH_CARS && o->cars_devkit ? "devkit" : "official", sides, quality);
}

/* Splits one class at random: train_per_class images to learn from (aircraft: every other one validates). */
static void split_class(struct synth_set *set, uint32_t class, struct synth_sample *samples, uint32_t *order)
{
    const uint32_t train = set->options->train_per_class, total = train + set->options->test_per_class;
    struct pb_rng rng = synth_stream(set, class, "split", 0);
    for (uint32_t i = 0; i < total; i++) {
        order[i] = i;
        samples[i].class = class;
        samples[i].number = i;
        samples[i].split = SYNTH_TEST;
    }
    pb_rng_shuffle(&rng, order, total);
    for (uint32_t i = 0; i < train; i++)
        samples[order[i]].split = set->kind == SYNTH_AIRCRAFT && i % 2 ? SYNTH_VAL : SYNTH_TRAIN;
}

static void free_set(struct synth_set *set)
{
    pb_free(set->root);
    pb_free(set->classes);
    pb_free(set->samples);
}

static enum pb_status plan_set(const char *out, struct synth_set *set, struct pb_error *error)
{
    const uint32_t per_class = set->options->train_per_class + set->options->test_per_class;
    set->count = per_class * set->options->classes;
    set->root = pb_path_join(out, set->layout->folder);
    set->classes = pb_calloc(set->options->classes, sizeof *set->classes);
    set->samples = pb_calloc(set->count, sizeof *set->samples);
    uint32_t *order = pb_calloc(per_class, sizeof *order);
    const bool complete = set->root && set->classes && set->samples && order;
    if (complete) {
        synth_classes(set->kind, set->options->classes, set->classes);
        for (uint32_t c = 0; c < set->options->classes; c++)
            split_class(set, c, set->samples + (size_t)c * per_class, order);
        set->layout->number(set);
    }
    pb_free(order);
    return complete ? PB_OK : pb_fail_memory(error, set->count * sizeof *set->samples);
}

static enum pb_status draw_file(const struct synth_set *set, struct synth_sample *sample, struct pb_error *error)
{
    struct synth_image image;
    char below[SYNTH_FILE];
    set->layout->file(set, sample, below);
    char *path = pb_path_join(set->root, below);
    if (!path)
        return pb_fail_memory(error, strlen(set->root) + sizeof below);
    enum pb_status status = synth_draw_sample(set, sample, &image, error);
    if (status == PB_OK) {
        memcpy(sample->box, image.box, sizeof image.box);
        status = synth_write_jpeg(path, &image, error);
        pb_free(image.pixels);
    }
    pb_free(path);
    return status;
}

/* The folders that the images' paths go through. */
static enum pb_status make_folders(const struct synth_set *set, struct pb_error *error)
{
    char below[SYNTH_FILE];
    uint32_t made_for = UINT32_MAX;
    enum synth_split made_split = SYNTH_TRAIN;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct synth_sample *sample = &set->samples[i];
        if (sample->class == made_for && sample->split == made_split)
            continue;
        set->layout->file(set, sample, below);
        *strrchr(below, '/') = '\0';
        char *folder = pb_path_join(set->root, below);
        if (!folder)
            return pb_fail_memory(error, sizeof below);
        const enum pb_status status = pb_make_dirs(folder, error);
        pb_free(folder);
        if (status != PB_OK)
            return status;
        made_for = sample->class;
        made_split = sample->split;
    }
    return PB_OK;
}

/* Every image has a stream of its own, so the threads' order changes nothing. The first failure ends the drawing. */
static enum pb_status draw_images(struct synth_set *set, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    uint32_t done = 0;
    double spoke = pb_clock();
#pragma omp parallel for schedule(dynamic, 4) num_threads((int)set->options->threads)
    for (uint32_t i = 0; i < set->count; i++) {
        enum pb_status before;
#pragma omp atomic read
        before = status;
        if (before != PB_OK)
            continue;
        struct pb_error own;
        const enum pb_status drawn = draw_file(set, &set->samples[i], &own);
#pragma omp critical(synth_progress)
        {
            if (drawn != PB_OK && status == PB_OK) {
#pragma omp atomic write
                status = drawn;
                *error = own;
            }
            done++;
            if (!set->options->quiet && pb_clock() - spoke > 2) {
                spoke = pb_clock();
                set->log(PB_LOG_INFO, "synth: %s: %u of %u images", synth_kind_name(set->kind), done, set->count);
            }
        }
    }
    return status;
}

static enum pb_status draw_set(const char *out, enum synth_kind kind, const struct pb_synth_options *options,
                               pb_synth_log *log, struct pb_error *error)
{
    struct synth_set set = {.kind = kind, .options = options, .log = log, .layout = layouts[kind]};
    char settings[SYNTH_FILE];
    bool there = false;
    const double start = pb_clock();
    enum pb_status status = plan_set(out, &set, error);
    describe(&set, settings);
    if (status == PB_OK)
        status = synth_claim(set.root, settings, &there, error);
    if (status == PB_OK && !there) {
        status = make_folders(&set, error);
        if (status == PB_OK)
            status = draw_images(&set, error);
        if (status == PB_OK)
            status = set.layout->annotate(&set, error);
        if (status == PB_OK)
            status = synth_complete(set.root, settings, error);
    }
    if (status == PB_OK && options->sheets)
        status = synth_write_sheet(&set, out, error);
    if (status == PB_OK && !options->quiet) {
        if (there)
            set.log(PB_LOG_INFO, "synth: %s: complete already in %s", synth_kind_name(kind), set.root);
        else
            set.log(PB_LOG_INFO, "synth: %s: %u images of %u classes in %s (%.1f s)", synth_kind_name(kind), set.count,
                    options->classes, set.root, pb_clock() - start);
    }
    free_set(&set);
    return status;
}

static enum pb_status draw_sets(const char *out, const struct pb_synth_options *options, pb_synth_log *log,
                                struct pb_error *error)
{
    bool requested[SYNTH_KINDS] = {false};
    enum pb_status status = check_options(options, error);
    if (status == PB_OK)
        status = parse_sets(options->sets, requested, error);
    if (status == PB_OK)
        status = pb_make_dirs(out, error);
    for (enum synth_kind kind = 0; kind < SYNTH_KINDS && status == PB_OK; kind++)
        if (requested[kind])
            status = draw_set(out, kind, options, log, error);
    return status;
}

const struct pb_synth_library prunebench_synth = {.git = pb_git, .first = first_place, .draw = draw_sets};
