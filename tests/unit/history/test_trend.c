/* Series of simulated nights: a step is found in its night, with its commits; noise, absent cells and other machines are no step. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sealed.h"
#include "history/history_numbers.h"
#include "history/retention.h"
#include "history/trend.h"
#include "support/folder.h"
#include "support/small_cells.h"

enum { GROUPS = 4, SEEDS = 3, CELLS = GROUPS * SEEDS, COLUMNS = 3 };
static const char *const COLUMN_NAMES[COLUMNS] = {"accuracy", "ms.pruned.b32", "bytes"};
static const char *const GROUP_NAMES[GROUPS] = {"birds.a", "birds.<script>", "birds.]]>\"'\\", "birds.d"};

/* What is planted: from a night on, a group, or all with GROUPS, has other values. */
struct plan {
    uint32_t nights;
    uint32_t accuracy_from, accuracy_group;
    double accuracy_step;
    uint32_t ms_from;
    double ms_factor;
    uint32_t absent_from; /* the best group lacks its best seed */
    uint32_t other_machine_from;
};
#define NEVER UINT32_MAX
static const struct plan QUIET = {.nights = 24,
                                  .accuracy_from = NEVER,
                                  .ms_from = NEVER,
                                  .ms_factor = 1,
                                  .absent_from = NEVER,
                                  .other_machine_from = NEVER};

/* Nearly normal, of σ 1: twelve uniform numbers of a small generator. */
static double noise(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 40) / (double)(1u << 24);
    }
    return sum;
}

static void fill(const struct plan *plan, uint32_t night, uint64_t *random, struct pb_night_numbers *numbers)
{
    for (uint32_t i = 0; i < CELLS; i++) {
        const uint32_t group = i / SEEDS;
        double *row = &numbers->values[i * COLUMNS];
        const bool stepped =
            night >= plan->accuracy_from && (plan->accuracy_group == GROUPS || plan->accuracy_group == group);
        row[0] = 0.5 + 0.1 * group + 0.02 * (i % SEEDS) + 0.002 * noise(random) + (stepped ? plan->accuracy_step : 0);
        row[1] = 10 * (1 + group) * exp(0.01 * noise(random)) * (night >= plan->ms_from ? plan->ms_factor : 1);
        row[2] = 1000000 + i;
        if (night >= plan->absent_from && i == CELLS - 1)
            row[0] = row[1] = row[2] = NAN;
        if (night >= plan->other_machine_from)
            row[1] *= 2;
    }
}

static void write_night(void **state, const struct plan *plan, uint32_t night, uint64_t *random)
{
    char columns[COLUMNS][32], groups[GROUPS][32], seeds[SEEDS][4], git[24], name[100];
    char *column_list[COLUMNS];
    struct pb_night_cell cells[CELLS];
    double values[CELLS * COLUMNS];
    struct pb_error error = {0};
    for (int i = 0; i < COLUMNS; i++) {
        snprintf(columns[i], sizeof columns[i], "%s", COLUMN_NAMES[i]);
        column_list[i] = columns[i];
    }
    for (int i = 0; i < CELLS; i++) {
        snprintf(groups[i / SEEDS], sizeof groups[0], "%s", GROUP_NAMES[i / SEEDS]);
        snprintf(seeds[i % SEEDS], sizeof seeds[0], "%d", 1 + i % SEEDS);
        cells[i] = (struct pb_night_cell){groups[i / SEEDS], seeds[i % SEEDS]};
    }
    struct pb_night_numbers numbers = {column_list, COLUMNS, cells, CELLS, values};
    fill(plan, night, random, &numbers);
    char text[2][20] = {"", "2026"};
    snprintf(git, sizeof git, "commit%u", night);
    snprintf(name, sizeof name, "night%u", night);
    struct pb_history_run run = {.name = name, .time = text[1], .note = text[0], .digest = name, .cells = CELLS};
    for (int i = 0; i < PB_HISTORY_FACTS; i++)
        run.facts[i] = i == PB_FACT_GIT                                        ? git
                       : i == PB_FACT_CPU && night >= plan->other_machine_from ? text[1]
                                                                               : text[0];
    struct pb_bytes parts[PB_HISTORY_PARTS] = {[PB_PART_CELLS] = {"documents", 9}};
    char *facts = NULL, *table = NULL;
    must(pb_history_run_format(&run, &facts, &parts[PB_PART_FACTS].length, &error), &error);
    must(pb_night_numbers_format(&numbers, &table, &parts[PB_PART_NUMBERS].length, &error), &error);
    parts[PB_PART_FACTS].data = facts;
    parts[PB_PART_NUMBERS].data = table;
    snprintf(name, sizeof name, "%06u_2026_night.run", night + 1);
    char *path = pb_path_join(*(char **)state, name);
    assert_non_null(path);
    must(pb_history_file_write(path, parts, &error), &error);
    pb_free(path);
    pb_free(facts);
    pb_free(table);
}

