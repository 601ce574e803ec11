/* A checkpoint that teaches: read whole, and only where it takes the cell's images and has its classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/checkpoint.h"
#include "settings/teacher.h"
#include "support/folder.h"
#include "support/graphs.h"

static struct pb_network *small(uint32_t height, uint32_t width, uint32_t channels, uint32_t classes)
{
    struct pb_graph *graph = graph_begin("teacher", height, width, channels);
    graph_bilinear_head(graph, graph_conv(graph, "conv1", 0, 2), classes);
    return network_of(graph, 1);
}

static const char *saved(void **state, const struct pb_network *network)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "big.safetensors");
    if (pb_checkpoint_save(path, network, true, NULL, &error) != PB_OK)
        fail_msg("%s", error.text);
    return path;
}

static void test_a_teacher_has_the_values_of_its_file_and_no_momentum(void **state)
{
    struct pb_error error = {0};
    struct pb_network *network = small(8, 8, 3, 3), *teacher = NULL;
    if (pb_teacher_load(saved(state, network), &teacher, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_non_null(network->velocity);
    assert_null(teacher->velocity);
    for (uint32_t i = 0; i < network->graph->parameter_count; i++) {
        const struct pb_parameter *parameter = &network->graph->parameters[i];
        assert_memory_equal(network->values + parameter->offset, teacher->values + parameter->offset,
                            parameter->count * sizeof(float));
    }
    pb_network_free(&network);
    pb_network_free(&teacher);
}

static void expect_no_teacher(const char *path, const char *words)
{
    struct pb_error error = {0};
    struct pb_network *teacher = NULL;
    assert_int_equal(pb_teacher_load(path, &teacher, &error), PB_ERROR_INPUT);
    assert_null(teacher);
    if (!strstr(error.text, path) || !strstr(error.text, words))
        fail_msg("%s", error.text);
}

static void test_a_file_that_is_missing_damaged_or_no_checkpoint_is_named(void **state)
{
    struct pb_network *network = small(8, 8, 3, 3);
    expect_no_teacher(folder_path(state, "no.safetensors"), "put the checkpoint there or change teacher=");
    const char *path = saved(state, network);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -3, SEEK_END), 0);
    const int last = fgetc(file);
    assert_int_equal(fseek(file, -3, SEEK_END), 0);
    assert_int_not_equal(fputc(last ^ 1, file), EOF);
    assert_int_equal(fclose(file), 0);
    expect_no_teacher(path, "name a whole checkpoint of prunebench");
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs("these are no tensors", file) >= 0);
    assert_int_equal(fclose(file), 0);
    expect_no_teacher(path, "name a whole checkpoint of prunebench");
    pb_network_free(&network);
}

static void expect_unsuited(struct pb_network *network, uint32_t classes, const char *message)
{
    const struct pb_cell_config config = {.teacher = (char *)(uintptr_t) "t.safetensors",
                                          .dataset.label = (char *)(uintptr_t) "birds",
                                          .model.image_size = 8};
    struct pb_error error = {0};
    const enum pb_status status = pb_teacher_suits(&config, network->graph, classes, &error);
    assert_int_equal(status, message ? PB_ERROR_INPUT : PB_OK);
    if (message)
        assert_string_equal(error.text, message);
    pb_network_free(&network);
}

static void test_a_teacher_takes_the_cells_images_and_has_its_classes(void **state)
{
    (void)state;
    expect_unsuited(small(8, 8, 3, 5), 5, NULL);
    expect_unsuited(small(8, 8, 3, 5), 0, NULL); /* the data set's are not known here */
    expect_unsuited(
        small(8, 8, 3, 5), 4,
        "teacher 't.safetensors' has 5 classes, and data set 'birds' has 4; name a teacher that was trained "
        "on the data set's classes");
    expect_unsuited(small(8, 6, 3, 5), 5,
                    "teacher 't.safetensors' takes images of 8×6 pixels, and the cell's have 8×8; name a teacher that "
                    "was trained on such images, or give <model> the teacher's image-size");
    expect_unsuited(
        small(8, 8, 1, 5), 5,
        "teacher 't.safetensors' takes images of 1 channels, and the cell's have 3; name a teacher that was "
        "trained on such images");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_teacher_has_the_values_of_its_file_and_no_momentum),
        TEST(test_a_file_that_is_missing_damaged_or_no_checkpoint_is_named),
        TEST(test_a_teacher_takes_the_cells_images_and_has_its_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
