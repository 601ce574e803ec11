/* Stanford Cars in its two forms, and the traps of MATLAB files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <matio.h>

#include "base/file.h"
#include "base/memory.h"
#include "support/datasets.h"
#include "support/folder.h"
#include "support/images.h"

struct record {
    const char *image;
    double x1, y1, x2, y2, class_id, test;
};

/* How a file of annotations is written. */
struct shape {
    const char *image_field; /* "relative_im_path" or "fname" */
    bool split; /* with the field `test` */
    enum matio_compression compression;
    enum matio_types text; /* as which characters are stored: MAT_T_UTF8 or MAT_T_UINT16 */
    const char *without; /* field that is left out */
    const char *text_in; /* number field that holds text instead */
};

static const struct shape annos_shape = {"relative_im_path", true, MAT_COMPRESSION_ZLIB, MAT_T_UTF8, NULL, NULL};
static const struct shape devkit_shape = {"fname", false, MAT_COMPRESSION_ZLIB, MAT_T_UINT16, NULL, NULL};

static const struct record annos[] = {
    {"car_ims/000001.jpg", 112, 7, 853, 717, 1, 0},
    {"car_ims/000002.jpg", 48, 24, 441, 202, 2, 1},
    {"car_ims/000003.jpg", 1, 1, 7800, 5400, 2, 0},
};
static const struct record train[] = {{"00001.jpg", 39, 116, 569, 375, 2, 0}, {"00002.jpg", 36, 116, 868, 587, 1, 0}};
static const struct record test[] = {{"00001.jpg", 30, 52, 246, 147, 1, 0}};

static matvar_t *make_text(const char *text, enum matio_types type)
{
    uint16_t wide[128];
    size_t dims[2] = {1, strlen(text)};
    assert_true(dims[1] < 128);
    for (size_t i = 0; i < dims[1]; i++)
        wide[i] = (unsigned char)text[i];
    return Mat_VarCreate(NULL, MAT_C_CHAR, type, 2, dims, type == MAT_T_UINT16 ? wide : (void *)(uintptr_t)text, 0);
}

static matvar_t *make_number(double value)
{
    size_t dims[2] = {1, 1};
    return Mat_VarCreate(NULL, MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, &value, 0);
}

static void set_number(matvar_t *array, const struct shape *shape, const char *field, size_t index, double value)
{
    if (shape->without != NULL && strcmp(field, shape->without) == 0)
        return;
    const bool text = shape->text_in != NULL && strcmp(field, shape->text_in) == 0;
    Mat_VarSetStructFieldByName(array, field, index, text ? make_text("7", shape->text) : make_number(value));
}

static matvar_t *make_annotations(const struct record *records, size_t count, const struct shape *shape)
{
    /* In the devkit's own order, which is not that of its README. */
    const char *all[] = {"bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", shape->image_field, "test"};
    const char *fields[7];
    unsigned field_count = 0;
    size_t dims[2] = {1, count};
    for (size_t i = 0; i < (shape->split ? 7 : 6); i++)
        if (shape->without == NULL || strcmp(all[i], shape->without) != 0)
            fields[field_count++] = all[i];
    matvar_t *array = Mat_VarCreateStruct("annotations", 2, dims, fields, field_count);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &records[i];
        set_number(array, shape, "bbox_x1", i, record->x1);
        set_number(array, shape, "bbox_y1", i, record->y1);
        set_number(array, shape, "bbox_x2", i, record->x2);
        set_number(array, shape, "bbox_y2", i, record->y2);
        set_number(array, shape, "class", i, record->class_id);
        if (shape->split)
            set_number(array, shape, "test", i, record->test);
        if (shape->without == NULL || strcmp(shape->without, shape->image_field) != 0)
            Mat_VarSetStructFieldByName(array, shape->image_field, i, make_text(record->image, shape->text));
    }
    return array;
}

static matvar_t *make_class_names(enum matio_types text)
{
    size_t dims[2] = {1, 2};
    matvar_t *cells = Mat_VarCreate("class_names", MAT_C_CELL, MAT_T_CELL, 2, dims, NULL, 0);
    Mat_VarSetCell(cells, 0, make_text("AM General Hummer SUV 2000", text));
    Mat_VarSetCell(cells, 1, make_text("Ram C/V Cargo Van Minivan 2012", text));
    return cells;
}

