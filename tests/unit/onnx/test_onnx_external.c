/* Weights in a file beside the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "support/folder.h"
#include "support/onnx_models.h"

enum { WEIGHT_BYTES = 4 * 3 * 3 * 3 * 4, OFFSET = 12 };

/* FOLDER/model/model.onnx, whose weight of conv is behind a few bytes of FOLDER/model/data/w.bin; entries as a test gives them. */
struct beside {
    struct onnx_model *model;
    Onnx__TensorProto *weight;
    ProtobufCBinaryData values; /* of the weight */
    const char *path;
    void **state;
};

static void put(const char *path, const struct beside *beside)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("before it...", 1, OFFSET, file), OFFSET);
    assert_int_equal(fwrite(beside->values.data, 1, beside->values.len, file), WEIGHT_BYTES);
    assert_int_equal(fclose(file), 0);
}

static struct beside begin(void **state)
{
    struct pb_error error = {0};
    struct beside beside = {.model = onnx_small(), .path = folder_path(state, "model/model.onnx"), .state = state};
    assert_int_equal(pb_make_dirs(folder_path(state, "model/data"), &error), PB_OK);
    beside.weight = onnx_find_tensor(beside.model, "conv.weight");
    beside.values = beside.weight->raw_data;
    beside.weight->raw_data = (ProtobufCBinaryData){0};
    put(folder_path(state, "model/data/w.bin"), &beside);
    put(folder_path(state, "w.bin"), &beside);
    return beside;
}

static void assert_read(struct beside *beside)
{
    struct pb_network *network = onnx_network(beside->model, beside->path);
    struct pb_network *inline_ = NULL;
    struct onnx_model *small = onnx_small();
    inline_ = onnx_network(small, folder_path(beside->state, "inline.onnx"));
    assert_memory_equal(network->values, inline_->values, network->graph->value_count * sizeof(float));
    pb_network_free(&network);
    pb_network_free(&inline_);
    onnx_free(&small);
    onnx_free(&beside->model);
}

static void assert_refused(struct beside *beside, const char *message)
{
    struct pb_network *network = NULL;
    struct pb_graph *graph = NULL;
    struct pb_error error = {0};
    onnx_write(beside->model, beside->path);
    assert_int_equal(pb_onnx_read(beside->path, &network, NULL, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message) || !strstr(error.text, "tensor 'conv.weight'"))
        fail_msg("not '%s' but '%s'", message, error.text);
    assert_null(network);
    /* The graph needs no weights. */
    assert_int_equal(pb_onnx_read_graph(beside->path, &graph, NULL, &error), PB_OK);
    pb_graph_free(&graph);
    onnx_free(&beside->model);
}

static void say(struct beside *beside, const char *location, const char *offset, const char *length)
{
    if (location)
        onnx_entry(beside->model, beside->weight, "location", location);
    if (offset)
        onnx_entry(beside->model, beside->weight, "offset", offset);
    if (length)
        onnx_entry(beside->model, beside->weight, "length", length);
}

static void test_weights_in_a_file_beside_the_model_are_read(void **state)
{
    struct beside beside = begin(state);
    say(&beside, "data/w.bin", "12", "432");
    onnx_entry(beside.model, beside.weight, "checksum", "unknown");
    assert_read(&beside);
    beside = begin(state);
    say(&beside, "./data/./w.bin", "12", NULL);
    assert_read(&beside);
}

static void test_links_within_the_models_folder_are_followed(void **state)
{
    struct beside beside = begin(state);
    assert_int_equal(symlink("data/w.bin", folder_path(state, "model/link")), 0);
    say(&beside, "link", "12", "432");
    assert_read(&beside);
}

static void test_places_outside_of_the_models_folder_are_refused(void **state)
{
    struct beside beside = begin(state);
    say(&beside, folder_path(state, "model/data/w.bin"), "12", "432");
    assert_refused(&beside, "must be below the model's folder, not at '/");
    static const char *const climbing[] = {"../w.bin", "data/../../w.bin", "..", "data/.."};
    for (size_t i = 0; i < sizeof climbing / sizeof *climbing; i++) {
        beside = begin(state);
        say(&beside, climbing[i], "12", "432");
        assert_refused(&beside, "must be below the model's folder, not at");
    }
    beside = begin(state);
    assert_int_equal(symlink("../w.bin", folder_path(state, "model/link")), 0);
    say(&beside, "link", "12", "432");
    assert_refused(&beside, "a link leads out of the model's folder: 'link'");
    beside = begin(state);
    assert_int_equal(symlink("..", folder_path(state, "model/up")), 0);
    say(&beside, "up/w.bin", "12", "432");
    assert_refused(&beside, "a link leads out of the model's folder: 'up/w.bin'");
    /* A folder whose name begins like the model's. */
    struct pb_error error = {0};
    assert_int_equal(pb_make_dirs(folder_path(state, "model2"), &error), PB_OK);
    beside = begin(state);
    put(folder_path(state, "model2/w.bin"), &beside);
    assert_int_equal(symlink("../model2/w.bin", folder_path(state, "model/other")), 0);
    say(&beside, "other", "12", "432");
    assert_refused(&beside, "a link leads out of the model's folder: 'other'");
}

static void test_files_that_do_not_hold_the_weights_are_refused(void **state)
{
    static const struct {
        const char *location, *offset, *length, *message;
    } refusals[] = {
        {"data/gone.bin", NULL, NULL, "there is no file 'data/gone.bin'"},
        {"", "12", NULL, "names no file"},
        {NULL, "12", "432", "names no file"},
        {"data", NULL, NULL, "is a folder, no regular file"},
        {"data/w.bin", "13", NULL, "ends behind the end of 'data/w.bin'"},
        {"data/w.bin", "18446744073709551615", NULL, "ends behind the end of 'data/w.bin'"},
        {"data/w.bin", "12", "428", "its length is not that of the tensor's shape"},
        {"data/w.bin", "-1", NULL, "this is no number of bytes: '-1'"},
        {"data/w.bin", "12", "many", "this is no number of bytes: 'many'"},
        {"data/w.bin/w.bin", "12", NULL, "cannot be reached: 'data/w.bin/w.bin'"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct beside beside = begin(state);
        say(&beside, refusals[i].location, refusals[i].offset, refusals[i].length);
        assert_refused(&beside, refusals[i].message);
    }
    struct beside beside = begin(state);
    say(&beside, "data/w.bin", "12", NULL);
    onnx_entry(beside.model, beside.weight, "compression", "zip");
    assert_refused(&beside, "there is no member 'compression'");
    beside = begin(state);
    assert_int_equal(mkfifo(folder_path(state, "model/pipe"), 0600), 0);
    say(&beside, "pipe", NULL, NULL);
    assert_refused(&beside, "is a named pipe, no regular file");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_weights_in_a_file_beside_the_model_are_read),
        IN_FOLDER(test_links_within_the_models_folder_are_followed),
        IN_FOLDER(test_places_outside_of_the_models_folder_are_refused),
        IN_FOLDER(test_files_that_do_not_hold_the_weights_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
