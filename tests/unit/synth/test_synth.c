/* The default images: the same bytes by seed, the official layouts to the letter, and nobody else's folder touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <matio.h>
#include <stb_image.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text.h"
#include "synth/synth.h"
#include "support/folder.h"

enum { CLASSES = 4, TRAIN = 5, TEST = 3, EACH = TRAIN + TEST, ALL = CLASSES * EACH };

static struct pb_synth_options small_options(void)
{
    struct pb_synth_options options;
    pb_synth_defaults(&options);
    options.classes = CLASSES;
    options.train_per_class = TRAIN;
    options.test_per_class = TEST;
    options.size = 64;
    options.quiet = true;
    return options;
}

static void draw(const char *out, const struct pb_synth_options *options)
{
    struct pb_error error = {0};
    if (prunebench_synth.draw(out, options, pb_log, &error) != PB_OK)
        fail_msg("%s", error.text);
}

/* Hashes names and contents of everything below a folder, in order. */
static void hash_tree(const char *path, struct pb_sha256 *hash)
{
    struct pb_error error;
    char **names;
    size_t count;
    assert_int_equal(pb_list_dir(path, &names, &count, &error), PB_OK);
    for (size_t i = 0; i < count; i++) {
        char *below = pb_path_join(path, names[i]);
        pb_sha256_update(hash, names[i], strlen(names[i]) + 1);
        if (pb_is_dir(below)) {
            hash_tree(below, hash);
        } else if (!pb_ends_with(below, ".mat")) { /* matio writes the time of day into the header */
            char hex[65];
            assert_int_equal(pb_sha256_file(below, hex, &error), PB_OK);
            pb_sha256_update(hash, hex, 64);
        }
        pb_free(below);
    }
    pb_names_free(&names, count);
}

static void tree_digest(const char *path, char hex[65])
{
    struct pb_sha256 hash;
    pb_sha256_init(&hash);
    hash_tree(path, &hash);
    pb_sha256_finish(&hash, hex);
}

static void test_the_same_seed_draws_the_same_bytes_on_any_number_of_threads(void **state)
{
    char one[65], two[65], other[65];
    struct pb_synth_options options = small_options();
    options.sets = "aircraft,birds,cars,fish";
    draw(folder_path(state, "one"), &options);
    options.threads = 3;
    draw(folder_path(state, "two"), &options);
    options.seed = 2;
    draw(folder_path(state, "other"), &options);
    tree_digest(folder_path(state, "one"), one);
    tree_digest(folder_path(state, "two"), two);
    tree_digest(folder_path(state, "other"), other);
    assert_string_equal(one, two);
    assert_string_not_equal(one, other);
}

/* What an image file says of itself, without decoding all of it. */
struct picture {
    int width, height, channels;
};