/* Writes variables (each may be NULL) and frees them. */
static void put_mat(const char *folder, const char *name, matvar_t *first, matvar_t *second,
                    enum matio_compression compression)
{
    char *path = images_path(folder, name);
    mat_t *mat = Mat_CreateVer(path, NULL, MAT_FT_MAT5);
    assert_non_null(mat);
    matvar_t *variables[] = {first, second};
    for (size_t i = 0; i < 2; i++)
        if (variables[i] != NULL) {
            assert_int_equal(Mat_VarWrite(mat, variables[i], compression), 0);
            Mat_VarFree(variables[i]);
        }
    Mat_Close(mat);
    pb_free(path);
}

static void put_annos(const char *folder, const struct record *records, size_t count, const struct shape *shape)
{
    put_mat(folder, "cars_annos.mat", make_annotations(records, count, shape), make_class_names(shape->text),
            shape->compression);
}

static void put_devkit(const char *folder, const char *test_name)
{
    put_mat(folder, "devkit/cars_meta.mat", make_class_names(MAT_T_UINT16), NULL, MAT_COMPRESSION_ZLIB);
    put_mat(folder, "devkit/cars_train_annos.mat", make_annotations(train, 2, &devkit_shape), NULL,
            MAT_COMPRESSION_ZLIB);
    put_mat(folder, test_name, make_annotations(test, 1, &devkit_shape), NULL, MAT_COMPRESSION_ZLIB);
}

static void assert_annos(const struct dataset *set)
{
    assert_int_equal(set->status, PB_OK);
    assert_int_equal(set->contents.class_count, 2);
    assert_string_equal(set->contents.class_names[1], "Ram C/V Cargo Van Minivan 2012");
    assert_int_equal(set->contents.sample_count, 3);
    const struct pb_sample *samples = set->contents.samples;
    assert_true(pb_ends_with(samples[1].path, "/car_ims/000003.jpg"));
    assert_true(pb_ends_with(samples[2].path, "/car_ims/000002.jpg"));
    assert_int_equal(samples[0].label, 0);
    assert_int_equal(samples[1].label, 1);
    assert_int_equal(samples[1].line, 3);
    assert_true(pb_ends_with(samples[1].source, "/cars_annos.mat"));
    assert_int_equal(samples[1].split, PB_SPLIT_TRAIN);
    assert_int_equal(samples[2].split, PB_SPLIT_TEST);
    assert_true(samples[0].box[0] == 111 && samples[0].box[1] == 6);
    assert_true(samples[0].box[2] == 742 && samples[0].box[3] == 711);
}

static void assert_devkit(const char *root, const char *layout)
{
    struct dataset set;
    dataset_open(&set, "cars", root, layout != NULL ? "layout" : NULL, layout);
    assert_int_equal(set.status, PB_OK);
    assert_int_equal(set.contents.sample_count, 3);
    const struct pb_sample *sample = dataset_find(&set, "/cars_train/00001.jpg");
    assert_non_null(sample);
    assert_int_equal(sample->label, 1);
    assert_int_equal(sample->split, PB_SPLIT_TRAIN);
    assert_true(sample->box[0] == 38 && sample->box[1] == 115 && sample->box[2] == 531 && sample->box[3] == 260);
    sample = dataset_find(&set, "/cars_test/00001.jpg");
    assert_non_null(sample);
    assert_int_equal(sample->label, 0);
    assert_int_equal(sample->split, PB_SPLIT_TEST);
    dataset_close(&set);
}

static void test_one_annotation_file_reads_however_it_is_stored(void **state)
{
    static const enum matio_compression compressions[] = {MAT_COMPRESSION_NONE, MAT_COMPRESSION_ZLIB};
    static const enum matio_types texts[] = {MAT_T_UTF8, MAT_T_UINT16};
    for (size_t i = 0; i < 4; i++) {
        struct shape shape = annos_shape;
        struct dataset set;
        shape.compression = compressions[i % 2];
        shape.text = texts[i / 2];
        put_annos(*state, annos, 3, &shape);
        dataset_open(&set, "cars", *state, NULL, NULL);
        assert_annos(&set);
        dataset_close(&set);
    }
}

static void test_the_devkit_reads_with_its_labels_beside_or_inside(void **state)
{
    put_devkit(*state, "devkit/cars_test_annos_withlabels.mat");
    assert_devkit(*state, NULL);
    assert_int_equal(rename(folder_path(state, "devkit/cars_test_annos_withlabels.mat"),
                            folder_path(state, "cars_test_annos_withlabels.mat")),
                     0);
    assert_devkit(*state, NULL);
    assert_int_equal(
        rename(folder_path(state, "devkit/cars_train_annos.mat"), folder_path(state, "cars_train_annos.mat")), 0);
    assert_int_equal(rename(folder_path(state, "devkit/cars_meta.mat"), folder_path(state, "cars_meta.mat")), 0);
    assert_devkit(*state, NULL);
}

