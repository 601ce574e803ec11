/* The place around a subject: what is behind it and what is in front. None of it depends on the class. */
#ifndef PB_SYNTH_SURROUNDINGS_H
#define PB_SYNTH_SURROUNDINGS_H

#include <cairo.h>

#include <prunebench/rng.h>

#include "synth/classes.h"

/* Fills 0 … aspect × 0 … 1. */
void synth_draw_backdrop(cairo_t *cr, enum synth_kind kind, double aspect, struct pb_rng *rng);

/* Something that hides a part of the picture (a branch, a fence, a post), in the same units. */
void synth_draw_occluder(cairo_t *cr, enum synth_kind kind, double aspect, struct pb_rng *rng);

/* The same for fish. */
void synth_draw_water(cairo_t *cr, double aspect, struct pb_rng *rng);
void synth_draw_weeds(cairo_t *cr, double aspect, struct pb_rng *rng);

/* A leaf at (x, y) that points along angle; a branch with leaves from one point to another, bent by a share of its
 * length. */
void synth_draw_leaf(cairo_t *cr, double x, double y, double angle, double length, double green);
void synth_draw_branch(cairo_t *cr, const double line[4], double width, double bend, uint32_t leaves,
                       struct pb_rng *rng);

#endif
