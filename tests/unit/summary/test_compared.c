/* Comparisons that a matrix declares: equal accuracy by the paired interval, parameters by seed, the smallest equal network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "summary/summary_parts.h"
#include "support/folder.h"
#include "support/small_cells.h"

static void declare(void **state, const char *compare)
{
    struct pb_error error = {0};
    char *text = pb_format("<matrix xmlns=\"urn:prunebench:matrix:1\" name=\"m\">\n%s\n</matrix>\n", compare);
    must(pb_file_write_atomic(folder_path(state, "matrix.xml"), text, strlen(text), &error), &error);
    pb_free(text);
}

static void declare_heavy(void **state)
{
    declare(state, "<compare variant=\"heavy\" with=\"light\" equal-within=\"2\"/>");
}

/* One cell of a variant: top-1 after pruning, parameters of the 1000 that are left. */
static void write_cell(void **state, bool heavy, const char *target, const char *seed, double top1, uint64_t params)
{
    struct small small = two_seeds[0];
    struct pb_record record;
    small.variant = heavy ? "heavy" : "light";
    small.target = target;
    small.amount = strcmp(target, "r40") == 0 ? "0.4" : "0.6";
    small.seed = seed;
    small.retrained = top1;
    small.params = params;
    small_record(&record, &small);
    small_write_record(state, &record);
}

static const struct pb_summary_compared *find(const struct pb_summary *summary, const char *target, bool same_target)
{
    for (uint32_t i = 0; i < summary->compared_count; i++)
        if (strcmp(summary->compared[i].row->target, target) == 0 && summary->compared[i].same_target == same_target)
            return &summary->compared[i];
    return NULL;
}

static void test_fewer_parameters_count_only_at_equal_top1(void **state)
{
    declare_heavy(state);
    write_cell(state, false, "r40", "1", 0.700, 600);
    write_cell(state, false, "r40", "2", 0.720, 800);
    write_cell(state, true, "r40", "1", 0.701, 300); /* +0.1 points, half the parameters, in both seeds */
    write_cell(state, true, "r40", "2", 0.721, 400);
    write_cell(state, false, "r40", "3", 0.710, 700);
    write_cell(state, true, "r40", "3", 0.711, 350);
    write_cell(state, false, "r60", "1", 0.700, 500);
    write_cell(state, false, "r60", "2", 0.720, 500); /* smaller than at 40 %, as good */
    write_cell(state, true, "r60", "1", 0.710, 100);
    write_cell(state, true, "r60", "2", 0.700, 100); /* +1 and −2 points: the mean is near, the interval is not */
    write_cell(state, false, "r60", "3", 0.710, 500);
    write_cell(state, true, "r60", "3", 0.690, 100);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_compared *same = find(&summary, "r40", true);
    near(same->top1.mean, 0.001);
    near(same->params.mean, -0.5);
    assert_string_equal(pb_summary_compared_verdict(same), "fewer");
    const struct pb_summary_compared *smallest = find(&summary, "r40", false);
    assert_string_equal(smallest->with_row->target, "r60");
    near(smallest->params.mean, (300.0 / 500 + 400.0 / 500 + 350.0 / 500) / 3 - 1);
    assert_string_equal(pb_summary_compared_verdict(find(&summary, "r60", true)), "not-equal");
    assert_null(find(&summary, "r60", false));
    pb_summary_free(&summary);
}

static void test_one_seed_decides_nothing(void **state)
{
    declare_heavy(state);
    write_cell(state, false, "r40", "1", 0.70, 600);
    write_cell(state, true, "r40", "1", 0.70, 300);
    write_cell(state, true, "r40", "2", 0.70, 300); /* has no partner */
    struct pb_summary summary = small_summary(state);
    assert_int_equal(summary.compared_count, 1);
    assert_int_equal(summary.compared[0].top1.n, 1);
    assert_string_equal(pb_summary_compared_verdict(&summary.compared[0]), "one-seed");
    pb_summary_free(&summary);
}

static void test_two_seeds_decide_nothing_either(void **state)
{
    declare_heavy(state);
    for (size_t i = 0; i < 2; i++) {
        write_cell(state, false, "r40", i == 0 ? "1" : "2", 0.70, 600);
        write_cell(state, true, "r40", i == 0 ? "1" : "2", 0.70, 300);
    }
    struct pb_summary summary = small_summary(state);
    assert_int_equal(summary.compared_count, 1); /* no smallest equal one: nothing is shown to be equal */
    assert_string_equal(pb_summary_compared_verdict(&summary.compared[0]), "two-seeds");
    pb_summary_free(&summary);
}

static void test_more_parameters_are_said_too_and_fit_the_schema(void **state)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    declare_heavy(state);
    for (size_t i = 0; i < 3; i++) {
        static const char *const SEEDS[] = {"1", "2", "3"};
        write_cell(state, false, "r40", SEEDS[i], 0.70, 400);
        write_cell(state, true, "r40", SEEDS[i], 0.70, 500);
    }
    struct pb_summary summary = small_summary(state);
    must(pb_summary_write(folder_path(state, "summary.xml"), &summary, &error), &error);
    must(pb_file_read(folder_path(state, "summary.xml"), 0, &text, &length, &error), &error);
    assert_non_null(strstr(text, "against=\"same-target\" verdict=\"more\""));
    assert_non_null(strstr(text, "<variant amount=\"0.4\" params=\"500\""));
    pb_free(text);
    pb_summary_free(&summary);
}

static void write_pair_of_three_seeds(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        static const char *const SEEDS[] = {"1", "2", "3"};
        write_cell(state, false, "r40", SEEDS[i], 0.700 + 0.001 * (double)i, 400);
        write_cell(state, true, "r40", SEEDS[i], 0.705 + 0.001 * (double)i, 300);
    }
}

static void test_nothing_is_compared_that_was_not_declared(void **state)
{
    write_pair_of_three_seeds(state);
    struct pb_summary summary = small_summary(state);
    assert_int_equal(summary.compared_count, 0);
    pb_summary_free(&summary);
}

/* +0.5 points in every seed: equal within 2 points, not within 0.4; and the other way round. */
static void test_each_declaration_has_its_own_measure_of_equal(void **state)
{
    declare(state, "<compare variant=\"heavy\" with=\"light\" equal-within=\"0.4\"/>\n"
                   "<compare variant=\"light\" with=\"heavy\" equal-within=\"2\"/>");
    write_pair_of_three_seeds(state);
    struct pb_summary summary = small_summary(state);
    assert_string_equal(pb_summary_compared_verdict(&summary.compared[0]), "not-equal");
    assert_string_equal(pb_summary_compared_verdict(&summary.compared[1]), "more");
    near(summary.compared[1].top1.mean, -0.005);
    pb_summary_free(&summary);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_fewer_parameters_count_only_at_equal_top1),
        TEST(test_one_seed_decides_nothing),
        TEST(test_two_seeds_decide_nothing_either),
        TEST(test_nothing_is_compared_that_was_not_declared),
        TEST(test_each_declaration_has_its_own_measure_of_equal),
        TEST(test_more_parameters_are_said_too_and_fit_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
