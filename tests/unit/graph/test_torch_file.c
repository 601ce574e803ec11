/* PyTorch's .pth files: what PyTorch wrote is read, and nothing is believed or executed of what it would not write. */
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
#include "graph/tensor_file.h"
#include "support/folder.h"
#include "support/pth.h"

#define GOLDEN PB_TEST_SOURCES "/golden/torch/"

static void open_good(const char *path, struct pb_tensor_file *file)
{
    struct pb_error error = {0};
    if (pb_tensor_file_open(path, file, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static const void *values_of(struct pb_tensor_file *file, const char *name, const char *dtype, size_t count)
{
    struct pb_error error = {0};
    const struct pb_tensor *tensor = pb_tensor_file_find(file, name);
    const void *values = NULL;
    if (!tensor)
        fail_msg("there is no tensor %s", name);
    assert_string_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->count, count);
    if (pb_tensor_file_values(file, tensor, &values, &error) != PB_OK)
        fail_msg("%s", error.text);
    return values;
}

static void has_floats(struct pb_tensor_file *file, const char *name, size_t count, float first, float last)
{
    const float *values = values_of(file, name, "F32", count);
    assert_true(values[0] == first);
    assert_true(values[count - 1] == last);
}

static void has_shape(const struct pb_tensor_file *file, const char *name, uint32_t rank, const size_t *dims)
{
    const struct pb_tensor *tensor = pb_tensor_file_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, rank);
    assert_memory_equal(tensor->dims, dims, rank * sizeof *dims);
}

/* 0, 1, 2 of every type; views of 0, 1, …, 23. */
static void test_every_type_is_read_as_pytorch_wrote_it(void **state)
{
    const struct {
        const char *name, *dtype;
        const void *values;
        size_t bytes;
    } kinds[] = {
        {"float16", "F16", (const uint16_t[]){0, 0x3c00, 0x4000}, 6},
        {"bfloat16", "BF16", (const uint16_t[]){0, 0x3f80, 0x4000}, 6},
        {"float64", "F64", (const double[]){0, 1, 2}, 24},
        {"int64", "I64", (const int64_t[]){0, 1, 2}, 24},
        {"int32", "I32", (const int32_t[]){0, 1, 2}, 12},
        {"int16", "I16", (const int16_t[]){0, 1, 2}, 6},
        {"int8", "I8", (const int8_t[]){0, 1, 2}, 3},
        {"uint8", "U8", (const uint8_t[]){0, 1, 2}, 3},
        {"bool", "BOOL", (const uint8_t[]){0, 1, 1}, 3},
    };
    struct pb_tensor_file file = {0};
    (void)state;
    open_good(GOLDEN "kinds.pth", &file);
    assert_int_equal(file.count, 16);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const void *values = values_of(&file, kinds[i].name, kinds[i].dtype, 3);
        assert_memory_equal(values, kinds[i].values, kinds[i].bytes);
        assert_int_equal(pb_tensor_file_find(&file, kinds[i].name)->bytes, kinds[i].bytes);
    }
    has_floats(&file, "whole", 24, 0, 23);
    has_floats(&file, "part", 12, 6, 17);
    has_shape(&file, "part", 2, (const size_t[]){3, 4});
    has_floats(&file, "last", 1, 23, 23);
    has_shape(&file, "last", 0, NULL);
    has_floats(&file, "parameter", 2, 2, 3);
    has_floats(&file, "narrow", 4, 8, 11);
    has_shape(&file, "narrow", 3, (const size_t[]){1, 1, 4});
    has_floats(&file, "größe", 1, 0, 0);
    has_shape(&file, "none", 2, (const size_t[]){0, 5});
    values_of(&file, "none", "F32", 0);
    assert_null(pb_tensor_file_find(&file, "nowhere"));
    pb_tensor_file_close(&file);
}

