/* What is behind a subject: sky and runway, foliage and water, streets and walls. */
#include "synth/surroundings.h"

#include <math.h>

#include "synth/draw.h"

static void vertical_gradient(cairo_t *cr, double aspect, double top, double bottom, struct synth_colour a,
                              struct synth_colour b)
{
    cairo_pattern_t *gradient = cairo_pattern_create_linear(0, top, 0, bottom);
    cairo_pattern_add_color_stop_rgb(gradient, 0, a.r, a.g, a.b);
    cairo_pattern_add_color_stop_rgb(gradient, 1, b.r, b.g, b.b);
    cairo_set_source(cr, gradient);
    cairo_rectangle(cr, -0.1, top, aspect + 0.2, bottom - top);
    cairo_fill(cr);
    cairo_pattern_destroy(gradient);
}

/* Blue, overcast or low sun, with or without clouds. */
static void draw_sky(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const uint32_t weather = pb_rng_below(rng, 4);
    const double light = synth_between(rng, 0.6, 1);
    struct synth_colour high = synth_any_hsv(rng, (const double[6]){0.54, 0.64, 0.35, 0.8, light, light});
    struct synth_colour low = synth_mix(high, synth_grey(1), synth_between(rng, 0.3, 0.8));
    if (weather == 1) {
        high = synth_grey(light);
        low = synth_grey(light * synth_between(rng, 0.85, 1.1));
    } else if (weather == 2) {
        low = synth_any_hsv(rng, (const double[6]){0.02, 0.12, 0.3, 0.7, light, light});
    }
    vertical_gradient(cr, aspect, -0.05, 1.05, high, low);
    const uint32_t clouds = pb_rng_below(rng, 6);
    for (uint32_t i = 0; i < clouds; i++) {
        const double x = synth_between(rng, 0, aspect), y = synth_between(rng, 0, 0.8),
                     r = synth_between(rng, 0.05, 0.2);
        for (int puff = 0; puff < 5; puff++) {
            const double px = x + synth_between(rng, -1.6, 1.6) * r, py = y + synth_between(rng, -0.4, 0.4) * r;
            synth_soft_disc(cr, px, py, r * synth_between(rng, 0.6, 1.2), synth_grey(light * 1.05), 0.5);
        }
    }
}

/* A row of round crowns along the horizon. */
static void draw_tree_line(cairo_t *cr, double aspect, double horizon, struct pb_rng *rng)
{
    const struct synth_colour green = synth_any_hsv(rng, (const double[6]){0.2, 0.42, 0.2, 0.6, 0.2, 0.5});
    const double size = synth_between(rng, 0.02, 0.08);
    for (int i = 0; i < synth_steps(aspect + 2 * size, size * 0.9); i++) {
        const double x = size * (0.9 * i - 1);
        synth_ellipse(cr, x, horizon - size * 0.2, size, size * synth_between(rng, 0.6, 1.5));
        synth_fill(cr, synth_shade(green, synth_between(rng, 0.8, 1.1)));
    }
}

/* Blocks with rows of windows on the horizon. */
static void draw_buildings(cairo_t *cr, double aspect, double horizon, double tallest, struct pb_rng *rng)
{
    for (double x = synth_between(rng, -0.3, 0.1); x < aspect;) {
        const double width = synth_between(rng, 0.15, 0.5), height = synth_between(rng, 0.3, 1) * tallest;
        const struct synth_colour wall = synth_any_hsv(rng, (const double[6]){0, 1, 0, 0.35, 0.3, 0.85});
        const bool lit = synth_chance(rng, 0.3);
        cairo_rectangle(cr, x, horizon - height, width, height);
        synth_fill(cr, wall);
        const double step = synth_between(rng, 0.05, 0.1);
        const int rows = synth_steps(height - 1.4 * step, step), columns = synth_steps(width - step, step);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
                cairo_rectangle(cr, x + step * (0.4 + column), horizon - height + step * (0.4 + row), step * 0.5,
                                step * 0.55);
        synth_fill(cr, synth_shade(wall, lit ? 1.4 : 0.55));
        x += width + synth_between(rng, 0, 0.25);
    }
}