static void test_of_two_forms_the_one_with_images_is_read(void **state)
{
    struct dataset set;
    put_devkit(*state, "devkit/cars_test_annos_withlabels.mat");
    put_annos(*state, annos, 3, &annos_shape);
    assert_devkit(*state, NULL);
    images_put_text(*state, "car_ims/000001.jpg", "");
    dataset_open(&set, "cars", *state, NULL, NULL);
    assert_annos(&set);
    dataset_close(&set);
    assert_devkit(*state, "devkit");
}

static void test_labels_that_are_missing_are_asked_for(void **state)
{
    put_devkit(*state, "devkit/cars_test_annos.mat");
    dataset_assert_refused("cars", *state, "devkit/cars_test_annos.mat: ", "put cars_test_annos_withlabels.mat beside");
}

static void test_a_folder_without_annotations_says_what_to_give(void **state)
{
    dataset_assert_refused("cars", *state, *state, "neither cars_annos.mat nor cars_train_annos.mat");
    put_devkit(*state, "devkit/cars_test_annos_withlabels.mat");
    assert_int_equal(unlink(folder_path(state, "devkit/cars_meta.mat")), 0);
    dataset_assert_refused("cars", *state, *state, "neither cars_meta.mat nor devkit/cars_meta.mat");
}

static void test_files_that_are_no_matlab_files_are_refused(void **state)
{
    char v4[256] = {0}, hdf5[256] = "MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .";
    put_devkit(*state, "devkit/cars_test_annos_withlabels.mat");
    images_put_text(*state, "devkit/cars_train_annos.mat", "<html>404 not found</html>");
    dataset_assert_refused("cars", *state, "devkit/cars_train_annos.mat: ", "is not a MATLAB file");
    images_put_text(*state, "devkit/cars_train_annos.mat", "");
    dataset_assert_refused("cars", *state, "devkit/cars_train_annos.mat: ", "is empty");
    images_put(*state, "devkit/cars_train_annos.mat", v4, sizeof v4);
    dataset_assert_refused("cars", *state, "devkit/cars_train_annos.mat: ", "is not a MATLAB file");
    memcpy(hdf5 + 124, "\x00\x02IM", 4);
    images_put(*state, "devkit/cars_train_annos.mat", hdf5, sizeof hdf5);
    dataset_assert_refused("cars", *state, "devkit/cars_train_annos.mat: ", "not a MATLAB v5 file");
}

static void test_files_that_are_cut_are_refused(void **state)
{
    struct pb_error error;
    char *data, *path = images_path(*state, "cars_annos.mat");
    size_t length;
    put_annos(*state, annos, 3, &annos_shape);
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    for (size_t cut = 128; cut < length - 1; cut += 61) {
        images_put(*state, "cars_annos.mat", data, cut);
        dataset_assert_refused("cars", *state, "cars_annos.mat:", "");
    }
    pb_free(data);
    pb_free(path);
}

static void test_damage_in_a_compressed_file_is_noticed(void **state)
{
    struct pb_error error;
    char *data, *path = images_path(*state, "cars_annos.mat");
    size_t length;
    put_annos(*state, annos, 3, &annos_shape);
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    for (size_t i = 128; i < length; i += 5) {
        data[i] = (char)(data[i] ^ 0x55);
        images_put(*state, "cars_annos.mat", data, length);
        dataset_assert_refused("cars", *state, "cars_annos.mat: ", "is damaged; get it again");
        data[i] = (char)(data[i] ^ 0x55);
    }
    pb_free(data);
    pb_free(path);
}

/* Without check sums damage may pass for data, but it must not reach matio as a size. */
static void test_damage_in_a_plain_file_never_crashes(void **state)
{
    struct shape shape = annos_shape;
    struct pb_error error;
    char *data, *path = images_path(*state, "cars_annos.mat");
    size_t length, refused = 0, tried = 0;
    shape.compression = MAT_COMPRESSION_NONE;
    put_annos(*state, annos, 3, &shape);
    assert_int_equal(pb_file_read(path, 0, &data, &length, &error), PB_OK);
    for (size_t i = 128; i < length; i += 3, tried++) {
        struct dataset set;
        data[i] = (char)(data[i] ^ 0x55);
        images_put(*state, "cars_annos.mat", data, length);
        dataset_open(&set, "cars", *state, NULL, NULL);
        refused += set.status != PB_OK;
        dataset_close(&set);
        data[i] = (char)(data[i] ^ 0x55);
    }
    assert_true(refused > tried / 2);
    pb_free(data);
    pb_free(path);
}

