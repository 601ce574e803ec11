/* JPEG files: colour through stb_image_write; grey through libjpeg, as stb always writes three channels. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <stb_image_write.h>

#include "base/memory.h"
#include "base/text.h"
#include "synth/set.h"

static void append(void *text, void *data, int length)
{
    pb_text_append_bytes(text, data, (size_t)length);
}

/* libjpeg's errors end here instead of ending the process. */
struct encoder {
    struct jpeg_error_mgr manager; /* first: libjpeg hands back its address */
    struct jpeg_compress_struct jpeg;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    unsigned char *memory; /* libjpeg's malloc */
    unsigned long length;
};

static void on_failure(j_common_ptr common)
{
    struct encoder *encoder = (struct encoder *)common->err;
    common->err->format_message(common, encoder->message);
    longjmp(encoder->jump, 1);
}

static void compress_rows(struct jpeg_compress_struct *jpeg, const struct synth_image *image)
{
    jpeg->image_width = image->width;
    jpeg->image_height = image->height;
    jpeg->input_components = 1;
    jpeg->in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, image->quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = image->pixels + (size_t)jpeg->next_scanline * image->width;
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

/* False when libjpeg gave up; the encoder is the caller's, so that a longjmp leaves it defined. */
static bool encode(struct encoder *encoder, const struct synth_image *image)
{
    encoder->jpeg.err = jpeg_std_error(&encoder->manager);
    encoder->manager.error_exit = on_failure;
    if (setjmp(encoder->jump))
        return false;
    jpeg_create_compress(&encoder->jpeg);
    jpeg_mem_dest(&encoder->jpeg, &encoder->memory, &encoder->length);
    compress_rows(&encoder->jpeg, image);
    return true;
}

static enum pb_status compress_grey(const struct synth_image *image, struct pb_text *text, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    struct encoder encoder;
    memset(&encoder, 0, sizeof encoder);
    if (encode(&encoder, image))
        pb_text_append_bytes(text, (const char *)encoder.memory, encoder.length);
    else
        status = pb_fail(error, PB_ERROR_RUN, "libjpeg cannot compress a grey image: %s", encoder.message);
    jpeg_destroy_compress(&encoder.jpeg);
    free(encoder.memory);
    return status;
}

static enum pb_status write_file(const char *path, const char *data, size_t length, struct pb_error *error)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return pb_fail_errno(error, "create '%s'", path);
    const bool written = fwrite(data, 1, length, file) == length;
    const int reason = errno;
    if (fclose(file) == 0 && written)
        return PB_OK;
    if (!written)
        errno = reason;
    return pb_fail_errno(error, "write '%s'", path);
}

enum pb_status synth_write_jpeg(const char *path, const struct synth_image *image, struct pb_error *error)
{
    struct pb_text text = {0};
    enum pb_status status = PB_OK;
    if (image->channels == 1)
        status = compress_grey(image, &text, error);
    else if (!stbi_write_jpg_to_func(append, &text, (int)image->width, (int)image->height, (int)image->channels,
                                     image->pixels, image->quality))
        status = pb_fail(error, PB_ERROR_RUN, "stb_image_write cannot compress '%s'", path);
    if (status == PB_OK && text.failed)
        status = pb_fail_memory(error, text.length);
    if (status == PB_OK)
        status = write_file(path, text.data, text.length, error);
    pb_text_free(&text);
    return status;
}