/* Both files of the golden network, tensor by tensor, in one order. */
static void test_a_state_dict_equals_the_same_weights_in_safetensors(void **state)
{
    struct pb_tensor_file torch = {0}, plain = {0};
    struct pb_error error = {0};
    (void)state;
    open_good(GOLDEN "vgg11-bn.pth", &torch);
    open_good(GOLDEN "vgg11-bn.safetensors", &plain);
    assert_true(torch.is_torch && !plain.is_torch);
    assert_int_equal(torch.count, 8 * 7 + 3 * 2);
    assert_int_equal(plain.count, torch.count);
    for (size_t i = 0; i < torch.count; i++) {
        const struct pb_tensor *other = pb_tensor_file_find(&plain, torch.tensors[i].name);
        const void *values = NULL;
        assert_non_null(other);
        assert_string_equal(other->dtype, torch.tensors[i].dtype);
        assert_int_equal(other->bytes, torch.tensors[i].bytes);
        has_shape(&torch, other->name, other->rank, other->dims);
        assert_int_equal(pb_tensor_file_values(&torch, &torch.tensors[i], &values, &error), PB_OK);
        assert_memory_equal(values, other->data, other->bytes);
    }
    pb_tensor_file_close(&torch);
    pb_tensor_file_close(&plain);
}

/* A step of 0.1 against a gradient of 1 lies between the two files; the optimiser's tensors are not among the weights. */
static void test_a_checkpoints_state_dict_is_found(void **state)
{
    struct pb_tensor_file before = {0}, after = {0};
    (void)state;
    open_good(GOLDEN "vgg11-bn.pth", &before);
    open_good(GOLDEN "checkpoint.pth", &after);
    assert_int_equal(after.count, before.count);
    const float *old = values_of(&before, "features.0.weight", "F32", 54);
    const float *new = values_of(&after, "features.0.weight", "F32", 54);
    for (size_t i = 0; i < 54; i++)
        assert_float_equal(new[i], old[i] - 0.1F, 1e-6);
    pb_tensor_file_close(&before);
    pb_tensor_file_close(&after);
}

