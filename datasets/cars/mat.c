/* MATLAB v5 files through matio. */
#include "mat.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "mat_check.h"

enum pb_status mat_fail(const struct mat_file *file, size_t record, const char *format, ...)
{
    const struct pb_host *host = file->arena->host;
    char text[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (record == 0)
        return host->fail(host, PB_ERROR_INPUT, "%s: %s", file->path, text);
    return host->fail(host, PB_ERROR_INPUT, "%s:%zu: %s", file->path, record, text);
}

/* *bytes: the host's memory. */
static enum pb_status read_file(const struct mat_file *file, void **bytes, size_t *length)
{
    const struct pb_host *host = file->arena->host;
    struct stat info;
    FILE *stream = fopen(file->path, "rb");
    if (stream == NULL)
        return mat_fail(file, 0, "cannot be opened: %s", strerror(errno));
    if (fstat(fileno(stream), &info) != 0 || !S_ISREG(info.st_mode)) {
        fclose(stream);
        return mat_fail(file, 0, "is not a file");
    }
    const size_t size = (size_t)info.st_size;
    void *read = host->alloc(host, size);
    const size_t got = read != NULL ? fread(read, 1, size, stream) : 0;
    fclose(stream);
    if (read == NULL)
        return PB_ERROR_MEMORY;
    if (got != size) {
        host->free(host, read);
        return mat_fail(file, 0, "cannot be read to its end");
    }
    *bytes = read;
    *length = size;
    return PB_OK;
}

/* matio takes what it does not know for the headerless v4 format and reads nonsense, and damage makes it crash. */
static enum pb_status check_file(const struct mat_file *file)
{
    struct mat_check check = {0};
    void *bytes = NULL;
    const enum pb_status status = read_file(file, &bytes, &check.length);
    if (status != PB_OK)
        return status;
    check.bytes = bytes;
    const char *wrong = mat_check(&check);
    file->arena->host->free(file->arena->host, bytes);
    if (check.memory_out)
        return file->arena->host->fail(file->arena->host, PB_ERROR_MEMORY, "out of memory while '%s' is read",
                                       file->path);
    return wrong != NULL ? mat_fail(file, 0, "%s", wrong) : PB_OK;
}

enum pb_status mat_open(struct arena *arena, const char *path, struct mat_file *file)
{
    struct mat_file opened = {.arena = arena, .path = path};
    const enum pb_status status = check_file(&opened);
    if (status != PB_OK)
        return status;
    opened.mat = Mat_Open(path, MAT_ACC_RDONLY);
    if (opened.mat == NULL)
        return mat_fail(&opened, 0, "is not a MATLAB file that can be read; get it again");
    *file = opened;
    return PB_OK;
}

void mat_close(struct mat_file *file)
{
    if (file->mat != NULL)
        Mat_Close(file->mat);
    file->mat = NULL;
}

size_t mat_count(const matvar_t *variable)
{
    size_t count = 1;
    if (variable->rank < 1 || variable->dims == NULL)
        return 0;
    for (int i = 0; i < variable->rank; i++)
        if (__builtin_mul_overflow(count, variable->dims[i], &count))
            return 0;
    return count;
}

enum pb_status mat_read(const struct mat_file *file, const char *name, enum matio_classes class_type,
                        matvar_t **variable)
{
    matvar_t *read = Mat_VarRead(file->mat, name);
    enum pb_status status = PB_OK;
    if (read == NULL)
        return mat_fail(file, 0, "the variable '%s' is missing or damaged; get the file again", name);
    if (read->class_type != class_type)
        status = mat_fail(file, 0, "the variable '%s' is not a %s array", name,
                          class_type == MAT_C_STRUCT ? "struct" : "cell");
    else if (mat_count(read) == 0 || read->data == NULL)
        status = mat_fail(file, 0, "the variable '%s' is empty", name);
    if (status != PB_OK) {
        Mat_VarFree(read);
        return status;
    }
    *variable = read;
    return PB_OK;
}

static enum pb_status find_field(const struct mat_file *file, matvar_t *array, const char *name, size_t index,
                                 const matvar_t **field)
{
    const matvar_t *found = Mat_VarGetStructFieldByName(array, name, index);
    if (found == NULL || found->data == NULL || mat_count(found) == 0) {
        (void)mat_fail(file, index + 1, "the field '%s' is %s", name, found ? "empty or damaged" : "missing");
        return PB_ERROR_INPUT;
    }
    *field = found;
    return PB_OK;
}

static bool number_of(const matvar_t *field, double *value)
{
    if (field->isComplex || field->nbytes < Mat_SizeOfClass((int)field->class_type))
        return false;
    switch (field->class_type) {
    case MAT_C_DOUBLE:
        *value = *(const double *)field->data;
        return true;
    case MAT_C_SINGLE:
        *value = (double)*(const float *)field->data;
        return true;
    case MAT_C_INT8:
        *value = *(const int8_t *)field->data;
        return true;
    case MAT_C_UINT8:
        *value = *(const uint8_t *)field->data;
        return true;
    case MAT_C_INT16:
        *value = *(const int16_t *)field->data;
        return true;
    case MAT_C_UINT16:
        *value = *(const uint16_t *)field->data;
        return true;
    case MAT_C_INT32:
        *value = *(const int32_t *)field->data;
        return true;
    case MAT_C_UINT32:
        *value = *(const uint32_t *)field->data;
        return true;
    default:
        return false;
    }
}

static enum pb_status find_number(const struct mat_file *file, matvar_t *array, const char *name, size_t index,
                                  double *value)
{
    const matvar_t *field = NULL;
    const enum pb_status status = find_field(file, array, name, index, &field);
    if (status != PB_OK)
        return status;
    if (mat_count(field) != 1 || !number_of(field, value) || !isfinite(*value))
        return mat_fail(file, index + 1, "the field '%s' is not one number", name);
    return PB_OK;
}

enum pb_status mat_real(const struct mat_file *file, matvar_t *array, const char *name, size_t index, float *value)
{
    double number = 0;
    const enum pb_status status = find_number(file, array, name, index, &number);
    if (status == PB_OK)
        *value = (float)number;
    return status;
}

enum pb_status mat_whole(const struct mat_file *file, matvar_t *array, const char *name, size_t index, uint32_t *value)
{
    double number = 0;
    const enum pb_status status = find_number(file, array, name, index, &number);
    if (status != PB_OK)
        return status;
    if (number < 0 || number > UINT32_MAX || number != floor(number))
        return mat_fail(file, index + 1, "the field '%s' is %g, not a whole number", name, number);
    *value = (uint32_t)number;
    return PB_OK;
}

/* Appends one character of the basic plane as UTF-8. */
static size_t put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* One row of characters as UTF-8; NULL when it is something else. */
static const char *text_of(struct arena *arena, const matvar_t *variable, bool *memory_out)
{
    const size_t count = mat_count(variable), unit = Mat_SizeOf(variable->data_type);
    size_t length = 0;
    if (variable->class_type != MAT_C_CHAR || variable->rank != 2 || variable->dims[0] != 1)
        return NULL;
    if ((unit != 1 && unit != 2) || variable->nbytes / unit < count)
        return NULL;
    char *text = arena_alloc(arena, count + 1, 3);
    if (text == NULL) {
        *memory_out = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const unsigned code = unit == 1 ? ((const uint8_t *)variable->data)[i] : ((const uint16_t *)variable->data)[i];
        if (code < 0x20 || (code >= 0xd800 && code < 0xe000))
            return NULL;
        if (unit == 1)
            text[length++] = (char)code; /* UTF-8 already */
        else
            length += put_utf8(text + length, code);
    }
    return text;
}

enum pb_status mat_text(const struct mat_file *file, matvar_t *array, const char *name, size_t index, const char **text)
{
    const matvar_t *field = NULL;
    bool memory_out = false;
    const enum pb_status status = find_field(file, array, name, index, &field);
    if (status != PB_OK)
        return status;
    const char *found = text_of(file->arena, field, &memory_out);
    if (found == NULL)
        return memory_out ? PB_ERROR_MEMORY : mat_fail(file, index + 1, "the field '%s' is not a row of text", name);
    *text = found;
    return PB_OK;
}

enum pb_status mat_cell_text(const struct mat_file *file, matvar_t *cells, size_t index, const char **text)
{
    const matvar_t *cell = Mat_VarGetCell(cells, (int)index);
    bool memory_out = false;
    const char *found = NULL;
    if (cell != NULL && cell->data != NULL && mat_count(cell) > 0)
        found = text_of(file->arena, cell, &memory_out);
    if (found == NULL)
        return memory_out ? PB_ERROR_MEMORY : mat_fail(file, index + 1, "this cell is not a row of text");
    *text = found;
    return PB_OK;
}
