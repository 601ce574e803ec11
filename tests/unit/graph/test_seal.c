/* The checksum inside a safetensors file: any changed byte is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/checkpoint.h"
#include "graph/safetensors.h"
#include "support/folder.h"
#include "support/graphs.h"

static struct pb_network *small_network(void)
{
    struct pb_graph *graph = graph_begin("small", 4, 4, 3);
    const uint32_t conv = graph_conv(graph, "conv1", 0, 4);
    const uint32_t relu = graph_relu(graph, "relu1", conv);
    graph_linear(graph, "fc", relu, 2);
    return network_of(graph, 3);
}

/* The bytes of a saved checkpoint. */
static void save(void **state, char **bytes, size_t *length)
{
    struct pb_error error = {0};
    struct pb_network *network = small_network();
    const char *path = folder_path(state, "good");
    if (pb_checkpoint_save(path, network, true, &(struct pb_metadata){0}, &error) != PB_OK ||
        pb_file_read(path, 0, bytes, length, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_free(&network);
}

static enum pb_status load(const char *path, struct pb_error *error)
{
    struct pb_network *network = NULL;
    const enum pb_status status = pb_checkpoint_load(path, &network, NULL, error);
    pb_network_free(&network);
    return status;
}

static void write_at(const char *path, const void *bytes, size_t length, size_t offset)
{
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
    assert_int_equal(close(fd), 0);
}

static void test_a_flipped_bit_anywhere_is_found(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "good");
    char *bytes;
    size_t length;
    save(state, &bytes, &length);
    assert_int_equal(load(path, &error), PB_OK);
    for (size_t i = 0; i < length; i++) {
        const char flipped = (char)(bytes[i] ^ 1 << i % 8);
        write_at(path, &flipped, 1, i);
        if (load(path, &error) != PB_ERROR_INPUT)
            fail_msg("byte %zu of %zu can change without a word", i, length);
        write_at(path, &bytes[i], 1, i);
    }
    assert_int_equal(load(path, &error), PB_OK);
    pb_free(bytes);
}

static void test_a_weight_that_was_changed_is_found_and_named(void **state)
{
    struct pb_error error = {0};
    const float huge = 1.8e37f;
    const char *path = folder_path(state, "good");
    char *bytes;
    size_t length;
    save(state, &bytes, &length);
    write_at(path, &huge, sizeof huge, length - 40);
    assert_int_equal(load(path, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "good' is damaged: "));
    pb_free(bytes);
}

static void test_a_checkpoint_without_its_seal_is_refused(void **state)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *keys[32], *values[32];
    size_t count = 0;
    char *bytes;
    size_t length;
    struct pb_network *network = NULL;
    save(state, &bytes, &length);
    assert_int_equal(pb_safetensors_open(folder_path(state, "good"), &file, &error), PB_OK);
    for (size_t i = 0; i < file.metadata_count; i++)
        if (strcmp(file.metadata_keys[i], PB_SAFETENSORS_SEAL) != 0) {
            keys[count] = file.metadata_keys[i];
            values[count++] = file.metadata_values[i];
        }
    assert_int_equal(count, file.metadata_count - 1);
    const char *path = folder_path(state, "unsealed");
    assert_int_equal(pb_safetensors_write(path, file.tensors, file.count, keys, values, count, &error), PB_OK);
    assert_int_equal(pb_checkpoint_load(path, &network, NULL, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no metadata 'prunebench.checksum'"));
    pb_safetensors_close(&file);
    pb_free(bytes);
}

static void test_a_named_pipe_is_refused_and_not_waited_for(void **state)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *path = folder_path(state, "pipe");
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_int_equal(pb_safetensors_open(path, &file, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no regular file"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_flipped_bit_anywhere_is_found),
        TEST(test_a_weight_that_was_changed_is_found_and_named),
        TEST(test_a_checkpoint_without_its_seal_is_refused),
        TEST(test_a_named_pipe_is_refused_and_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
