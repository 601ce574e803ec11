/* One fish as it is being drawn: pose, colours, measures. */
#ifndef PB_SYNTH_FISH_H
#define PB_SYNTH_FISH_H

#include "synth/classes.h"
#include "synth/draw.h"

struct fish {
    cairo_t *cr;
    const struct synth_class *class;
    double tilt; /* nose down or up */
    double turn; /* foreshortening: 1 from the side */
    double height; /* half the body's height */
    double spread; /* of the fins */
    double tail_turn; /* foreshortening of the tail, which beats from side to side */
    struct synth_colour back, flank, belly, fin, marks;
    bool has_line, has_spots; /* an individual's own, whatever its class */
    struct pb_rng spots; /* where they lie */
};

/* Pose and colours from the stream. */
struct fish fish_choose(cairo_t *cr, const struct synth_class *class, struct pb_rng *rng);

void fish_fins(const struct fish *f); /* tail, dorsal and anal fins: behind the body */
void fish_body(struct fish *f); /* body, marks, head, breast fin */

#endif
