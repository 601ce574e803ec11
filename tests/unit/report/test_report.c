/* The table for terminals. With a folder as its argument, this program only writes a made-up run there:
 * FOLDER DATASETS RATES SEEDS [failures]; tests/cli/report.bats reports on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "report/report.h"
#include "support/folder.h"
#include "support/results.h"
#include "support/small_cells.h"

static char *console(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    must(pb_report_console(*state, &text, &error), &error);
    return text.data;
}

static size_t widest_line(const char *text)
{
    size_t widest = 0, width = 0;
    for (const char *c = text; *c != '\0'; c++) {
        width = *c == '\n' ? 0 : width + (((unsigned char)*c & 0xC0) != 0x80);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void test_the_console_shows_means_spreads_and_seeds(void **state)
{
    small_write_two_seeds(state);
    char *text = console(state);
    assert_non_null(strstr(text, "birds · one-shot: accuracy on 0 test images, size and speed by share of channels "
                                 "removed; n = 2\nseeds\n"));
    assert_non_null(strstr(
        text, "\n        0  unpruned              –   72.0 ± 2.8           –          1.000  80.00    10.00  2\n"));
    assert_non_null(strstr(
        text, "\n       40  l1           32.0 ± 2.8   69.5 ± 2.1  −2.5 ± 0.7  0.500 ± 0.141  20.00     4.00  2\n"));
    /* the share is not repeated, and the spread of MACs has no room */
    assert_non_null(strstr(
        text, "\n           random       21.0 ± 1.4   62.5 ± 3.5  −9.5 ± 0.7          0.500  20.00     4.00  2\n"));
    assert_non_null(strstr(text, "\n4 of 4 cells done.\n"));
    assert_null(strstr(text, "†"));
    pb_free(text);
}

static void test_the_console_fits_a_hundred_columns_whatever_the_labels(void **state)
{
    struct small cell = two_seeds[0];
    cell.criterion = "ein-sehr-langer-Name-mit-Umlauten-äöü-der-nicht-in-die-Spalte-paßt-und-noch-viel-weiter-geht";
    cell.schedule =
        "ein-ebenso-langer-Fahrplan-der-nicht-in-die-Zeile-paßt-sondern-über-ihren-Rand-hinaus-reicht-würde";
    struct pb_record record;
    struct pb_error error = {0};
    small_record(&record, &cell);
    must(pb_record_text(&record.id, "long", &error), &error);
    small_write_record(state, &record);
    char *text = console(state);
    assert_in_range(widest_line(text), 80, 100);
    assert_non_null(strstr(text, "  ein-sehr-langer-Name-mit-"));
    pb_free(text);
}

static void test_the_console_marks_what_was_selected_on_the_test_split(void **state)
{
    struct pb_record record;
    small_write(state, &two_seeds[0]);
    small_record(&record, &two_seeds[2]);
    small_config(&record, "selection", "test");
    small_write_record(state, &record);
    char *text = console(state);
    assert_non_null(strstr(text, "†: the test split chose the learning rate and the epoch"));
    assert_non_null(strstr(text, "†  "));
    pb_free(text);
}

static void test_the_console_says_what_failed(void **state)
{
    results_write(*state, (struct results_spec){.datasets = 1, .rates = 3, .seeds = 1, .failures = true});
    char *text = console(state);
    assert_in_range(widest_line(text), 80, 100);
    assert_non_null(strstr(text, "crashed"));
    assert_non_null(strstr(text, "failed"));
    assert_non_null(strstr(text, "timed-out"));
    assert_non_null(strstr(text, "24 of 27 cells done; 3 did not end well"));
    assert_non_null(strstr(text, "1 document could not be read"));
    assert_null(strstr(text, "±: standard deviation"));
    pb_free(text);
}

static void test_latex_needs_no_gnuplot_but_figures_do(void **state)
{
    struct pb_error error = {0};
    small_write_two_seeds(state);
    (void)setenv("PRUNEBENCH_GNUPLOT", "/nonexistent/gnuplot", 1);
    must(pb_report(*state, &(struct pb_report_options){.formats = PB_REPORT_LATEX}, &error), &error);
    assert_int_equal(pb_report(*state, &(struct pb_report_options){.formats = PB_REPORT_FIGURES}, &error),
                     PB_ERROR_RUN);
    (void)unsetenv("PRUNEBENCH_GNUPLOT");
    assert_non_null(strstr(error.text, "gnuplot-nox"));
}

/* Numbers of a command line that the bats file wrote. */
static uint32_t number(const char *text)
{
    size_t value = 0;
    return pb_parse_size(text, &value) ? (uint32_t)value : 1;
}

int main(int argc, char **argv)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
    if (argc > 4) {
        results_write(argv[1], (struct results_spec){number(argv[2]), number(argv[3]), number(argv[4]), argc > 5});
        return EXIT_SUCCESS;
    }
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_console_shows_means_spreads_and_seeds),
        TEST(test_the_console_fits_a_hundred_columns_whatever_the_labels),
        TEST(test_the_console_says_what_failed),
        TEST(test_the_console_marks_what_was_selected_on_the_test_split),
        TEST(test_latex_needs_no_gnuplot_but_figures_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
