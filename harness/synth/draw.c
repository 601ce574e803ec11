/* Drawing in cairo: colours, smooth outlines, a parallel projection of solid shapes. */
#include "synth/draw.h"

#include <math.h>

double synth_between(struct pb_rng *rng, double low, double high)
{
    return low + (high - low) * pb_rng_uniform(rng);
}

bool synth_chance(struct pb_rng *rng, double probability)
{
    return pb_rng_uniform(rng) < probability;
}

struct synth_colour synth_hsv(double hue, double saturation, double value)
{
    const double sector = (hue - floor(hue)) * 6;
    const double fraction = sector - floor(sector);
    const double low = value * (1 - saturation);
    const double falling = value * (1 - saturation * fraction);
    const double rising = value * (1 - saturation * (1 - fraction));
    switch ((int)sector) {
    case 0:
        return (struct synth_colour){value, rising, low};
    case 1:
        return (struct synth_colour){falling, value, low};
    case 2:
        return (struct synth_colour){low, value, rising};
    case 3:
        return (struct synth_colour){low, falling, value};
    case 4:
        return (struct synth_colour){rising, low, value};
    default:
        return (struct synth_colour){value, low, falling};
    }
}

struct synth_colour synth_any_hsv(struct pb_rng *rng, const double ranges[6])
{
    const double hue = synth_between(rng, ranges[0], ranges[1]);
    const double saturation = synth_between(rng, ranges[2], ranges[3]);
    return synth_hsv(hue, saturation, synth_between(rng, ranges[4], ranges[5]));
}

struct synth_colour synth_mix(struct synth_colour a, struct synth_colour b, double share_of_b)
{
    return (struct synth_colour){a.r + (b.r - a.r) * share_of_b, a.g + (b.g - a.g) * share_of_b,
                                 a.b + (b.b - a.b) * share_of_b};
}

struct synth_colour synth_shade(struct synth_colour colour, double factor)
{
    if (factor > 1)
        return synth_mix(colour, synth_grey(1), fmin(factor - 1, 1));
    return (struct synth_colour){colour.r * factor, colour.g * factor, colour.b * factor};
}

struct synth_colour synth_grey(double value)
{
    return (struct synth_colour){value, value, value};
}

void synth_set(cairo_t *cr, struct synth_colour colour, double alpha)
{
    cairo_set_source_rgba(cr, colour.r, colour.g, colour.b, alpha);
}

int synth_steps(double length, double step)
{
    return length > 0 ? (int)ceil(length / step) : 0;
}

void synth_polygon(cairo_t *cr, const struct synth_point *points, size_t count)
{
    cairo_new_sub_path(cr);
    for (size_t i = 0; i < count; i++)
        cairo_line_to(cr, points[i].x, points[i].y);
    cairo_close_path(cr);
}

void synth_smooth(cairo_t *cr, const struct synth_point *points, size_t count, bool closed)
{
    const size_t spans = closed ? count : count - 1;
    cairo_move_to(cr, points[0].x, points[0].y);
    for (size_t i = 0; i < spans; i++) {
        const struct synth_point p1 = points[i], p2 = points[(i + 1) % count];
        const struct synth_point p0 = closed ? points[(i + count - 1) % count] : points[i == 0 ? 0 : i - 1];
        const struct synth_point p3 = closed ? points[(i + 2) % count] : points[i + 2 < count ? i + 2 : count - 1];
        cairo_curve_to(cr, p1.x + (p2.x - p0.x) / 6, p1.y + (p2.y - p0.y) / 6, p2.x - (p3.x - p1.x) / 6,
                       p2.y - (p3.y - p1.y) / 6, p2.x, p2.y);
    }
    if (closed)
        cairo_close_path(cr);
}

void synth_ellipse(cairo_t *cr, double x, double y, double rx, double ry)
{
    cairo_matrix_t matrix;
    cairo_get_matrix(cr, &matrix);
    cairo_translate(cr, x, y);
    cairo_scale(cr, rx, ry);
    cairo_new_sub_path(cr);
    cairo_arc(cr, 0, 0, 1, 0, 2 * M_PI);
    cairo_close_path(cr);
    cairo_set_matrix(cr, &matrix);
}

void synth_line(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
}

void synth_fill(cairo_t *cr, struct synth_colour colour)
{
    synth_set(cr, colour, 1);
    cairo_fill(cr);
}

void synth_stroke(cairo_t *cr, struct synth_colour colour, double width)
{
    synth_set(cr, colour, 1);
    cairo_set_line_width(cr, width);
    cairo_stroke(cr);
}

