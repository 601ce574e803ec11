/* safetensors: lying headers are refused by name, and another reader and writer agree with ours. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/safetensors.h"
#include "support/folder.h"

/* A file of this header and so many bytes of data. */
static const char *write_raw(void **state, const char *header, size_t length, uint64_t claimed, size_t data)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "raw.safetensors");
    char *bytes = pb_calloc(8 + length + data, 1);
    assert_non_null(bytes);
    memcpy(bytes, &claimed, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data; i++)
        bytes[8 + length + i] = (char)i;
    assert_int_equal(pb_file_write_atomic(path, bytes, 8 + length + data, &error), PB_OK);
    pb_free(bytes);
    return path;
}

static void refuses_bytes(void **state, const char *header, size_t length, uint64_t claimed, size_t data,
                          const char *message)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *path = write_raw(state, header, length, claimed, data);
    assert_int_equal(pb_safetensors_open(path, &file, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_non_null(strstr(error.text, "raw.safetensors"));
    assert_null(file.mapping);
}

static void refuses(void **state, const char *header, size_t data, const char *message)
{
    refuses_bytes(state, header, strlen(header), strlen(header), data, message);
}

#define TENSOR(name, shape, begin, end)                                                                                \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void test_headers_that_lie_are_refused(void **state)
{
    refuses(state, "{" TENSOR("a", "[2]", 0, 8) "}", 7, "outside the file");
    refuses(state, "{" TENSOR("a", "[2]", 0, 8) "}", 9, "longer than its tensors");
    refuses(state, "{" TENSOR("a", "[3]", 0, 8) "}", 8, "shape and its data_offsets disagree");
    refuses(state, "{" TENSOR("a", "[2]", 8, 0) "}", 8, "outside the file");
    refuses(state, "{" TENSOR("a", "[2]", 0, 8) "," TENSOR("b", "[2]", 4, 12) "}", 12, "overlaps");
    refuses(state, "{" TENSOR("a", "[1]", 0, 4) "," TENSOR("b", "[1]", 8, 12) "}", 12, "gap");
    refuses(state, "{" TENSOR("a", "[1]", 0, 4) "," TENSOR("a", "[1]", 4, 8) "}", 8, "duplicate");
    refuses(state, "{" TENSOR("a", "[4294967296,4294967296]", 0, 0) "}", 0, "larger than any memory");
    refuses(state, "{" TENSOR("a", "[-1]", 0, 4) "}", 4, "no whole number");
    refuses(state, "{" TENSOR("a", "[1.5]", 0, 4) "}", 4, "no whole number");
    refuses(state, "{" TENSOR("a", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "more than 8 dimensions");
    refuses(state, "{" TENSOR("a", "[1]", 0, 99999999999999999999) "}", 4, "JSON");
    refuses(state, "{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype");
    refuses(state, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "data_offsets");
    refuses(state, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, "nothing else");
    refuses(state, "{\"__metadata__\":{\"a\":1}}", 0, "metadata 'a' is no text");
    refuses(state, "{\"__metadata__\":[]}", 0, "__metadata__ is no JSON object");
    refuses(state, "[]", 0, "no JSON object");
    refuses(state, "{\"a\":", 0, "no proper JSON");
    refuses(state, "{\"\xff\":1}", 0, "no proper JSON");
    refuses(state, "{\"a\\u0000b\":1}", 0, "no proper JSON");
}

static void test_lengths_that_lie_are_refused(void **state)
{
    refuses_bytes(state, "{}", 2, 3, 0, "cut off");
    refuses_bytes(state, "{}", 2, UINT64_MAX, 0, "100 MB");
    refuses_bytes(state, "{}", 2, UINT64_MAX - 7, 0, "100 MB");
    refuses_bytes(state, "{}", 2, 100000001, 0, "100 MB");
    refuses_bytes(state, "", 0, 0, 0, "no proper JSON");
}

static void test_deeply_nested_headers_are_refused(void **state)
{
    enum { DEPTH = 100000 };
    char *header = malloc(DEPTH);
    assert_non_null(header);
    memset(header, '[', DEPTH);
    refuses_bytes(state, header, DEPTH, DEPTH, 0, "depth");
    free(header);
}

static void test_files_that_are_none_are_refused(void **state)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *path = folder_path(state, "short");
    assert_int_equal(pb_safetensors_open(path, &file, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "No such file"));
    assert_int_equal(pb_file_write_atomic(path, "1234567", 7, &error), PB_OK);
    assert_int_equal(pb_safetensors_open(path, &file, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "8 bytes"));
    assert_int_equal(pb_safetensors_open("/tmp", &file, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "regular file"));
}

/* A byte in front of the floats, behind a header of a multiple of 4, leaves them at an odd address. */
static void test_misaligned_tensors_are_readable_in_place(void **state)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *header =
        "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}," TENSOR("a", "[2]", 1, 9) "}  ";
    assert_int_equal(strlen(header) % 4, 0);
    const char *path = write_raw(state, header, strlen(header), strlen(header), 9);
    assert_int_equal(pb_safetensors_open(path, &file, &error), PB_OK);
    const struct pb_tensor *tensor = pb_safetensors_find(&file, "a");
    assert_non_null(tensor);
    assert_int_equal((uintptr_t)tensor->data % 4, 0);
    const unsigned char expected[] = {1, 2, 3, 4, 5, 6, 7, 8};
    assert_memory_equal(tensor->data, expected, 8);
    assert_int_equal(*(const unsigned char *)pb_safetensors_find(&file, "b")->data, 0);
    assert_null(pb_safetensors_find(&file, "c"));
    pb_safetensors_close(&file);
}

