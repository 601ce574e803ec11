/* Aircraft: pose and livery. */
#include "synth/airplane.h"

#include <math.h>

#include "synth/subject.h"

static const double degree = M_PI / 180;

/* Wheels below the hull; an aircraft shows them or not whatever its class. */
static void draw_gear(struct aircraft *a)
{
    static const struct {
        double t, z;
    } legs[] = {{0.14, 0}, {0.54, -0.16}, {0.54, 0.16}};
    for (size_t i = 0; i < sizeof legs / sizeof *legs; i++) {
        const struct synth_station s = aircraft_station(a, legs[i].t);
        const double bottom = a->radius + 0.11;
        const struct synth_point top = synth_project(&a->view, s.x, s.y + s.radius * 0.6, legs[i].z);
        const struct synth_point foot = synth_project(&a->view, s.x, bottom, legs[i].z);
        synth_line(a->cr, top.x, top.y, foot.x, foot.y);
        synth_stroke(a->cr, synth_grey(0.45), 0.022);
        synth_ellipse(a->cr, foot.x, foot.y, 0.04, 0.042);
        synth_fill(a->cr, synth_grey(0.1));
    }
}

static void choose_livery(struct aircraft *a, struct pb_rng *rng)
{
    const struct synth_colour accent = synth_any_hsv(rng, (const double[6]){0, 1, 0.55, 1, 0.25, 0.95});
    const double metal = synth_between(rng, 0.6, 1);
    const double tint = synth_between(rng, 0, 0.12);
    const bool painted = synth_chance(rng, 0.12);
    const struct synth_colour paint = synth_any_hsv(rng, (const double[6]){0, 1, 0.3, 0.9, 0.4, 1});
    a->body = painted ? paint : synth_mix(synth_grey(metal), accent, tint);
    a->accent = accent;
    a->belly = synth_mix(a->body, synth_grey(0.5), synth_between(rng, 0, 0.8));
    const double wing = synth_between(rng, 0.5, 0.85);
    a->wing = synth_mix(synth_grey(wing), a->body, synth_between(rng, 0, 0.5));
    a->engine = synth_chance(rng, 0.3) ? accent : synth_grey(synth_between(rng, 0.55, 0.95));
    a->glass = synth_mix(synth_grey(0.08), synth_hsv(0.58, 0.5, 0.4), synth_between(rng, 0, 0.7));
    a->livery = synth_chance(rng, 0.3) ? 0 : 1 + (int)pb_rng_below(rng, 4);
    a->line_low = synth_between(rng, -20, 5) * degree;
    a->line_high = a->line_low + synth_between(rng, 12, 28) * degree;
}

void synth_draw_aircraft(cairo_t *cr, const struct synth_class *class, struct pb_rng rng)
{
    const int engines = class->parts[AIRCRAFT_ENGINES];
    struct aircraft a = {.cr = cr, .class = class};
    a.half = class->parts[AIRCRAFT_LENGTH] == LENGTH_LONG ? 1.02 : 0.78;
    a.radius = class->parts[AIRCRAFT_LENGTH] == LENGTH_LONG ? 0.12 : 0.135;
    const double yaw = synth_between(&rng, -16, 24) * degree;
    a.from_above = synth_chance(&rng, 0.12);
    const double pitch = (a.from_above ? synth_between(&rng, 8, 16) : -synth_between(&rng, 8, 19)) * degree;
    a.view = synth_view(yaw, pitch);
    cairo_rotate(cr, synth_between(&rng, -7, 7) * degree);
    choose_livery(&a, &rng);
    const bool gear = synth_chance(&rng, 0.25);
    aircraft_build_hull(&a);

    aircraft_wing(&a, -1);
    if (engines == ENGINES_REAR_2 || engines == ENGINES_REAR_3)
        aircraft_rear_engine(&a, -1);
    aircraft_tail_behind(&a);
    if (gear)
        draw_gear(&a);
    aircraft_hull(&a);
    if (engines == ENGINES_REAR_3)
        aircraft_rear_engine(&a, 0);
    aircraft_tail_before(&a);
    if (engines == ENGINES_REAR_2 || engines == ENGINES_REAR_3)
        aircraft_rear_engine(&a, 1);
    aircraft_wing(&a, 1);
}
