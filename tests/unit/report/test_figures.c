/* What gnuplot is given, what it says when it fails, and what becomes of its SVG. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/figure_data.h"
#include "report/figure_svg.h"
#include "report/gnuplot.h"
#include "support/folder.h"
#include "support/small_cells.h"

static void test_labels_lose_what_gnuplot_would_read_as_something_else(void **state)
{
    (void)state;
    struct pb_text text = {0};
    pb_gnuplot_field(&text, "a\tb\nc\"d\\e`f%", false);
    assert_string_equal(text.data, "a b c”d∖e`f%");
    pb_text_free(&text);
    pb_gnuplot_field(&text, "50 %", true);
    assert_string_equal(text.data, "50 %%");
    pb_text_free(&text);
}

static void test_a_missing_gnuplot_is_named_with_its_package(void **state)
{
    (void)state;
    struct pb_error error = {0};
    (void)setenv("PRUNEBENCH_GNUPLOT", "/nonexistent/gnuplot", 1);
    assert_int_equal(pb_gnuplot("x.gp", (const char *[]){NULL}, &error), PB_ERROR_RUN);
    (void)unsetenv("PRUNEBENCH_GNUPLOT");
    assert_non_null(strstr(error.text, "/nonexistent/gnuplot"));
    assert_non_null(strstr(error.text, "gnuplot-nox"));
}

static void test_a_failing_gnuplot_is_quoted(void **state)
{
    static const char WRONG[] = "set no such thing\n";
    struct pb_error error = {0};
    const char *path = folder_path(state, "wrong.gp");
    must(pb_file_write_atomic(path, WRONG, sizeof WRONG - 1, &error), &error);
    assert_int_equal(pb_gnuplot(path, (const char *[]){NULL}, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, "Unrecognized option"));
}

/* Arguments are strings to gnuplot, whatever they look like to a shell or to gnuplot's own. */
static void test_arguments_are_never_run(void **state)
{
    static const char SCRIPT[] = "set print ARG2\nprint ARG1\n";
    struct pb_error error = {0};
    char *data = NULL;
    size_t length = 0;
    const char *script = folder_path(state, "echo.gp");
    const char *victim = folder_path(state, "victim");
    const char *said = folder_path(state, "said");
    char *evil = pb_format("`touch %s`$(touch %s)\"; system('touch %s') #@ARG2", victim, victim, victim);
    assert_non_null(evil);
    must(pb_file_write_atomic(script, SCRIPT, sizeof SCRIPT - 1, &error), &error);
    must(pb_gnuplot(script, (const char *[]){evil, said, NULL}, &error), &error);
    must(pb_file_read(said, 0, &data, &length, &error), &error);
    data[length - 1] = '\0';
    assert_string_equal(data, evil);
    assert_false(pb_file_exists(victim));
    pb_free(data);
    pb_free(evil);
}

