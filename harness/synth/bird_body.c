/* Birds: legs, tail, body and wing. */
#include <math.h>

#include "synth/bird.h"

struct synth_point bird_from_body(const struct bird *b, double x, double y)
{
    return (struct synth_point){b->turn * (x * cos(b->tilt) - y * sin(b->tilt)), x * sin(b->tilt) + y * cos(b->tilt)};
}

static void draw_leg(const struct bird *b, double x, double shade)
{
    const struct synth_point hip = bird_from_body(b, x, 0.24 * b->plumpness);
    const double foot_x = hip.x - 0.03, width = 0.034;
    const struct synth_colour colour = synth_shade(b->leg, shade);
    cairo_set_line_cap(b->cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(b->cr, CAIRO_LINE_JOIN_ROUND);
    synth_line(b->cr, hip.x, hip.y, hip.x + 0.05, hip.y + (b->foot - hip.y) * 0.5);
    cairo_line_to(b->cr, foot_x, b->foot);
    synth_stroke(b->cr, colour, width);
    for (int toe = -1; toe <= 1; toe++)
        synth_line(b->cr, foot_x, b->foot, foot_x - 0.10 + 0.02 * toe, b->foot + 0.025 * toe);
    synth_line(b->cr, foot_x, b->foot, foot_x + 0.08, b->foot + 0.01);
    synth_stroke(b->cr, colour, width * 0.8);
}

static void draw_tail(const struct bird *b)
{
    const int form = b->class->parts[BIRD_TAIL];
    static const struct synth_point short_tail[] = {{-0.08, -0.10}, {0.18, -0.10}, {0.30, -0.07},
                                                    {0.31, 0.06},   {0.18, 0.09},  {-0.08, 0.10}};
    static const struct synth_point long_tail[] = {{-0.08, -0.10}, {0.35, -0.09}, {0.80, -0.08}, {0.86, 0.0},
                                                   {0.80, 0.07},   {0.35, 0.08},  {-0.08, 0.10}};
    static const struct synth_point forked_tail[] = {{-0.08, -0.10}, {0.25, -0.10}, {0.62, -0.22}, {0.30, 0.0},
                                                     {0.60, 0.17},   {0.25, 0.10},  {-0.08, 0.10}};
    cairo_t *cr = b->cr;
    cairo_save(cr);
    cairo_translate(cr, 0.46, -0.03);
    cairo_rotate(cr, b->tail_tilt);
    if (form == BIRD_TAIL_FORKED)
        synth_polygon(cr, forked_tail, sizeof forked_tail / sizeof *forked_tail);
    else if (form == BIRD_TAIL_LONG)
        synth_smooth(cr, long_tail, sizeof long_tail / sizeof *long_tail, true);
    else
        synth_smooth(cr, short_tail, sizeof short_tail / sizeof *short_tail, true);
    synth_set(cr, b->tail, 1);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    for (int i = -2; i <= 2; i++)
        synth_line(cr, -0.1, 0.02 * i, 0.9, form == BIRD_TAIL_FORKED ? 0.13 * i : 0.04 * i);
    synth_stroke(cr, synth_shade(b->tail, 0.72), 0.014);
    cairo_restore(cr);
}

/* Body and neck in the body's frame; the head's disc closes it. */
static void body_outline(const struct bird *b)
{
    static const struct synth_point outline[] = {
        {-0.62, -0.20}, {-0.60, -0.02}, {-0.53, 0.16}, {-0.34, 0.31}, {-0.06, 0.36},  {0.22, 0.27},   {0.46, 0.09},
        {0.56, 0.00},   {0.52, -0.07},  {0.30, -0.17}, {0.05, -0.27}, {-0.16, -0.36}, {-0.34, -0.46}, {-0.52, -0.40},
    };
    enum { COUNT = sizeof outline / sizeof *outline };
    struct synth_point points[COUNT];
    for (int i = 0; i < COUNT; i++)
        points[i] = (struct synth_point){outline[i].x, outline[i].y * b->plumpness};
    synth_smooth(b->cr, points, COUNT, true);
}

static void draw_breast_marks(struct bird *b)
{
    const struct synth_colour mark = synth_shade(b->back, 0.45);
    if (b->breast_marks == 3) {
        cairo_move_to(b->cr, -0.75, -0.02);
        cairo_curve_to(b->cr, -0.5, 0.0, -0.35, 0.1, -0.25, 0.4);
        synth_stroke(b->cr, mark, 0.07);
        return;
    }
    for (int i = 0; b->breast_marks && i < 26; i++) {
        const double x = synth_between(&b->marks, -0.6, 0.25), y = synth_between(&b->marks, 0.0, 0.36);
        if (b->breast_marks == 1)
            synth_line(b->cr, x, y, x + 0.05, y + 0.03);
        else
            synth_ellipse(b->cr, x, y, 0.016, 0.016);
    }
    if (b->breast_marks == 1)
        synth_stroke(b->cr, mark, 0.016);
    else
        synth_fill(b->cr, mark);
}

static void draw_trunk(struct bird *b)
{
    cairo_t *cr = b->cr;
    cairo_save(cr);
    body_outline(b);
    synth_set(cr, b->back, 1);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    static const struct synth_point under[] = {{-0.80, -0.12}, {-0.45, -0.06}, {-0.20, 0.08}, {0.15, 0.14},
                                               {0.60, 0.02},   {0.5, 0.5},     {-0.6, 0.5}};
    synth_smooth(cr, under, sizeof under / sizeof *under, true);
    synth_fill(cr, b->breast);
    synth_soft_disc(cr, 0.08, 0.34, 0.42, b->belly, 1);
    draw_breast_marks(b);
    /* Round: light on the back, shade below. */
    cairo_pattern_t *shade = cairo_pattern_create_linear(-0.1, -0.42, 0.05, 0.38);
    cairo_pattern_add_color_stop_rgba(shade, 0, 1, 1, 1, 0.22);
    cairo_pattern_add_color_stop_rgba(shade, 0.45, 0.5, 0.5, 0.5, 0);
    cairo_pattern_add_color_stop_rgba(shade, 1, 0, 0, 0.05, 0.38);
    cairo_set_source(cr, shade);
    cairo_paint(cr);
    cairo_pattern_destroy(shade);
    cairo_restore(cr);
}

/* Bars lie across the coverts, light on a dark wing and dark on a light one. */
static void draw_wing_bars(const struct bird *b)
{
    const int bars = b->class->parts[BIRD_WING];
    const double brightness = 0.3 * b->wing.r + 0.6 * b->wing.g + 0.1 * b->wing.b;
    const struct synth_colour colour = brightness < 0.6 ? synth_grey(0.95) : synth_shade(b->wing, 0.3);
    for (int i = 0; i < bars; i++) {
        const double x = bars == 1 ? 0.0 : -0.11 + 0.2 * i;
        cairo_move_to(b->cr, x + 0.10, -0.34);
        cairo_curve_to(b->cr, x + 0.02, -0.12, x - 0.02, 0.02, x + 0.03, 0.3);
        synth_stroke(b->cr, colour, 0.075);
    }
}

static void draw_wing(const struct bird *b)
{
    static const struct synth_point outline[] = {{-0.34, -0.10}, {-0.27, -0.22}, {-0.08, -0.27}, {0.18, -0.19},
                                                 {0.48, -0.05},  {0.66, 0.04},   {0.46, 0.07},   {0.22, 0.13},
                                                 {-0.02, 0.17},  {-0.22, 0.11}};
    cairo_t *cr = b->cr;
    cairo_save(cr);
    synth_smooth(cr, outline, sizeof outline / sizeof *outline, true);
    synth_set(cr, b->wing, 1);
    cairo_fill_preserve(cr);
    cairo_clip_preserve(cr);
    cairo_new_path(cr);
    for (int i = 0; i < 6; i++) {
        cairo_move_to(cr, 0.02 + 0.02 * i, -0.18 + 0.06 * i);
        cairo_curve_to(cr, 0.2, -0.14 + 0.05 * i, 0.4, -0.05 + 0.025 * i, 0.64, 0.03 + 0.006 * i);
    }
    synth_stroke(cr, synth_shade(b->wing, 0.7), 0.014);
    for (int row = 0; row < 2; row++)
        for (int i = 0; i < 4; i++)
            synth_ellipse(cr, -0.22 + 0.12 * row + 0.03 * i, -0.16 + 0.08 * i, 0.06, 0.05);
    synth_stroke(cr, synth_shade(b->wing, 0.8), 0.010);
    draw_wing_bars(b);
    cairo_restore(cr);
    synth_smooth(cr, outline, sizeof outline / sizeof *outline, true);
    synth_stroke(cr, synth_shade(b->wing, 0.6), 0.014);
}

void bird_body(struct bird *b)
{
    cairo_t *cr = b->cr;
    draw_leg(b, 0.14, 0.7);
    cairo_save(cr);
    cairo_scale(cr, b->turn, 1);
    cairo_rotate(cr, b->tilt);
    draw_tail(b);
    cairo_restore(cr);
    draw_leg(b, 0.02, 1);
    cairo_save(cr);
    cairo_scale(cr, b->turn, 1);
    cairo_rotate(cr, b->tilt);
    draw_trunk(b);
    draw_wing(b);
    cairo_restore(cr);
}