static void draw_ground(cairo_t *cr, double aspect, double horizon, struct synth_colour near, double stripes,
                        struct pb_rng *rng)
{
    vertical_gradient(cr, aspect, horizon, 1.05, synth_shade(near, 1.15), near);
    for (int i = 0; i < 24; i++) {
        const double y = horizon + (1.05 - horizon) * pow(synth_between(rng, 0, 1), 1.5);
        const double length = synth_between(rng, 0.05, 0.6), x = synth_between(rng, -0.3, aspect);
        cairo_rectangle(cr, x, y, length, 0.004 + 0.02 * (y - horizon));
        synth_set(cr, synth_shade(near, synth_between(rng, 0.75, 1.2)), 0.6);
        cairo_fill(cr);
    }
    if (stripes > 0) {
        const double y = horizon + (1 - horizon) * synth_between(rng, 0.3, 0.9);
        for (int i = 0; i < synth_steps(aspect + 0.2, stripes * 2); i++)
            cairo_rectangle(cr, -0.2 + i * stripes * 2, y, stripes, 0.018);
        synth_fill(cr, synth_grey(0.9));
    }
}

static void draw_airfield(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    draw_sky(cr, aspect, rng);
    if (synth_chance(rng, 0.5))
        return;
    const double horizon = synth_between(rng, 0.55, 0.85);
    const uint32_t scene = pb_rng_below(rng, 4);
    if (scene == 0) {
        const struct synth_colour haze = synth_any_hsv(rng, (const double[6]){0.6, 0.6, 0.1, 0.4, 0.4, 0.7});
        enum { PEAKS = 8 };
        struct synth_point ridge[PEAKS + 2] = {{aspect + 0.3, horizon + 0.02}, {-0.3, horizon + 0.02}};
        for (int i = 0; i < PEAKS; i++)
            ridge[i + 2] =
                (struct synth_point){-0.2 + (aspect + 0.4) * i / (PEAKS - 1), horizon - synth_between(rng, 0.02, 0.25)};
        synth_polygon(cr, ridge, PEAKS + 2);
        synth_fill(cr, haze);
    } else if (scene == 1) {
        draw_buildings(cr, aspect, horizon, 0.25, rng);
    } else {
        draw_tree_line(cr, aspect, horizon, rng);
    }
    const bool paved = synth_chance(rng, 0.6);
    const struct synth_colour ground = paved ? synth_grey(synth_between(rng, 0.3, 0.65))
                                             : synth_any_hsv(rng, (const double[6]){0.13, 0.33, 0.2, 0.5, 0.3, 0.6});
    const double stripes = paved ? synth_between(rng, 0.06, 0.2) : 0;
    draw_ground(cr, aspect, horizon, ground, stripes, rng);
}

/* Leaves and light far out of focus. */
static void draw_foliage(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double hue = synth_between(rng, 0.1, 0.45), light = synth_between(rng, 0.2, 0.85);
    const double saturation = synth_between(rng, 0.1, 0.6);
    vertical_gradient(cr, aspect, -0.05, 1.05, synth_hsv(hue, saturation, light),
                      synth_hsv(hue + 0.04, saturation, light * 0.7));
    const uint32_t blobs = 12 + pb_rng_below(rng, 22);
    for (uint32_t i = 0; i < blobs; i++) {
        const struct synth_colour colour =
            synth_any_hsv(rng, (const double[6]){hue - 0.1, hue + 0.1, saturation * 0.4, saturation * 1.3, light * 0.5,
                                                 fmin(1, light * 1.5)});
        const double x = synth_between(rng, 0, aspect), y = synth_between(rng, 0, 1);
        synth_soft_disc(cr, x, y, synth_between(rng, 0.08, 0.35), colour, 0.7);
    }
}

static void draw_reeds(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double hue = synth_between(rng, 0.1, 0.3);
    const uint32_t stalks = 15 + pb_rng_below(rng, 30);
    for (uint32_t i = 0; i < stalks; i++) {
        const double x = synth_between(rng, 0, aspect), lean = synth_between(rng, -0.25, 0.25);
        cairo_move_to(cr, x, 1.05);
        cairo_curve_to(cr, x, 0.7, x + lean * 0.5, 0.4, x + lean, synth_between(rng, 0, 0.7));
        const struct synth_colour colour = synth_any_hsv(rng, (const double[6]){hue, hue, 0.2, 0.6, 0.25, 0.8});
        synth_stroke(cr, colour, synth_between(rng, 0.006, 0.022));
    }
}