static void run_python(void **state, const char *script, const char *argument)
{
    struct pb_error error = {0};
    char command[512];
    const char *path = folder_path(state, "script.py");
    assert_int_equal(pb_file_write_atomic(path, script, strlen(script), &error), PB_OK);
    snprintf(command, sizeof(command), "python3 '%s' '%s'", path, argument);
    assert_int_equal(system(command), 0);
}

static void test_another_reader_finds_what_was_written(void **state)
{
    struct pb_error error = {0};
    const float values[6] = {0, 1, -2.5f, 3, 4, 1e-30f};
    const int64_t labels[2] = {7, -8};
    const struct pb_tensor tensors[] = {
        {.name = (char[]){"labels"}, .dtype = "I64", .rank = 1, .dims = {2}, .data = labels},
        {.name = (char[]){"größe \"2\""}, .dtype = "F32", .rank = 2, .dims = {2, 3}, .data = values},
    };
    const char *keys[] = {"title"}, *texts[] = {"a \\ \"b\"\n→"};
    const char *path = folder_path(state, "written.safetensors");
    assert_int_equal(pb_safetensors_write(path, tensors, 2, keys, texts, 1, &error), PB_OK);
    run_python(state,
               "import json, struct, sys\n"
               "raw = open(sys.argv[1], 'rb').read()\n"
               "n, = struct.unpack('<Q', raw[:8])\n"
               "assert n % 8 == 0\n"
               "header = json.loads(raw[8:8 + n])\n"
               "assert header.pop('__metadata__') == {'title': 'a \\\\ \"b\"\\n\\u2192'}\n"
               "assert list(header) == ['labels', 'gr\\u00f6\\u00dfe \"2\"']\n"
               "t = header['gr\\u00f6\\u00dfe \"2\"']\n"
               "assert t['dtype'] == 'F32' and t['shape'] == [2, 3]\n"
               "begin, end = t['data_offsets']\n"
               "data = raw[8 + n:]\n"
               "assert len(data) == end == 40\n"
               "assert struct.unpack('<6f', data[begin:end])[:5] == (0, 1, -2.5, 3, 4)\n"
               "assert struct.unpack('<2q', data[:16]) == (7, -8)\n",
               path);
}

static void test_another_writers_file_is_read(void **state)
{
    struct pb_error error = {0};
    struct pb_safetensors file = {0};
    const char *path = folder_path(state, "python.safetensors");
    run_python(state,
               "import json, struct, sys\n"
               "header = json.dumps({'__metadata__': {'k': '\\u00fc'},\n"
               "    'late': {'dtype': 'I32', 'shape': [], 'data_offsets': [12, 16]},\n"
               "    'early': {'dtype': 'F32', 'shape': [3, 1], 'data_offsets': [0, 12]},\n"
               "    'none': {'dtype': 'F64', 'shape': [0, 5], 'data_offsets': [12, 12]}}).encode()\n"
               "open(sys.argv[1], 'wb').write(struct.pack('<Q', len(header)) + header + struct.pack('<3fi', 1, 2, 4, "
               "-9))\n",
               path);
    if (pb_safetensors_open(path, &file, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(file.count, 3);
    assert_string_equal(file.tensors[0].name, "early");
    assert_int_equal(file.tensors[0].rank, 2);
    assert_int_equal(file.tensors[0].count, 3);
    assert_true(((const float *)file.tensors[0].data)[2] == 4);
    const struct pb_tensor *late = pb_safetensors_find(&file, "late");
    assert_int_equal(late->rank, 0);
    assert_int_equal(*(const int32_t *)late->data, -9);
    assert_string_equal(pb_safetensors_metadata(&file, "k"), "ü");
    assert_null(pb_safetensors_metadata(&file, "none"));
    pb_safetensors_close(&file);
}

static void test_writing_refuses_two_tensors_of_one_name(void **state)
{
    struct pb_error error = {0};
    const float value = 1;
    const struct pb_tensor tensors[] = {
        {.name = (char[]){"same"}, .dtype = "F32", .rank = 1, .dims = {1}, .data = &value},
        {.name = (char[]){"same"}, .dtype = "F32", .rank = 1, .dims = {1}, .data = &value},
    };
    const char *path = folder_path(state, "twice.safetensors");
    assert_int_equal(pb_safetensors_write(path, tensors, 2, NULL, NULL, 0, &error), PB_ERROR_RUN);
    assert_false(pb_file_exists(path));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_headers_that_lie_are_refused),
        IN_FOLDER(test_lengths_that_lie_are_refused),
        IN_FOLDER(test_deeply_nested_headers_are_refused),
        IN_FOLDER(test_files_that_are_none_are_refused),
        IN_FOLDER(test_misaligned_tensors_are_readable_in_place),
        IN_FOLDER(test_another_reader_finds_what_was_written),
        IN_FOLDER(test_another_writers_file_is_read),
        IN_FOLDER(test_writing_refuses_two_tensors_of_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
