/* prunebench synth: the default images. */
#include <prunebench/host.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "cli/cli.h"
#include "drawing/drawing.h"

static const struct pb_cli_option options[] = {
    {"sets", 0, "LIST", "the data sets to draw, of aircraft, birds, cars and fish (default: the first three)"},
    {"classes", 0, "N", "classes of each set (default: 10)"},
    {"train", 0, "N", "training images of each class (default: 90)"},
    {"test", 0, "N", "test images of each class (default: 50)"},
    {"size", 0, "PX", "longer side of the largest images in pixels (default: 128)"},
    {"sides", 0, "WxH", "the width and height of every image instead, such as 1024x768"},
    {"quality", 0, "Q", "the JPEG quality of every image, 1 to 100 (default: varies from 60 to 95)"},
    {"seed", 0, "S", "draws other images of the same classes (default: 1)"},
    {"threads", 0, "T", "threads that draw (default: one for each processor)"},
    {"devkit", 0, NULL, "lay Cars out as its devkit does, instead of cars_annos.mat"},
    {"sheets", 0, NULL, "also write contact sheets, OUT/contact-SET.png"},
    {"json", 0, NULL, "print what was drawn as one JSON object"},
    {NULL, 0, NULL, NULL},
};

/* A 32-bit number within a range; stays as it is when the option was not given. */
static enum pb_status read_number(const struct pb_arguments *arguments, const char *name, uint32_t min, uint32_t max,
                                  uint32_t *value, struct pb_error *error)
{
    size_t number = *value;
    const enum pb_status status = pb_argument_size(arguments, name, min, max, &number, error);
    if (status == PB_OK)
        *value = (uint32_t)number;
    return status;
}

static enum pb_status read_options(const struct pb_arguments *arguments, struct pb_synth_options *o,
                                   struct pb_error *error)
{
    size_t seed = (size_t)o->seed;
    enum pb_status status;
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (pb_argument(arguments, "size") && pb_argument(arguments, "sides"))
        return pb_fail(error, PB_ERROR_INPUT, "synth: --size and --sides exclude each other");
    o->threads = processors > 0 && processors <= 1024 ? (uint32_t)processors : 1;
    if ((status = read_number(arguments, "classes", 2, PB_SYNTH_CLASSES_MAX, &o->classes, error)) != PB_OK ||
        (status = read_number(arguments, "train", 2, 100000, &o->train_per_class, error)) != PB_OK ||
        (status = read_number(arguments, "test", 1, 100000, &o->test_per_class, error)) != PB_OK ||
        (status = read_number(arguments, "size", PB_SYNTH_SIZE_MIN, PB_SYNTH_SIZE_MAX, &o->size, error)) != PB_OK ||
        (status = pb_argument_sides(arguments, "sides", PB_SYNTH_SIZE_MAX, &o->width, &o->height, error)) != PB_OK ||
        (status = read_number(arguments, "quality", 1, 100, &o->quality, error)) != PB_OK ||
        (status = read_number(arguments, "threads", 1, 1024, &o->threads, error)) != PB_OK ||
        (status = pb_argument_size(arguments, "seed", 0, SIZE_MAX, &seed, error)) != PB_OK)
        return status;
    o->seed = seed;
    o->sets = pb_argument(arguments, "sets");
    o->cars_devkit = pb_argument(arguments, "devkit") != NULL;
    o->sheets = pb_argument(arguments, "sheets") != NULL;
    o->quiet = arguments->quiet;
    return PB_OK;
}

static enum pb_status print_json(const char *out, const struct pb_synth_options *o, struct pb_error *error)
{
    json_t *object = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "out", out, "sets",
                               o->sets ? o->sets : "aircraft,birds,cars", "classes", (json_int_t)o->classes,
                               "train_per_class", (json_int_t)o->train_per_class, "test_per_class",
                               (json_int_t)o->test_per_class, "size", (json_int_t)o->size, "seed", (json_int_t)o->seed);
    if (!object)
        return pb_fail_memory(error, sizeof *o);
    const int failed = json_dumpf(object, stdout, JSON_INDENT(2));
    json_decref(object);
    if (failed || putchar('\n') == EOF)
        return pb_fail_errno(error, "write to standard output");
    return PB_OK;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_synth_options o;
    const char *out = arguments->words[0];
    (void)exit_code;
    pb_synth_defaults(&o);
    enum pb_status status = read_options(arguments, &o, error);
    if (status == PB_OK)
        status = pb_synth(out, &o, error);
    if (status == PB_OK && pb_argument(arguments, "json"))
        status = print_json(out, &o, error);
    return status;
}

const struct pb_command pb_command_synth = {
    .name = "synth",
    .usage =
        "OUT [--sets LIST] [--classes N] [--train N] [--test N] [--size PX | --sides WxH] [--seed S] [--threads T]",
    .summary = "draw the default images, in the three official layouts",
    .details =
        "Draws three fine-grained data sets below OUT: fgvc-aircraft-2013b, CUB_200_2011 and cars. The classes of a "
        "set differ in small parts only (engines, tail, wings; bill, crest, wing bars; roof line, lamps, grille); "
        "pose, scale, colours, light, background, occlusion and JPEG quality vary within a class. A fourth set, fish, "
        "is in class folders (fish/train/CLASS, fish/test/CLASS) and is drawn when --sets names it: other objects, for "
        "a trunk to be pretrained on.\n\n"
        "The same options draw the same bytes, whatever the number of threads. A set that is complete already "
        "with the same options is left alone; one drawn with other options is replaced; a folder that synth did not "
        "write is never touched.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