static void refuses_file(const char *path, const char *message)
{
    struct pb_error error = {0};
    struct pb_tensor_file file = {0};
    assert_int_equal(pb_tensor_file_open(path, &file, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_non_null(strstr(error.text, path));
    assert_null(file.tensors);
}

static void test_what_pytorch_writes_but_is_no_state_dict_says_what_to_do(void **state)
{
    (void)state;
    refuses_file(GOLDEN "old-form.pth", "the form of PyTorch before 1.6; load it and save it again");
    refuses_file(GOLDEN "script.pt", "it is a TorchScript archive, which holds a program");
    refuses_file(GOLDEN "whole-model.pth", "the pickle calls 'torch.nn.modules.linear.Linear'; only tensors are read");
    refuses_file(GOLDEN "turned.pth", "tensor 'turned' is not contiguous; save tensor.contiguous()");
}

/* A text behind its length of one byte, as protocol 4 has it, and the parts of a tensor. */
#define TEXT(length, text) "\x8c" length text
#define STORAGE_OF(type, key, count) "(" TEXT("\7", "storage") "ctorch\n" type "\n" key TEXT("\3", "cpu") count "tQ"
#define STORAGE(count) STORAGE_OF("FloatStorage", TEXT("\1", "0"), count)
#define ORDERED "ccollections\nOrderedDict\n)R"
#define TENSOR_OF(storage, offset, size, stride)                                                                       \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset size stride "\x89" ORDERED "tR"
/* Of n values, in a storage of six. */
#define TENSOR(n) TENSOR_OF(STORAGE("K\6"), "K\0", "K" n "\x85", "K\1\x85")
#define DICT(entries) "\x80\2}(" entries "u."

static const float six[6] = {1, 2, 3, 4, 5, 6};

static void write_pickle(const char *path, const char *pickle, size_t length)
{
    const struct pth_entry entries[] = {
        {"archive/data.pkl", pickle, length, false}, {"archive/byteorder", "little", 6, false},
        {"archive/data/0", six, sizeof six, false},  {"archive/data/1", NULL, 0, false},
        {"archive/version", "3\n", 2, false},        {"archive/.data/serialization_id", "1", 1, false},
    };
    pth_write(path, entries, sizeof entries / sizeof *entries);
}

static void refuses_pickle(void **state, const char *pickle, size_t length, const char *message)
{
    const char *path = folder_path(state, "made.pth");
    write_pickle(path, pickle, length);
    refuses_file(path, message);
}
#define REFUSES(pickle, message) refuses_pickle(state, pickle, sizeof(pickle) - 1, message)

static void test_a_made_file_is_read(void **state)
{
    static const char pickle[] = DICT(TEXT("\1", "a") TENSOR("\6"));
    struct pb_tensor_file file = {0};
    const char *path = folder_path(state, "made.pth");
    write_pickle(path, pickle, sizeof pickle - 1);
    open_good(path, &file);
    has_floats(&file, "a", 6, 1, 6);
    pb_tensor_file_close(&file);
}

static void test_nothing_but_tensors_can_be_called(void **state)
{
    REFUSES("\x80\2cos\nsystem\n" TEXT("\10", "touch it") "\x85R.",
            "the pickle calls 'os.system'; only tensors are read, nothing is executed");
    REFUSES("\x80\4" TEXT("\10", "builtins") TEXT("\4", "eval") "\x93" TEXT("\1", "1") "\x85R.", "'builtins.eval'");
    REFUSES("\x80\2ctorch\nFloatStorage\nK\1\x85R.", "the pickle calls 'torch.FloatStorage'");
    REFUSES("\x80\2ctorch\nFloatStorage2\n.", "'torch.FloatStorage2'");
    REFUSES("\x80\2c\x1b[31m\n\xff\n.", "'?[31m.?'");
    REFUSES("\x80\2K\1)R.", "calls something that is no function");
    REFUSES("\x80\2ccollections\nOrderedDict\nK\1R.", "without arguments");
    REFUSES("\x80\2ccollections\nOrderedDict\n]\x85R.", "OrderedDict is made from arguments");
    REFUSES("\x80\2ctorch\nSize\nK\1\x85R.", "torch.Size is not made from a tuple");
    REFUSES("\x80\2ctorch._utils\n_rebuild_parameter\nK\1\x85R.", "a parameter is not made from a tensor");
    REFUSES("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor is not made from a storage");
    REFUSES("\x80\2(itoo\nold\n.", "instruction 0x69 at byte 3");
    REFUSES("\x80\2)\x81.", "instruction 0x81 at byte 3");
}

static void test_tensors_that_lie_are_refused(void **state)
{
    REFUSES(DICT(TEXT("\1", "a") TENSOR("\7")), "tensor 'a' is larger than its storage");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\7"), "K\0", "K\7\x85", "K\1\x85")),
            "tensor 'a': its storage should have 7 values of F32, but has 24 bytes");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\1", "K\6\x85", "K\1\x85")), "larger than its storage");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "J\377\377\377\377", "K\1\x85", "K\1\x85")),
            "larger than its storage");
    REFUSES(DICT(TEXT("\1", "a")
                     TENSOR_OF(STORAGE("K\6"), "\x8a\10\377\377\377\377\377\377\377\177", "K\6\x85", "K\1\x85")),
            "larger than its storage");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "J\377\377\377\377\x85", "K\1\x85")),
            "a dimension that is no whole number");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "N\x85", "K\1\x85")),
            "a dimension that is no whole number");
    REFUSES(
        DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "\x8a\5\0\0\0\0\1\x8a\5\0\0\0\0\1\x86", "K\1K\1\x86")),
        "a shape larger than any memory");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "K\6\x85", "J\377\377\377\377\x85")),
            "a stride that is no whole number");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "K\3\x85", "K\2\x85")), "'a' is not contiguous");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "K\3\x85", "K\0\x85")), "'a' is not contiguous");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "K\6\x85", ")")), "another number of strides");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("K\6"), "K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", ")")),
            "more than 8 dimensions");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE("J\377\377\377\377"), "K\0", "K\1\x85", "K\1\x85")),
            "something that is no storage");
    REFUSES(DICT(TEXT("\1", "a")
                     TENSOR_OF(STORAGE("\x8a\10\377\377\377\377\377\377\377\177"), "K\0", "K\1\x85", "K\1\x85")),
            "should have 9223372036854775807 values");
    REFUSES(DICT(TEXT("\1", "a")
                     TENSOR_OF(STORAGE_OF("FloatStorage", TEXT("\1", "7"), "K\1"), "K\0", "K\1\x85", "K\1\x85")),
            "tensor 'a': the archive has no entry 'archive/data/7'");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF(STORAGE_OF("Size", TEXT("\1", "0"), "K\1"), "K\0", "K\1\x85", "K\1\x85")),
            "something that is no storage");
    REFUSES(DICT(TEXT("\1", "a") TENSOR_OF("K\0", "K\0", "K\1\x85", "K\1\x85")), "a tensor is not made from a storage");
}

