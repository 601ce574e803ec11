/* Small multiples and the picture of the first screen: which points are where, with which intervals. */
#include <math.h>
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
#include "report/gnuplot.h"
#include "support/folder.h"
#include "support/small_cells.h"

/* A summary with the styles of its criteria, and a figure's data. */
struct drawn {
    struct pb_summary summary;
    struct pb_figure_styles styles;
    struct pb_figure_data made;
};

static struct drawn begin(void **state)
{
    struct pb_error error = {0};
    struct drawn drawn = {.summary = small_summary(state)};
    must(pb_figure_styles_of(&drawn.summary, &drawn.styles, &error), &error);
    return drawn;
}

static void end(struct drawn *drawn)
{
    pb_figure_data_free(&drawn->made);
    pb_figure_styles_free(&drawn->styles);
    pb_summary_free(&drawn->summary);
}

/* The seeds 1 … count of a criterion at one target: top-1 mean − step, mean, mean + step. */
static void write_seeds(void **state, const char *criterion, const char *target, double mean, double step,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *const seeds[] = {"1", "2", "3"};
        struct small cell = two_seeds[0];
        cell.criterion = criterion;
        cell.target = strcmp(target, "0.4") == 0 ? "r40" : "r80";
        cell.amount = target;
        cell.seed = seeds[i];
        cell.base = 0.7 + step * (i - 1.0);
        cell.retrained = mean + step * (i - 1.0);
        cell.pruned = cell.retrained / 2;
        cell.params = strcmp(target, "0.4") == 0 ? 400 : 200;
        small_write(state, &cell);
    }
}

static void test_the_pareto_front_holds_what_nothing_beats_in_both(void **state)
{
    struct pb_error error = {0};
    small_write(state, &two_seeds[0]); /* 400 parameters, 68 % */
    small_write(state, &two_seeds[2]); /* 500 parameters, 60 %: beaten */
    struct drawn drawn = begin(state);
    assert_true(pb_figure_available(PB_FIGURE_PARETO, &drawn.summary.sections[0], NULL));
    must(pb_figure_pareto(&drawn.summary.sections[0], &drawn.styles, &drawn.made, &error), &error);
    /* the unpruned one has 1000 and 70 %; the front, a ring, the unpruned, a block for each criterion */
    assert_string_equal(drawn.made.arguments[1].data, "0 0 -1 0 0 -2 0 0 0 0 0 1 0 0 2");
    assert_string_equal(drawn.made.arguments[0].data, "1 1 2 59.4 70.6");
    assert_string_equal(
        drawn.made.data.data,
        "0.4\t68\t68\t68\n1\t70\t70\t70\n\n\n0.4\t68\t68\t68\n\n\n1\t70\t70\t70\n\n\n0.4\t68\t68\t68\n\n\n"
        "0.5\t60\t60\t60\n\n\n0\tone-shot\n\n\n0\tParameters (k)\t1\t0.347826087\t1.15\n\n\n"
        "1\tl1\n2\trandom\n");
    end(&drawn);
}

/* Student's t with two degrees of freedom: 4.30265; mean ± t · 1 point / √3. */
static void test_three_seeds_have_an_interval_and_one_that_collapsed_is_marked_at_the_edge(void **state)
{
    struct pb_error error = {0};
    write_seeds(state, "l1", "0.4", 0.68, 0.01, 3);
    write_seeds(state, "l1", "0.8", 0.01, 0, 3);
    struct drawn drawn = begin(state);
    assert_int_equal(drawn.summary.sections[0].schedules[0].rows[1].collapsed, 3);
    must(pb_figure_panels(&drawn.summary.sections[0], &drawn.styles, &drawn.made, &error), &error);
    const char *list = drawn.made.arguments[1].data;
    assert_int_equal(strncmp(list, "0 0 0 0 0 1 0 0 -3", 18), 0);
    double base[4], point[4], below[4], range[2];
    assert_int_equal(sscanf(drawn.made.arguments[0].data, "1 %*d 1 %lf %lf", &range[0], &range[1]), 2);
    assert_int_equal(sscanf(drawn.made.data.data, "%lf\t%lf\t%lf\t%lf\n\n\n%lf\t%lf\t%lf\t%lf\n\n\n%lf\t%lf\t%lf\t%lf",
                            &base[0], &base[1], &base[2], &base[3], &point[0], &point[1], &point[2], &point[3],
                            &below[0], &below[1], &below[2], &below[3]),
                     12);
    assert_true(fabs(base[1] - 70) < 1e-9 && fabs(point[1] - 68) < 1e-9);
    assert_true(fabs(point[2] - (68 - 4.302652729911275 / sqrt(3))) < 1e-9);
    assert_true(fabs(point[3] - (68 + 4.302652729911275 / sqrt(3))) < 1e-9);
    /* 1 % is far below all the others: it does not press them together, and is drawn where the panel ends */
    assert_true(range[0] > 60 && fabs(below[1] - range[0]) < 1e-6 && fabs(below[0] - point[0]) > 1);
    end(&drawn);
}