/* A history in the test's folder, replacing what is there. */
static struct pb_history nights_of(void **state, const struct plan *plan, uint64_t seed)
{
    struct pb_history history = {0};
    struct pb_error error = {0};
    uint64_t random = seed;
    for (uint32_t night = 0; night < plan->nights; night++)
        write_night(state, plan, night, &random);
    must(pb_history_open(*(char **)state, &history, &error), &error);
    assert_int_equal(history.run_count, plan->nights);
    return history;
}

static struct pb_trend trend_of(const struct pb_history *history, const char *cell, const char *measure)
{
    struct pb_trend trend = {0};
    struct pb_error error = {0};
    must(pb_trend_find(history, &(struct pb_trend_options){cell, measure}, &trend, &error), &error);
    return trend;
}

static void test_quiet_nights_have_no_change(void **state)
{
    struct pb_history history = nights_of(state, &QUIET, 1);
    struct pb_trend trend = trend_of(&history, NULL, NULL);
    assert_int_equal(trend.change_count, 0);
    assert_int_equal(trend.nights, 24);
    assert_int_equal(trend.series, COLUMNS * (1 + GROUPS));
    pb_trend_free(&trend);
    pb_history_close(&history);
}

static void test_a_step_of_one_group_is_found_in_its_night_with_its_commits(void **state)
{
    struct plan plan = QUIET;
    plan.accuracy_from = 14;
    plan.accuracy_group = 1;
    plan.accuracy_step = -0.02;
    struct pb_history history = nights_of(state, &plan, 2);
    struct pb_trend trend = trend_of(&history, NULL, "accuracy");
    const struct pb_trend_change *change = NULL;
    for (uint32_t i = 0; i < trend.change_count; i++)
        if (strcmp(trend.changes[i].of, GROUP_NAMES[1]) == 0)
            change = &trend.changes[i];
        else
            assert_string_equal(trend.changes[i].of, "all cells"); /* a quarter of the step */
    assert_non_null(change);
    assert_string_equal(change->measure, "accuracy");
    assert_int_equal(change->direction, PB_TREND_WORSE);
    assert_string_equal(history.runs[change->run].facts[PB_FACT_GIT], "commit14");
    assert_string_equal(history.runs[change->previous].facts[PB_FACT_GIT], "commit13");
    assert_true(fabs(change->before - 0.62) < 0.002);
    assert_true(fabs(change->after - 0.60) < 0.002);
    assert_null(change->known);
    pb_trend_free(&trend);
    /* Of other cells, or another measure, nothing is said. */
    trend = trend_of(&history, "birds.d*", NULL);
    assert_int_equal(trend.change_count, 0);
    assert_int_equal(trend.series, COLUMNS);
    pb_trend_free(&trend);
    pb_history_close(&history);
}

static void test_a_slowdown_of_all_is_found_as_time_and_as_images_per_second(void **state)
{
    struct plan plan = QUIET;
    plan.ms_from = 16;
    plan.ms_factor = 1.1;
    struct pb_history history = nights_of(state, &plan, 3);
    struct pb_trend trend = trend_of(&history, NULL, "ms");
    assert_true(trend.change_count >= 1);
    assert_string_equal(trend.changes[0].of, "all cells");
    assert_string_equal(trend.changes[0].measure, "ms.pruned.b32");
    assert_int_equal(trend.changes[0].run, 16);
    assert_int_equal(trend.changes[0].direction, PB_TREND_WORSE);
    assert_true(fabs(trend.changes[0].after / trend.changes[0].before - 1.1) < 0.01);
    pb_trend_free(&trend);
    trend = trend_of(&history, NULL, "images");
    assert_string_equal(trend.changes[0].measure, "images.pruned.b32");
    assert_int_equal(trend.changes[0].direction, PB_TREND_WORSE);
    const double geometric = 10 * pow(1 * 2 * 3 * 4, 0.25); /* ms for 32 images */
    assert_true(fabs(trend.changes[0].before / (32000 / geometric) - 1) < 0.01);
    pb_trend_free(&trend);
    pb_history_close(&history);
}

