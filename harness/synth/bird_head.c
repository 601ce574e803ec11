/* Birds: head, bill, eye and crest. The head looks to −x. */
#include <math.h>

#include "synth/bird.h"

static const double head_radius = 0.235;

static void draw_crest(const struct bird *b)
{
    static const struct synth_point peak[] = {
        {-0.20, -0.08}, {-0.06, -0.30}, {0.10, -0.56}, {0.14, -0.30}, {0.22, -0.02}};
    cairo_t *cr = b->cr;
    const struct synth_colour colour = b->has_cap ? b->cap : synth_shade(b->back, 0.9);
    if (b->class->parts[BIRD_CREST] == CREST_PEAK) {
        synth_polygon(cr, peak, sizeof peak / sizeof *peak);
        synth_set(cr, colour, 1);
        cairo_fill_preserve(cr);
        cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
        synth_stroke(cr, synth_shade(colour, 0.75), 0.016);
        synth_line(cr, 0.0, -0.2, 0.09, -0.48);
        synth_stroke(cr, synth_shade(colour, 0.7), 0.014);
    } else if (b->class->parts[BIRD_CREST] == CREST_PLUME) {
        cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
        for (int i = 0; i < 3; i++) {
            cairo_move_to(cr, 0.02, -0.18 + 0.03 * i);
            cairo_curve_to(cr, 0.18, -0.30 + 0.07 * i, 0.32, -0.30 + 0.09 * i, 0.50 - 0.03 * i, -0.16 + 0.12 * i);
            synth_stroke(cr, synth_shade(colour, 1 - 0.12 * i), 0.055);
        }
    }
}

/* Upper edge of the bill from its root to its tip, and the lower edge back. */
static void draw_bill(const struct bird *b)
{
    static const struct {
        struct synth_point points[7];
        size_t count;
    } forms[] = {
        [BILL_CONE] = {{{-0.15, -0.10}, {-0.30, -0.07}, {-0.41, 0.03}, {-0.30, 0.11}, {-0.15, 0.13}}, 5},
        [BILL_THIN] = {{{-0.17, -0.02}, {-0.32, 0.01}, {-0.46, 0.045}, {-0.32, 0.06}, {-0.17, 0.07}}, 5},
        [BILL_LONG] = {{{-0.17, -0.05}, {-0.45, -0.02}, {-0.84, 0.04}, {-0.45, 0.07}, {-0.17, 0.09}}, 5},
        [BILL_CURVED] = {{{-0.17, -0.06},
                          {-0.40, -0.05},
                          {-0.60, 0.05},
                          {-0.70, 0.25},
                          {-0.55, 0.12},
                          {-0.38, 0.05},
                          {-0.17, 0.08}},
                         7},
        [BILL_HOOKED] = {{{-0.15, -0.10},
                          {-0.34, -0.10},
                          {-0.46, -0.01},
                          {-0.45, 0.14},
                          {-0.38, 0.06},
                          {-0.26, 0.09},
                          {-0.15, 0.13}},
                         7},
    };
    const int form = b->class->parts[BIRD_BILL];
    cairo_t *cr = b->cr;
    synth_smooth(cr, forms[form].points, forms[form].count, true);
    synth_set(cr, b->bill, 1);
    cairo_fill_preserve(cr);
    synth_stroke(cr, synth_shade(b->bill, 0.6), 0.012);
    const struct synth_point tip = forms[form].points[forms[form].count / 2];
    cairo_move_to(cr, -0.15, 0.03);
    cairo_curve_to(cr, -0.25, 0.02, tip.x * 0.7, tip.y * 0.5 + 0.01, tip.x, tip.y);
    synth_stroke(cr, synth_shade(b->bill, 0.5), 0.012);
}

static void draw_eye(const struct bird *b)
{
    cairo_t *cr = b->cr;
    const double x = -0.075, y = -0.045;
    if (b->class->parts[BIRD_EYE] == EYE_RING) {
        synth_ellipse(cr, x, y, 0.092, 0.092);
        synth_fill(cr, synth_hsv(0.13, 0.12, 1));
    }
    synth_ellipse(cr, x, y, 0.05, 0.05);
    synth_fill(cr, synth_grey(0.04));
    synth_ellipse(cr, x - 0.015, y - 0.018, 0.013, 0.013);
    synth_fill(cr, synth_grey(0.95));
}

static void draw_markings(const struct bird *b)
{
    cairo_t *cr = b->cr;
    const double r = head_radius;
    if (b->has_cheek) {
        synth_ellipse(cr, 0.03, 0.07, 0.12, 0.09);
        synth_fill(cr, b->cheek);
    }
    if (b->has_throat) {
        synth_ellipse(cr, -0.17, 0.2, 0.2, 0.13);
        synth_fill(cr, b->throat);
    }
    if (b->has_cap) {
        cairo_rectangle(cr, -r, -r - 0.02, 2 * r, r * 0.78);
        synth_fill(cr, b->cap);
    }
    if (b->has_stripe) {
        synth_line(cr, -r, -0.02, r, 0.0);
        synth_stroke(cr, synth_shade(b->back, 0.35), 0.05);
    }
}

void bird_head(struct bird *b)
{
    cairo_t *cr = b->cr;
    cairo_save(cr);
    cairo_translate(cr, b->head.x, b->head.y);
    cairo_scale(cr, b->head_turn, 1);
    cairo_rotate(cr, b->head_tilt);
    draw_crest(b);
    draw_bill(b);
    cairo_save(cr);
    synth_ellipse(cr, 0, 0, head_radius * 1.05, head_radius);
    synth_set(cr, b->back, 1);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    draw_markings(b);
    synth_soft_disc(cr, -0.03, -0.2, 0.3, synth_grey(1), 0.25);
    synth_soft_disc(cr, 0.02, 0.3, 0.28, synth_grey(0), 0.28);
    cairo_restore(cr);
    draw_eye(b);
    cairo_restore(cr);
}
