/* Fish: body, marks, head and breast fin. The head looks to −x. */
#include <math.h>

#include "synth/fish.h"

/* Tip of the snout and how steep the forehead is. */
static const struct {
    struct synth_point tip;
    double forehead, chin; /* share of the height at x = −0.72 */
} snouts[] = {
    [SNOUT_BLUNT] = {{-0.84, 0.06}, 0.78, 0.60},
    [SNOUT_POINTED] = {{-1.04, 0.05}, 0.46, 0.46},
    [SNOUT_BEAK] = {{-0.98, 0.03}, 0.42, 0.42},
    [SNOUT_UPTURNED] = {{-0.90, -0.14}, 0.50, 0.74},
};

static void body_outline(const struct fish *f)
{
    const int snout = f->class->parts[FISH_SNOUT];
    const double h = f->height;
    const struct synth_point points[] = {
        snouts[snout].tip,
        {-0.72, -h * snouts[snout].forehead},
        {-0.42, -h * 0.94},
        {-0.06, -h},
        {0.30, -h * 0.70},
        {0.54, -0.10},
        {0.66, -0.075},
        {0.66, 0.075},
        {0.54, 0.10},
        {0.30, h * 0.70},
        {-0.06, h},
        {-0.42, h * 0.92},
        {-0.72, h * snouts[snout].chin},
    };
    synth_smooth(f->cr, points, sizeof points / sizeof *points, true);
}

static void draw_marks(struct fish *f)
{
    cairo_t *cr = f->cr;
    if (f->has_spots) {
        for (int i = 0; i < 22; i++) {
            const double x = synth_between(&f->spots, -0.5, 0.5), y = synth_between(&f->spots, -1, 0.2) * f->height;
            synth_ellipse(cr, x, y, 0.018, 0.018);
        }
        synth_fill(cr, synth_shade(f->back, 0.6));
    }
    if (f->has_line) {
        synth_line(cr, -0.5, -0.06, 0.66, 0);
        synth_stroke(cr, synth_shade(f->flank, 0.6), 0.03);
    }
    if (f->class->parts[FISH_MARKS] == MARKS_BARS) {
        for (int i = 0; i < 3; i++)
            synth_line(cr, -0.34 + 0.3 * i, -0.6, -0.30 + 0.3 * i, 0.6);
        synth_stroke(cr, f->marks, 0.09);
    } else if (f->class->parts[FISH_MARKS] == MARKS_EYESPOT) {
        synth_ellipse(cr, 0.36, -0.06, 0.115, 0.115);
        synth_fill(cr, synth_mix(f->marks, synth_grey(1), 0.75));
        synth_ellipse(cr, 0.36, -0.06, 0.075, 0.075);
        synth_fill(cr, synth_grey(0.06));
    }
}

static void draw_beak(const struct fish *f)
{
    static const struct synth_point beak[] = {{-0.80, -0.07}, {-1.42, 0.02}, {-1.42, 0.05}, {-0.80, 0.11}};
    if (f->class->parts[FISH_SNOUT] != SNOUT_BEAK)
        return;
    synth_polygon(f->cr, beak, sizeof beak / sizeof *beak);
    synth_set(f->cr, synth_shade(f->back, 0.85), 1);
    cairo_fill_preserve(f->cr);
    synth_stroke(f->cr, synth_shade(f->back, 0.6), 0.012);
}

static void draw_head(const struct fish *f)
{
    cairo_t *cr = f->cr;
    const struct synth_point tip = snouts[f->class->parts[FISH_SNOUT]].tip;
    cairo_arc(cr, -0.62, 0.02, f->height * 0.8, -0.9, 0.9);
    synth_stroke(cr, synth_shade(f->flank, 0.65), 0.022);
    cairo_move_to(cr, tip.x + 0.01, tip.y);
    cairo_curve_to(cr, tip.x + 0.05, tip.y + 0.03, tip.x + 0.10, tip.y + 0.05, tip.x + 0.17, tip.y + 0.05);
    synth_stroke(cr, synth_shade(f->flank, 0.4), 0.018);
    synth_ellipse(cr, -0.66, -f->height * 0.22, 0.072, 0.072);
    synth_fill(cr, synth_hsv(0.13, 0.25, 0.95));
    synth_ellipse(cr, -0.66, -f->height * 0.22, 0.042, 0.042);
    synth_fill(cr, synth_grey(0.05));
}

static void draw_barbels(const struct fish *f)
{
    cairo_t *cr = f->cr;
    const struct synth_point tip = snouts[f->class->parts[FISH_SNOUT]].tip;
    if (f->class->parts[FISH_BARBELS] == BARBELS_NONE)
        return;
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    for (int i = 0; i < 2; i++) {
        cairo_move_to(cr, tip.x + 0.08 + 0.08 * i, tip.y + 0.08);
        cairo_curve_to(cr, tip.x - 0.02 + 0.08 * i, tip.y + 0.2, tip.x + 0.02 + 0.1 * i, tip.y + 0.34,
                       tip.x - 0.06 + 0.12 * i, tip.y + 0.44);
    }
    synth_stroke(cr, synth_shade(f->back, 0.7), 0.03);
}

static void draw_breast_fin(const struct fish *f)
{
    const struct synth_point fin[] = {{-0.40, 0.06}, {-0.24, 0.02}, {-0.06, 0.06 + 0.12 * f->spread}, {-0.22, 0.17}};
    synth_smooth(f->cr, fin, sizeof fin / sizeof *fin, true);
    synth_set(f->cr, synth_shade(f->fin, 1.1), 1);
    cairo_fill_preserve(f->cr);
    synth_stroke(f->cr, synth_shade(f->fin, 0.6), 0.012);
}

void fish_body(struct fish *f)
{
    cairo_t *cr = f->cr;
    draw_barbels(f);
    draw_beak(f);
    cairo_save(cr);
    body_outline(f);
    cairo_pattern_t *sides = cairo_pattern_create_linear(0, -f->height, 0, f->height);
    cairo_pattern_add_color_stop_rgb(sides, 0, f->back.r, f->back.g, f->back.b);
    cairo_pattern_add_color_stop_rgb(sides, 0.5, f->flank.r, f->flank.g, f->flank.b);
    cairo_pattern_add_color_stop_rgb(sides, 1, f->belly.r, f->belly.g, f->belly.b);
    cairo_set_source(cr, sides);
    cairo_fill_preserve(cr);
    cairo_pattern_destroy(sides);
    cairo_clip(cr);
    draw_marks(f);
    synth_soft_disc(cr, -0.1, -f->height, f->height * 1.4, synth_grey(1), 0.22);
    synth_soft_disc(cr, -0.1, f->height * 1.2, f->height * 1.2, synth_grey(0), 0.25);
    cairo_restore(cr);
    draw_head(f);
    draw_breast_fin(f);
}
