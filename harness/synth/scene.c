/* Puts one subject into its place and frames it. */
#include "synth/scene.h"

#include <math.h>

#include "base/memory.h"
#include "synth/draw.h"
#include "synth/surroundings.h"
#include "synth/subject.h"

static const struct {
    void (*draw)(cairo_t *, const struct synth_class *, struct pb_rng);
    void (*setting)(cairo_t *, const struct synth_class *, struct pb_rng); /* NULL: none */
    double narrowest, widest; /* width ÷ height */
    double smallest, largest; /* share of the frame that the subject fills */
    double occluded; /* how often something is in front */
} subjects[SYNTH_KINDS] = {
    [SYNTH_AIRCRAFT] = {synth_draw_aircraft, NULL, 1.5, 1.9, 0.86, 0.99, 0.12},
    [SYNTH_BIRDS] = {synth_draw_bird, synth_draw_perch, 0.85, 1.4, 0.80, 0.98, 0.2},
    [SYNTH_CARS] = {synth_draw_car, synth_draw_shadow, 1.3, 1.6, 0.84, 0.99, 0.15},
    [SYNTH_FISH] = {synth_draw_fish, NULL, 1.2, 1.7, 0.82, 0.98, 0.15},
};

/* A rectangle in some units. */
struct extent {
    double x, y, width, height;
};

/* The smallest rectangle of pixels with ink in it; false when there is none. channel: bytes per pixel, alpha last. */
static bool find_ink(cairo_surface_t *surface, int channels, struct extent *ink)
{
    cairo_surface_flush(surface);
    const unsigned char *data = cairo_image_surface_get_data(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    const int width = cairo_image_surface_get_width(surface), height = cairo_image_surface_get_height(surface);
    int left = width, top = height, right = -1, bottom = -1;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (data[y * stride + x * channels + channels - 1] > 40) {
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
                bottom = y;
            }
    if (right < 0)
        return false;
    *ink = (struct extent){left, top, right - left + 1, bottom - top + 1};
    return true;
}

/* How large the subject is in its own units, found by drawing it small. */
static bool measure(enum synth_kind kind, const struct synth_class *class, struct pb_rng rng, struct extent *size)
{
    enum { SIDE = 96 };
    const double scale = SIDE / 4.0; /* −2 … 2 units */
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, SIDE, SIDE);
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, scale, scale);
    cairo_translate(cr, 2, 2);
    subjects[kind].draw(cr, class, rng);
    const bool ok = cairo_status(cr) == CAIRO_STATUS_SUCCESS && find_ink(surface, 1, size);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    if (ok)
        *size = (struct extent){size->x / scale - 2, size->y / scale - 2, size->width / scale, size->height / scale};
    return ok;
}

/* Light that falls across the subject, whatever its colours. */
static void light_subject(cairo_t *layer, double width, double height, struct pb_rng *rng)
{
    const double angle = synth_between(rng, 0, 2 * M_PI), strength = synth_between(rng, 0, 0.3);
    const double x = width / 2, y = height / 2, reach = hypot(x, y) * 0.8;
    cairo_identity_matrix(layer);
    cairo_set_operator(layer, CAIRO_OPERATOR_ATOP);
    cairo_pattern_t *light = cairo_pattern_create_linear(x + reach * cos(angle), y + reach * sin(angle),
                                                         x - reach * cos(angle), y - reach * sin(angle));
    cairo_pattern_add_color_stop_rgba(light, 0, 1, 0.97, 0.85, strength);
    cairo_pattern_add_color_stop_rgba(light, 0.5, 0.5, 0.5, 0.5, 0);
    cairo_pattern_add_color_stop_rgba(light, 1, 0, 0, 0.1, strength);
    cairo_set_source(layer, light);
    cairo_paint(layer);
    cairo_pattern_destroy(light);
}

/* The frame: canvas, a layer for the subject, and how the subject's units fall on pixels. */
struct frame {
    cairo_surface_t *canvas, *layer;
    cairo_t *behind, *subject;
    double width, height;
    cairo_matrix_t placing;
};

