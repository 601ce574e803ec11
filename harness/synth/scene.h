/* One image of a class: place, subject, what is in front, and the camera's own doing. */
#ifndef PB_SYNTH_SCENE_H
#define PB_SYNTH_SCENE_H

#include <stdint.h>

#include <cairo.h>

#include <prunebench/rng.h>

#include "base/error.h"
#include "synth/classes.h"

/* Pixels as the camera left them. */
struct synth_image {
    uint32_t width, height;
    uint32_t channels; /* 3, or 1 for a grey image */
    uint8_t *pixels; /* height×width×channels, from pb_calloc; the receiver's */
    int quality; /* of the JPEG, 1 … 100 */
    double box[4]; /* the subject: x, y, width, height in pixels, 0-based */
};

/* The individual is drawn more than once (to measure it first), so it has a stream of its own. */
struct synth_streams {
    struct pb_rng individual, scene;
};

/* The sides of a picture: width×height, or, where they are 0, a longer side of at most size pixels. */
struct synth_sides {
    uint32_t size, width, height;
};

/* Draws one image. Whoever calls frees image->pixels. */
PB_MUST_CHECK enum pb_status synth_render(enum synth_kind kind, const struct synth_class *class,
                                          struct synth_sides sides, const struct synth_streams *streams,
                                          struct synth_image *image, struct pb_error *error);

/* Lens and sensor: blur, light, noise; ARGB32 canvas → image->pixels, channels and quality. */
PB_MUST_CHECK enum pb_status synth_photograph(cairo_surface_t *canvas, struct pb_rng *rng, struct synth_image *image,
                                              struct pb_error *error);

#endif