static void test_dicts_that_are_no_state_dict_are_refused(void **state)
{
    REFUSES("\x80\2K\1.", "it holds no dict");
    REFUSES("\x80\2}.", "it holds no tensors");
    REFUSES(DICT(TEXT("\1", "a") TENSOR("\1") TEXT("\1", "a") TENSOR("\2")), "tensor 'a' is there twice");
    REFUSES(DICT(TEXT("\1", "a") TENSOR("\1") TEXT("\5", "epoch") "K\3"),
            "entry 'epoch' of the state_dict is no tensor");
    REFUSES(DICT("K\1" TENSOR("\1")), "the name of a tensor is no text");
    REFUSES(DICT(TEXT("\2", "\xff.") TENSOR("\1")), "'?.' is no name of a tensor");
    REFUSES(DICT(TEXT("\3", "a\0b") TENSOR("\1")), "'a?b' is no name of a tensor");
    REFUSES(DICT(TEXT("\0", "") TENSOR("\1")), "'' is no name of a tensor");
    REFUSES(DICT(TEXT("\5", "model") "}" TEXT("\12", "state_dict") "}"), "under 'state_dict' and under 'model'");
    REFUSES(DICT(TEXT("\5", "model") "}" TEXT("\1", "a") "K\1s"), "it holds no tensors");
    /* Python would build these without an end; they are values like others. */
    REFUSES("\x80\2}q\0" TEXT("\5", "model") "h\0s.", "it holds no tensors");
    REFUSES("\x80\2]q\0h\0ah\0\x85q\1.", "it holds no dict");
    REFUSES("\x80\2}q\0h\0h\0sh\0b.", "it holds no tensors");
}

static void test_damaged_pickles_are_refused(void **state)
{
    REFUSES("", "it ends in the middle of a value");
    REFUSES("\x80\6.", "its protocol is newer than 5");
    REFUSES("\x80\2.", "a value is missing on its stack");
    REFUSES("\x80\2(.", "a value is missing on its stack");
    REFUSES("\x80\2}", "it ends in the middle of a value");
    REFUSES("\x80\2X\377\377\377\377a.", "it ends in the middle of a value");
    REFUSES("\x80\2\x8d\377\377\377\377\377\377\377\377.", "it ends in the middle of a value");
    REFUSES("\x80\2cos\nsystem", "it ends in the middle of a name");
    REFUSES("\x80\2K\1t.", "a mark is missing on its stack");
    REFUSES("\x80\2(\x85.", "a value is missing on its stack");
    REFUSES("\x80\2K\1\x86.", "a value is missing on its stack");
    REFUSES("\x80\2]u.", "a mark is missing on its stack");
    REFUSES("\x80\2}(K\1u.", "a key has no value");
    REFUSES("\x80\2](K\1u.", "a value is set in what is no dict");
    REFUSES("\x80\2}K\1a.", "a value is appended to what is no list");
    REFUSES("\x80\2(K\1e.", "a value is appended to what is no list");
    REFUSES("\x80\2h\1.", "it uses a value that it has not stored");
    REFUSES("\x80\2Nq\3h\2.", "it uses a value that it has not stored");
    REFUSES("\x80\2Nr\377\377\377\377.", "its memo has too many values");
    REFUSES("\x80\2]}b.", "attributes are set of what is no dict");
    REFUSES("\x80\2K\1K\1\x93.", "a name is no text");
    REFUSES("\x80\2K\1Q.", "something that is no storage");
}

/* A value, and then one instruction again and again. */
static void refuses_repeated(void **state, char code, size_t count, const char *message)
{
    char *pickle = pb_calloc(1 + count, 1);
    assert_non_null(pickle);
    pickle[0] = 'N';
    memset(pickle + 1, code, count);
    refuses_pickle(state, pickle, 1 + count, message);
    pb_free(pickle);
}

