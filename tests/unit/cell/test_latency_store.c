/* Measured latencies that are kept: what comes back, what is damaged, what a sweep removes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "cell/latency_store.h"
#include "support/folder.h"

static const char QUIET[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char NOISY[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static void keep(void **state, const char *digest, bool noisy)
{
    struct pb_error error = {0};
    struct pb_kept_latency kept = {.asked = 20,
                                   .row = {.batch = 16,
                                           .threads = 2,
                                           .runs = 25,
                                           .median_ms = 0.1,
                                           .p95_ms = 0.30000000000000004,
                                           .min_ms = 0.05,
                                           .spread = 1.0 / 3,
                                           .noisy = noisy},
                                   .reason = "a \"reason\""};
    assert_int_equal(pb_make_dirs(folder_path(state, "latency"), &error), PB_OK);
    assert_int_equal(pb_latency_keep(*state, digest, &kept, &error), PB_OK);
}

static struct pb_latency_store_state sweep(void **state, bool drop_noisy)
{
    struct pb_error error = {0};
    struct pb_latency_store_state seen;
    assert_int_equal(pb_latency_sweep(*state, drop_noisy, &seen, &error), PB_OK);
    return seen;
}

static void test_a_figure_comes_back_bit_for_bit(void **state)
{
    struct pb_kept_latency kept = {0};
    keep(state, NOISY, true);
    assert_true(pb_latency_recall(*state, NOISY, &kept));
    assert_int_equal(kept.asked, 20);
    assert_true(kept.row.batch == 16 && kept.row.threads == 2 && kept.row.runs == 25);
    assert_true(kept.row.median_ms == 0.1 && kept.row.p95_ms == 0.30000000000000004 && kept.row.min_ms == 0.05);
    assert_true(kept.row.spread == 1.0 / 3 && kept.row.noisy);
    assert_string_equal(kept.reason, "a \"reason\"");
    assert_false(pb_latency_recall(*state, QUIET, &kept));
}

static void test_a_figure_under_another_networks_name_is_not_taken(void **state)
{
    struct pb_kept_latency kept = {0};
    struct pb_error error = {0};
    char *data = NULL, from[128], to[128];
    size_t length = 0;
    keep(state, QUIET, false);
    snprintf(from, sizeof from, "latency/%s.json", QUIET);
    snprintf(to, sizeof to, "latency/%s.json", NOISY);
    assert_int_equal(pb_file_read(folder_path(state, from), 0, &data, &length, &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(folder_path(state, to), data, length, &error), PB_OK);
    pb_free(data);
    assert_false(pb_latency_recall(*state, NOISY, &kept));
}

static void test_a_sweep_counts_and_leaves_what_is_whole(void **state)
{
    assert_int_equal(sweep(state, true).whole, 0);
    keep(state, QUIET, false);
    keep(state, NOISY, true);
    const struct pb_latency_store_state seen = sweep(state, false);
    assert_true(seen.whole == 2 && seen.noisy == 1 && seen.removed == 0);
}

static void test_a_sweep_removes_noisy_figures_when_told(void **state)
{
    struct pb_kept_latency kept = {0};
    keep(state, QUIET, false);
    keep(state, NOISY, true);
    const struct pb_latency_store_state seen = sweep(state, true);
    assert_true(seen.whole == 1 && seen.noisy == 0 && seen.removed == 1);
    assert_true(pb_latency_recall(*state, QUIET, &kept));
    assert_false(pb_latency_recall(*state, NOISY, &kept));
}

static void test_a_sweep_removes_damaged_figures_and_no_other_file(void **state)
{
    struct pb_error error = {0};
    char name[128];
    keep(state, QUIET, false);
    keep(state, NOISY, false);
    snprintf(name, sizeof name, "latency/%s.json", NOISY);
    assert_int_equal(pb_file_write_atomic(folder_path(state, name), "half", 4, &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(folder_path(state, "latency/lock"), "1", 1, &error), PB_OK);
    assert_int_equal(pb_file_write_atomic(folder_path(state, "latency/.x.json.0.tmp"), "1", 1, &error), PB_OK);
    assert_int_equal(pb_make_dirs(folder_path(state, "latency/folder.json"), &error), PB_OK);
    const struct pb_latency_store_state seen = sweep(state, false);
    assert_true(seen.whole == 1 && seen.removed == 2);
    assert_true(pb_file_exists(folder_path(state, "latency/lock")));
    assert_true(pb_file_exists(folder_path(state, "latency/.x.json.0.tmp")));
    assert_false(pb_file_exists(folder_path(state, name)));
}

/* Whether the generation that began first has ended. */
static bool has_ended(void **state, const char *first)
{
    char now[PB_LATENCY_GENERATION];
    pb_latency_generation(*state, now);
    assert_true(now[0] == '\0' || strcmp(now, first) == 0);
    return now[0] == '\0';
}

static void test_a_generation_ends_with_the_first_lost_figure(void **state)
{
    struct pb_error error = {0};
    struct pb_kept_latency kept = {0};
    char first[PB_LATENCY_GENERATION], again[PB_LATENCY_GENERATION], name[128];
    keep(state, QUIET, false);
    keep(state, NOISY, true);
    assert_int_equal(pb_latency_begin(*state, first, &error), PB_OK);
    assert_int_equal(strlen(first), 32);
    assert_int_equal(pb_latency_begin(*state, again, &error), PB_OK);
    assert_string_equal(first, again);
    (void)sweep(state, false);
    assert_false(has_ended(state, first));
    (void)sweep(state, true);
    assert_true(has_ended(state, first));

    assert_int_equal(pb_latency_begin(*state, first, &error), PB_OK);
    assert_string_not_equal(first, again);
    snprintf(name, sizeof name, "latency/%s.json", QUIET);
    assert_int_equal(pb_file_write_atomic(folder_path(state, name), "half", 4, &error), PB_OK);
    assert_false(pb_latency_recall(*state, NOISY, &kept)); /* absent is not lost: it was never there */
    assert_false(has_ended(state, first));
    assert_false(pb_latency_recall(*state, QUIET, &kept));
    assert_true(has_ended(state, first));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_figure_comes_back_bit_for_bit),
        TEST(test_a_figure_under_another_networks_name_is_not_taken),
        TEST(test_a_sweep_counts_and_leaves_what_is_whole),
        TEST(test_a_sweep_removes_noisy_figures_when_told),
        TEST(test_a_sweep_removes_damaged_figures_and_no_other_file),
        TEST(test_a_generation_ends_with_the_first_lost_figure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
