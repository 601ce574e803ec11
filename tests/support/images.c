/* Image files for tests. */
#include "support/images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stb_image_write.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void must(enum pb_status status)
{
    if (status != PB_OK)
        abort();
}

char *images_path(const char *folder, const char *name)
{
    struct pb_error error;
    char *path = need(pb_path_join(folder, name)), *parent = need(pb_path_folder(path));
    must(pb_make_dirs(parent, &error));
    pb_free(parent);
    return path;
}

void images_put(const char *folder, const char *name, const void *bytes, size_t length)
{
    char *path = images_path(folder, name);
    FILE *file = need(fopen(path, "wb")); /* nothing that must survive a power cut: no fsync */
    if (fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        abort();
    pb_free(path);
}

void images_put_text(const char *folder, const char *name, const char *text)
{
    images_put(folder, name, text, strlen(text));
}

uint8_t *images_pattern(uint32_t width, uint32_t height, uint32_t seed)
{
    uint8_t *pixels = need(pb_calloc((size_t)width * height, 3));
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint8_t *pixel = pixels + ((size_t)y * width + x) * 3;
            pixel[0] = (uint8_t)(x * 255 / width);
            pixel[1] = (uint8_t)(y * 255 / height);
            pixel[2] = (uint8_t)(seed * 37 + (x / 8 + y / 8) % 2 * 60);
        }
    return pixels;
}

struct bytes {
    struct pb_text text;
};

static void append(void *context, void *data, int length)
{
    struct bytes *bytes = context;
    pb_text_append_bytes(&bytes->text, data, (size_t)length);
}

void images_put_jpeg(const char *folder, const char *name, uint32_t width, uint32_t height, const uint8_t *pixels)
{
    struct bytes bytes = {0};
    if (!stbi_write_jpg_to_func(append, &bytes, (int)width, (int)height, 3, pixels, 92))
        abort();
    images_put(folder, name, need(bytes.text.data), bytes.text.length);
    pb_text_free(&bytes.text);
}

void images_put_png(const char *folder, const char *name, uint32_t width, uint32_t height, const uint8_t *pixels)
{
    struct bytes bytes = {0};
    if (!stbi_write_png_to_func(append, &bytes, (int)width, (int)height, 3, pixels, (int)width * 3))
        abort();
    images_put(folder, name, need(bytes.text.data), bytes.text.length);
    pb_text_free(&bytes.text);
}

void images_put_pattern(const char *folder, const char *name, uint32_t width, uint32_t height, uint32_t seed)
{
    uint8_t *pixels = images_pattern(width, height, seed);
    if (pb_ends_with(name, ".png"))
        images_put_png(folder, name, width, height, pixels);
    else
        images_put_jpeg(folder, name, width, height, pixels);
    pb_free(pixels);
}
