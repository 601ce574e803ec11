/* Contact sheets: what a person looks at to see whether the classes can be distinguished. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stb_image_resize.h>
#include <stb_image_write.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "synth/set.h"
#include "synth/font.h"

enum { EXAMPLES = 10, CELL_MAX = 160, GAP = 4, TITLE = SYNTH_TEXT_HEIGHT + 6 };

static void append(void *text, void *data, int length)
{
    pb_text_append_bytes(text, data, (size_t)length);
}

/* Copies a picture, made smaller where it is larger than the cell, to (x, y) of the page. */
static enum pb_status paste(const struct synth_image *image, uint32_t cell, const struct synth_page *page, uint32_t x,
                            uint32_t y, struct pb_error *error)
{
    const uint32_t longer = image->width > image->height ? image->width : image->height;
    const double scale = longer > cell ? (double)cell / longer : 1;
    const uint32_t width = (uint32_t)(image->width * scale), height = (uint32_t)(image->height * scale);
    uint8_t *small = pb_calloc((size_t)width * height, image->channels);
    if (!small || !stbir_resize_uint8(image->pixels, (int)image->width, (int)image->height, 0, small, (int)width,
                                      (int)height, 0, (int)image->channels)) {
        pb_free(small);
        return pb_fail_memory(error, (size_t)width * height * image->channels);
    }
    for (uint32_t row = 0; row < height; row++)
        for (uint32_t column = 0; column < width; column++)
            for (uint32_t c = 0; c < 3; c++)
                page->pixels[((size_t)(y + row) * page->width + x + column) * 3 + c] =
                    small[((size_t)row * width + column) * image->channels + (image->channels == 3 ? c : 0)];
    pb_free(small);
    return PB_OK;
}

/* One class: its name, and its first training images. */
static enum pb_status draw_row(const struct synth_set *set, uint32_t class, uint32_t cell,
                               const struct synth_page *page, struct pb_error *error)
{
    const uint32_t per_class = set->count / set->options->classes;
    const uint32_t top = class * (cell + TITLE + GAP);
    char name[SYNTH_NAME];
    synth_class_name(set, class, name);
    synth_text(page, GAP, top + 4, name, 0);
    uint32_t shown = 0;
    for (uint32_t i = class * per_class; i < (class + 1) * per_class && shown < EXAMPLES; i++) {
        struct synth_image image;
        if (set->samples[i].split == SYNTH_TEST)
            continue;
        enum pb_status status = synth_draw_sample(set, &set->samples[i], &image, error);
        if (status != PB_OK)
            return status;
        status = paste(&image, cell, page, GAP + shown * (cell + GAP), top + TITLE, error);
        pb_free(image.pixels);
        if (status != PB_OK)
            return status;
        shown++;
    }
    return PB_OK;
}

static enum pb_status save(const struct synth_set *set, const char *out, const struct synth_page *page,
                           struct pb_error *error)
{
    enum pb_status status = PB_OK;
    struct pb_text png = {0};
    char *path = pb_format("%s/contact-%s.png", out, synth_kind_name(set->kind));
    if (!path ||
        !stbi_write_png_to_func(append, &png, (int)page->width, (int)page->height, 3, page->pixels,
                                (int)(page->width * 3)) ||
        png.failed)
        status = pb_fail_memory(error, (size_t)page->width * page->height * 3);
    else
        status = pb_file_write_atomic(path, png.data, png.length, error);
    pb_text_free(&png);
    pb_free(path);
    return status;
}

enum pb_status synth_write_sheet(const struct synth_set *set, const char *out, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    /* A banner makes an image higher than the size asked for. */
    const uint32_t full = set->options->size + set->layout->banner;
    const uint32_t cell = full < CELL_MAX ? full : CELL_MAX;
    struct synth_page page = {
        .width = GAP + EXAMPLES * (cell + GAP), .height = set->options->classes * (cell + TITLE + GAP), .channels = 3};
    const size_t bytes = (size_t)page.width * page.height * 3;
    page.pixels = pb_calloc(bytes, 1);
    if (!page.pixels)
        return pb_fail_memory(error, bytes);
    memset(page.pixels, 255, bytes);
    for (uint32_t c = 0; c < set->options->classes && status == PB_OK; c++)
        status = draw_row(set, c, cell, &page, error);
    if (status == PB_OK)
        status = save(set, out, &page, error);
    pb_free(page.pixels);
    return status;
}