static void test_what_a_pickle_can_ask_for_is_bounded(void **state)
{
    refuses_repeated(state, '(', 70000, "its stack has too many values");
    refuses_repeated(state, '}', 70000, "its stack has too many values");
    refuses_repeated(state, '\x85', 1100000, "more than 1048576 values");
    refuses_repeated(state, 'N', 16 << 20, "more than 16 MiB");
}

static void refuses_entries(void **state, const struct pth_entry *entries, size_t count, const char *message)
{
    const char *path = folder_path(state, "made.pth");
    pth_write(path, entries, count);
    refuses_file(path, message);
}

#define GOOD DICT(TEXT("\1", "a") TENSOR("\6"))
#define PICKLE_ENTRY                                                                                                   \
    {                                                                                                                  \
        "x/data.pkl", GOOD, sizeof(GOOD) - 1, false                                                                    \
    }

static void test_archives_of_another_kind_are_refused(void **state)
{
    static const char zeros[1 << 20];
    refuses_entries(state, (const struct pth_entry[]){PICKLE_ENTRY}, 1, "no entry 'x/data/0'");
    refuses_entries(state, (const struct pth_entry[]){{"x/data/0", six, sizeof six, false}}, 1, "no FOLDER/data.pkl");
    refuses_entries(state, (const struct pth_entry[]){{"data.pkl", "}.", 2, false}}, 1, "no FOLDER/data.pkl");
    refuses_entries(state,
                    (const struct pth_entry[]){
                        PICKLE_ENTRY, {"x/data/0", six, sizeof six, false}, {"x/byteorder", "big", 3, false}},
                    3, "not little-endian");
    refuses_entries(state, (const struct pth_entry[]){PICKLE_ENTRY, {"x/code/a.py", "1", 1, false}}, 2, "TorchScript");
    refuses_entries(state, (const struct pth_entry[]){PICKLE_ENTRY, {"x/data/0", zeros, sizeof zeros, true}}, 2,
                    "entry 'data/0' is compressed");
    refuses_entries(state, (const struct pth_entry[]){{"x/data.pkl", zeros, sizeof zeros, true}}, 1,
                    "entry 'data.pkl' is compressed");
}

static void write_bytes(const char *path, const char *bytes, size_t length)
{
    struct pb_error error = {0};
    assert_int_equal(pb_file_replace(path, bytes, length, &error), PB_OK);
}

/* Puts one of two texts of equal length in place of the other everywhere. */
static void replace(char *bytes, size_t length, const char *from, const char *to)
{
    for (char *at; (at = memmem(bytes, length, from, strlen(from))) != NULL;)
        memcpy(at, to, strlen(to));
}

static void test_two_entries_of_one_name_are_refused(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "made.pth");
    char *bytes = NULL;
    size_t length = 0;
    write_pickle(path, GOOD, sizeof GOOD - 1);
    assert_int_equal(pb_file_read(path, 0, &bytes, &length, &error), PB_OK);
    replace(bytes, length, "archive/data/1", "archive/data/0");
    write_bytes(path, bytes, length);
    pb_free(bytes);
    refuses_file(path, "the archive has two entries 'archive/data/0'");
}

/* Reads whatever the file gives; the file may be refused, and so may its values. */
static enum pb_status read_all(const char *path)
{
    struct pb_error error = {0};
    struct pb_tensor_file file = {0};
    enum pb_status status = pb_tensor_file_open(path, &file, &error);
    for (size_t i = 0; i < file.count && status == PB_OK; i++) {
        const void *values = NULL;
        status = pb_tensor_file_values(&file, &file.tensors[i], &values, &error);
    }
    pb_tensor_file_close(&file);
    return status;
}

static void test_a_file_that_is_cut_off_is_refused(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "cut.pth");
    char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(pb_file_read(GOLDEN "kinds.pth", 0, &bytes, &length, &error), PB_OK);
    for (size_t cut = 0; cut < length; cut += 7) {
        write_bytes(path, bytes, cut);
        assert_int_equal(read_all(path), PB_ERROR_INPUT);
    }
    write_bytes(path, bytes, length - 1);
    refuses_file(path, "no whole ZIP archive; is it cut off?");
    pb_free(bytes);
}