static void test_the_overview_has_the_headline_with_intervals_places_and_the_range_of_all(void **state)
{
    struct pb_error error = {0};
    char names[2][40], places[2][20], title[80];
    double l1[6], random[6], panel[5];
    write_seeds(state, "l1", "0.4", 0.695, 0.01, 3);
    write_seeds(state, "random", "0.4", 0.65, 0.01, 3);
    write_seeds(state, "l1", "0.8", 0.66, 0.01, 3); /* loses four points: not the headline */
    struct drawn drawn = begin(state);
    assert_true(drawn.summary.sections[0].boards[0].headline);
    assert_false(drawn.summary.sections[0].boards[1].headline);
    must(pb_figure_overview(&drawn.summary, &drawn.styles, &drawn.made, &error), &error);
    assert_string_equal(drawn.made.arguments[0].data, "1 2");
    assert_int_equal(
        sscanf(drawn.made.data.data,
               "%lf %lf %lf %lf %lf %lf %39[^\t]\t%19[^\n]\n%lf %lf %lf %lf %lf %lf %39[^\t]\t%19[^\n]\n\n\n"
               "%lf %lf %lf %lf %lf %79[^\n]",
               &l1[0], &l1[1], &l1[2], &l1[3], &l1[4], &l1[5], names[0], places[0], &random[0], &random[1], &random[2],
               &random[3], &random[4], &random[5], names[1], places[1], &panel[0], &panel[1], &panel[2], &panel[3],
               &panel[4], title),
        22);
    const double half = 4.302652729911275 / sqrt(3);
    assert_true(l1[2] == 1 && fabs(l1[3] - 69.5) < 1e-9 && fabs(l1[4] - (69.5 - half)) < 1e-9);
    assert_true(random[1] == 1 && random[2] == 2 && fabs(random[5] - (65 + half)) < 1e-9);
    assert_string_equal(names[0], "l1, one-shot");
    assert_string_equal(places[1], "control");
    assert_true(panel[1] == 2 && fabs(panel[2] - 70) < 1e-9 && panel[3] < random[4] && panel[4] > l1[5]);
    assert_string_equal(title, "birds: 40 % of channels removed");
    end(&drawn);
}

/* A share is of what the target counts; a threshold counts the channels below it. */
static void test_the_overview_says_what_the_share_is_of(void **state)
{
    static const char *const TITLES[][2] = {{"gap", "birds: 40 % of channels removed\n"},
                                            {"threshold", "birds: 40 % of channels removed\n"},
                                            {"params", "birds: 40 % of parameters removed\n"},
                                            {"macs", "birds: 40 % of MACs removed\n"},
                                            {"weights", "birds: 40 % of single weights masked\n"}};
    struct pb_error error = {0};
    write_seeds(state, "l1", "0.4", 0.695, 0.01, 3);
    write_seeds(state, "random", "0.4", 0.65, 0.01, 3);
    struct drawn drawn = begin(state);
    struct pb_summary_schedule *schedule = &drawn.summary.sections[0].schedules[0];
    for (size_t i = 0; i < sizeof TITLES / sizeof *TITLES; i++) {
        for (uint32_t r = 0; r < schedule->row_count; r++)
            schedule->rows[r].measure = TITLES[i][0];
        must(pb_figure_overview(&drawn.summary, &drawn.styles, &drawn.made, &error), &error);
        assert_non_null(strstr(drawn.made.data.data, TITLES[i][1]));
        pb_figure_data_free(&drawn.made);
    }
    end(&drawn);
}

/* Of the shares that lose at most a point, the largest; where all lose more, the smallest. */
static void test_the_headline_is_the_largest_share_that_costs_at_most_a_point(void **state)
{
    write_seeds(state, "l1", "0.4", 0.70, 0.01, 3);
    write_seeds(state, "l1", "0.8", 0.691, 0.01, 3);
    struct drawn drawn = begin(state);
    assert_false(drawn.summary.sections[0].boards[0].headline);
    assert_true(drawn.summary.sections[0].boards[1].headline);
    end(&drawn);
    write_seeds(state, "l1", "0.4", 0.689, 0.01, 3);
    write_seeds(state, "l1", "0.8", 0.688, 0.01, 3);
    drawn = begin(state);
    assert_true(drawn.summary.sections[0].boards[0].headline);
    assert_false(drawn.summary.sections[0].boards[1].headline);
    end(&drawn);
}

#define TEMPLATES PB_TEST_SOURCES "/../reports"
enum { MANY = 14, FEW = 3 };

