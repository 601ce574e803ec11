/* Decoding with stb_image. */
#include "data/image.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define STBI_NO_STDIO
#include <stb_image.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "data/jpeg.h"

static const uint8_t jpeg_start[] = {0xff, 0xd8, 0xff};
static const uint8_t png_start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static bool begins_with(const uint8_t *bytes, size_t length, const uint8_t *start, size_t start_length)
{
    return length >= start_length && memcmp(bytes, start, start_length) == 0;
}

static bool is_jpeg(const uint8_t *bytes, size_t length)
{
    return begins_with(bytes, length, jpeg_start, sizeof jpeg_start);
}

/* The file's own end mark is missing. */
static bool is_cut_short(const uint8_t *bytes, size_t length)
{
    static const uint8_t jpeg_end[] = {0xff, 0xd9}, png_end[] = {'I', 'E', 'N', 'D'};
    const uint8_t *end = is_jpeg(bytes, length) ? jpeg_end : png_end;
    const size_t end_length = is_jpeg(bytes, length) ? sizeof jpeg_end : sizeof png_end;
    /* Some cameras pad behind the end mark; one inside a thumbnail lies further back. */
    const size_t tail = length < 512 ? length : 512;
    return memmem(bytes + length - tail, tail, end, end_length) == NULL;
}

static enum pb_status fail_decode(const uint8_t *bytes, size_t length, struct pb_error *error)
{
    const char *reason = stbi_failure_reason();
    if (reason != NULL && strcmp(reason, "outofmem") == 0)
        return pb_fail(error, PB_ERROR_MEMORY, "out of memory while an image of %zu bytes is decoded", length);
    if (is_cut_short(bytes, length))
        return pb_fail(error, PB_ERROR_INPUT, "the image is cut short; get it again");
    return pb_fail(error, PB_ERROR_INPUT, "the image is damaged or of an unknown kind (%s); get it again",
                   reason != NULL ? reason : "no reason given");
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* A PNG's size is at a fixed place (IHDR comes first); stb_image would not tell one that it finds too large. */
static enum pb_status read_size(const uint8_t *bytes, size_t length, uint64_t *width, uint64_t *height,
                                struct pb_error *error)
{
    int w = 0, h = 0, channels = 0;
    if (!is_jpeg(bytes, length) && length >= 24) {
        *width = big_endian(bytes + 16);
        *height = big_endian(bytes + 20);
        return PB_OK;
    }
    if (!stbi_info_from_memory(bytes, (int)length, &w, &h, &channels))
        return fail_decode(bytes, length, error);
    *width = (uint64_t)w;
    *height = (uint64_t)h;
    return PB_OK;
}

static enum pb_status check_header(const uint8_t *bytes, size_t length, struct pb_error *error)
{
    uint64_t width = 0, height = 0;
    if (length == 0)
        return pb_fail(error, PB_ERROR_INPUT, "the file is empty; get it again");
    if (length > INT_MAX)
        return pb_fail(error, PB_ERROR_INPUT, "the file has %zu bytes, more than an image can", length);
    if (!is_jpeg(bytes, length) && !begins_with(bytes, length, png_start, sizeof png_start))
        return pb_fail(error, PB_ERROR_INPUT, "neither a JPEG nor a PNG file; convert it or get it again");
    enum pb_status status = is_jpeg(bytes, length) ? pb_jpeg_check(bytes, length, error) : PB_OK;
    if (status == PB_OK)
        status = read_size(bytes, length, &width, &height, error);
    if (status != PB_OK)
        return status;
    if (width * height > PB_IMAGE_MAX_PIXELS)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the image is of size %llu×%llu, above the limit of %llu pixels; reduce it",
                       (unsigned long long)width, (unsigned long long)height, (unsigned long long)PB_IMAGE_MAX_PIXELS);
    return PB_OK;
}

enum pb_status pb_image_decode(const void *bytes, size_t length, struct pb_image *image, struct pb_error *error)
{
    int width, height, channels;
    const enum pb_status status = check_header(bytes, length, error);
    if (status != PB_OK)
        return status;
    uint8_t *pixels = stbi_load_from_memory(bytes, (int)length, &width, &height, &channels, 3);
    if (pixels == NULL)
        return fail_decode(bytes, length, error);
    *image = (struct pb_image){.pixels = pixels, .width = (uint32_t)width, .height = (uint32_t)height};
    return PB_OK;
}

enum pb_status pb_image_load(const char *path, struct pb_image *image, char sha256[65], struct pb_error *error)
{
    struct stat info;
    char *bytes = NULL;
    size_t length = 0;
    sha256[0] = '\0';
    if (stat(path, &info) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "cannot be opened: %s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return pb_fail(error, PB_ERROR_INPUT, "not a file");
    enum pb_status status = pb_file_read(path, INT_MAX, &bytes, &length, error);
    if (status == PB_ERROR_RUN && error != NULL)
        error->status = PB_ERROR_INPUT;
    if (status != PB_OK)
        return status == PB_ERROR_RUN ? PB_ERROR_INPUT : status;
    pb_sha256_of(bytes, length, sha256);
    status = pb_image_decode(bytes, length, image, error);
    pb_free(bytes);
    return status;
}

void pb_image_free(struct pb_image *image)
{
    stbi_image_free(image->pixels);
    *image = (struct pb_image){0};
}