/* Checksums are compared: a value that has changed is found. */
static void test_a_damaged_value_is_found(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "made.pth");
    struct pb_tensor_file file = {0};
    char *bytes = NULL;
    size_t length = 0;
    const void *values = NULL;
    write_pickle(path, GOOD, sizeof GOOD - 1);
    assert_int_equal(pb_file_read(path, 0, &bytes, &length, &error), PB_OK);
    char *place = memmem(bytes, length, six, sizeof six);
    assert_non_null(place);
    place[2] ^= 1;
    write_bytes(path, bytes, length);
    pb_free(bytes);
    open_good(path, &file);
    assert_int_equal(pb_tensor_file_values(&file, &file.tensors[0], &values, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "tensor 'a': entry 'archive/data/0' is damaged"));
    pb_tensor_file_close(&file);
}

/* Where the central directory has these sizes of data/0, it has 0x7fffffff. */
static void test_an_entry_that_claims_more_than_the_file_has_is_refused(void **state)
{
    static const unsigned char sizes[] = {24, 0, 0, 0, 24, 0, 0, 0};
    static const unsigned char lies[] = {255, 255, 255, 127, 255, 255, 255, 127};
    struct pb_error error = {0};
    const char *path = folder_path(state, "made.pth");
    char *bytes = NULL, *at;
    size_t length = 0;
    int count = 0;
    write_pickle(path, GOOD, sizeof GOOD - 1);
    assert_int_equal(pb_file_read(path, 0, &bytes, &length, &error), PB_OK);
    while ((at = memmem(bytes, length, sizes, sizeof sizes)) != NULL) {
        memcpy(at, lies, sizeof lies);
        count++;
    }
    assert_int_equal(count, 2);
    write_bytes(path, bytes, length);
    pb_free(bytes);
    refuses_file(path, "entry 'data/0' claims more bytes than the file has");
}

static void test_memory_that_is_out_is_an_error(void **state)
{
    struct pb_error error = {0};
    struct pb_tensor_file file = {0};
    (void)state;
    for (long n = 0;; n++) {
        pb_memory_fail_after(n);
        const enum pb_status status = pb_tensor_file_open(GOLDEN "kinds.pth", &file, &error);
        pb_memory_fail_after(-1);
        if (status == PB_OK) {
            assert_true(n > 100);
            break;
        }
        assert_int_equal(status, PB_ERROR_MEMORY);
        assert_null(file.tensors);
    }
    pb_tensor_file_close(&file);
}

/* The length of a safetensors header can be the letters of an archive. */
static void test_the_content_decides_which_form_a_file_has(void **state)
{
    static const char header[16] = {'P', 'K', 3, 4, 0, 0, 0, 0, '{'};
    const char *path = folder_path(state, "weights.pth");
    write_bytes(path, header, sizeof header);
    refuses_file(path, "is cut off: its header should have 67324752 bytes");
    refuses_file("/nowhere/weights.pth", "No such file");
    refuses_file("/tmp", "regular file");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_is_read_as_pytorch_wrote_it),
        cmocka_unit_test(test_a_state_dict_equals_the_same_weights_in_safetensors),
        cmocka_unit_test(test_a_checkpoints_state_dict_is_found),
        cmocka_unit_test(test_what_pytorch_writes_but_is_no_state_dict_says_what_to_do),
        IN_FOLDER(test_a_made_file_is_read),
        IN_FOLDER(test_nothing_but_tensors_can_be_called),
        IN_FOLDER(test_tensors_that_lie_are_refused),
        IN_FOLDER(test_dicts_that_are_no_state_dict_are_refused),
        IN_FOLDER(test_damaged_pickles_are_refused),
        IN_FOLDER(test_what_a_pickle_can_ask_for_is_bounded),
        IN_FOLDER(test_archives_of_another_kind_are_refused),
        IN_FOLDER(test_two_entries_of_one_name_are_refused),
        IN_FOLDER(test_a_file_that_is_cut_off_is_refused),
        IN_FOLDER(test_a_damaged_value_is_found),
        IN_FOLDER(test_an_entry_that_claims_more_than_the_file_has_is_refused),
        cmocka_unit_test(test_memory_that_is_out_is_an_error),
        IN_FOLDER(test_the_content_decides_which_form_a_file_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
