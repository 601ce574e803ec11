/* The default images: three fine-grained data sets in the exact official layouts, and a fourth to pretrain on. What draws them
 * (the room synth, with its libraries for pictures and MATLAB files) is a library of its own, synth.so, which is loaded when it is
 * called: a program that starts for every cell of a matrix would pay for it each time. */
#ifndef PB_DRAWING_DRAWING_H
#define PB_DRAWING_DRAWING_H

#include <stdbool.h>
#include <stdint.h>

#include <prunebench/host.h>

#include "base/error.h"

#define PB_SYNTH_CLASSES_MAX 400
#define PB_SYNTH_SIZE_MIN 48
#define PB_SYNTH_SIZE_MAX 4096
/* Of a whole file's height: the banner comes off it. */
#define PB_SYNTH_HEIGHT_MIN (PB_SYNTH_SIZE_MIN + 20)

struct pb_synth_options {
    uint32_t classes; /* per set: 2 … */
    uint32_t train_per_class; /* aircraft: split evenly over train and val */
    uint32_t test_per_class;
    uint32_t size; /* longer side of an image in pixels; sides vary around it as the real sets' do */
    uint32_t width, height; /* of every image file instead, banner included; 0: size decides */
    uint32_t quality; /* of every JPEG, 1 … 100; 0: varies from image to image */
    uint64_t seed;
    uint32_t threads;
    const char *sets; /* "aircraft,birds,cars,fish" or a part of it; NULL: all but fish */
    bool cars_devkit; /* the devkit's layout of Cars instead of cars_annos.mat */
    bool sheets; /* also write contact sheets OUT/contact-<set>.png */
    bool quiet;
};

/* A set that can be drawn: its name, which is that of the dataset plugin that reads it, and its folder below OUT. */
struct pb_synth_place {
    const char *name, *folder;
};
typedef void pb_synth_log(enum pb_log_level level, const char *format, ...) PB_PRINTF(2, 3);

/* What synth.so exports, by the name PB_SYNTH_SYMBOL. */
#define PB_SYNTH_SYMBOL "prunebench_synth"
struct pb_synth_library {
    const char *git; /* the commit that it was built from, which must be the program's */
    struct pb_synth_place (*first)(void);
    /* Writes OUT/fgvc-aircraft-2013b, OUT/CUB_200_2011, OUT/cars, OUT/fish. Deterministic by options, whatever the threads. A set
     * that is complete already with the same options is left alone. Progress goes to log. */
    enum pb_status (*draw)(const char *out, const struct pb_synth_options *options, pb_synth_log *log,
                           struct pb_error *error);
};

void pb_synth_defaults(struct pb_synth_options *options);

/* The first set, for whoever needs images and does not mind which. */
PB_MUST_CHECK enum pb_status pb_synth_first(struct pb_synth_place *first, struct pb_error *error);

/* Draws what the options say below out, as struct pb_synth_library.draw does, with pb_log. */
PB_MUST_CHECK enum pb_status pb_synth(const char *out, const struct pb_synth_options *options, struct pb_error *error);

#endif
