/* Aircraft: wings, engines and tails. */
#include <math.h>

#include "synth/airplane.h"

struct space_point {
    double x, y, z;
};

/* A wing's measures on the near side (z > 0). */
struct wing {
    double root_x, root_y, root_chord, tip_chord, sweep, span, rise;
};

static struct wing wing_of(const struct aircraft *a)
{
    const bool swept = a->class->parts[AIRCRAFT_SWEEP] == SWEEP_BACK;
    const bool high = a->class->parts[AIRCRAFT_MOUNT] == MOUNT_HIGH;
    return (struct wing){
        .root_x = a->half * (swept ? -0.22 : -0.16),
        .root_y = a->radius * (high ? -0.88 : 0.55),
        .root_chord = swept ? 0.46 : 0.34,
        .tip_chord = swept ? 0.15 : 0.24,
        .sweep = swept ? 0.66 : 0.04,
        .span = 1.0,
        .rise = high ? 0.02 : 0.13,
    };
}

/* Leading edge (chord 0) to trailing edge (chord 1) at share s of the span. */
static struct space_point on_wing(const struct aircraft *a, const struct wing *w, double side, double s, double chord)
{
    const double inner = a->radius * 0.55;
    return (struct space_point){w->root_x + w->sweep * s + chord * (w->root_chord + (w->tip_chord - w->root_chord) * s),
                                w->root_y - w->rise * s, side * (inner + (w->span - inner) * s)};
}

static struct synth_point project(const struct aircraft *a, struct space_point p)
{
    return synth_project(&a->view, p.x, p.y, p.z);
}

static void quad(const struct aircraft *a, const struct space_point p[4], struct synth_colour colour)
{
    struct synth_point q[4];
    for (int i = 0; i < 4; i++)
        q[i] = project(a, p[i]);
    synth_polygon(a->cr, q, 4);
    synth_fill(a->cr, colour);
}

/* A jet's nacelle whose lip is at p. */
static void draw_nacelle(const struct aircraft *a, struct space_point p, double length, double radius)
{
    const struct synth_station tube[] = {
        {p.x, p.y, p.z, radius * 0.86},
        {p.x + length * 0.12, p.y, p.z, radius},
        {p.x + length * 0.5, p.y, p.z, radius * 0.98},
        {p.x + length * 0.85, p.y - radius * 0.05, p.z, radius * 0.66},
        {p.x + length, p.y - radius * 0.05, p.z, radius * 0.5},
    };
    enum { COUNT = sizeof tube / sizeof *tube };
    const struct synth_point lip = synth_project(&a->view, p.x, p.y, p.z);
    const struct synth_point nozzle = synth_project(&a->view, p.x + length * 1.06, p.y - radius * 0.05, p.z);
    synth_ellipse(a->cr, nozzle.x, nozzle.y, radius * 0.42, radius * 0.42);
    synth_fill(a->cr, synth_grey(0.22));
    synth_tube(a->cr, &a->view, tube, COUNT);
    synth_set(a->cr, a->engine, 1);
    cairo_fill_preserve(a->cr);
    synth_tube_shade(a->cr, &a->view, tube, COUNT, 1.1);
    /* The intake is seen as far as the nose is turned to the viewer. */
    const double open = fmax(0.16, a->view.sin_yaw);
    synth_ellipse(a->cr, lip.x - radius * 0.72 * (1 - open), lip.y, radius * (0.12 + 0.7 * open), radius * 0.84);
    synth_fill(a->cr, synth_grey(0.82));
    synth_ellipse(a->cr, lip.x - radius * 0.70 * (1 - open), lip.y, radius * (0.06 + 0.6 * open), radius * 0.68);
    synth_fill(a->cr, synth_grey(0.1));
}

/* A propeller with its nacelle, along the wing. */
static void draw_propeller(const struct aircraft *a, struct space_point p)
{
    const double front = p.x - 0.24;
    const struct synth_station tube[] = {
        {front, p.y, p.z, 0.022},
        {front + 0.05, p.y, p.z, 0.05},
        {front + 0.16, p.y + 0.01, p.z, 0.066},
        {p.x + 0.12, p.y + 0.01, p.z, 0.06},
        {p.x + 0.3, p.y, p.z, 0.015},
    };
    enum { COUNT = sizeof tube / sizeof *tube, RIM = 20, BLADES = 4 };
    synth_tube(a->cr, &a->view, tube, COUNT);
    synth_set(a->cr, a->engine, 1);
    cairo_fill_preserve(a->cr);
    synth_tube_shade(a->cr, &a->view, tube, COUNT, 1);
    struct synth_point rim[RIM];
    const double reach = 0.23;
    for (int i = 0; i < RIM; i++) {
        const double angle = 2 * M_PI * i / RIM;
        rim[i] = synth_project(&a->view, front + 0.02, p.y + reach * cos(angle), p.z + reach * sin(angle));
    }
    synth_polygon(a->cr, rim, RIM);
    synth_set(a->cr, synth_grey(0.3), 0.35);
    cairo_fill(a->cr);
    const struct synth_point hub = synth_project(&a->view, front + 0.02, p.y, p.z);
    for (int i = 0; i < BLADES; i++)
        synth_line(a->cr, hub.x, hub.y, rim[(i * RIM / BLADES + 2) % RIM].x, rim[(i * RIM / BLADES + 2) % RIM].y);
    synth_stroke(a->cr, synth_grey(0.12), 0.028);
}

