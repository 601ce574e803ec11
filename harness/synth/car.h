/* One car as it is being drawn: body style, pose, paint. */
#ifndef PB_SYNTH_CAR_H
#define PB_SYNTH_CAR_H

#include "synth/classes.h"
#include "synth/draw.h"

#define CAR_HALF_WIDTH 0.43 /* up to the window line */
/* The outline from the side, from the front bumper over the roof to the rear one. Heights count upwards. */
#define CAR_SKIN 13
enum { SKIN_COWL = 4, SKIN_ROOF_FRONT = 5, SKIN_ROOF_REAR = 7, SKIN_REAR_BASE = 8 };

struct car_style {
    struct synth_point skin[CAR_SKIN]; /* x from −1 (front) to 1, height */
    double belt; /* height of the window line */
    double roof; /* greatest height */
    double clearance, wheel;
};

struct car {
    cairo_t *cr;
    const struct synth_class *class;
    const struct car_style *style;
    struct synth_view view;
    struct synth_colour paint, second, glass, trim, lamp, rim;
    bool two_tone, chrome;
    int rim_form;
    double front_wheel, rear_wheel; /* x */
};

struct car car_choose(cairo_t *cr, const struct synth_class *class, struct pb_rng *rng);

/* Half the width at a height. */
double car_width(const struct car *c, double height);
struct synth_point car_project(const struct car *c, double x, double height, double z);
/* From now on the context's units are (x, −height) on the plane z, or (z, −height) on the plane x. */
void car_side_plane(const struct car *c, double z);
void car_cross_plane(const struct car *c, double x);

void car_shell(const struct car *c); /* bonnet, glass, roof, side */
void car_front(const struct car *c); /* grille and lamps */
void car_side(const struct car *c); /* windows, doors */
void car_wheels(const struct car *c, double side);
void car_extra(const struct car *c); /* spoiler, rack */

#endif
