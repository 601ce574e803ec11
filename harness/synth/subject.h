/* The four subjects: each draws one individual of a class, about two units wide around the origin. */
#ifndef PB_SYNTH_SUBJECT_H
#define PB_SYNTH_SUBJECT_H

#include <cairo.h>

#include <prunebench/rng.h>

#include "synth/classes.h"

/*
 * The class decides the parts; colours, markings and pose come from the stream, which is passed by value so that
 * the same individual can be drawn again (to measure it first).
 */
void synth_draw_aircraft(cairo_t *cr, const struct synth_class *class, struct pb_rng rng);
void synth_draw_bird(cairo_t *cr, const struct synth_class *class, struct pb_rng rng);
void synth_draw_car(cairo_t *cr, const struct synth_class *class, struct pb_rng rng);
void synth_draw_fish(cairo_t *cr, const struct synth_class *class, struct pb_rng rng);

/* What belongs to the place but is at the subject: perch or ground. Drawn below it, in the same units and with the same stream. */
void synth_draw_perch(cairo_t *cr, const struct synth_class *class, struct pb_rng rng);
void synth_draw_shadow(cairo_t *cr, const struct synth_class *class, struct pb_rng rng);

#endif
