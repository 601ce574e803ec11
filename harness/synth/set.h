/* One data set while it is being drawn, and the layouts that know how to write its annotations. */
#ifndef PB_SYNTH_SET_H
#define PB_SYNTH_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "drawing/drawing.h"
#include "synth/classes.h"
#include "synth/scene.h"

enum synth_split { SYNTH_TRAIN, SYNTH_VAL, SYNTH_TEST }; /* VAL: aircraft only */

/* One image of a set. Samples are ordered by class. */
struct synth_sample {
    uint32_t class;
    uint32_t number; /* within its class, from 0 */
    enum synth_split split;
    uint32_t id; /* the layout's own number: seven digits (aircraft), or counted from 1 */
    double box[4]; /* x, y, width, height in pixels, 0-based; known once drawn */
};

struct synth_set {
    enum synth_kind kind;
    const struct pb_synth_options *options;
    pb_synth_log *log;
    const struct synth_layout *layout;
    char *root;
    struct synth_class *classes; /* options->classes */
    struct synth_sample *samples;
    uint32_t count;
};

#define SYNTH_FILE 256
struct synth_layout {
    const char *folder; /* below OUT */
    /* Rows at the foot of every image that are not part of the picture. */
    uint32_t banner;
    void (*number)(struct synth_set *set); /* gives every sample its id */
    /* Path of a sample's image below root; SYNTH_FILE bytes. */
    void (*file)(const struct synth_set *set, const struct synth_sample *sample, char *path);
    /* Writes the annotation files, once every sample's box is known. */
    enum pb_status (*annotate)(const struct synth_set *set, struct pb_error *error);
};
extern const struct synth_layout synth_layout_aircraft, synth_layout_birds, synth_layout_cars, synth_layout_fish;

/* The stream of one thing of one class. */
struct pb_rng synth_stream(const struct synth_set *set, uint32_t class, const char *thing, uint32_t number);

/* The image of a sample, banner included; the receiver frees image->pixels. */
PB_MUST_CHECK enum pb_status synth_draw_sample(const struct synth_set *set, const struct synth_sample *sample,
                                               struct synth_image *image, struct pb_error *error);

/* path is a format for the file's place below root, with text appended line by line. */
struct pb_text;
PB_MUST_CHECK enum pb_status synth_write_text(const struct synth_set *set, const char *path, struct pb_text *text,
                                              struct pb_error *error);

/* The class's name as the layout writes it; SYNTH_NAME bytes. */
void synth_class_name(const struct synth_set *set, uint32_t class, char *name);

/* Compresses and writes; grey images become JPEGs of one channel. */
PB_MUST_CHECK enum pb_status synth_write_jpeg(const char *path, const struct synth_image *image,
                                              struct pb_error *error);

/* OUT/contact-<kind>.png: a row per class with its name, training images side by side. */
PB_MUST_CHECK enum pb_status synth_write_sheet(const struct synth_set *set, const char *out, struct pb_error *error);

/*
 * Takes root for a set with these settings. *complete: it is there already, nothing to do. A folder that holds something else
 * is refused; one of ours that is unfinished or has other settings is emptied first.
 */
PB_MUST_CHECK enum pb_status synth_claim(const char *root, const char *settings, bool *complete,
                                         struct pb_error *error);
/* Says that everything below root is written. */
PB_MUST_CHECK enum pb_status synth_complete(const char *root, const char *settings, struct pb_error *error);

#endif
