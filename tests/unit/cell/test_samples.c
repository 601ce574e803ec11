/* Contact sheets: which image lies where, the same for every seed, and drawn by several workers at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "data/image.h"
#include "cell/contact_sheets.h"
#include "support/folder.h"
#include "support/images.h"
#include "support/scene.h"

/* Eight classes of sixteen training images, of one colour each: red tells the class, green the image. */
enum { CLASS_COUNT = 8, PER_CLASS = 16, FEW = 3, SIDE = 16, GAP = 4, PITCH = SIDE + GAP };

static uint8_t red_of(uint32_t label)
{
    return (uint8_t)(20 + 25 * label);
}

static uint8_t green_of(uint32_t number)
{
    return (uint8_t)(10 + 14 * number);
}

/* Class 4 has three training images; the first file of class 1 cannot be read. */
static void make_images(struct fake_dataset *fake, const char *root)
{
    uint8_t pixels[24 * 24 * 3];
    fake_init(fake, root, CLASS_COUNT);
    for (uint32_t number = 0; number < PER_CLASS; number++)
        for (uint32_t label = 0; label < CLASS_COUNT; label++) {
            char name[32];
            if (label == 4 && number >= FEW)
                continue;
            (void)snprintf(name, sizeof name, "c%u-%02u.png", label, number);
            for (size_t i = 0; i < sizeof pixels; i += 3) {
                pixels[i] = red_of(label);
                pixels[i + 1] = green_of(number);
                pixels[i + 2] = 240;
            }
            images_put_png(root, name, 24, 24, pixels);
            if (label == 1 && number == 0)
                images_put_text(root, name, "not a picture");
            fake_add(fake, name, label, PB_SPLIT_TRAIN);
        }
    images_put_png(root, "test.png", 24, 24, pixels);
    fake_add(fake, "test.png", 0, PB_SPLIT_TEST);
}

/* What the sheets need of a running cell. */
struct worker {
    struct scene scene;
    struct pb_cell_config config;
    struct pb_cell_run_options options;
    struct pb_session session;
};

static void open_worker(struct worker *worker, const char *root, const char *out, uint64_t seed)
{
    make_images(&worker->scene.fake, root);
    scene_open(&worker->scene, root, 0);
    worker->scene.preprocess.flip = 0.5;
    worker->scene.preprocess.rotate = 15;
    /* The validation images are other ones for every seed. */
    struct pb_error error = {0};
    pb_data_close(&worker->scene.data);
    const struct pb_split_spec split = {.validation = 0.3, .seed = seed};
    assert_int_equal(pb_data_open(&worker->scene.fake.loaded, NULL, root, &split, &worker->scene.data, &error), PB_OK);
    worker->config = (struct pb_cell_config){.preprocess = worker->scene.preprocess, .seed = seed};
    worker->options = (struct pb_cell_run_options){.out = out};
    worker->session = (struct pb_session){.config = &worker->config,
                                          .options = &worker->options,
                                          .data = worker->scene.data,
                                          .cache = scene_cache(&worker->scene, 1)};
}

static void close_worker(struct worker *worker)
{
    pb_cache_close(&worker->session.cache);
    scene_close(&worker->scene);
}

/* The folder's name, as the document gets it; from pb_calloc. */
static char *draw(struct worker *worker)
{
    struct pb_record record;
    struct pb_error error = {0};
    pb_record_init(&record);
    if (pb_session_samples(&worker->session, &record, &error) != PB_OK)
        fail_msg("%s", error.text);
    const char *name = pb_record_find(record.provenance, record.provenance_count, "samples");
    char *copy = name == NULL ? NULL : pb_strdup(name);
    assert_non_null(copy);
    pb_record_free(&record);
    return copy;
}

static struct pb_image load(const char *out, const char *name, const char *file)
{
    struct pb_image image = {0};
    struct pb_error error = {0};
    char sha256[65];
    char *path = pb_format("%s/samples/%s/%s", out, name, file);
    assert_non_null(path);
    if (pb_image_load(path, &image, sha256, &error) != PB_OK)
        fail_msg("%s: %s", path, error.text);
    pb_free(path);
    return image;
}

