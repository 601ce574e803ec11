/* Lens and sensor: blur, exposure, colour cast, vignette, noise, grey film. */
#include <math.h>

#include "base/memory.h"
#include "base/rng.h"
#include "synth/draw.h"
#include "synth/scene.h"

/* What the camera does to one picture. */
struct camera {
    double gain[3]; /* exposure × white balance */
    double contrast, lift;
    double vignette;
    double noise; /* standard deviation in levels */
    double blur; /* weight of the neighbours, 0 … 0.3 */
    bool grey;
};

static struct camera choose_camera(struct pb_rng *rng)
{
    struct camera camera;
    camera.contrast = synth_between(rng, 0.8, 1.15);
    camera.lift = synth_between(rng, -12, 18);
    camera.vignette = synth_between(rng, 0, 0.35);
    const double exposure = synth_between(rng, 0.78, 1.18), warmth = synth_between(rng, -0.1, 0.1);
    camera.gain[0] = exposure * (1 + warmth);
    camera.gain[1] = exposure;
    camera.gain[2] = exposure * (1 - warmth);
    camera.noise = 5 * pow(synth_between(rng, 0, 1), 2);
    camera.blur = synth_chance(rng, 0.4) ? synth_between(rng, 0, 0.2) : 0;
    camera.grey = synth_chance(rng, 0.05);
    return camera;
}

/* One pass of the kernel (b, 1 − 2b, b) along rows or columns. planes: height×width×3. */
static void blur_lines(float *planes, size_t lines, size_t length, size_t line_step, size_t step, float weight)
{
    for (size_t line = 0; line < lines; line++)
        for (size_t c = 0; c < 3; c++) {
            float *values = planes + line * line_step + c;
            float before = values[0];
            for (size_t i = 0; i < length; i++) {
                const float here = values[i * step], after = values[(i + 1 < length ? i + 1 : i) * step];
                values[i * step] = weight * before + (1 - 2 * weight) * here + weight * after;
                before = here;
            }
        }
}

static void load(cairo_surface_t *canvas, size_t width, size_t height, float *planes)
{
    cairo_surface_flush(canvas);
    const unsigned char *data = cairo_image_surface_get_data(canvas);
    const size_t stride = (size_t)cairo_image_surface_get_stride(canvas);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            uint32_t pixel;
            __builtin_memcpy(&pixel, data + y * stride + x * 4, 4);
            float *out = planes + (y * width + x) * 3;
            out[0] = (float)(pixel >> 16 & 255);
            out[1] = (float)(pixel >> 8 & 255);
            out[2] = (float)(pixel & 255);
        }
}

static uint8_t level(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

/* About normal: the sum of four uniforms from one draw. */
static double cheap_normal(struct pb_rng *rng)
{
    const uint64_t bits = pb_rng_next(rng);
    const double sum =
        (double)(bits & 0xffff) + (double)(bits >> 16 & 0xffff) + (double)(bits >> 32 & 0xffff) + (double)(bits >> 48);
    return (sum / 65535 - 2) * sqrt(3);
}

static void expose(const struct camera *camera, const float *planes, size_t width, size_t height, struct pb_rng *rng,
                   uint8_t *pixels)
{
    const double cx = (double)width / 2, cy = (double)height / 2, far = cx * cx + cy * cy;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            const float *in = planes + (y * width + x) * 3;
            const double dx = (double)x - cx, dy = (double)y - cy;
            const double dim = 1 - camera->vignette * (dx * dx + dy * dy) / far;
            const double grain = camera->noise * cheap_normal(rng);
            double out[3];
            for (int c = 0; c < 3; c++)
                out[c] = ((double)in[c] * camera->gain[c] * dim - 128) * camera->contrast + 128 + camera->lift + grain;
            if (camera->grey) {
                pixels[y * width + x] = level(0.299 * out[0] + 0.587 * out[1] + 0.114 * out[2]);
                continue;
            }
            for (int c = 0; c < 3; c++)
                pixels[(y * width + x) * 3 + (size_t)c] = level(out[c] + camera->noise * 0.4 * cheap_normal(rng));
        }
}

enum pb_status synth_photograph(cairo_surface_t *canvas, struct pb_rng *rng, struct synth_image *image,
                                struct pb_error *error)
{
    const size_t width = (size_t)cairo_image_surface_get_width(canvas);
    const size_t height = (size_t)cairo_image_surface_get_height(canvas);
    const struct camera camera = choose_camera(rng);
    const size_t channels = camera.grey ? 1 : 3;
    const int quality = 60 + (int)pb_rng_below(rng, 36);
    float *planes = pb_calloc(width * height * 3, sizeof *planes);
    uint8_t *pixels = pb_calloc(width * height, channels);
    if (!planes || !pixels) {
        pb_free(planes);
        pb_free(pixels);
        return pb_fail_memory(error, width * height * 3 * sizeof *planes);
    }
    load(canvas, width, height, planes);
    if (camera.blur > 0) {
        blur_lines(planes, height, width, width * 3, 3, (float)camera.blur);
        blur_lines(planes, width, height, 3, width * 3, (float)camera.blur);
    }
    expose(&camera, planes, width, height, rng, pixels);
    pb_free(planes);
    image->width = (uint32_t)width;
    image->height = (uint32_t)height;
    image->channels = (uint32_t)channels;
    image->quality = quality;
    image->pixels = pixels;
    return PB_OK;
}