static void test_svg_gets_ids_of_its_own_and_a_title(void **state)
{
    static const char SVG[] =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/x.dtd\">\n"
        "<svg viewBox=\"0 0 400 300\" xmlns=\"http://www.w3.org/2000/svg\" "
        "xmlns:xlink=\"http://www.w3.org/1999/xlink\">"
        "<title>Gnuplot</title><defs><g id=\"p0\"/></defs><g id=\"gnuplot_plot_1\"><title>gnuplot_plot_1</title></g>"
        "<g id=\"gnuplot_plot_2\"><title>l1-norm</title></g><use xlink:href=\"#p0\"/>"
        "<g onmousemove=\"gnuplot_svg.showHypertext(evt,'it's &lt;b&gt; 1 %')\" "
        "onmouseout=\"gnuplot_svg.hideHypertext()\"><title> </title><use xlink:href=\"#p0\"/></g>"
        "<g style=\"stroke:none; filter:url(#grey)\" font-family=\"Foo\"><text>#p0 url(#grey)</text></g></svg>\n";
    struct pb_error error = {0};
    char *data = NULL;
    size_t length = 0;
    const char *path = folder_path(state, "a.svg");
    must(pb_file_write_atomic(path, SVG, sizeof SVG - 1, &error), &error);
    must(pb_figure_svg_finish(path, "birds.gamma", "A & B", &error), &error);
    must(pb_file_read(path, 0, &data, &length, &error), &error);
    assert_true(pb_starts_with(data, "<svg"));
    assert_null(strstr(data, "DOCTYPE"));
    assert_null(strstr(data, "Gnuplot"));
    assert_null(strstr(data, "<title>gnuplot_plot_1"));
    assert_non_null(strstr(data, "<title>l1-norm</title>"));
    assert_non_null(strstr(data, "<g><title>it's &lt;b&gt; 1 %</title><use "));
    assert_null(strstr(data, "gnuplot_svg"));
    assert_non_null(strstr(data, "<title>A &amp; B</title>"));
    assert_non_null(strstr(data, "aria-label=\"A &amp; B\""));
    assert_non_null(strstr(data, "id=\"birds_gamma-p0\""));
    assert_non_null(strstr(data, "xlink:href=\"#birds_gamma-p0\""));
    assert_non_null(strstr(data, "filter:url(#birds_gamma-grey)"));
    assert_non_null(strstr(data, ">#p0 url(#grey)<"));
    assert_null(strstr(data, "Foo"));
    pb_free(data);
    assert_int_equal(pb_file_write_atomic(path, "", 0, &error), PB_OK);
    assert_int_equal(pb_figure_svg_finish(path, "a", "b", &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, path));
}

/* The figure's data of the two-seeds run: 40 % removed, l1 69.5 ± 2.1, random 62.5 ± 3.5, unpruned 72 ± 2.8. */
static void test_accuracy_data_has_a_block_per_criterion_and_the_unpruned_one(void **state)
{
    struct pb_error error = {0};
    struct pb_figure_styles styles = {0};
    struct pb_figure_data data = {0};
    small_write_two_seeds(state);
    struct pb_summary summary = small_summary(state);
    must(pb_figure_styles_of(&summary, &styles, &error), &error);
    assert_int_equal(styles.count, 2);
    must(pb_figure_accuracy(PB_FIGURE_ACCURACY_PARAMS, &summary.sections[0].schedules[0], &styles, &data, &error),
         &error);
    double l1[3], random[3], base[3];
    assert_int_equal(sscanf(data.data.data, "l1\n%lf\t%lf\t%lf\n\n\nrandom\n%lf\t%lf\t%lf\n\n\nunpruned\n%lf\t%lf\t%lf",
                            &l1[0], &l1[1], &l1[2], &random[0], &random[1], &random[2], &base[0], &base[1], &base[2]),
                     9);
    near(l1[0], 0.5);
    near(l1[1], 69.5);
    near(l1[2], 3 / 1.4142135623730951);
    near(random[1], 62.5);
    near(base[0], 1);
    near(base[1], 72);
    near(base[2], 4 / 1.4142135623730951);
    assert_string_equal(data.arguments[0].data, "Parameters (k)");
    assert_string_equal(data.arguments[1].data, "1 2");
    assert_string_equal(data.arguments[2].data, "log");
    assert_string_equal(data.arguments[3].data, "spread");
    pb_figure_data_free(&data);
    pb_figure_styles_free(&styles);
    pb_summary_free(&summary);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_labels_lose_what_gnuplot_would_read_as_something_else),
        TEST(test_a_missing_gnuplot_is_named_with_its_package),
        TEST(test_a_failing_gnuplot_is_quoted),
        TEST(test_arguments_are_never_run),
        TEST(test_svg_gets_ids_of_its_own_and_a_title),
        TEST(test_accuracy_data_has_a_block_per_criterion_and_the_unpruned_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
