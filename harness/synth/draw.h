/* Drawing in cairo: colours, smooth outlines, a parallel projection of solid shapes. */
#ifndef PB_SYNTH_DRAW_H
#define PB_SYNTH_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include <cairo.h>

#include <prunebench/rng.h>

struct synth_colour {
    double r, g, b;
};
struct synth_point {
    double x, y;
};

/* Random values; every one advances the stream once. C does not say in which order arguments are evaluated: draw at most one value in a call. */
double synth_between(struct pb_rng *rng, double low, double high);
bool synth_chance(struct pb_rng *rng, double probability);

/* hue in turns, saturation and value 0 … 1. */
struct synth_colour synth_hsv(double hue, double saturation, double value);
/* Each of the three from its range: hue low, hue high, saturation low, … */
struct synth_colour synth_any_hsv(struct pb_rng *rng, const double ranges[6]);
struct synth_colour synth_mix(struct synth_colour a, struct synth_colour b, double share_of_b);
/* Towards black (factor < 1) or white (factor > 1). */
struct synth_colour synth_shade(struct synth_colour colour, double factor);
struct synth_colour synth_grey(double value);
void synth_set(cairo_t *cr, struct synth_colour colour, double alpha);

/* How many steps fit into a length; 0 where it is negative. */
int synth_steps(double length, double step);

/* Paths. They append to the current path. */
void synth_polygon(cairo_t *cr, const struct synth_point *points, size_t count);
/* Catmull–Rom curve through the points. */
void synth_smooth(cairo_t *cr, const struct synth_point *points, size_t count, bool closed);
void synth_ellipse(cairo_t *cr, double x, double y, double rx, double ry);
void synth_line(cairo_t *cr, double x0, double y0, double x1, double y1);

/* Fill or stroke the current path and drop it. */
void synth_fill(cairo_t *cr, struct synth_colour colour);
void synth_stroke(cairo_t *cr, struct synth_colour colour, double width);

/* A disc that fades out towards its rim. */
void synth_soft_disc(cairo_t *cr, double x, double y, double radius, struct synth_colour colour, double alpha);

/* Parallel projection: x to the right, y down, z towards the viewer. */
struct synth_view {
    double cos_yaw, sin_yaw, cos_pitch, sin_pitch;
};
/* Radians. A positive yaw turns the end at −x towards the viewer, a positive pitch looks from above. */
struct synth_view synth_view(double yaw, double pitch);
struct synth_point synth_project(const struct synth_view *view, double x, double y, double z);

/* A round body along a curve. */
struct synth_station {
    double x, y, z, radius;
};
/* Its outline as one path (to be filled with the nonzero rule). */
void synth_tube(cairo_t *cr, const struct synth_view *view, const struct synth_station *stations, size_t count);
/* Lays light from above and shade below over the current path, across the body's axis; drops the path. */
void synth_tube_shade(cairo_t *cr, const struct synth_view *view, const struct synth_station *stations, size_t count,
                      double strength);

#endif