static void draw_water(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const struct synth_colour water = synth_any_hsv(rng, (const double[6]){0.45, 0.64, 0.15, 0.6, 0.35, 0.85});
    vertical_gradient(cr, aspect, -0.05, 1.05, synth_shade(water, 1.2), synth_shade(water, 0.75));
    for (int i = 0; i < 40; i++) {
        const double y = synth_between(rng, 0, 1), width = synth_between(rng, 0.05, 0.3),
                     x = synth_between(rng, -0.1, aspect);
        cairo_move_to(cr, x, y);
        cairo_curve_to(cr, x + width * 0.3, y - 0.015, x + width * 0.7, y - 0.015, x + width, y);
        const double shade = synth_between(rng, 0.8, 1.35);
        synth_stroke(cr, synth_shade(water, shade), synth_between(rng, 0.004, 0.014));
    }
}

static void draw_wilds(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    switch (pb_rng_below(rng, 6)) {
    case 0:
        draw_sky(cr, aspect, rng);
        break;
    case 1:
        draw_water(cr, aspect, rng);
        break;
    case 2:
        draw_foliage(cr, aspect, rng);
        draw_reeds(cr, aspect, rng);
        break;
    case 3:
        draw_sky(cr, aspect, rng);
        for (int i = 0; i < 4; i++) {
            const double from = synth_between(rng, 0, aspect), to = synth_between(rng, 0, aspect);
            const double line[4] = {from, -0.05, to, synth_between(rng, 0.3, 1)};
            const double width = synth_between(rng, 0.008, 0.025);
            synth_draw_branch(cr, line, width, synth_between(rng, -0.12, 0.12), 3, rng);
        }
        break;
    default:
        draw_foliage(cr, aspect, rng);
        break;
    }
}

static void draw_street(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double horizon = synth_between(rng, 0.3, 0.62);
    const uint32_t scene = pb_rng_below(rng, 5);
    draw_sky(cr, aspect, rng);
    if (scene == 0) {
        draw_tree_line(cr, aspect, horizon, rng);
        draw_tree_line(cr, aspect, horizon, rng);
    } else if (scene < 3) {
        draw_buildings(cr, aspect, horizon, horizon * 1.1, rng);
    } else if (scene == 3) {
        /* A showroom: wall and polished floor. */
        const struct synth_colour wall = synth_any_hsv(rng, (const double[6]){0, 1, 0, 0.2, 0.3, 0.95});
        vertical_gradient(cr, aspect, -0.05, horizon, wall, synth_shade(wall, 0.85));
    } else {
        const struct synth_colour brick = synth_any_hsv(rng, (const double[6]){0, 0.1, 0.1, 0.5, 0.4, 0.8});
        vertical_gradient(cr, aspect, -0.05, horizon, brick, synth_shade(brick, 0.9));
        const double course = synth_between(rng, 0.035, 0.07);
        for (int i = 0; i < synth_steps(horizon, course); i++)
            synth_line(cr, -0.1, i * course, aspect + 0.1, i * course);
        synth_stroke(cr, synth_shade(brick, 0.8), 0.008);
    }
    const bool grass = synth_chance(rng, 0.2);
    const struct synth_colour ground = grass ? synth_any_hsv(rng, (const double[6]){0.18, 0.3, 0.2, 0.5, 0.3, 0.6})
                                             : synth_grey(synth_between(rng, 0.25, 0.7));
    const double stripes = synth_chance(rng, 0.4) ? synth_between(rng, 0.1, 0.3) : 0;
    draw_ground(cr, aspect, horizon, ground, stripes, rng);
}

void synth_draw_backdrop(cairo_t *cr, enum synth_kind kind, double aspect, struct pb_rng *rng)
{
    if (kind == SYNTH_AIRCRAFT)
        draw_airfield(cr, aspect, rng);
    else if (kind == SYNTH_BIRDS)
        draw_wilds(cr, aspect, rng);
    else if (kind == SYNTH_CARS)
        draw_street(cr, aspect, rng);
    else
        synth_draw_water(cr, aspect, rng);
}
