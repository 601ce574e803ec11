/* Cars: measures, and planes to draw on. */
#include "synth/car.h"

#include <math.h>

double car_width(const struct car *c, double height)
{
    if (height <= c->style->belt)
        return CAR_HALF_WIDTH - 0.05 * fmax(0, 0.25 - height);
    return CAR_HALF_WIDTH - 0.10 * (height - c->style->belt) / (c->style->roof - c->style->belt);
}

struct synth_point car_project(const struct car *c, double x, double height, double z)
{
    return synth_project(&c->view, x, -height, z);
}

void car_side_plane(const struct car *c, double z)
{
    const struct synth_view *v = &c->view;
    const cairo_matrix_t matrix = {.xx = v->cos_yaw,
                                   .yx = -v->sin_pitch * v->sin_yaw,
                                   .xy = 0,
                                   .yy = v->cos_pitch,
                                   .x0 = v->sin_yaw * z,
                                   .y0 = v->sin_pitch * v->cos_yaw * z};
    cairo_transform(c->cr, &matrix);
}

void car_cross_plane(const struct car *c, double x)
{
    const struct synth_view *v = &c->view;
    const cairo_matrix_t matrix = {.xx = v->sin_yaw,
                                   .yx = v->sin_pitch * v->cos_yaw,
                                   .xy = 0,
                                   .yy = v->cos_pitch,
                                   .x0 = v->cos_yaw * x,
                                   .y0 = -v->sin_pitch * v->sin_yaw * x};
    cairo_transform(c->cr, &matrix);
}