/* The last so many of MANY criteria, at two targets. */
static void write_many(void **state, const char *dataset, uint32_t count)
{
    for (uint32_t i = MANY - count; i < MANY; i++)
        for (int target = 0; target < 2; target++) {
            char name[16];
            snprintf(name, sizeof name, "criterion-%02u", i + 1);
            struct small cell = two_seeds[0];
            cell.dataset = dataset;
            cell.criterion = name;
            cell.target = target ? "r80" : "r40";
            cell.amount = target ? "0.8" : "0.4";
            cell.base = 0.7;
            cell.pruned = cell.retrained = 0.68 - 0.01 * i - 0.02 * target;
            cell.params = target ? 200 + i : 400 + i;
            small_write(state, &cell);
        }
}

/* A marker as it is drawn. */
struct mark {
    char shape[16], colour[24];
};

static bool same_mark(const struct mark *a, const struct mark *b)
{
    return strcmp(a->shape, b->shape) == 0 && strcmp(a->colour, b->colour) == 0;
}

/* The markers of a figure of small multiples in the order of drawing; gnuplot leaves out what is outside of the axes. */
static uint32_t draw_marks(void **state, const struct pb_figure_data *made, struct mark *marks, uint32_t room)
{
    struct pb_error error = {0};
    const char *data = folder_path(state, "figure.tsv"), *output = folder_path(state, "figure");
    char *svg = NULL;
    size_t length = 0;
    uint32_t count = 0;
    must(pb_file_write_atomic(data, made->data.data, made->data.length, &error), &error);
    must(pb_gnuplot(TEMPLATES "/panels.gp",
                    (const char *[]){TEMPLATES, data, output, "svg", "title", made->arguments[0].data,
                                     made->arguments[1].data, "", "", NULL},
                    &error),
         &error);
    must(pb_file_read(folder_path(state, "figure.svg"), 0, &svg, &length, &error), &error);
    for (const char *at = svg; (at = strstr(at, "<use ")) != NULL; at++) {
        assert_true(count < room);
        if (sscanf(at, "<use xlink:href='#%15[^']' transform='translate(%*f,%*f) scale(%*f)' color='%23[^']'",
                   marks[count].shape, marks[count].colour) == 2)
            count++;
    }
    pb_free(svg);
    return count;
}

/* Each criterion at both targets in each of the rows, then its entry in the legend. */
static void assert_drawn(const struct mark *marks, uint32_t count, const struct mark *legend, uint32_t criteria,
                         uint32_t rows)
{
    for (uint32_t k = 0; k < criteria; k++) {
        uint32_t drawn = 0;
        for (uint32_t i = 0; i < count; i++)
            drawn += same_mark(&marks[i], &legend[k]);
        assert_int_equal(drawn, 2 * rows + 1);
    }
}

/* The second data set lacks the first criteria: the others look as they do beside them. */
static void test_many_criteria_stay_inside_the_axes_and_keep_their_style(void **state)
{
    enum { ROWS = 4 };
    static struct mark all[400], some[400];
    struct pb_error error = {0};
    write_many(state, "aircraft", MANY);
    write_many(state, "birds", FEW);
    struct drawn drawn = begin(state);
    assert_int_equal(drawn.styles.count, MANY);
    must(pb_figure_panels(&drawn.summary.sections[0], &drawn.styles, &drawn.made, &error), &error);
    const uint32_t all_count = draw_marks(state, &drawn.made, all, 400);
    const struct mark *legend = &all[all_count - MANY - 1]; /* the unpruned network has the last entry */
    assert_drawn(all, all_count, legend, MANY, ROWS);
    pb_figure_data_free(&drawn.made);
    must(pb_figure_panels(&drawn.summary.sections[1], &drawn.styles, &drawn.made, &error), &error);
    const uint32_t some_count = draw_marks(state, &drawn.made, some, 400);
    const struct mark *short_legend = &some[some_count - FEW - 1];
    assert_drawn(some, some_count, short_legend, FEW, ROWS);
    for (uint32_t k = 0; k < FEW; k++)
        assert_true(same_mark(&short_legend[k], &legend[MANY - FEW + k]));
    pb_figure_data_free(&drawn.made);
    must(pb_figure_accuracy(PB_FIGURE_ACCURACY_RATE, &drawn.summary.sections[1].schedules[0], &drawn.styles,
                            &drawn.made, &error),
         &error);
    assert_string_equal(drawn.made.arguments[1].data, "12 13 14");
    end(&drawn);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_pareto_front_holds_what_nothing_beats_in_both),
        TEST(test_three_seeds_have_an_interval_and_one_that_collapsed_is_marked_at_the_edge),
        TEST(test_the_overview_has_the_headline_with_intervals_places_and_the_range_of_all),
        TEST(test_the_overview_says_what_the_share_is_of),
        TEST(test_many_criteria_stay_inside_the_axes_and_keep_their_style),
        TEST(test_the_headline_is_the_largest_share_that_costs_at_most_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
