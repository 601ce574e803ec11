/* Under water: what is behind a fish, and weed in front of it. */
#include <math.h>

#include "synth/draw.h"
#include "synth/surroundings.h"

/* Shafts of light from above. */
static void draw_light(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const uint32_t shafts = pb_rng_below(rng, 5);
    for (uint32_t i = 0; i < shafts; i++) {
        const double x = synth_between(rng, -0.2, aspect), lean = synth_between(rng, -0.3, 0.3),
                     width = synth_between(rng, 0.04, 0.15);
        const struct synth_point shaft[] = {
            {x, -0.05}, {x + width, -0.05}, {x + 2 * width + lean, 1.05}, {x + lean, 1.05}};
        synth_polygon(cr, shaft, sizeof shaft / sizeof *shaft);
        synth_set(cr, synth_grey(1), synth_between(rng, 0.04, 0.12));
        cairo_fill(cr);
    }
}

static void draw_weed(cairo_t *cr, double x, double top, double width, struct synth_colour colour, struct pb_rng *rng)
{
    const double sway = synth_between(rng, -0.15, 0.15);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_move_to(cr, x, 1.05);
    cairo_curve_to(cr, x + sway, 0.8, x - sway, top + 0.25, x + sway * 0.5, top);
    synth_stroke(cr, colour, width);
}

static void draw_bottom(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double horizon = synth_between(rng, 0.7, 0.92);
    const struct synth_colour sand = synth_any_hsv(rng, (const double[6]){0.08, 0.16, 0.1, 0.5, 0.3, 0.8});
    cairo_rectangle(cr, -0.1, horizon, aspect + 0.2, 1.1 - horizon);
    synth_fill(cr, sand);
    const uint32_t stones = 3 + pb_rng_below(rng, 8);
    for (uint32_t i = 0; i < stones; i++) {
        const double x = synth_between(rng, 0, aspect), size = synth_between(rng, 0.03, 0.15);
        synth_ellipse(cr, x, horizon + size * 0.2, size, size * synth_between(rng, 0.5, 0.9));
        const struct synth_colour stone = synth_any_hsv(rng, (const double[6]){0, 1, 0, 0.5, 0.2, 0.75});
        synth_fill(cr, stone);
    }
}

void synth_draw_water(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const struct synth_colour water = synth_any_hsv(rng, (const double[6]){0.4, 0.66, 0.2, 0.8, 0.3, 0.85});
    const struct synth_colour high = synth_shade(water, synth_between(rng, 1.05, 1.4)),
                              low = synth_shade(water, synth_between(rng, 0.45, 0.95));
    cairo_pattern_t *depth = cairo_pattern_create_linear(0, 0, 0, 1);
    cairo_pattern_add_color_stop_rgb(depth, 0, high.r, high.g, high.b);
    cairo_pattern_add_color_stop_rgb(depth, 1, low.r, low.g, low.b);
    cairo_set_source(cr, depth);
    cairo_paint(cr);
    cairo_pattern_destroy(depth);
    draw_light(cr, aspect, rng);
    if (synth_chance(rng, 0.6))
        draw_bottom(cr, aspect, rng);
    const uint32_t weeds = synth_chance(rng, 0.5) ? 4 + pb_rng_below(rng, 20) : 0;
    const double hue = synth_between(rng, 0.1, 0.45);
    for (uint32_t i = 0; i < weeds; i++) {
        const double x = synth_between(rng, 0, aspect), top = synth_between(rng, 0.3, 0.95);
        const struct synth_colour colour = synth_any_hsv(rng, (const double[6]){hue, hue + 0.05, 0.2, 0.7, 0.2, 0.65});
        draw_weed(cr, x, top, synth_between(rng, 0.008, 0.04), colour, rng);
    }
    const uint32_t bubbles = pb_rng_below(rng, 14);
    for (uint32_t i = 0; i < bubbles; i++) {
        const double x = synth_between(rng, 0, aspect), y = synth_between(rng, 0, 1),
                     r = synth_between(rng, 0.006, 0.025);
        synth_ellipse(cr, x, y, r, r);
        synth_stroke(cr, synth_shade(water, 1.7), 0.005);
    }
}

void synth_draw_weeds(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double middle = synth_between(rng, 0.05, 0.95) * aspect, hue = synth_between(rng, 0.18, 0.42);
    const uint32_t stalks = 2 + pb_rng_below(rng, 4);
    for (uint32_t i = 0; i < stalks; i++) {
        const double x = middle + synth_between(rng, -0.12, 0.12), top = synth_between(rng, 0, 0.7);
        const struct synth_colour colour = synth_any_hsv(rng, (const double[6]){hue, hue, 0.4, 0.7, 0.2, 0.5});
        draw_weed(cr, x, top, synth_between(rng, 0.015, 0.04), colour, rng);
    }
}
