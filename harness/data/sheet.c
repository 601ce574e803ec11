/* Contact sheets: network inputs side by side in one PNG, to be looked at. */
#include "data/sheet.h"

#include <math.h>
#include <string.h>

#include <stb_image_write.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { CHANNELS = 3 };

enum pb_status pb_sheet_create(const struct pb_preprocess *preprocess, uint32_t columns, uint32_t rows,
                               struct pb_sheet *sheet, struct pb_error *error)
{
    const uint32_t cell = preprocess->image_size < PB_SHEET_CELL ? preprocess->image_size : PB_SHEET_CELL;
    struct pb_sheet made = {.columns = columns,
                            .rows = rows,
                            .cell = cell,
                            .page = {.width = columns * cell + (columns + 1) * PB_SHEET_GAP,
                                     .height = rows * cell + (rows + 1) * PB_SHEET_GAP}};
    const size_t bytes = (size_t)made.page.width * made.page.height * CHANNELS;
    made.page.pixels = pb_calloc(bytes, 1);
    if (made.page.pixels == NULL)
        return pb_fail_memory(error, bytes);
    memset(made.page.pixels, 255, bytes);
    *sheet = made;
    return PB_OK;
}

static void take_back(const struct pb_preprocess *preprocess, const float *input, uint8_t *bytes)
{
    const size_t pixels = (size_t)preprocess->image_size * preprocess->image_size;
    for (size_t i = 0; i < pixels * CHANNELS; i++) {
        const double share = input[i] * preprocess->std[i % CHANNELS] + preprocess->mean[i % CHANNELS];
        bytes[i] = (uint8_t)fmin(fmax(floor(255 * share + 0.5), 0), 255);
    }
}

enum pb_status pb_sheet_put(struct pb_sheet *sheet, const struct pb_preprocess *preprocess, uint32_t column,
                            uint32_t row, const float *input, struct pb_error *error)
{
    const uint32_t size = preprocess->image_size, cell = sheet->cell;
    struct pb_image image = {.pixels = pb_calloc((size_t)size * size, CHANNELS), .width = size, .height = size};
    uint8_t *small = pb_calloc((size_t)cell * cell, CHANNELS);
    enum pb_status status = PB_OK;
    if (image.pixels == NULL || small == NULL) {
        status = pb_fail_memory(error, (size_t)size * size * CHANNELS);
        goto cleanup;
    }
    take_back(preprocess, input, image.pixels);
    const struct pb_rectangle whole = {.width = size, .height = size};
    status = pb_image_reduce(&image, &whole, cell, cell, small, error);
    const size_t left = column * (cell + PB_SHEET_GAP) + PB_SHEET_GAP, top = row * (cell + PB_SHEET_GAP) + PB_SHEET_GAP;
    for (uint32_t y = 0; status == PB_OK && y < cell; y++)
        memcpy(sheet->page.pixels + ((top + y) * sheet->page.width + left) * CHANNELS,
               small + (size_t)y * cell * CHANNELS, (size_t)cell * CHANNELS);
cleanup:
    pb_free(small);
    pb_free(image.pixels);
    return status;
}

static void append(void *text, void *data, int length)
{
    pb_text_append_bytes(text, data, (size_t)length);
}

enum pb_status pb_sheet_save(const struct pb_sheet *sheet, const char *path, struct pb_error *error)
{
    struct pb_text png = {0};
    enum pb_status status = PB_OK;
    const int stride = (int)(sheet->page.width * CHANNELS);
    if (!stbi_write_png_to_func(append, &png, (int)sheet->page.width, (int)sheet->page.height, CHANNELS,
                                sheet->page.pixels, stride) ||
        png.failed)
        status = pb_fail_memory(error, (size_t)stride * sheet->page.height);
    else
        status = pb_file_write_atomic(path, png.data, png.length, error);
    pb_text_free(&png);
    return status;
}

void pb_sheet_free(struct pb_sheet *sheet)
{
    pb_free(sheet->page.pixels);
    *sheet = (struct pb_sheet){0};
}
