/* Cars: shell, side windows and doors, wheels. */
#include <math.h>

#include "synth/car.h"

enum { SMOOTHNESS = 4, SAMPLES = (CAR_SKIN - 1) * SMOOTHNESS + 1 };

/* Catmull–Rom through the skin's points. */
static void sample_skin(const struct car *c, struct synth_point samples[SAMPLES])
{
    const struct synth_point *skin = c->style->skin;
    for (int i = 0; i < SAMPLES; i++) {
        const int k = i / SMOOTHNESS < CAR_SKIN - 1 ? i / SMOOTHNESS : CAR_SKIN - 2;
        const double t = (double)(i - k * SMOOTHNESS) / SMOOTHNESS;
        const struct synth_point p1 = skin[k], p2 = skin[k + 1];
        const struct synth_point p0 = skin[k > 0 ? k - 1 : 0], p3 = skin[k + 2 < CAR_SKIN ? k + 2 : CAR_SKIN - 1];
        /* A tension of ⅓ instead of ½: rounded edges, straight panels. */
        const double a = 2 * t * t * t - 3 * t * t + 1, b = t * t * t - 2 * t * t + t, d = t * t * t - t * t;
        samples[i].x = a * p1.x + (1 - a) * p2.x + (b * (p2.x - p0.x) + d * (p3.x - p1.x)) / 3;
        samples[i].y = a * p1.y + (1 - a) * p2.y + (b * (p2.y - p0.y) + d * (p3.y - p1.y)) / 3;
    }
}

/* A strip of the skin across the car, over a share of its width. */
static void strip(const struct car *c, struct synth_point p, struct synth_point q, double share,
                  struct synth_colour colour)
{
    const double wp = car_width(c, p.y) * share, wq = car_width(c, q.y) * share;
    const struct synth_point corners[4] = {car_project(c, p.x, p.y, wp), car_project(c, q.x, q.y, wq),
                                           car_project(c, q.x, q.y, -wq), car_project(c, p.x, p.y, -wp)};
    synth_polygon(c->cr, corners, 4);
    synth_set(c->cr, colour, 1);
    cairo_fill_preserve(c->cr);
    synth_stroke(c->cr, colour, 0.006); /* hides the seam */
}

/* Light on the skin between two points; at most 0 where it faces away from the viewer. */
static double light_on(const struct car *c, struct synth_point p, struct synth_point q)
{
    const double dx = q.x - p.x, dy = q.y - p.y, length = fmax(hypot(dx, dy), 1e-9);
    const double forward = dy / length, up = dx / length; /* normal: towards the front, and up */
    const double seen = forward * c->view.sin_yaw * c->view.cos_pitch + up * c->view.sin_pitch;
    return seen <= 0.01 ? 0 : 0.62 + 0.5 * fmax(0, up) + 0.16 * forward;
}

static void draw_skin(const struct car *c, const struct synth_point samples[SAMPLES])
{
    for (int i = SAMPLES - 2; i >= 0; i--) {
        const double light = light_on(c, samples[i], samples[i + 1]);
        if (light <= 0)
            continue;
        const int panel = i / SMOOTHNESS;
        const bool roof = panel >= SKIN_ROOF_FRONT && panel < SKIN_ROOF_REAR;
        const struct synth_colour paint = roof && c->two_tone ? c->second : c->paint;
        strip(c, samples[i], samples[i + 1], 1, synth_shade(paint, light));
        if (panel == SKIN_COWL || panel == SKIN_ROOF_REAR)
            strip(c, samples[i], samples[i + 1], 0.88,
                  synth_shade(c->glass, 0.95 + 0.12 * (i % SMOOTHNESS) / SMOOTHNESS));
    }
}

void car_shell(const struct car *c)
{
    struct synth_point samples[SAMPLES], side[SAMPLES];
    sample_skin(c, samples);
    draw_skin(c, samples);
    for (int i = 0; i < SAMPLES; i++)
        side[i] = car_project(c, samples[i].x, samples[i].y, car_width(c, samples[i].y));
    synth_polygon(c->cr, side, SAMPLES);
    const struct synth_point top = car_project(c, 0, c->style->roof, 0.35),
                             bottom = car_project(c, 0, c->style->clearance, 0.43);
    cairo_pattern_t *shade = cairo_pattern_create_linear(0, top.y, 0, bottom.y);
    const double stops[4] = {0, 0.42, 0.5, 1}, factors[4] = {0.95, 1.02, 0.84, 0.5};
    for (int i = 0; i < 4; i++) {
        const struct synth_colour colour = synth_shade(c->paint, factors[i]);
        cairo_pattern_add_color_stop_rgb(shade, stops[i], colour.r, colour.g, colour.b);
    }
    cairo_set_source(c->cr, shade);
    cairo_fill(c->cr);
    cairo_pattern_destroy(shade);
}