static void test_a_change_that_was_annotated_is_known(void **state)
{
    struct plan plan = QUIET;
    plan.ms_from = 16;
    plan.ms_factor = 1.1;
    struct pb_error error = {0};
    struct pb_history history = nights_of(state, &plan, 3);
    must(pb_history_annotate(&history, &history.runs[16], "a safer kernel", &error), &error);
    pb_history_close(&history);
    must(pb_history_open(*(char **)state, &history, &error), &error);
    struct pb_trend trend = trend_of(&history, NULL, "ms");
    assert_true(trend.change_count >= 1);
    for (uint32_t i = 0; i < trend.change_count; i++)
        if (trend.changes[i].run == 16)
            assert_string_equal(trend.changes[i].known, "a safer kernel");
    pb_trend_free(&trend);
    pb_history_close(&history);
}

static void test_a_cell_that_is_missing_is_no_change(void **state)
{
    struct plan plan = QUIET;
    plan.absent_from = 12; /* the best of all: a plain mean would fall */
    struct pb_history history = nights_of(state, &plan, 4);
    struct pb_trend trend = trend_of(&history, NULL, NULL);
    assert_int_equal(trend.change_count, 0);
    pb_trend_free(&trend);
    pb_history_close(&history);
}

static void test_times_of_another_machine_are_left_out(void **state)
{
    struct plan plan = QUIET;
    plan.other_machine_from = 12;
    struct pb_history history = nights_of(state, &plan, 5);
    struct pb_trend trend = trend_of(&history, NULL, NULL);
    assert_int_equal(trend.change_count, 0);
    assert_int_equal(trend.elsewhere, 12);
    pb_trend_free(&trend);
    pb_history_close(&history);
}