static void draw_wing_engine(const struct aircraft *a, const struct wing *w, double side, double s)
{
    const int engines = a->class->parts[AIRCRAFT_ENGINES];
    struct space_point lip = on_wing(a, w, side, s, 0);
    if (engines == ENGINES_PROP_2 || engines == ENGINES_PROP_4) {
        draw_propeller(a, lip);
        return;
    }
    const double radius = engines == ENGINES_WING_2 ? 0.118 : 0.092, length = radius * 2.9;
    const struct space_point pylon[4] = {lip,
                                         on_wing(a, w, side, s, 0.6),
                                         {lip.x + length * 0.5, lip.y + radius, lip.z},
                                         {lip.x - length * 0.3, lip.y + radius, lip.z}};
    quad(a, pylon, synth_shade(a->wing, 0.7));
    lip.x -= length * 0.62;
    lip.y += radius * 1.25;
    draw_nacelle(a, lip, length, radius);
}

static void draw_wing_engines(const struct aircraft *a, const struct wing *w, double side)
{
    const int engines = a->class->parts[AIRCRAFT_ENGINES];
    const bool four = engines == ENGINES_WING_4 || engines == ENGINES_PROP_4;
    if (engines == ENGINES_REAR_2 || engines == ENGINES_REAR_3)
        return;
    if (four && side < 0)
        draw_wing_engine(a, w, side, 0.58);
    draw_wing_engine(a, w, side, four ? 0.24 : 0.27);
    if (four && side > 0)
        draw_wing_engine(a, w, side, 0.58);
}

static void draw_wing_plane(const struct aircraft *a, const struct wing *w, double side)
{
    const struct space_point plane[4] = {on_wing(a, w, side, 0, 0), on_wing(a, w, side, 1, 0),
                                         on_wing(a, w, side, 1, 1), on_wing(a, w, side, 0, 1)};
    const struct space_point flap[4] = {on_wing(a, w, side, 0.05, 0.72), on_wing(a, w, side, 0.75, 0.72),
                                        on_wing(a, w, side, 0.75, 0.97), on_wing(a, w, side, 0.05, 0.97)};
    const struct space_point edge[4] = {plane[0], plane[1], on_wing(a, w, side, 1, 0.1), on_wing(a, w, side, 0, 0.1)};
    const double light = a->from_above ? 1.08 : 0.62;
    /* Seen along its plane a wing would vanish: give it thickness. */
    struct synth_point outline[4];
    for (int i = 0; i < 4; i++)
        outline[i] = project(a, plane[i]);
    synth_polygon(a->cr, outline, 4);
    cairo_set_line_join(a->cr, CAIRO_LINE_JOIN_ROUND);
    synth_stroke(a->cr, synth_shade(a->wing, light * 0.85), 0.026);
    quad(a, plane, synth_shade(a->wing, light));
    quad(a, flap, synth_shade(a->wing, light * 0.86));
    quad(a, edge, synth_shade(a->wing, light * 1.12));
}

static void draw_winglet(const struct aircraft *a, const struct wing *w, double side)
{
    const struct space_point front = on_wing(a, w, side, 0.99, 0), back = on_wing(a, w, side, 0.99, 1);
    const struct space_point fin[4] = {front,
                                       {back.x + 0.10, back.y - 0.27, back.z + side * 0.07},
                                       {back.x + 0.18, back.y - 0.27, back.z + side * 0.07},
                                       back};
    quad(a, fin, synth_shade(a->accent, side > 0 ? 1 : 0.75));
}

void aircraft_wing(struct aircraft *a, double side)
{
    const struct wing w = wing_of(a);
    if (a->from_above)
        draw_wing_engines(a, &w, side);
    draw_wing_plane(a, &w, side);
    if (!a->from_above)
        draw_wing_engines(a, &w, side);
    if (a->class->parts[AIRCRAFT_TIP] == TIP_WINGLET)
        draw_winglet(a, &w, side);
}

