/* Whole figures are computed from cut ones, wherever the cut is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/figure_file.h"
#include "report/gnuplot.h"
#include "support/folder.h"
#include "support/small_cells.h"

static const char *const FORMATS[] = {"svg", "pdf", "png"};
enum { FORMAT_COUNT = 3 };

/* What this machine's gnuplot draws, without its last line end. */
static char *draw(void **state, const char *format, size_t *length)
{
    static const char SCRIPT[] = "set terminal @ARG1\nset output ARG2\nplot [0:10] sin(x), cos(x)\nunset output\n";
    struct pb_error error = {0};
    char *data = NULL;
    char terminal[32];
    const char *script = folder_path(state, "draw.gp"), *output = folder_path(state, format);
    (void)snprintf(terminal, sizeof terminal, "%s%s", format, strcmp(format, "svg") == 0 ? "" : "cairo");
    must(pb_file_write_atomic(script, SCRIPT, sizeof SCRIPT - 1, &error), &error);
    must(pb_gnuplot(script, (const char *[]){terminal, output, NULL}, &error), &error);
    must(pb_figure_file_check(output, format, &error), &error);
    must(pb_file_read(output, 0, &data, length, &error), &error);
    while (data[*length - 1] == '\n')
        --*length;
    return data;
}

static void test_a_drawing_is_whole_and_every_shorter_one_is_not(void **state)
{
    for (int i = 0; i < FORMAT_COUNT; i++) {
        size_t length = 0;
        char *data = draw(state, FORMATS[i], &length);
        assert_in_range(length, 1000, 1000000);
        assert_true(pb_figure_is_whole(FORMATS[i], data, length));
        for (size_t cut = 0; cut < length; cut++)
            if (pb_figure_is_whole(FORMATS[i], data, cut))
                fail_msg("%s: %zu of %zu bytes taken for a whole figure", FORMATS[i], cut, length);
        pb_free(data);
    }
}

/* A block in the middle could not be written, later ones could. */
static void test_a_drawing_that_lacks_its_middle_is_not_whole(void **state)
{
    for (int i = 1; i < FORMAT_COUNT; i++) {
        const size_t gap = 512;
        size_t length = 0;
        char *data = draw(state, FORMATS[i], &length);
        memmove(data + 1024, data + 1024 + gap, length - 1024 - gap);
        assert_false(pb_figure_is_whole(FORMATS[i], data, length - gap));
        pb_free(data);
    }
}

static void test_other_files_are_no_figures(void **state)
{
    (void)state;
    assert_false(pb_figure_is_whole("png", "</svg>", 6));
    assert_false(pb_figure_is_whole("pdf", "%PDF-1.5\n%%EOF\n", 15));
    assert_false(pb_figure_is_whole("pdf", "%PDF-1.5\nstartxref\n9999\n%%EOF\n", 30));
    assert_false(pb_figure_is_whole("svg", "<svg></svg>\0\0\0", 14));
    assert_true(pb_figure_is_whole("svg", "<svg></svg>\n", 12));
}

static void test_a_cut_file_is_named_with_its_size_and_a_missing_one_too(void **state)
{
    struct pb_error error = {0};
    assert_int_equal(pb_figure_file_check(folder_path(state, "none.png"), "png", &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "gnuplot drew no 'none.png'");
    const char *path = folder_path(state, "cut.png");
    must(pb_file_write_atomic(path, "\x89PNG\r\n\x1a\n", 8, &error), &error);
    assert_int_equal(pb_figure_file_check(path, "png", &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "gnuplot wrote only a part of 'cut.png' (8 bytes): the disk has room, "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_drawing_is_whole_and_every_shorter_one_is_not),
        TEST(test_a_drawing_that_lacks_its_middle_is_not_whole),
        TEST(test_other_files_are_no_figures),
        TEST(test_a_cut_file_is_named_with_its_size_and_a_missing_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