static void test_missing_fields_and_wrong_types_name_the_record(void **state)
{
    static const char *const fields[] = {"bbox_x1", "bbox_y2", "class", "test", "relative_im_path"};
    for (size_t i = 0; i < 5; i++) {
        struct shape shape = annos_shape;
        char what[64];
        (void)snprintf(what, sizeof what, "the field '%s' is ", fields[i]);
        shape.without = fields[i];
        put_annos(*state, annos, 3, &shape);
        dataset_assert_refused("cars", *state, "cars_annos.mat:1: ", what);
        shape.without = NULL;
        shape.text_in = fields[i];
        put_annos(*state, annos, 3, &shape);
        if (i < 4)
            dataset_assert_refused("cars", *state, "cars_annos.mat:1: ", what);
    }
}

static void test_bad_values_name_the_record(void **state)
{
    static const struct {
        struct record record;
        const char *what;
    } cases[] = {
        {{"car_ims/2.jpg", 1, 1, 2, 2, 3, 0}, "class 3 is out of range; class_names has 1 to 2"},
        {{"car_ims/2.jpg", 1, 1, 2, 2, 0, 0}, "class 0 is out of range"},
        {{"car_ims/2.jpg", 1, 1, 2, 2, -1, 0}, "the field 'class' is -1, not a whole number"},
        {{"car_ims/2.jpg", 1, 1, 2, 2, 1.5, 0}, "the field 'class' is 1.5, not a whole number"},
        {{"car_ims/2.jpg", 1, 1, 2, 2, 1, 2}, "the field 'test' is 2, not 0 or 1"},
        {{"car_ims/2.jpg", 5, 1, 2, 2, 1, 0}, "the box ends before it begins"},
        {{"car_ims/2.jpg", 0.0 / 0.0, 1, 2, 2, 1, 0}, "the field 'bbox_x1' is not one number"},
        {{"../2.jpg", 1, 1, 2, 2, 1, 0}, "is not the path of an image"},
        {{"", 1, 1, 2, 2, 1, 0}, "the field 'relative_im_path' is empty"},
        {{"car_ims/1.jpg", 1, 1, 2, 2, 1, 0}, "is listed a second time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct record records[] = {
            {"car_ims/1.jpg", 1, 1, 2, 2, 1, 0}, cases[i].record, {"car_ims/3.jpg", 1, 1, 2, 2, 1, 1}};
        put_annos(*state, records, 3, &annos_shape);
        dataset_assert_refused("cars", *state, "cars_annos.mat:2: ", cases[i].what);
    }
}

static void test_variables_that_are_missing_or_of_another_kind_are_named(void **state)
{
    size_t dims[2] = {1, 1};
    double one = 1;
    put_mat(*state, "cars_annos.mat", make_annotations(annos, 3, &annos_shape), NULL, MAT_COMPRESSION_ZLIB);
    dataset_assert_refused("cars", *state, "cars_annos.mat: ", "'class_names' is missing");
    put_mat(*state, "cars_annos.mat", make_class_names(MAT_T_UTF8),
            Mat_VarCreate("annotations", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, &one, 0), MAT_COMPRESSION_ZLIB);
    dataset_assert_refused("cars", *state, "cars_annos.mat: ", "'annotations' is not a struct array");
    put_mat(*state, "cars_annos.mat", make_annotations(annos, 3, &annos_shape),
            Mat_VarCreate("class_names", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, &one, 0), MAT_COMPRESSION_ZLIB);
    dataset_assert_refused("cars", *state, "cars_annos.mat: ", "'class_names' is not a cell array");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_annotation_file_reads_however_it_is_stored),
        TEST(test_the_devkit_reads_with_its_labels_beside_or_inside),
        TEST(test_of_two_forms_the_one_with_images_is_read),
        TEST(test_labels_that_are_missing_are_asked_for),
        TEST(test_a_folder_without_annotations_says_what_to_give),
        TEST(test_files_that_are_no_matlab_files_are_refused),
        TEST(test_files_that_are_cut_are_refused),
        TEST(test_damage_in_a_compressed_file_is_noticed),
        TEST(test_damage_in_a_plain_file_never_crashes),
        TEST(test_missing_fields_and_wrong_types_name_the_record),
        TEST(test_bad_values_name_the_record),
        TEST(test_variables_that_are_missing_or_of_another_kind_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