void aircraft_rear_engine(struct aircraft *a, double side)
{
    const double radius = 0.1;
    const struct synth_station s = aircraft_station(a, side == 0 ? 0.74 : 0.70);
    if (side == 0) {
        draw_nacelle(a, (struct space_point){s.x, s.y - s.radius - radius * 0.55, 0}, 0.42, radius);
        return;
    }
    const double z = side * (s.radius + radius * 1.15);
    const struct space_point strut[4] = {{s.x + 0.05, s.y - 0.04, side * s.radius * 0.7},
                                         {s.x + 0.25, s.y - 0.04, side * s.radius * 0.7},
                                         {s.x + 0.25, s.y - 0.05, z},
                                         {s.x + 0.05, s.y - 0.05, z}};
    quad(a, strut, synth_shade(a->wing, 0.8));
    draw_nacelle(a, (struct space_point){s.x, s.y - 0.05, z}, 0.3, radius);
}

/* The tailplane's half on one side; its root is at (x, y). */
static void draw_tailplane(const struct aircraft *a, double x, double y, double side)
{
    const double sweep = a->class->parts[AIRCRAFT_SWEEP] == SWEEP_BACK ? 0.2 : 0.04;
    const struct space_point plane[4] = {
        {x, y, 0}, {x + sweep, y - 0.02, side * 0.48}, {x + sweep + 0.1, y - 0.02, side * 0.48}, {x + 0.2, y, 0}};
    struct synth_point outline[4];
    for (int i = 0; i < 4; i++)
        outline[i] = project(a, plane[i]);
    const struct synth_colour colour = synth_shade(a->wing, a->from_above ? 1.05 : 0.68);
    synth_polygon(a->cr, outline, 4);
    cairo_set_line_join(a->cr, CAIRO_LINE_JOIN_ROUND);
    synth_stroke(a->cr, synth_shade(colour, 0.85), 0.022);
    quad(a, plane, colour);
}

/* A fin at z; its foot begins at (x, y). */
static void draw_fin(const struct aircraft *a, double x, double y, double z, double height)
{
    const double sweep = a->class->parts[AIRCRAFT_SWEEP] == SWEEP_BACK ? 0.26 : 0.12;
    const bool twin = z != 0;
    const double foot = twin ? 0.17 : 0.30, top = twin ? 0.12 : 0.15;
    const double reach = sweep * height / 0.4;
    const struct space_point fin[4] = {
        {x, y, z}, {x + reach, y - height, z}, {x + reach + top, y - height, z}, {x + foot, y, z}};
    const struct space_point rudder[4] = {{x + foot * 0.7, y, z},
                                          {x + reach + top * 0.65, y - height, z},
                                          {x + reach + top, y - height, z},
                                          {x + foot, y, z}};
    const struct synth_colour colour = a->livery == 0 || a->livery == 2 ? a->body : a->accent;
    quad(a, fin, colour);
    quad(a, rudder, synth_shade(colour, 0.85));
}

/* Where the fin's foot begins. */
static struct synth_point fin_foot(const struct aircraft *a)
{
    const bool raised = a->class->parts[AIRCRAFT_ENGINES] == ENGINES_REAR_3;
    const struct synth_station s = aircraft_station(a, 0.83);
    return (struct synth_point){s.x, s.y - s.radius * 0.7 - (raised ? 0.12 : 0)};
}

void aircraft_tail_behind(struct aircraft *a)
{
    const int tail = a->class->parts[AIRCRAFT_TAIL];
    const struct synth_station s = aircraft_station(a, 0.87);
    if (tail == TAIL_LOW || tail == TAIL_TWIN)
        draw_tailplane(a, s.x, s.y, -1);
    if (tail == TAIL_TWIN)
        draw_fin(a, s.x + 0.05, s.y + 0.05, -0.46, 0.42);
}

void aircraft_tail_before(struct aircraft *a)
{
    const int tail = a->class->parts[AIRCRAFT_TAIL];
    const struct synth_station s = aircraft_station(a, 0.87);
    const double sweep = a->class->parts[AIRCRAFT_SWEEP] == SWEEP_BACK ? 0.26 : 0.12;
    const struct synth_point foot = fin_foot(a);
    const double height = 0.48, share = tail == TAIL_T ? 0.97 : 0.5;
    if (tail != TAIL_TWIN)
        draw_fin(a, foot.x, foot.y, 0, height);
    if (tail == TAIL_T || tail == TAIL_CROSS) {
        draw_tailplane(a, foot.x + sweep * share * 1.1, foot.y - height * share, -1);
        draw_tailplane(a, foot.x + sweep * share * 1.1, foot.y - height * share, 1);
        return;
    }
    draw_tailplane(a, s.x, s.y, 1);
    if (tail == TAIL_TWIN)
        draw_fin(a, s.x + 0.05, s.y + 0.05, 0.46, 0.42);
}