static struct picture open_picture(const char *path)
{
    struct pb_error error;
    struct picture picture;
    char *data;
    size_t length;
    if (pb_file_read(path, 0, &data, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    unsigned char *pixels = stbi_load_from_memory((unsigned char *)data, (int)length, &picture.width, &picture.height,
                                                  &picture.channels, 0);
    assert_non_null(pixels);
    stbi_image_free(pixels);
    pb_free(data);
    return picture;
}

static struct pb_lines open_lines(const char *root, const char *name)
{
    struct pb_lines lines;
    struct pb_error error;
    char *path = pb_path_join(root, name);
    if (pb_lines_open(path, &lines, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_free(path);
    return lines;
}

static size_t count_lines(const char *root, const char *name)
{
    struct pb_lines lines = open_lines(root, name);
    size_t count = 0;
    while (pb_lines_next(&lines))
        count++;
    pb_lines_close(&lines);
    return count;
}

/* Checks one list of aircraft: "0034309 A name / with anything"; counts images per name. */
static void check_aircraft_list(const char *root, const char *name, size_t per_class)
{
    struct pb_lines names = open_lines(root, "data/variants.txt");
    char *known[CLASSES];
    size_t seen[CLASSES] = {0}, classes = 0;
    for (char *line; (line = pb_lines_next(&names));) {
        assert_true(classes < CLASSES);
        known[classes++] = line;
    }
    assert_int_equal(classes, CLASSES);
    struct pb_lines lines = open_lines(root, name);
    for (char *line; (line = pb_lines_next(&lines));) {
        assert_int_equal(strspn(line, "0123456789"), 7);
        assert_int_equal(line[7], ' ');
        char file[64];
        snprintf(file, sizeof file, "data/images/%.7s.jpg", line);
        char *path = pb_path_join(root, file);
        assert_true(pb_file_exists(path));
        pb_free(path);
        size_t c = 0;
        while (c < CLASSES && strcmp(known[c], line + 8) != 0)
            c++;
        assert_true(c < CLASSES);
        seen[c]++;
    }
    for (size_t c = 0; c < CLASSES; c++)
        assert_int_equal(seen[c], per_class);
    pb_lines_close(&lines);
    pb_lines_close(&names);
}

static void test_aircraft_have_the_lists_the_boxes_and_the_banner(void **state)
{
    struct pb_synth_options options = small_options();
    options.sets = "aircraft";
    draw(folder_path(state, "out"), &options);
    const char *root = folder_path(state, "out/fgvc-aircraft-2013b");
    check_aircraft_list(root, "data/images_variant_train.txt", 3);
    check_aircraft_list(root, "data/images_variant_val.txt", 2);
    check_aircraft_list(root, "data/images_variant_trainval.txt", TRAIN);
    check_aircraft_list(root, "data/images_variant_test.txt", TEST);
    assert_int_equal(count_lines(root, "data/images_family_trainval.txt"), CLASSES * TRAIN);
    assert_int_equal(count_lines(root, "data/images_manufacturer_test.txt"), CLASSES * TEST);
    struct pb_lines boxes = open_lines(root, "data/images_box.txt");
    size_t count = 0;
    for (char *line; (line = pb_lines_next(&boxes)); count++) {
        unsigned id;
        int box[4];
        char file[64];
        assert_int_equal(sscanf(line, "%7u %d %d %d %d", &id, &box[0], &box[1], &box[2], &box[3]), 5);
        snprintf(file, sizeof file, "data/images/%07u.jpg", id);
        char *path = pb_path_join(root, file);
        const struct picture picture = open_picture(path);
        assert_true(picture.width <= 64);
        assert_true(box[0] >= 1 && box[0] < box[2] && box[2] <= picture.width);
        /* The banner's 20 rows are below every box. */
        assert_true(box[1] >= 1 && box[1] < box[3] && box[3] <= picture.height - 20);
        pb_free(path);
    }
    assert_int_equal(count, ALL);
    pb_lines_close(&boxes);
}

static void test_aircraft_names_hold_blanks_and_slashes(void **state)
{
    struct pb_synth_options options = small_options();
    options.classes = 9;
    options.train_per_class = 2;
    options.test_per_class = 1;
    options.sets = "aircraft";
    draw(folder_path(state, "out"), &options);
    struct pb_lines names = open_lines(folder_path(state, "out/fgvc-aircraft-2013b"), "data/variants.txt");
    bool blank = false, slash = false;
    for (char *line; (line = pb_lines_next(&names));) {
        blank = blank || strchr(line, ' ');
        slash = slash || strchr(line, '/');
    }
    assert_true(blank);
    assert_true(slash);
    pb_lines_close(&names);
}

static void test_birds_have_the_five_files_of_cub(void **state)
{
    struct pb_synth_options options = small_options();
    options.sets = "birds";
    draw(folder_path(state, "out"), &options);
    const char *root = folder_path(state, "out/CUB_200_2011");
    struct pb_lines images = open_lines(root, "images.txt"), labels = open_lines(root, "image_class_labels.txt");
    struct pb_lines splits = open_lines(root, "train_test_split.txt"), boxes = open_lines(root, "bounding_boxes.txt");
    size_t train[CLASSES + 1] = {0}, test[CLASSES + 1] = {0};
    for (unsigned i = 1; i <= ALL; i++) {
        unsigned id, label_id, label, split_id, is_train, box_id;
        float box[4];
        char path[200], file[256];
        assert_int_equal(sscanf(pb_lines_next(&images), "%u %199s", &id, path), 2);
        assert_int_equal(sscanf(pb_lines_next(&labels), "%u %u", &label_id, &label), 2);
        assert_int_equal(sscanf(pb_lines_next(&splits), "%u %u", &split_id, &is_train), 2);
        assert_int_equal(sscanf(pb_lines_next(&boxes), "%u %f %f %f %f", &box_id, &box[0], &box[1], &box[2], &box[3]),
                         5);
        assert_true(id == i && label_id == i && split_id == i && box_id == i);
        assert_true(label >= 1 && label <= CLASSES && is_train <= 1);
        assert_int_equal(strtol(path, NULL, 10), label); /* 001.Name/Name_0001.jpg */
        assert_int_equal(path[3], '.');
        ++*(is_train ? &train[label] : &test[label]);
        snprintf(file, sizeof file, "images/%s", path);
        char *whole = pb_path_join(root, file);
        const struct picture picture = open_picture(whole);
        assert_true(box[0] >= 0 && box[1] >= 0 && box[2] > 0 && box[3] > 0);
        assert_true(box[0] + box[2] <= (float)picture.width && box[1] + box[3] <= (float)picture.height);
        pb_free(whole);
    }
    assert_null(pb_lines_next(&images));
    for (size_t c = 1; c <= CLASSES; c++) {
        assert_int_equal(train[c], TRAIN);
        assert_int_equal(test[c], TEST);
    }
    pb_lines_close(&images);
    pb_lines_close(&labels);
    pb_lines_close(&splits);
    pb_lines_close(&boxes);
    assert_int_equal(count_lines(root, "classes.txt"), CLASSES);
}

/* A variable of a .mat file; the file must be MATLAB 5. */
static matvar_t *read_variable(const char *path, const char *name)
{
    mat_t *file = Mat_Open(path, MAT_ACC_RDONLY);
    assert_non_null(file);
    assert_int_equal(Mat_GetVersion(file), MAT_FT_MAT5);
    matvar_t *variable = Mat_VarRead(file, name);
    assert_non_null(variable);
    Mat_Close(file);
    return variable;
}

static double number_at(matvar_t *annotations, const char *field, size_t index)
{
    const matvar_t *value = Mat_VarGetStructFieldByName(annotations, field, index);
    assert_non_null(value);
    assert_int_equal(value->class_type, MAT_C_DOUBLE);
    return *(const double *)value->data;
}

static void text_at(const matvar_t *value, char *text, size_t size)
{
    assert_non_null(value);
    assert_int_equal(value->class_type, MAT_C_CHAR);
    snprintf(text, size, "%.*s", (int)value->nbytes, (const char *)value->data);
}

/* Box and class of one entry against the image that it names. */
static void check_entry(matvar_t *annotations, size_t i, const char *root, const char *file)
{
    char *path = pb_path_join(root, file);
    const struct picture picture = open_picture(path);
    pb_free(path);
    const double x1 = number_at(annotations, "bbox_x1", i), y1 = number_at(annotations, "bbox_y1", i);
    const double x2 = number_at(annotations, "bbox_x2", i), y2 = number_at(annotations, "bbox_y2", i);
    const double class = number_at(annotations, "class", i);
    assert_true(x1 >= 1 && x1 < x2 && x2 <= picture.width);
    assert_true(y1 >= 1 && y1 < y2 && y2 <= picture.height);
    assert_true(class >= 1 && class <= CLASSES);
}

/* What each split of each class holds is all that class folders say. */
static void test_fish_are_in_class_folders_and_only_when_asked_for(void **state)
{
    struct pb_synth_options options = small_options();
    struct pb_error error;
    draw(folder_path(state, "three"), &options);
    assert_false(pb_file_exists(folder_path(state, "three/fish")));
    options.sets = "fish";
    draw(folder_path(state, "out"), &options);
    for (int split = 0; split < 2; split++) {
        char **classes, **images;
        size_t class_count, count;
        const char *folder = folder_path(state, split ? "out/fish/test" : "out/fish/train");
        assert_int_equal(pb_list_dir(folder, &classes, &class_count, &error), PB_OK);
        assert_int_equal(class_count, CLASSES);
        for (size_t c = 0; c < class_count; c++) {
            char *class = pb_path_join(folder, classes[c]);
            assert_int_equal(pb_list_dir(class, &images, &count, &error), PB_OK);
            assert_int_equal(count, split ? TEST : TRAIN);
            char *image = pb_path_join(class, images[0]);
            assert_in_range(open_picture(image).width, 40, 64);
            pb_free(image);
            pb_free(class);
            pb_names_free(&images, count);
        }
        pb_names_free(&classes, class_count);
    }
}

static void test_cars_annos_reads_back_with_its_fields(void **state)
{
    struct pb_synth_options options = small_options();
    options.sets = "cars";
    draw(folder_path(state, "out"), &options);
    const char *root = folder_path(state, "out/cars"), *path = folder_path(state, "out/cars/cars_annos.mat");
    matvar_t *annotations = read_variable(path, "annotations"), *names = read_variable(path, "class_names");
    assert_int_equal(annotations->class_type, MAT_C_STRUCT);
    assert_int_equal(annotations->dims[0] * annotations->dims[1], ALL);
    assert_int_equal(Mat_VarGetNumberOfFields(annotations), 7);
    size_t test[CLASSES + 1] = {0};
    for (size_t i = 0; i < ALL; i++) {
        char file[100], expected[200];
        text_at(Mat_VarGetStructFieldByName(annotations, "relative_im_path", i), file, sizeof file);
        snprintf(expected, sizeof expected, "car_ims/%06zu.jpg", i + 1);
        assert_string_equal(file, expected);
        check_entry(annotations, i, root, file);
        test[(size_t)number_at(annotations, "class", i)] += (size_t)number_at(annotations, "test", i);
    }
    for (size_t c = 1; c <= CLASSES; c++)
        assert_int_equal(test[c], TEST);
    assert_int_equal(names->class_type, MAT_C_CELL);
    assert_int_equal(names->dims[0] * names->dims[1], CLASSES);
    char name[100];
    text_at(Mat_VarGetCell(names, CLASSES - 1), name, sizeof name);
    assert_true(strlen(name) > 8);
    Mat_VarFree(annotations);
    Mat_VarFree(names);
}

static void test_the_devkit_of_cars_numbers_each_split(void **state)
{
    static const struct {
        const char *mat, *folder;
        size_t count;
    } parts[2] = {{"out/cars/devkit/cars_train_annos.mat", "cars_train", CLASSES * TRAIN},
                  {"out/cars/cars_test_annos_withlabels.mat", "cars_test", CLASSES * TEST}};
    struct pb_synth_options options = small_options();
    options.sets = "cars";
    options.cars_devkit = true;
    draw(folder_path(state, "out"), &options);
    const char *root = folder_path(state, "out/cars");
    for (size_t p = 0; p < 2; p++) {
        matvar_t *annotations = read_variable(folder_path(state, parts[p].mat), "annotations");
        assert_int_equal(annotations->dims[0] * annotations->dims[1], parts[p].count);
        assert_int_equal(Mat_VarGetNumberOfFields(annotations), 6);
        for (size_t i = 0; i < parts[p].count; i++) {
            char name[100], expected[200];
            text_at(Mat_VarGetStructFieldByName(annotations, "fname", i), name, sizeof name);
            snprintf(expected, sizeof expected, "%05zu.jpg", i + 1);
            assert_string_equal(name, expected);
            snprintf(expected, sizeof expected, "%s/%s", parts[p].folder, name);
            check_entry(annotations, i, root, expected);
        }
        Mat_VarFree(annotations);
    }
    matvar_t *names = read_variable(folder_path(state, "out/cars/devkit/cars_meta.mat"), "class_names");
    assert_int_equal(names->dims[0] * names->dims[1], CLASSES);
    Mat_VarFree(names);
}

static void test_some_images_are_grey_jpegs_of_one_channel(void **state)
{
    struct pb_synth_options options = small_options();
    options.sets = "cars";
    options.train_per_class = 40;
    draw(folder_path(state, "out"), &options);
    const char *root = folder_path(state, "out/cars");
    size_t grey = 0;
    for (int i = 1; i <= CLASSES * (40 + TEST); i++) {
        char name[64];
        snprintf(name, sizeof name, "car_ims/%06d.jpg", i);
        char *path = pb_path_join(root, name);
        grey += open_picture(path).channels == 1;
        pb_free(path);
    }
    /* 172 images of which 5 % are grey: fewer than 1 or more than 25 would be a 1 in 5000 event. */
    assert_true(grey >= 1 && grey <= 25);
}

static void test_a_complete_set_is_left_alone_and_other_options_replace_it(void **state)
{
    struct pb_synth_options options = small_options();
    options.sets = "birds";
    const char *out = folder_path(state, "out");
    draw(out, &options);
    const char *file = folder_path(state, "out/CUB_200_2011/classes.txt");
    struct stat before, after;
    assert_int_equal(stat(file, &before), 0);
    draw(out, &options);
    assert_int_equal(stat(file, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    options.classes = 3;
    draw(out, &options);
    assert_int_equal(count_lines(folder_path(state, "out/CUB_200_2011"), "classes.txt"), 3);
}

static void test_an_unfinished_set_is_drawn_again(void **state)
{
    struct pb_synth_options options = small_options();
    struct pb_error error;
    options.sets = "birds";
    const char *out = folder_path(state, "out");
    draw(out, &options);
    const char *stamp = folder_path(state, "out/CUB_200_2011/.prunebench-synth");
    const char *labels = folder_path(state, "out/CUB_200_2011/image_class_labels.txt");
    assert_int_equal(remove(labels), 0);
    assert_int_equal(pb_file_write_atomic(stamp, "unfinished\n", 11, &error), PB_OK);
    draw(out, &options);
    assert_true(pb_file_exists(labels));
}

static void test_a_folder_of_somebody_else_is_refused_and_kept(void **state)
{
    struct pb_synth_options options = small_options();
    struct pb_error error = {0};
    const char *file = folder_path(state, "out/CUB_200_2011/images.txt");
    assert_int_equal(pb_make_dirs(folder_path(state, "out/CUB_200_2011"), &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(file, "real\n", 5, &error), PB_OK);
    options.sets = "birds";
    assert_int_equal(prunebench_synth.draw(folder_path(state, "out"), &options, pb_log, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "CUB_200_2011"));
    char *data;
    size_t length;
    assert_int_equal(pb_file_read(file, 0, &data, &length, &error), PB_OK);
    assert_string_equal(data, "real\n");
    pb_free(data);
}

static void test_what_cannot_be_drawn_is_said(void **state)
{
    struct pb_synth_options options = small_options();
    struct pb_error error = {0};
    const char *out = folder_path(state, "out");
    options.sets = "aircraft,bird";
    assert_int_equal(prunebench_synth.draw(out, &options, pb_log, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "did you mean 'birds'"));
    options = small_options();
    options.classes = PB_SYNTH_CLASSES_MAX + 1;
    assert_int_equal(prunebench_synth.draw(out, &options, pb_log, &error), PB_ERROR_INPUT);
    options = small_options();
    options.test_per_class = 300000;
    assert_int_equal(prunebench_synth.draw(out, &options, pb_log, &error), PB_ERROR_INPUT);
    assert_false(pb_file_exists(out));
}

static void test_every_allocation_may_fail(void **state)
{
    struct pb_synth_options options = small_options();
    options.classes = 2;
    options.train_per_class = 2;
    options.test_per_class = 1;
    options.size = PB_SYNTH_SIZE_MIN;
    options.sheets = true;
    options.sets = "aircraft,birds,cars,fish";
    const char *out = folder_path(state, "out");
    enum pb_status status = PB_ERROR_MEMORY;
    /* A stride that is no divisor of any loop's count meets allocations of every kind. */
    long n = 0;
    for (; status != PB_OK && n < 20000; n += 7) {
        struct pb_error error = {0};
        pb_memory_fail_after(n);
        status = prunebench_synth.draw(out, &options, pb_log, &error);
        pb_memory_fail_after(-1);
        if (status != PB_OK)
            assert_true(error.text[0] != '\0');
    }
    assert_int_equal(status, PB_OK);
    assert_true(n > 100);
}

int main(void)
{
#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_the_same_seed_draws_the_same_bytes_on_any_number_of_threads),
        TEST_IN_FOLDER(test_aircraft_have_the_lists_the_boxes_and_the_banner),
        TEST_IN_FOLDER(test_aircraft_names_hold_blanks_and_slashes),
        TEST_IN_FOLDER(test_birds_have_the_five_files_of_cub),
        TEST_IN_FOLDER(test_fish_are_in_class_folders_and_only_when_asked_for),
        TEST_IN_FOLDER(test_cars_annos_reads_back_with_its_fields),
        TEST_IN_FOLDER(test_the_devkit_of_cars_numbers_each_split),
        TEST_IN_FOLDER(test_some_images_are_grey_jpegs_of_one_channel),
        TEST_IN_FOLDER(test_a_complete_set_is_left_alone_and_other_options_replace_it),
        TEST_IN_FOLDER(test_an_unfinished_set_is_drawn_again),
        TEST_IN_FOLDER(test_a_folder_of_somebody_else_is_refused_and_kept),
        TEST_IN_FOLDER(test_what_cannot_be_drawn_is_said),
        TEST_IN_FOLDER(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
