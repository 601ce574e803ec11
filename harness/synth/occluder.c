/* What is in front of a subject: branches and leaves, fences, posts, bushes. */
#include "synth/surroundings.h"

#include <math.h>

#include "synth/draw.h"

void synth_draw_leaf(cairo_t *cr, double x, double y, double angle, double length, double green)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_rotate(cr, angle);
    cairo_move_to(cr, 0, 0);
    cairo_curve_to(cr, length * 0.3, -length * 0.35, length * 0.8, -length * 0.2, length, 0);
    cairo_curve_to(cr, length * 0.8, length * 0.2, length * 0.3, length * 0.35, 0, 0);
    const struct synth_colour colour = synth_hsv(0.2 + 0.18 * green, 0.55, 0.25 + 0.4 * green);
    synth_fill(cr, colour);
    synth_line(cr, 0, 0, length * 0.9, 0);
    synth_stroke(cr, synth_shade(colour, 1.2), length * 0.05);
    cairo_restore(cr);
}

void synth_draw_branch(cairo_t *cr, const double line[4], double width, double bend, uint32_t leaves,
                       struct pb_rng *rng)
{
    const double dx = line[2] - line[0], dy = line[3] - line[1];
    const struct synth_colour bark = synth_any_hsv(rng, (const double[6]){0.04, 0.1, 0.15, 0.5, 0.2, 0.5});
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    for (int layer = 0; layer < 2; layer++) {
        const double lift = layer ? -width * 0.2 : 0;
        cairo_move_to(cr, line[0], line[1] + lift);
        cairo_curve_to(cr, line[0] + dx * 0.3 - dy * bend, line[1] + dy * 0.3 + dx * bend + lift,
                       line[0] + dx * 0.7 - dy * bend, line[1] + dy * 0.7 + dx * bend + lift, line[2], line[3] + lift);
        synth_stroke(cr, synth_shade(bark, layer ? 1.25 : 0.8), layer ? width * 0.4 : width);
    }
    for (uint32_t i = 0; i < leaves; i++) {
        const double t = synth_between(rng, 0.1, 1), swell = 3 * t * (1 - t) * bend;
        const double angle = synth_between(rng, 0, 2 * M_PI), length = synth_between(rng, 2.5, 5) * width + 0.03;
        synth_draw_leaf(cr, line[0] + dx * t - dy * swell, line[1] + dy * t + dx * swell, angle, length,
                        synth_between(rng, 0, 1));
    }
}

static void draw_post(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double x = synth_between(rng, 0.08, 0.92) * aspect, width = synth_between(rng, 0.015, 0.05);
    const struct synth_colour colour = synth_grey(synth_between(rng, 0.15, 0.6));
    cairo_rectangle(cr, x, -0.05, width, 1.1);
    synth_fill(cr, colour);
    cairo_rectangle(cr, x + width * 0.15, -0.05, width * 0.25, 1.1);
    synth_fill(cr, synth_shade(colour, 1.35));
}

/* Chain link across the lower part, or wires across all. */
static void draw_fence(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const struct synth_colour wire = synth_grey(synth_between(rng, 0.3, 0.75));
    if (synth_chance(rng, 0.5)) {
        const double top = synth_between(rng, 0.6, 0.85), mesh = synth_between(rng, 0.06, 0.12);
        for (int i = 0; i < synth_steps(aspect + 2, mesh); i++) {
            const double x = -1 + i * mesh;
            synth_line(cr, x, top, x + (1 - top), 1);
            synth_line(cr, x, top, x - (1 - top), 1);
        }
        synth_stroke(cr, wire, 0.006);
        synth_line(cr, -0.1, top, aspect + 0.1, top);
        synth_stroke(cr, wire, 0.02);
        return;
    }
    const double slope = synth_between(rng, -0.1, 0.1);
    double y = synth_between(rng, 0.05, 0.3);
    while (y < 1) {
        synth_line(cr, -0.1, y, aspect + 0.1, y + slope);
        y += synth_between(rng, 0.22, 0.4);
    }
    synth_stroke(cr, wire, synth_between(rng, 0.006, 0.014));
}

static void draw_bush(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const double x = synth_between(rng, 0, aspect), size = synth_between(rng, 0.1, 0.22);
    for (int i = 0; i < 26; i++) {
        const double lx = x + synth_between(rng, -1.2, 1.2) * size, ly = 1.02 - synth_between(rng, 0, 1) * size;
        const double angle = synth_between(rng, M_PI, 2 * M_PI), length = size * synth_between(rng, 0.3, 0.6);
        synth_draw_leaf(cr, lx, ly, angle, length, synth_between(rng, 0, 1));
    }
}

static void draw_twig(cairo_t *cr, double aspect, struct pb_rng *rng)
{
    const bool from_left = synth_chance(rng, 0.5);
    const double y = synth_between(rng, 0.05, 1);
    const double reach = synth_between(rng, 0.35, 1.1) * aspect;
    const double line[4] = {from_left ? -0.05 : aspect + 0.05, y, from_left ? reach : aspect - reach,
                            y + synth_between(rng, -0.4, 0.4)};
    const double width = synth_between(rng, 0.012, 0.03), bend = synth_between(rng, -0.12, 0.12);
    const uint32_t leaves = 2 + pb_rng_below(rng, 6);
    synth_draw_branch(cr, line, width, bend, leaves, rng);
}

void synth_draw_occluder(cairo_t *cr, enum synth_kind kind, double aspect, struct pb_rng *rng)
{
    const uint32_t form = pb_rng_below(rng, 3);
    if (kind == SYNTH_FISH) {
        synth_draw_weeds(cr, aspect, rng);
    } else if (kind == SYNTH_BIRDS) {
        if (form == 2)
            draw_bush(cr, aspect, rng);
        else
            draw_twig(cr, aspect, rng);
    } else if (form == 0) {
        draw_post(cr, aspect, rng);
    } else if (form == 1) {
        draw_fence(cr, aspect, rng);
    } else {
        draw_bush(cr, aspect, rng);
    }
}
