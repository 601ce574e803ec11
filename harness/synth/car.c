/* Cars: body styles, pose, paint. */
#include "synth/car.h"

#include <math.h>

#include "synth/subject.h"

static const double degree = M_PI / 180;

static const struct car_style styles[] = {
    [ROOF_SEDAN] = {{{-0.98, 0.11},
                     {-1.01, 0.24},
                     {-0.98, 0.40},
                     {-0.88, 0.45},
                     {-0.38, 0.50},
                     {-0.06, 0.70},
                     {0.18, 0.725},
                     {0.40, 0.70},
                     {0.66, 0.52},
                     {0.95, 0.49},
                     {1.0, 0.38},
                     {1.0, 0.24},
                     {0.97, 0.11}},
                    0.48,
                    0.725,
                    0.10,
                    0.165},
    [ROOF_HATCH] = {{{-0.95, 0.11},
                     {-0.99, 0.24},
                     {-0.95, 0.42},
                     {-0.84, 0.48},
                     {-0.46, 0.54},
                     {-0.12, 0.77},
                     {0.20, 0.80},
                     {0.62, 0.77},
                     {0.86, 0.52},
                     {0.90, 0.46},
                     {0.92, 0.38},
                     {0.92, 0.24},
                     {0.88, 0.11}},
                    0.51,
                    0.80,
                    0.11,
                    0.165},
    [ROOF_COUPE] = {{{-0.98, 0.09},
                     {-1.03, 0.20},
                     {-0.99, 0.35},
                     {-0.88, 0.41},
                     {-0.28, 0.46},
                     {0.02, 0.63},
                     {0.16, 0.655},
                     {0.30, 0.64},
                     {0.84, 0.48},
                     {0.97, 0.45},
                     {1.0, 0.36},
                     {1.0, 0.22},
                     {0.96, 0.09}},
                    0.44,
                    0.655,
                    0.08,
                    0.175},
    [ROOF_SUV] = {{{-0.96, 0.17},
                   {-0.99, 0.32},
                   {-0.97, 0.52},
                   {-0.88, 0.58},
                   {-0.42, 0.62},
                   {-0.16, 0.88},
                   {0.25, 0.91},
                   {0.84, 0.89},
                   {0.94, 0.64},
                   {0.97, 0.58},
                   {0.98, 0.46},
                   {0.98, 0.32},
                   {0.95, 0.17}},
                  0.60,
                  0.91,
                  0.16,
                  0.20},
    [ROOF_WAGON] = {{{-0.98, 0.11},
                     {-1.01, 0.24},
                     {-0.98, 0.40},
                     {-0.88, 0.45},
                     {-0.40, 0.50},
                     {-0.08, 0.70},
                     {0.24, 0.73},
                     {0.80, 0.71},
                     {0.96, 0.50},
                     {0.99, 0.46},
                     {1.01, 0.38},
                     {1.01, 0.24},
                     {0.98, 0.11}},
                    0.48,
                    0.73,
                    0.10,
                    0.165},
    [ROOF_PICKUP] = {{{-0.98, 0.17},
                      {-1.01, 0.32},
                      {-0.98, 0.50},
                      {-0.90, 0.56},
                      {-0.48, 0.60},
                      {-0.24, 0.86},
                      {-0.02, 0.89},
                      {0.16, 0.87},
                      {0.22, 0.57},
                      {0.98, 0.57},
                      {1.01, 0.46},
                      {1.01, 0.32},
                      {0.99, 0.17}},
                     0.58,
                     0.89,
                     0.15,
                     0.20},
};

static void choose_paint(struct car *c, struct pb_rng *rng)
{
    const double hue = synth_between(rng, 0, 1);
    const bool vivid = synth_chance(rng, 0.55);
    c->paint = vivid ? synth_any_hsv(rng, (const double[6]){hue, hue, 0.45, 0.95, 0.3, 0.95})
                     : synth_hsv(hue, 0.06, synth_between(rng, 0.12, 0.97));
    c->second = synth_any_hsv(rng, (const double[6]){0, 1, 0, 0.6, 0.2, 0.9});
    c->glass = synth_mix(synth_grey(0.10), synth_hsv(0.56, 0.35, 0.65), synth_between(rng, 0, 0.8));
    c->chrome = synth_chance(rng, 0.5);
    c->trim = c->chrome ? synth_grey(0.85) : synth_grey(0.2);
    c->lamp = synth_mix(synth_grey(0.95), synth_hsv(0.14, 0.5, 1), synth_between(rng, 0, 0.6));
    c->rim = synth_grey(synth_between(rng, 0.45, 0.9));
    c->two_tone = synth_chance(rng, 0.15);
    c->rim_form = (int)pb_rng_below(rng, 3);
}

struct car car_choose(cairo_t *cr, const struct synth_class *class, struct pb_rng *rng)
{
    struct car c = {.cr = cr, .class = class, .style = &styles[class->parts[CAR_ROOF]]};
    const double yaw = synth_between(rng, 20, 50), pitch = synth_between(rng, 2, 13);
    c.view = synth_view(yaw * degree, pitch * degree);
    choose_paint(&c, rng);
    const bool is_long = class->parts[CAR_WHEELBASE] == WHEELBASE_LONG;
    c.front_wheel = is_long ? -0.70 : -0.55;
    c.rear_wheel = is_long ? 0.68 : 0.44;
    return c;
}

void synth_draw_car(cairo_t *cr, const struct synth_class *class, struct pb_rng rng)
{
    const struct car c = car_choose(cr, class, &rng);
    cairo_rotate(cr, synth_between(&rng, -5, 5) * degree);
    car_wheels(&c, -1);
    car_shell(&c);
    car_front(&c);
    car_side(&c);
    car_wheels(&c, 1);
    car_extra(&c);
}

void synth_draw_shadow(cairo_t *cr, const struct synth_class *class, struct pb_rng rng)
{
    const struct car c = car_choose(cr, class, &rng);
    cairo_rotate(cr, synth_between(&rng, -5, 5) * degree);
    const double strength = synth_between(&rng, 0.3, 0.75);
    for (int i = 0; i < 3; i++) {
        const double grow = 0.02 + 0.04 * i;
        const struct synth_point corners[4] = {car_project(&c, -0.95 - grow, 0, -CAR_HALF_WIDTH - grow),
                                               car_project(&c, 0.95 + grow, 0, -CAR_HALF_WIDTH - grow),
                                               car_project(&c, 0.95 + grow, -0.02 * i, CAR_HALF_WIDTH + grow),
                                               car_project(&c, -0.95 - grow, -0.02 * i, CAR_HALF_WIDTH + grow)};
        synth_polygon(cr, corners, 4);
        synth_set(cr, synth_grey(0.03), strength * (i == 0 ? 0.8 : 0.3));
        cairo_fill(cr);
    }
}
