/* One bird as it is being drawn: pose, plumage, measures. */
#ifndef PB_SYNTH_BIRD_H
#define PB_SYNTH_BIRD_H

#include "synth/classes.h"
#include "synth/draw.h"

struct bird {
    cairo_t *cr;
    const struct synth_class *class;
    double tilt; /* of the body: 0 level, positive upright */
    double turn; /* foreshortening of the body: 1 from the side */
    double head_turn; /* of the head, negative when the bird looks back */
    double head_tilt, tail_tilt;
    double plumpness;
    double foot; /* height of the feet */
    struct synth_point head; /* its centre */
    struct synth_colour back, breast, belly, wing, tail, cap, cheek, throat, bill, leg;
    bool has_cap, has_cheek, has_throat, has_stripe;
    int breast_marks; /* 0 none, 1 streaks, 2 spots, 3 band */
    struct pb_rng marks; /* where feathers and spots lie */
};

/* Pose and plumage from the stream. */
struct bird bird_choose(cairo_t *cr, const struct synth_class *class, struct pb_rng *rng);
/* From the body's frame to the bird's. */
struct synth_point bird_from_body(const struct bird *b, double x, double y);

void bird_body(struct bird *b); /* legs, tail, body, wing */
void bird_head(struct bird *b); /* crest, head, eye, bill */

#endif