static void read_bytes(const char *out, const char *name, const char *file, char **data, size_t *length)
{
    struct pb_error error = {0};
    char *path = pb_format("%s/samples/%s/%s", out, name, file);
    assert_non_null(path);
    if (pb_file_read(path, 0, data, length, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_free(path);
}

static const uint8_t *pixel(const struct pb_image *image, uint32_t x, uint32_t y)
{
    return image->pixels + ((size_t)y * image->width + x) * 3;
}

static void assert_colour(const uint8_t *found, int red, int green, int blue)
{
    if (abs(found[0] - red) > 1 || abs(found[1] - green) > 1 || abs(found[2] - blue) > 1)
        fail_msg("%d %d %d is not %d %d %d", found[0], found[1], found[2], red, green, blue);
}

/* The middle of a cell, and the white above it and to its left. */
static void assert_cell(const struct pb_image *image, uint32_t column, uint32_t row, int red, int green)
{
    const uint32_t x = GAP + column * PITCH, y = GAP + row * PITCH;
    assert_colour(pixel(image, x + SIDE / 2, y + SIDE / 2), red, green, 240);
    assert_colour(pixel(image, x + SIDE / 2, y - GAP / 2), 255, 255, 255);
    assert_colour(pixel(image, x - GAP / 2, y + SIDE / 2), 255, 255, 255);
}

static void test_a_row_shows_the_first_training_images_of_its_class(void **state)
{
    static const uint32_t LABELS[] = {0, 1, 2, 4, 5, 6}; /* six of eight, evenly spread */
    struct worker worker;
    char *text = NULL;
    size_t length = 0;
    open_worker(&worker, *state, *state, 1);
    char *name = draw(&worker);
    struct pb_image image = load(*state, name, "samples.png");
    assert_int_equal(image.width, 8 * PITCH + GAP);
    assert_int_equal(image.height, 6 * PITCH + GAP);
    for (uint32_t row = 0; row < 6; row++)
        for (uint32_t column = 0; column < 8; column++) {
            const uint32_t number = column + (LABELS[row] == 1); /* whose first cannot be read */
            if (LABELS[row] == 4 && column >= FEW)
                assert_colour(pixel(&image, GAP + column * PITCH + SIDE / 2, GAP + row * PITCH + SIDE / 2), 255, 255,
                              255);
            else
                assert_cell(&image, column, row, red_of(LABELS[row]), green_of(number));
        }
    read_bytes(*state, name, "classes.txt", &text, &length);
    assert_string_equal(text, "zero\none\ntwo\nfour\nfive\nsix\n");
    pb_free(text);
    pb_image_free(&image);
    pb_free(name);
    close_worker(&worker);
}

static void test_one_image_comes_first_as_it_is_then_augmented(void **state)
{
    struct worker worker;
    uint32_t turned = 0;
    open_worker(&worker, *state, *state, 1);
    char *name = draw(&worker);
    struct pb_image image = load(*state, name, "augmented.png");
    assert_int_equal(image.width, 6 * PITCH + GAP);
    assert_int_equal(image.height, 2 * PITCH + GAP);
    for (uint32_t cell = 0; cell < 12; cell++) {
        const uint32_t column = cell % 6, row = cell / 6;
        const uint8_t *corner = pixel(&image, GAP + column * PITCH, GAP + row * PITCH);
        assert_cell(&image, column, row, red_of(0), green_of(0));
        if (cell == 0)
            assert_colour(corner, red_of(0), green_of(0), 240);
        turned += corner[2] < 120; /* a rotation's black corner */
    }
    assert_in_range(turned, 4, 11);
    pb_image_free(&image);
    pb_free(name);
    close_worker(&worker);
}

static void assert_same_file(const char *out, const char *name, const char *other, const char *file)
{
    char *a = NULL, *b = NULL;
    size_t a_length = 0, b_length = 0;
    read_bytes(out, name, file, &a, &a_length);
    read_bytes(other, name, file, &b, &b_length);
    assert_int_equal(a_length, b_length);
    assert_memory_equal(a, b, a_length);
    pb_free(a);
    pb_free(b);
}

static void assert_same_sheets(const char *out, const char *name, const char *other)
{
    assert_same_file(out, name, other, "samples.png");
    assert_same_file(out, name, other, "augmented.png");
    assert_same_file(out, name, other, "classes.txt");
}

static void test_every_seed_draws_the_same_sheets(void **state)
{
    struct worker worker;
    const char *out = folder_path(state, "a"), *other = folder_path(state, "b");
    open_worker(&worker, *state, out, 1);
    char *name = draw(&worker);
    close_worker(&worker);
    open_worker(&worker, *state, other, 2);
    char *again = draw(&worker);
    close_worker(&worker);
    assert_string_equal(again, name);
    assert_same_sheets(out, name, other);
    pb_free(again);
    pb_free(name);
}

static void test_another_preprocessing_has_a_folder_of_its_own(void **state)
{
    struct worker worker;
    open_worker(&worker, *state, *state, 1);
    char *name = draw(&worker);
    worker.config.preprocess.rotate = 5;
    char *other = draw(&worker);
    assert_string_not_equal(name, other);
    assert_true(pb_starts_with(name, "fake-") && pb_starts_with(other, "fake-"));
    pb_free(other);
    pb_free(name);
    close_worker(&worker);
}

/* A child draws as soon as the pipe's other end is closed; 0 when it went well. */
static void draw_in_child(struct worker *worker, const int gate[2])
{
    struct pb_record record;
    struct pb_error error = {0};
    char byte;
    pb_record_init(&record);
    (void)close(gate[1]);
    (void)!read(gate[0], &byte, 1);
    const enum pb_status status = pb_session_samples(&worker->session, &record, &error);
    if (status != PB_OK)
        (void)fprintf(stderr, "%s\n", error.text);
    _exit(status == PB_OK ? 0 : 1);
}

static void test_workers_that_draw_at_once_leave_one_whole_folder(void **state)
{
    enum { WORKERS = 8 };
    struct worker worker;
    struct pb_error error = {0};
    int gate[2];
    pid_t children[WORKERS];
    const char *alone = folder_path(state, "alone"), *together = folder_path(state, "together");
    char **names = NULL, *samples = pb_path_join(together, "samples");
    size_t count = 0;
    open_worker(&worker, *state, alone, 1);
    char *name = draw(&worker);
    worker.options.out = together;
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < WORKERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            draw_in_child(&worker, gate);
    }
    (void)close(gate[0]);
    (void)close(gate[1]);
    for (int i = 0; i < WORKERS; i++) {
        int outcome = -1;
        assert_int_equal(waitpid(children[i], &outcome, 0), children[i]);
        assert_int_equal(outcome, 0);
    }
    assert_int_equal(pb_list_dir(samples, &names, &count, &error), PB_OK);
    assert_int_equal(count, 1); /* no temporary folders */
    assert_string_equal(names[0], name);
    assert_same_sheets(alone, name, together);
    pb_names_free(&names, count);
    pb_free(samples);
    pb_free(name);
    close_worker(&worker);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_row_shows_the_first_training_images_of_its_class),
        TEST(test_one_image_comes_first_as_it_is_then_augmented),
        TEST(test_every_seed_draws_the_same_sheets),
        TEST(test_another_preprocessing_has_a_folder_of_its_own),
        TEST(test_workers_that_draw_at_once_leave_one_whole_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