static void test_what_cannot_be_searched_is_named(void **state)
{
    struct pb_history history = nights_of(state, &QUIET, 6);
    struct pb_trend trend = {0};
    struct pb_error error = {0};
    assert_int_equal(pb_trend_find(&history, &(struct pb_trend_options){.measure = "speed"}, &trend, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no night has a measure 'speed'; there are accuracy, ms.pruned.b32, bytes"));
    assert_int_equal(pb_trend_find(&history, &(struct pb_trend_options){.cell = "fish*"}, &trend, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no cell of any night matches 'fish*'"));
    pb_history_close(&history);
}

static void test_few_flat_series_show_a_change(void **state)
{
    uint32_t alarms = 0;
    for (uint64_t seed = 100; seed < 106; seed++) {
        struct pb_history history = nights_of(state, &QUIET, seed);
        struct pb_trend trend = trend_of(&history, NULL, NULL);
        alarms += trend.change_count > 0;
        pb_trend_free(&trend);
        pb_history_close(&history);
    }
    assert_true(alarms == 0); /* of 6 histories, of 15 series each */
}

static void test_pruning_keeps_the_runs_of_a_change_and_every_number(void **state)
{
    struct plan plan = QUIET;
    plan.ms_from = 12;
    plan.ms_factor = 1.1;
    struct pb_error error = {0};
    struct pb_history history = nights_of(state, &plan, 7);
    struct pb_trend before = trend_of(&history, NULL, NULL);
    must(pb_history_annotate(&history, &history.runs[5], "known", &error), &error);
    pb_history_close(&history);
    for (int round = 0; round < 2; round++) { /* the second has nothing to do */
        enum pb_kept *kept = NULL;
        uint64_t freed = 0;
        must(pb_history_prune(*(char **)state, &(struct pb_retention){.newest = 5}, &history, &kept, &freed, &error),
             &error);
        assert_int_equal(freed, round == 0 ? 9 * (24 - 5 - 1 - 1 - 4) : 0);
        assert_int_equal(kept[23], PB_KEPT_NEWEST);
        assert_int_equal(kept[19], PB_KEPT_NEWEST);
        assert_int_equal(kept[18], PB_KEPT_NOT);
        assert_int_equal(kept[0], PB_KEPT_FIRST);
        assert_int_equal(kept[5], PB_KEPT_KNOWN);
        for (int i = 10; i < 14; i++)
            assert_int_equal(kept[i], PB_KEPT_CHANGE);
        assert_int_equal(kept[9], PB_KEPT_NOT);
        pb_free(kept);
        pb_history_close(&history);
    }
    must(pb_history_open(*(char **)state, &history, &error), &error);
    struct pb_trend after = trend_of(&history, NULL, NULL);
    assert_int_equal(history.run_count, 24);
    assert_false(history.runs[9].whole);
    assert_true(history.runs[10].whole);
    assert_int_equal(after.change_count, before.change_count);
    for (uint32_t i = 0; i < after.change_count; i++)
        assert_true(after.changes[i].run == before.changes[i].run && after.changes[i].p == before.changes[i].p);
    pb_trend_free(&before);
    pb_trend_free(&after);
    pb_history_close(&history);
}

static void test_a_dry_run_prunes_nothing(void **state)
{
    struct pb_error error = {0};
    enum pb_kept *kept = NULL;
    uint64_t freed = 0;
    struct pb_history history = nights_of(state, &QUIET, 8);
    pb_history_close(&history);
    must(pb_history_prune(*(char **)state, &(struct pb_retention){.newest = 1, .dry = true}, &history, &kept, &freed,
                          &error),
         &error);
    assert_int_equal(freed, 9 * 22);
    pb_free(kept);
    pb_history_close(&history);
    must(pb_history_open(*(char **)state, &history, &error), &error);
    for (uint32_t i = 0; i < history.run_count; i++)
        assert_true(history.runs[i].whole);
    pb_history_close(&history);
}

static void *prune_all_but_one(void *folder)
{
    struct pb_error error = {0};
    struct pb_history history = {0};
    enum pb_kept *kept = NULL;
    uint64_t freed = 0;
    must(pb_history_prune(folder, &(struct pb_retention){.newest = 1}, &history, &kept, &freed, &error), &error);
    pb_free(kept);
    pb_history_close(&history);
    return NULL;
}

static void test_a_run_that_is_annotated_before_pruning_has_the_lock_stays_whole(void **state)
{
    struct pb_error error = {0};
    struct pb_history history = nights_of(state, &QUIET, 9);
    char *known = pb_format("%s/%s.known", history.folder, history.runs[5].file);
    pthread_t thread;
    struct pb_lease *lock = NULL;
    assert_non_null(known);
    must(pb_history_lock(history.folder, &lock, &error), &error);
    assert_int_equal(pthread_create(&thread, NULL, prune_all_but_one, history.folder), 0);
    usleep(100000); /* it waits by now; were it later, nothing would change */
    must(pb_sealed_write(known, "a safer kernel", &error), &error);
    pb_lease_give(&lock);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pb_free(known);
    pb_history_close(&history);
    must(pb_history_open(*(char **)state, &history, &error), &error);
    for (uint32_t i = 0; i < history.run_count; i++)
        assert_int_equal(history.runs[i].whole, i == 0 || i == 5 || i == 23);
    pb_history_close(&history);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_quiet_nights_have_no_change),
        TEST(test_a_step_of_one_group_is_found_in_its_night_with_its_commits),
        TEST(test_a_slowdown_of_all_is_found_as_time_and_as_images_per_second),
        TEST(test_a_change_that_was_annotated_is_known),
        TEST(test_a_cell_that_is_missing_is_no_change),
        TEST(test_times_of_another_machine_are_left_out),
        TEST(test_what_cannot_be_searched_is_named),
        TEST(test_few_flat_series_show_a_change),
        TEST(test_pruning_keeps_the_runs_of_a_change_and_every_number),
        TEST(test_a_dry_run_prunes_nothing),
        TEST(test_a_run_that_is_annotated_before_pruning_has_the_lock_stays_whole),
    };
    pb_log_set_level(PB_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
