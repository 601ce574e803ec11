/* Fish: tail, dorsal and anal fins. */
#include <math.h>

#include "synth/fish.h"

/* Rays from a root to points along the edge, over the current clip. */
static void draw_rays(const struct fish *f, struct synth_point root, const struct synth_point *edge, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++)
        for (int part = 0; part < 3; part++) {
            const double t = part / 3.0;
            synth_line(f->cr, root.x, root.y, edge[i].x + (edge[i + 1].x - edge[i].x) * t,
                       edge[i].y + (edge[i + 1].y - edge[i].y) * t);
        }
    synth_stroke(f->cr, synth_shade(f->fin, 0.75), 0.012);
}

static void draw_fin(const struct fish *f, const struct synth_point *points, size_t count, bool smooth)
{
    cairo_t *cr = f->cr;
    cairo_save(cr);
    if (smooth)
        synth_smooth(cr, points, count, true);
    else
        synth_polygon(cr, points, count);
    synth_set(cr, f->fin, 1);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    draw_rays(f, points[0], points, count);
    cairo_restore(cr);
}

static void draw_tail(const struct fish *f)
{
    static const struct {
        struct synth_point points[8];
        size_t count;
        bool smooth;
    } forms[] = {
        [FISH_TAIL_FORKED] =
            {{{0, -0.07}, {0.20, -0.22}, {0.42, -0.40}, {0.27, 0}, {0.42, 0.40}, {0.20, 0.22}, {0, 0.07}}, 7, false},
        [FISH_TAIL_ROUND] =
            {{{0, -0.08}, {0.18, -0.26}, {0.34, -0.24}, {0.42, 0}, {0.34, 0.24}, {0.18, 0.26}, {0, 0.08}}, 7, true},
        [FISH_TAIL_LUNATE] = {{{0, -0.05},
                               {0.10, -0.12},
                               {0.22, -0.42},
                               {0.38, -0.62},
                               {0.20, 0},
                               {0.38, 0.62},
                               {0.22, 0.42},
                               {0.10, 0.12}},
                              8,
                              false},
        [FISH_TAIL_POINTED] =
            {{{0, -0.10}, {0.16, -0.17}, {0.36, -0.12}, {0.66, 0}, {0.36, 0.12}, {0.16, 0.17}, {0, 0.10}}, 7, true},
    };
    const int form = f->class->parts[FISH_TAIL];
    cairo_save(f->cr);
    cairo_translate(f->cr, 0.60, 0);
    cairo_scale(f->cr, f->tail_turn, f->spread);
    draw_fin(f, forms[form].points, forms[form].count, forms[form].smooth);
    cairo_restore(f->cr);
}

/* A spiny triangle on the back between two places; lean moves its tip backwards. */
static void draw_spike(const struct fish *f, double from, double to, double base, double tip, double lean)
{
    const struct synth_point points[] = {
        {from, -base + 0.06}, {from + (to - from) * lean, -base - tip * f->spread}, {to, -base + 0.12}};
    draw_fin(f, points, 3, false);
}

static void draw_dorsal(const struct fish *f)
{
    const double h = f->height;
    switch (f->class->parts[FISH_DORSAL]) {
    case DORSAL_LONG: {
        const struct synth_point band[] = {{-0.45, -h * 0.8},          {-0.40, -h - 0.14 * f->spread},
                                           {0, -h - 0.17 * f->spread}, {0.38, -h * 0.66 - 0.15 * f->spread},
                                           {0.46, -h * 0.4},           {0, -h * 0.9}};
        draw_fin(f, band, sizeof band / sizeof *band, false);
        break;
    }
    case DORSAL_SAIL:
        draw_spike(f, -0.42, 0.34, h * 0.92, 0.52, 0.45);
        break;
    case DORSAL_TWO:
        draw_spike(f, -0.42, -0.08, h * 0.94, 0.26, 0.4);
        draw_spike(f, 0.06, 0.44, h * 0.80, 0.24, 0.5);
        break;
    default: /* DORSAL_REAR */
        draw_spike(f, 0.14, 0.46, h * 0.72, 0.24, 0.8);
        break;
    }
}

void fish_fins(const struct fish *f)
{
    const double h = f->height;
    draw_tail(f);
    draw_dorsal(f);
    const struct synth_point anal[] = {{0.08, h * 0.85}, {0.28, h * 0.8 + 0.2 * f->spread}, {0.42, h * 0.45}};
    const struct synth_point pelvic[] = {{-0.30, h * 0.85}, {-0.14, h + 0.18 * f->spread}, {-0.10, h * 0.9}};
    draw_fin(f, anal, 3, false);
    draw_fin(f, pelvic, 3, false);
}