/* The glass from the windscreen's pillar to the rear one. */
static void window_outline(const struct car *c, struct synth_point corners[4])
{
    const struct synth_point *skin = c->style->skin;
    const double low = c->style->belt + 0.035, high = c->style->roof - 0.055;
    const struct synth_point plane[4] = {{skin[SKIN_COWL].x + 0.11, low},
                                         {skin[SKIN_ROOF_FRONT].x + 0.07, high},
                                         {skin[SKIN_ROOF_REAR].x - 0.03, high - 0.015},
                                         {skin[SKIN_REAR_BASE].x - 0.13, low}};
    for (int i = 0; i < 4; i++)
        corners[i] = car_project(c, plane[i].x, plane[i].y, car_width(c, plane[i].y));
}

static void draw_pillar(const struct car *c, double x)
{
    const double low = c->style->belt, high = c->style->roof - 0.02;
    const struct synth_point a = car_project(c, x, low, car_width(c, low)),
                             b = car_project(c, x + 0.02, high, car_width(c, high));
    synth_line(c->cr, a.x, a.y, b.x, b.y);
    synth_stroke(c->cr, synth_shade(c->paint, 0.6), 0.045);
}

static void draw_door(const struct car *c, double front, double rear)
{
    const double low = c->style->clearance + 0.07, high = c->style->belt;
    cairo_rectangle(c->cr, front, -high, rear - front, high - low);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    synth_stroke(c->cr, synth_shade(c->paint, 0.45), 0.014);
    cairo_rectangle(c->cr, rear - 0.13, -high + 0.05, 0.08, 0.022);
    synth_fill(c->cr, c->trim);
}

void car_side(const struct car *c)
{
    const struct synth_point *skin = c->style->skin;
    const double start = skin[SKIN_COWL].x + 0.10, end = fmax(skin[SKIN_ROOF_REAR].x, 0.1);
    struct synth_point glass[4];
    window_outline(c, glass);
    synth_polygon(c->cr, glass, 4);
    synth_set(c->cr, c->glass, 1);
    cairo_fill_preserve(c->cr);
    cairo_set_line_join(c->cr, CAIRO_LINE_JOIN_ROUND);
    synth_stroke(c->cr, c->trim, 0.016);
    const bool four = c->class->parts[CAR_DOORS] == DOORS_FOUR;
    const double middle = start + (end - start) * (four ? 0.52 : 0.78);
    draw_pillar(c, middle);
    if (four && end - middle > 0.34)
        draw_pillar(c, end - 0.06);
    cairo_save(c->cr);
    car_side_plane(c, car_width(c, c->style->belt));
    draw_door(c, start, middle);
    if (four)
        draw_door(c, middle, fmax(end - 0.02, middle + 0.22));
    synth_line(c->cr, -0.93, -c->style->belt * 0.62, 0.95, -c->style->belt * 0.66);
    synth_stroke(c->cr, synth_shade(c->paint, 0.62), 0.014);
    cairo_restore(c->cr);
}

static void draw_wheel(const struct car *c, double x)
{
    const double radius = c->style->wheel;
    synth_ellipse(c->cr, x, -radius * 1.02, radius * 1.2, radius * 1.2);
    synth_fill(c->cr, synth_grey(0.07));
    synth_ellipse(c->cr, x, -radius, radius, radius);
    synth_fill(c->cr, synth_grey(0.14));
    synth_ellipse(c->cr, x, -radius, radius * 0.66, radius * 0.66);
    synth_fill(c->cr, c->rim);
    const int spokes = 5 + 2 * c->rim_form;
    for (int i = 0; i < spokes; i++) {
        const double angle = 2 * M_PI * i / spokes;
        synth_line(c->cr, x + radius * 0.15 * cos(angle), -radius + radius * 0.15 * sin(angle),
                   x + radius * 0.58 * cos(angle), -radius + radius * 0.58 * sin(angle));
    }
    synth_stroke(c->cr, synth_shade(c->rim, 0.4), radius * 0.13);
    synth_ellipse(c->cr, x, -radius, radius * 0.16, radius * 0.16);
    synth_fill(c->cr, synth_shade(c->rim, 0.8));
}

void car_wheels(const struct car *c, double side)
{
    cairo_save(c->cr);
    car_side_plane(c, side * (side > 0 ? 0.425 : 0.40));
    if (side > 0) {
        draw_wheel(c, c->front_wheel);
        draw_wheel(c, c->rear_wheel);
    } else {
        /* Of the far wheels only the tyres show, below the body. */
        synth_ellipse(c->cr, c->front_wheel, -c->style->wheel, c->style->wheel, c->style->wheel);
        synth_ellipse(c->cr, c->rear_wheel, -c->style->wheel, c->style->wheel, c->style->wheel);
        synth_fill(c->cr, synth_grey(0.1));
    }
    cairo_restore(c->cr);
}