void synth_soft_disc(cairo_t *cr, double x, double y, double radius, struct synth_colour colour, double alpha)
{
    cairo_pattern_t *fade = cairo_pattern_create_radial(x, y, radius * 0.2, x, y, radius);
    cairo_pattern_add_color_stop_rgba(fade, 0, colour.r, colour.g, colour.b, alpha);
    cairo_pattern_add_color_stop_rgba(fade, 1, colour.r, colour.g, colour.b, 0);
    cairo_set_source(cr, fade);
    cairo_rectangle(cr, x - radius, y - radius, 2 * radius, 2 * radius);
    cairo_fill(cr);
    cairo_pattern_destroy(fade);
}

struct synth_view synth_view(double yaw, double pitch)
{
    return (struct synth_view){cos(yaw), sin(yaw), cos(pitch), sin(pitch)};
}

struct synth_point synth_project(const struct synth_view *view, double x, double y, double z)
{
    const double towards = view->cos_yaw * z - view->sin_yaw * x;
    return (struct synth_point){view->cos_yaw * x + view->sin_yaw * z, view->cos_pitch * y + view->sin_pitch * towards};
}

/* Unit vector across the projected axis between two stations, pointing up the image. */
static struct synth_point across(const struct synth_view *view, const struct synth_station *a,
                                 const struct synth_station *b)
{
    const struct synth_point from = synth_project(view, a->x, a->y, a->z), to = synth_project(view, b->x, b->y, b->z);
    const double dx = to.x - from.x, dy = to.y - from.y;
    const double length = fmax(hypot(dx, dy), 1e-9);
    return (struct synth_point){dy / length, -dx / length};
}

void synth_tube(cairo_t *cr, const struct synth_view *view, const struct synth_station *stations, size_t count)
{
    /* A sphere's outline is a circle from everywhere, so the body's outline is the union of circles and of the
     * quadrilaterals that join neighbours; all wound the same way. */
    for (size_t i = 0; i < count; i++) {
        const struct synth_point centre = synth_project(view, stations[i].x, stations[i].y, stations[i].z);
        if (stations[i].radius > 0)
            synth_ellipse(cr, centre.x, centre.y, stations[i].radius, stations[i].radius);
        if (i + 1 == count)
            break;
        const struct synth_point next = synth_project(view, stations[i + 1].x, stations[i + 1].y, stations[i + 1].z);
        const struct synth_point n = across(view, &stations[i], &stations[i + 1]);
        const double r0 = stations[i].radius, r1 = stations[i + 1].radius;
        synth_polygon(cr,
                      (const struct synth_point[]){{centre.x + n.x * r0, centre.y + n.y * r0},
                                                   {next.x + n.x * r1, next.y + n.y * r1},
                                                   {next.x - n.x * r1, next.y - n.y * r1},
                                                   {centre.x - n.x * r0, centre.y - n.y * r0}},
                      4);
    }
}

void synth_tube_shade(cairo_t *cr, const struct synth_view *view, const struct synth_station *stations, size_t count,
                      double strength)
{
    size_t widest = 0;
    for (size_t i = 1; i < count; i++)
        if (stations[i].radius > stations[widest].radius)
            widest = i;
    const struct synth_station *s = &stations[widest];
    const struct synth_point centre = synth_project(view, s->x, s->y, s->z);
    struct synth_point n = across(view, &stations[0], &stations[count - 1]);
    if (n.y > 0)
        n = (struct synth_point){-n.x, -n.y};
    cairo_pattern_t *light = cairo_pattern_create_linear(centre.x + n.x * s->radius, centre.y + n.y * s->radius,
                                                         centre.x - n.x * s->radius, centre.y - n.y * s->radius);
    cairo_pattern_add_color_stop_rgba(light, 0, 1, 1, 1, 0.25 * strength);
    cairo_pattern_add_color_stop_rgba(light, 0.25, 1, 1, 1, 0.4 * strength);
    cairo_pattern_add_color_stop_rgba(light, 0.5, 0.5, 0.5, 0.55, 0);
    cairo_pattern_add_color_stop_rgba(light, 0.85, 0, 0, 0.08, 0.5 * strength);
    cairo_pattern_add_color_stop_rgba(light, 1, 0, 0, 0.05, 0.38 * strength);
    cairo_set_source(cr, light);
    cairo_fill(cr);
    cairo_pattern_destroy(light);
}
