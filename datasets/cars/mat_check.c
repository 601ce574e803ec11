/* MATLAB v5 files ("MAT-File Format", The MathWorks, chapter 1), as far as annotations use them. */
#include "mat_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { HEADER_BYTES = 128, TAG_BYTES = 8, DEEPEST = 4 };

/* Data types of elements. */
enum { MI_INT8 = 1, MI_INT32 = 5, MI_UINT32 = 6, MI_MATRIX = 14, MI_COMPRESSED = 15 };
/* Array classes. */
enum { MX_CELL = 1, MX_STRUCT = 2, MX_CHAR = 4, MX_DOUBLE = 6, MX_UINT64 = 15 };

static const char damaged[] = "is damaged; get it again";
static const char unknown[] = "holds arrays of a kind that annotations do not have; get it again";

/* Bytes that are left of something, and their order. */
struct span {
    const unsigned char *bytes;
    size_t length;
    bool big_endian;
};

struct element {
    uint32_t type;
    struct span data;
};

static uint32_t word_at(const struct span *span, size_t offset)
{
    const unsigned char *b = span->bytes + offset;
    if (span->big_endian)
        return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

static void skip(struct span *span, size_t bytes)
{
    span->bytes += bytes;
    span->length -= bytes;
}

/* Takes the element at the head of span off; false when it does not fit. */
static bool take_element(struct span *span, struct element *element)
{
    if (span->length < TAG_BYTES)
        return false;
    const uint32_t first = word_at(span, 0), second = word_at(span, 4);
    element->data = *span;
    if (first >> 16 != 0) { /* up to four bytes, inside the tag */
        element->type = first & 0xffff;
        skip(&element->data, 4);
        element->data.length = first >> 16;
        skip(span, TAG_BYTES);
        return element->data.length <= 4;
    }
    element->type = first;
    skip(span, TAG_BYTES);
    skip(&element->data, TAG_BYTES);
    if (second > span->length)
        return false;
    element->data.length = second;
    /* Elements begin at multiples of eight bytes, compressed ones aside. */
    const size_t padded = first == MI_COMPRESSED ? second : ((size_t)second + 7) / 8 * 8;
    skip(span, padded < span->length ? padded : span->length);
    return true;
}

static bool take_typed(struct span *span, uint32_t type, struct element *element)
{
    return take_element(span, element) && element->type == type;
}

static size_t type_size(uint32_t type)
{
    /* By data type: 8-, 8-, 16-, 16-, 32-, 32-bit integers, single, (8), double, (10), (11), 64-bit integers, …, UTF-8, -16, -32. */
    static const unsigned char sizes[] = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8, 0, 0, 1, 2, 4};
    return type < sizeof sizes ? sizes[type] : 0;
}

/* What is in front of every array's data. */
static bool take_array_header(struct span *span, uint32_t *class_type, bool *complex, size_t *count)
{
    struct element flags, dimensions, name;
    if (!take_typed(span, MI_UINT32, &flags) || flags.data.length != 8 || !take_typed(span, MI_INT32, &dimensions) ||
        dimensions.data.length < 8 || dimensions.data.length % 4 != 0 || !take_typed(span, MI_INT8, &name))
        return false;
    *class_type = word_at(&flags.data, 0) & 0xff;
    *complex = (word_at(&flags.data, 0) & 0x0800) != 0;
    *count = 1;
    for (size_t i = 0; i < dimensions.data.length; i += 4)
        if (word_at(&dimensions.data, i) > INT32_MAX ||
            __builtin_mul_overflow(*count, word_at(&dimensions.data, i), count))
            return false;
    return true;
}

static const char *check_matrix(struct span span, int depth);

