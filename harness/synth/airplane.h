/* One aircraft as it is being drawn: pose, livery, measures. */
#ifndef PB_SYNTH_AIRPLANE_H
#define PB_SYNTH_AIRPLANE_H

#include "synth/classes.h"
#include "synth/draw.h"

#define AIRCRAFT_STATIONS 22

struct aircraft {
    cairo_t *cr;
    const struct synth_class *class;
    struct synth_view view;
    double half; /* half the length: the nose is at −half, the tail at +half */
    double radius; /* of the fuselage */
    bool from_above;
    struct synth_station hull[AIRCRAFT_STATIONS];
    struct synth_colour body, accent, belly, wing, engine, glass;
    int livery; /* 0 plain, 1 cheat line, 2 coloured belly, 3 coloured tail, 4 band */
    double line_low, line_high; /* elevation of the cheat line around the hull */
};

void aircraft_build_hull(struct aircraft *a); /* its stations, from half and radius */
void aircraft_hull(struct aircraft *a); /* fuselage with livery, windows and cockpit */
void aircraft_wing(struct aircraft *a, double side); /* side −1: far, +1: near; with its engines */
void aircraft_rear_engine(struct aircraft *a, double side); /* side 0: the one in the fin's foot */
void aircraft_tail_behind(struct aircraft *a); /* what the hull hides */
void aircraft_tail_before(struct aircraft *a);

/* Centre line and radius of the hull at share t of its length. */
struct synth_station aircraft_station(const struct aircraft *a, double t);

#endif
