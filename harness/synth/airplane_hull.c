/* Aircraft: the fuselage with its livery and windows. */
#include "synth/airplane.h"

#include <math.h>

static const double degree = M_PI / 180;

struct synth_station aircraft_station(const struct aircraft *a, double t)
{
    const int nose = a->class->parts[AIRCRAFT_NOSE];
    const double nose_share = nose == NOSE_POINTED ? 0.30 : 0.13;
    struct synth_station s = {a->half * (2 * t - 1), 0, 0, a->radius};
    if (t < nose_share) {
        const double u = 1 - t / nose_share;
        s.radius *= nose == NOSE_POINTED ? 1 - pow(u, 1.7) : sqrt(fmax(0, 1 - u * u));
        s.y += (a->radius - s.radius) * (nose == NOSE_POINTED ? 0.45 : 0.15);
    }
    if (t > 0.66) {
        const double u = (t - 0.66) / 0.34;
        s.radius *= 1 - 0.86 * pow(u, 1.5);
        s.y -= (a->radius - s.radius) * 0.75;
    }
    return s;
}

void aircraft_build_hull(struct aircraft *a)
{
    static const double share[AIRCRAFT_STATIONS] = {0,    0.01, 0.025, 0.045, 0.07, 0.10, 0.13, 0.17, 0.22, 0.27, 0.32,
                                                    0.40, 0.50, 0.60,  0.66,  0.72, 0.77, 0.82, 0.87, 0.92, 0.96, 1};
    for (size_t i = 0; i < AIRCRAFT_STATIONS; i++)
        a->hull[i] = aircraft_station(a, share[i]);
}

/* A point on the hull's near side at share t and elevation (radians above the waist). */
static struct synth_point on_hull(const struct aircraft *a, double t, double elevation)
{
    const struct synth_station s = aircraft_station(a, t);
    return synth_project(&a->view, s.x, s.y - s.radius * sin(elevation), s.z + s.radius * cos(elevation));
}

/* A belt of the hull between two shares and two elevations. */
static void belt(const struct aircraft *a, double t0, double t1, double low, double high)
{
    enum { STEPS = 18 };
    struct synth_point points[2 * STEPS];
    for (int i = 0; i < STEPS; i++) {
        const double t = t0 + (t1 - t0) * i / (STEPS - 1);
        points[i] = on_hull(a, t, high);
        points[2 * STEPS - 1 - i] = on_hull(a, t, low);
    }
    synth_polygon(a->cr, points, 2 * STEPS);
}

static void draw_livery(struct aircraft *a)
{
    const double below = -100 * degree, above = 100 * degree;
    if (a->livery == 1)
        belt(a, 0.02, 0.98, a->line_low, a->line_high);
    else if (a->livery == 3)
        belt(a, 0.72, 1, below, above);
    else if (a->livery == 4)
        belt(a, 0.30, 0.42, below, above);
    synth_fill(a->cr, a->accent);
    if (a->livery != 3) {
        belt(a, 0, 1, below, a->livery == 2 ? -5 * degree : -45 * degree);
        synth_fill(a->cr, a->livery == 2 ? a->accent : a->belly);
    }
}

static void draw_window_row(struct aircraft *a, double elevation, double from, double to)
{
    const double size = 0.028;
    const int count = (int)((to - from) * 2 * a->half / 0.062);
    for (int i = 0; i <= count; i++) {
        const struct synth_point p = on_hull(a, from + (to - from) * i / count, elevation);
        cairo_rectangle(a->cr, p.x - size / 2 * a->view.cos_yaw, p.y - size * 0.7, size * a->view.cos_yaw, size * 1.4);
    }
    synth_fill(a->cr, a->glass);
}

/* Windows, doors and cockpit. */
static void draw_windows(struct aircraft *a)
{
    const int windows = a->class->parts[AIRCRAFT_WINDOWS];
    if (windows != WINDOWS_NONE)
        draw_window_row(a, 12 * degree, 0.17, 0.76);
    if (windows == WINDOWS_TWO_ROWS)
        draw_window_row(a, 52 * degree, 0.17, 0.70);
    const double cockpit = a->class->parts[AIRCRAFT_NOSE] == NOSE_POINTED ? 0.13 : 0.045;
    belt(a, cockpit, cockpit + 0.045, 22 * degree, 58 * degree);
    synth_fill(a->cr, a->glass);
    static const double doors[] = {0.135, 0.79};
    for (int i = 0; i < 2; i++)
        belt(a, doors[i], doors[i] + 0.022, -12 * degree, 34 * degree);
    synth_stroke(a->cr, synth_shade(a->body, 0.55), 0.008);
}

/* The upper deck behind a raised cockpit. */
static void draw_hump(struct aircraft *a)
{
    enum { COUNT = 9 };
    struct synth_station deck[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const double u = (double)i / (COUNT - 1);
        const struct synth_station s = aircraft_station(a, 0.035 + 0.37 * u);
        const double swell =
            pow(sin(M_PI * fmin(u * 2.2, 1) / 2), 0.8) * (u < 0.45 ? 1 : cos((u - 0.45) / 0.55 * M_PI / 2));
        deck[i] = (struct synth_station){s.x, s.y - s.radius * 0.40 - a->radius * 0.42 * swell, 0, s.radius * 0.72};
    }
    synth_tube(a->cr, &a->view, deck, COUNT);
    synth_set(a->cr, a->body, 1);
    cairo_fill_preserve(a->cr);
    synth_tube_shade(a->cr, &a->view, deck, COUNT, 0.8);
    const struct synth_point p0 =
        synth_project(&a->view, deck[1].x, deck[1].y - deck[1].radius * 0.5, deck[1].radius * 0.8);
    const struct synth_point p1 =
        synth_project(&a->view, deck[3].x, deck[3].y - deck[3].radius * 0.5, deck[3].radius * 0.8);
    synth_line(a->cr, p0.x, p0.y, p1.x, p1.y);
    synth_stroke(a->cr, a->glass, 0.04);
}

void aircraft_hull(struct aircraft *a)
{
    cairo_t *cr = a->cr;
    if (a->class->parts[AIRCRAFT_NOSE] == NOSE_HUMP)
        draw_hump(a);
    cairo_save(cr);
    synth_tube(cr, &a->view, a->hull, AIRCRAFT_STATIONS);
    synth_set(cr, a->body, 1);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    draw_livery(a);
    draw_windows(a);
    cairo_restore(cr);
    synth_tube(cr, &a->view, a->hull, AIRCRAFT_STATIONS);
    synth_tube_shade(cr, &a->view, a->hull, AIRCRAFT_STATIONS, 1);
}
