/* Matrices as text: written to a file, read, compared. */
#ifndef PB_TEST_MATRIX_TEXT_H
#define PB_TEST_MATRIX_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "matrix/matrix.h"
#include "support/fake_plugins.h"
#include "support/folder.h"

/* Lines 1 to 8 of most test matrices; what a test adds begins on line 9. */
#define HEAD                                                                                                           \
    "<matrix xmlns=\"urn:prunebench:matrix:1\" name=\"t\">\n"                                                          \
    "  <model name=\"vgg11-bcnn\" image-size=\"32\"/>\n"                                                               \
    "  <dataset plugin=\"birds\" root=\"b\"/>\n"                                                                       \
    "  <dataset plugin=\"cars\" root=\"c\"/>\n"                                                                        \
    "  <criterion plugin=\"bn-scale\"/>\n"                                                                             \
    "  <schedule plugin=\"one-shot\"/>\n"                                                                              \
    "  <schedule plugin=\"iterative\"/>\n"                                                                             \
    "  <targets>0.2 0.4</targets>\n"
#define TAIL "</matrix>\n"

static inline enum pb_status try_matrix(void **state, const char *text, struct pb_matrix **matrix,
                                        struct pb_error *error)
{
    const char *path = folder_path(state, "m.xml");
    if (pb_file_write_atomic(path, text, strlen(text), error) != PB_OK)
        fail_msg("%s", error->text);
    return pb_matrix_read(path, &fake_registry, matrix, error);
}

static inline struct pb_matrix *read_matrix(void **state, const char *text)
{
    struct pb_error error = {0};
    struct pb_matrix *matrix = NULL;
    if (try_matrix(state, text, &matrix, &error) != PB_OK)
        fail_msg("%s", error.text);
    return matrix;
}

/* The message that text gets, without the folder in front of "m.xml". */
static inline void assert_refused(void **state, const char *text, const char *message)
{
    struct pb_error error = {0};
    struct pb_matrix *matrix = NULL;
    const enum pb_status status = try_matrix(state, text, &matrix, &error);
    pb_matrix_free(&matrix);
    assert_int_equal(status, PB_ERROR_INPUT);
    const char *name = strstr(error.text, "m.xml");
    assert_non_null(name);
    assert_string_equal(name, message);
}

static inline const struct pb_cell_config *cell(const struct pb_matrix *matrix, const char *id)
{
    const struct pb_cell_config *found = pb_matrix_find(matrix, id);
    if (!found)
        fail_msg("no cell '%s'", id);
    return found;
}

#endif
