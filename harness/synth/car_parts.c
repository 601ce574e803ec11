/* Cars: lamps, grilles, spoilers and racks. */
#include <math.h>

#include "synth/car.h"

static void rounded(cairo_t *cr, double x, double y, double width, double height, double radius)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x + width - radius, y + radius, radius, -M_PI / 2, 0);
    cairo_arc(cr, x + width - radius, y + height - radius, radius, 0, M_PI / 2);
    cairo_arc(cr, x + radius, y + height - radius, radius, M_PI / 2, M_PI);
    cairo_arc(cr, x + radius, y + radius, radius, M_PI, 3 * M_PI / 2);
    cairo_close_path(cr);
}

static void lit(const struct car *c)
{
    synth_set(c->cr, c->lamp, 1);
    cairo_fill_preserve(c->cr);
    synth_stroke(c->cr, synth_grey(0.15), 0.022);
}

/* Lamps on the front, which is drawn in (z, −height). top: height of the bonnet's edge. */
static void draw_lamps(const struct car *c, double top)
{
    const int form = c->class->parts[CAR_LAMPS];
    for (int side = -1; side <= 1; side += 2) {
        if (form == LAMPS_ROUND) {
            synth_ellipse(c->cr, side * 0.305, -top + 0.095, 0.095, 0.082);
        } else if (form == LAMPS_SLIT) {
            const struct synth_point slit[4] = {{side * 0.13, -top + 0.10},
                                                {side * 0.42, -top + 0.03},
                                                {side * 0.42, -top + 0.085},
                                                {side * 0.15, -top + 0.13}};
            synth_polygon(c->cr, slit, 4);
        } else {
            rounded(c->cr, side * 0.36 - 0.065, -top + 0.03, 0.13, 0.22, 0.03);
        }
        lit(c);
    }
}

static void draw_grille(const struct car *c, double top, double bottom)
{
    cairo_t *cr = c->cr;
    const int form = c->class->parts[CAR_GRILLE];
    const double height = top - bottom;
    if (form == GRILLE_CLOSED) {
        rounded(cr, -0.25, -bottom - height * 0.26, 0.5, height * 0.13, 0.015);
        synth_fill(cr, synth_grey(0.12));
        return;
    }
    const double half = form == GRILLE_UPRIGHT ? 0.155 : 0.37;
    const double upper = form == GRILLE_UPRIGHT ? top - 0.02 : bottom + height * 0.52;
    const double lower = form == GRILLE_UPRIGHT ? bottom + height * 0.22 : bottom + height * 0.08;
    rounded(cr, -half, -upper, 2 * half, upper - lower, 0.03);
    synth_set(cr, synth_grey(0.07), 1);
    cairo_fill_preserve(cr);
    synth_stroke(cr, c->trim, 0.03);
    if (form == GRILLE_UPRIGHT)
        for (int i = 1; i <= synth_steps(2 * half - 0.09, 0.06); i++)
            synth_line(cr, -half + i * 0.06, -upper + 0.02, -half + i * 0.06, -lower - 0.02);
    else
        for (int i = 1; i <= synth_steps(upper - lower - 0.07, 0.05); i++)
            synth_line(cr, -half + 0.02, -lower - i * 0.05, half - 0.02, -lower - i * 0.05);
    synth_stroke(cr, synth_shade(c->trim, 0.7), 0.014);
}

/* Where a lamp reaches around the corner. */
static void draw_lamp_on_side(const struct car *c, double top)
{
    const int form = c->class->parts[CAR_LAMPS];
    if (form == LAMPS_ROUND)
        synth_ellipse(c->cr, -0.955, -top + 0.09, 0.03, 0.07);
    else if (form == LAMPS_SLIT)
        synth_polygon(c->cr,
                      (const struct synth_point[]){
                          {-0.97, -top + 0.04}, {-0.72, -top + 0.005}, {-0.74, -top + 0.045}, {-0.98, -top + 0.09}},
                      4);
    else
        rounded(c->cr, -1.0, -top + 0.03, 0.08, 0.20, 0.02);
    lit(c);
}

void car_front(const struct car *c)
{
    const double top = c->style->skin[2].y, bottom = c->style->skin[0].y;
    cairo_save(c->cr);
    car_cross_plane(c, c->style->skin[1].x);
    draw_grille(c, top, bottom);
    draw_lamps(c, top);
    rounded(c->cr, -0.09, -bottom - 0.055, 0.18, 0.045, 0.01);
    synth_fill(c->cr, synth_grey(0.88));
    cairo_restore(c->cr);
    cairo_save(c->cr);
    car_side_plane(c, car_width(c, top));
    draw_lamp_on_side(c, top);
    cairo_restore(c->cr);
}

/* A blade across the car at x, on two feet. */
static void draw_spoiler(const struct car *c)
{
    const int roof = c->class->parts[CAR_ROOF];
    const bool on_roof = roof == ROOF_HATCH || roof == ROOF_SUV || roof == ROOF_WAGON;
    const struct synth_point foot = c->style->skin[on_roof ? SKIN_ROOF_REAR : 9];
    const double x = on_roof ? foot.x + 0.02 : foot.x - 0.08, rise = on_roof ? 0.05 : 0.14;
    const double width = car_width(c, foot.y) * 0.98;
    const struct synth_colour colour = synth_shade(c->paint, 0.55);
    for (int side = -1; side <= 1; side += 2) {
        const struct synth_point a = car_project(c, x - 0.05, foot.y - 0.02, side * width * 0.8);
        const struct synth_point b = car_project(c, x + 0.04, foot.y + rise, side * width * 0.8);
        synth_line(c->cr, a.x, a.y, b.x, b.y);
        synth_stroke(c->cr, colour, 0.045);
    }
    const double chord = 0.19;
    const struct synth_point blade[4] = {
        car_project(c, x - 0.05, foot.y + rise, width), car_project(c, x + chord, foot.y + rise + 0.035, width),
        car_project(c, x + chord, foot.y + rise + 0.035, -width), car_project(c, x - 0.05, foot.y + rise, -width)};
    synth_polygon(c->cr, blade, 4);
    synth_set(c->cr, synth_shade(c->paint, 0.8), 1);
    cairo_fill_preserve(c->cr);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    synth_stroke(c->cr, colour, 0.04);
}

static void draw_rail(const struct car *c, double z)
{
    const double front = c->style->skin[SKIN_ROOF_FRONT].x + 0.06, rear = c->style->skin[SKIN_ROOF_REAR].x - 0.02;
    const double roof = c->style->roof, rise = roof + 0.085;
    const struct synth_point a = car_project(c, front, rise, z), b = car_project(c, rear, rise, z);
    synth_line(c->cr, a.x, a.y, b.x, b.y);
    synth_stroke(c->cr, synth_grey(0.12), 0.042);
    for (int i = 0; i < 3; i++) {
        const double x = front + (rear - front) * (0.08 + 0.42 * i);
        const struct synth_point foot = car_project(c, x, roof - 0.03, z), head = car_project(c, x, rise, z);
        synth_line(c->cr, foot.x, foot.y, head.x, head.y);
    }
    synth_stroke(c->cr, synth_grey(0.12), 0.03);
}

void car_extra(const struct car *c)
{
    const int extra = c->class->parts[CAR_EXTRA];
    if (extra == EXTRA_SPOILER)
        draw_spoiler(c);
    if (extra != EXTRA_RACK)
        return;
    draw_rail(c, -0.27);
    draw_rail(c, 0.29);
}