static const char *check_matrices(struct span *span, size_t count, int depth)
{
    struct element element;
    if (count > span->length / TAG_BYTES)
        return damaged;
    for (size_t i = 0; i < count; i++) {
        if (!take_typed(span, MI_MATRIX, &element))
            return damaged;
        const char *wrong = check_matrix(element.data, depth + 1);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

static const char *check_struct(struct span *span, size_t count, int depth)
{
    struct element length, names;
    size_t all;
    if (!take_typed(span, MI_INT32, &length) || length.data.length != 4 || !take_typed(span, MI_INT8, &names))
        return damaged;
    const uint32_t name_length = word_at(&length.data, 0);
    if (name_length == 0 || name_length > INT32_MAX || names.data.length % name_length != 0)
        return damaged;
    for (size_t end = name_length; end <= names.data.length; end += name_length)
        if (names.data.bytes[end - 1] != '\0')
            return damaged;
    if (__builtin_mul_overflow(count, names.data.length / name_length, &all))
        return damaged;
    return check_matrices(span, all, depth);
}

static const char *check_values(struct span *span, size_t count, bool text)
{
    struct element values;
    if (!take_element(span, &values) || type_size(values.type) == 0)
        return damaged;
    const size_t stated = values.data.length / type_size(values.type);
    /* Characters beyond ASCII take several bytes of UTF-8. */
    return stated == count || (text && stated > count) ? NULL : damaged;
}

static const char *check_matrix(struct span span, int depth)
{
    uint32_t class_type = 0;
    bool complex = false;
    size_t count = 0;
    if (span.length == 0) /* an empty array has no parts */
        return NULL;
    if (depth > DEEPEST)
        return unknown;
    if (!take_array_header(&span, &class_type, &complex, &count))
        return damaged;
    if (class_type == MX_CELL)
        return check_matrices(&span, count, depth);
    if (class_type == MX_STRUCT)
        return check_struct(&span, count, depth);
    if (complex || (class_type != MX_CHAR && (class_type < MX_DOUBLE || class_type > MX_UINT64)))
        return unknown;
    return check_values(&span, count, class_type == MX_CHAR);
}

/* Inflates all of source into *data (malloc); false for damage, with errors distinguished by memory_out. */
static bool inflate_all(const struct span *source, struct span *inflated, int *memory_out)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)source->bytes, .avail_in = (uInt)source->length};
    unsigned char *data = NULL;
    size_t capacity = 0, length = 0;
    int result = inflateInit(&stream);
    *memory_out = result == Z_MEM_ERROR;
    if (result != Z_OK)
        return false;
    while (result == Z_OK) {
        if (length == capacity) {
            capacity = capacity > 0 ? capacity * 2 : (size_t)1 << 16;
            unsigned char *grown = realloc(data, capacity);
            if (grown == NULL) {
                *memory_out = 1;
                break;
            }
            data = grown;
        }
        const size_t room = capacity - length < (1u << 30) ? capacity - length : 1u << 30;
        stream.next_out = data + length;
        stream.avail_out = (uInt)room;
        result = inflate(&stream, Z_NO_FLUSH);
        length += room - stream.avail_out;
    }
    inflateEnd(&stream);
    if (result != Z_STREAM_END) {
        free(data);
        return false;
    }
    *inflated = (struct span){.bytes = data, .length = length, .big_endian = source->big_endian};
    return true;
}

static const char *check_compressed(struct mat_check *check, const struct span *source)
{
    struct span inflated = {0};
    struct element element;
    if (!inflate_all(source, &inflated, &check->memory_out))
        return damaged;
    struct span rest = inflated;
    const char *wrong = take_typed(&rest, MI_MATRIX, &element) ? check_matrix(element.data, 0) : damaged;
    free((void *)(uintptr_t)inflated.bytes);
    return wrong;
}

static const char *check_header(const struct mat_check *check, bool *big_endian)
{
    const unsigned char *header = check->bytes;
    if (check->length == 0)
        return "is empty; get it again";
    if (check->length < HEADER_BYTES || memcmp(header, "MATLAB ", 7) != 0)
        return "is not a MATLAB file; get it again";
    /* Version 0x0100, then the byte order as "MI" written as one 16-bit number. */
    *big_endian = memcmp(header + 124, "\x01\x00MI", 4) == 0;
    if (!*big_endian && memcmp(header + 124, "\x00\x01IM", 4) != 0)
        return "is not a MATLAB v5 file; save it again with the option -v7 or -v6";
    return NULL;
}

const char *mat_check(struct mat_check *check)
{
    bool big_endian = false;
    const char *wrong = check_header(check, &big_endian);
    if (wrong != NULL)
        return wrong;
    struct span rest = {.bytes = check->bytes, .length = check->length, .big_endian = big_endian};
    skip(&rest, HEADER_BYTES);
    if (rest.length == 0)
        return damaged;
    while (wrong == NULL && rest.length > 0) {
        struct element element;
        if (!take_element(&rest, &element))
            wrong = damaged;
        else if (element.type == MI_COMPRESSED)
            wrong = check_compressed(check, &element.data);
        else
            wrong = element.type == MI_MATRIX ? check_matrix(element.data, 0) : damaged;
    }
    return wrong;
}
