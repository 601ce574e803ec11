/* What the header of a decoded cache claims is compared with its entries, whatever its checksum says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/cache_file.h"
#include "data/resample.h"

static const char KEY[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char MESSAGE[] = "no image";
enum { SAMPLES = 2, SIDE = 4, PIXEL_BYTES = SIDE * SIDE * 3 + PB_PIXEL_PADDING };

/* One image, one that was left out with a message, the message. */
struct file {
    struct pb_cache_header header;
    struct pb_cache_entry entries[SAMPLES];
    uint8_t pixels[PIXEL_BYTES];
    char text[sizeof MESSAGE];
};

static void seal(struct file *file)
{
    file->header.checksum = pb_cache_checksum(&file->header, file->entries, file->text);
}

static struct file make_file(void)
{
    struct file file = {
        .header = {.magic = PB_CACHE_MAGIC,
                   .file_bytes = sizeof file,
                   .sample_count = SAMPLES,
                   .bad_count = 1,
                   .text_offset = offsetof(struct file, text),
                   .text_bytes = sizeof MESSAGE},
        .entries = {{.offset = offsetof(struct file, pixels),
                     .width = SIDE,
                     .height = SIDE,
                     .cropped_width = SIDE,
                     .cropped_height = SIDE},
                    {.offset = 0}},
    };
    memcpy(file.header.key, KEY, sizeof file.header.key);
    memcpy(file.text, MESSAGE, sizeof MESSAGE);
    seal(&file);
    return file;
}

static void assert_valid(const struct file *file, bool valid)
{
    assert_int_equal(pb_cache_file_is_valid(file, sizeof *file, KEY, SAMPLES), valid);
}

static void test_a_file_that_counts_its_left_out_images_right_is_valid(void **state)
{
    (void)state;
    const struct file file = make_file();
    assert_valid(&file, true);
}

/* The count decides whether the first message is read, which need not be there. */
static void test_a_file_that_counts_them_wrong_is_not(void **state)
{
    (void)state;
    for (uint64_t count = 0; count < 4; count++) {
        struct file file = make_file();
        file.header.bad_count = count;
        seal(&file);
        assert_valid(&file, count == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_counts_its_left_out_images_right_is_valid),
        cmocka_unit_test(test_a_file_that_counts_them_wrong_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