/* Chooses scale and position so that the measured subject fills a random share of the frame and lies within it. */
static void place_subject(struct frame *frame, enum synth_kind kind, const struct extent *size, struct pb_rng *rng)
{
    const double share = synth_between(rng, subjects[kind].smallest, subjects[kind].largest);
    const double scale = share * fmin(frame->width / size->width, frame->height / size->height);
    const bool mirrored = synth_chance(rng, 0.5);
    const double x = synth_between(rng, 0, 1) * (frame->width - scale * size->width);
    const double y = synth_between(rng, 0.2, 0.8) * (frame->height - scale * size->height);
    cairo_matrix_init_translate(&frame->placing, x, y);
    cairo_matrix_scale(&frame->placing, scale, scale);
    if (mirrored) {
        cairo_matrix_translate(&frame->placing, size->width, 0);
        cairo_matrix_scale(&frame->placing, -1, 1);
    }
    cairo_matrix_translate(&frame->placing, -size->x, -size->y);
}

static void compose(struct frame *frame, enum synth_kind kind, const struct synth_class *class,
                    struct pb_rng individual, struct pb_rng *rng)
{
    const double aspect = frame->width / frame->height;
    cairo_scale(frame->behind, frame->height, frame->height);
    synth_draw_backdrop(frame->behind, kind, aspect, rng);
    if (subjects[kind].setting) {
        cairo_set_matrix(frame->behind, &frame->placing);
        subjects[kind].setting(frame->behind, class, individual);
    }
    cairo_set_matrix(frame->subject, &frame->placing);
    subjects[kind].draw(frame->subject, class, individual);
    light_subject(frame->subject, frame->width, frame->height, rng);
    cairo_identity_matrix(frame->behind);
    cairo_set_source_surface(frame->behind, frame->layer, 0, 0);
    cairo_paint(frame->behind);
    if (synth_chance(rng, subjects[kind].occluded)) {
        cairo_scale(frame->behind, frame->height, frame->height);
        synth_draw_occluder(frame->behind, kind, aspect, rng);
    }
}

/* The frame's sides; the stream continues alike whether they are drawn or given. */
static void choose_sides(struct frame *frame, enum synth_kind kind, struct synth_sides sides, struct pb_rng *rng)
{
    const double longer = round(sides.size * synth_between(rng, 0.85, 1));
    const double aspect = synth_between(rng, subjects[kind].narrowest, subjects[kind].widest);
    const bool given = sides.width > 0;
    frame->width = given ? sides.width : aspect >= 1 ? longer : round(longer * aspect);
    frame->height = given ? sides.height : aspect >= 1 ? round(longer / aspect) : longer;
}

enum pb_status synth_render(enum synth_kind kind, const struct synth_class *class, struct synth_sides sides,
                            const struct synth_streams *streams, struct synth_image *image, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    struct extent extent, ink;
    struct pb_rng rng = streams->scene;
    struct frame frame = {0};
    choose_sides(&frame, kind, sides, &rng);
    frame.canvas = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)frame.width, (int)frame.height);
    frame.layer = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)frame.width, (int)frame.height);
    frame.behind = cairo_create(frame.canvas);
    frame.subject = cairo_create(frame.layer);
    if (!measure(kind, class, streams->individual, &extent)) {
        status = pb_fail(error, PB_ERROR_MEMORY, "cairo cannot draw a %s image: out of memory", synth_kind_name(kind));
        goto cleanup;
    }
    place_subject(&frame, kind, &extent, &rng);
    compose(&frame, kind, class, streams->individual, &rng);
    if (cairo_status(frame.behind) != CAIRO_STATUS_SUCCESS || cairo_status(frame.subject) != CAIRO_STATUS_SUCCESS ||
        !find_ink(frame.layer, 4, &ink)) {
        status =
            pb_fail(error, PB_ERROR_RUN, "cairo cannot draw a %s image of %.0f×%.0f pixels: %s", synth_kind_name(kind),
                    frame.width, frame.height, cairo_status_to_string(cairo_status(frame.behind)));
        goto cleanup;
    }
    struct synth_image result = {.box = {ink.x, ink.y, ink.width, ink.height}};
    status = synth_photograph(frame.canvas, &rng, &result, error);
    if (status == PB_OK)
        *image = result;
cleanup:
    cairo_destroy(frame.behind);
    cairo_destroy(frame.subject);
    cairo_surface_destroy(frame.canvas);
    cairo_surface_destroy(frame.layer);
    return status;
}
