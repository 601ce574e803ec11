/* Two nights of small records: what is identical, what is a defect, which inputs changed, what cannot be compared, what is worse. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/memory.h"
#include "compare/comparison.h"
#include "statistics/pairs.h"
#include "support/small_cells.h"

enum { L1_1, L1_2, L1_3, RANDOM_1, RANDOM_2, RANDOM_3, CELLS };
#define L1 "birds.one-shot.l1.plain.r40"
#define OF(criterion, seed, retrained)                                                                                 \
    {                                                                                                                  \
        "birds", "one-shot", criterion, "r40", "0.4", seed, NULL, 0.75, 0.30, retrained, 400, PB_CELL_OK               \
    }
static const struct small CELL[CELLS] = {
    [L1_1] = OF("l1", "1", 0.70),         [L1_2] = OF("l1", "2", 0.71),         [L1_3] = OF("l1", "3", 0.72),
    [RANDOM_1] = OF("random", "1", 0.60), [RANDOM_2] = OF("random", "2", 0.61), [RANDOM_3] = OF("random", "3", 0.62),
};
static const struct pb_margins MARGINS = {0.01, 0.05, 0.05};
static const struct pb_gate EVERYTHING = {.quality = true, .memory = true}, NOTHING = {0};

static void say(struct pb_record *record, const char *key, const char *value)
{
    struct pb_error error = {0};
    must(pb_record_provenance(record, key, value, &error), &error);
}

/* Stage keys of a code: those of every cell, or, as of the real ones, other ones with each code. */
static void say_inputs(struct pb_record *record, const char *code)
{
    static const char *const STAGES[] = {"stage-base", "stage-pruned", "stage-retrained"};
    for (size_t i = 0; i < 3; i++) {
        char key[300];
        snprintf(key, sizeof key, "%s %s %s", STAGES[i], record->id, code);
        say(record, STAGES[i], key);
    }
    say(record, "numerics", code);
    say(record, PB_KEY_INPUTS, "birds");
    say(record, "backend", "b");
    say(record, "backend-detail", "avx2");
    say(record, "cpu", "fast");
    say(record, "threads", "2");
    say(record, "started", code);
}

static struct pb_compared_side side_of(const char *name, const char *code, uint32_t count)
{
    struct pb_compared_side side = {.path = pb_strdup(name), .folder = true};
    side.run = (struct pb_summary){.records = pb_calloc(count, sizeof(struct pb_record)), .record_count = count};
    assert_non_null(side.path);
    assert_non_null(side.run.records);
    for (uint32_t i = 0; i < count; i++) {
        small_record(&side.run.records[i], &CELL[i]);
        say_inputs(&side.run.records[i], code);
        side.run.records[i].peak_rss_bytes = 1000000 + i;
    }
    return side;
}

/* Both sides, before they are compared. */
struct nights {
    struct pb_compared_side sides[2];
    struct pb_record *before, *after;
};
static struct nights nights_of(const char *code_before, const char *code_after)
{
    struct nights nights = {.sides = {side_of("a", code_before, CELLS), side_of("b", code_after, CELLS)}};
    nights.before = nights.sides[PB_BEFORE].run.records;
    nights.after = nights.sides[PB_AFTER].run.records;
    return nights;
}

static struct pb_comparison compare(struct nights *nights)
{
    struct pb_comparison comparison = {0};
    struct pb_error error = {0};
    must(pb_compare_sides(nights->sides, &MARGINS, &comparison, &error), &error);
    return comparison;
}

static void assert_sentence(const struct pb_comparison *comparison, const char *begin)
{
    struct pb_text text = {0};
    pb_comparison_sentence(comparison, &MARGINS, &text);
    if (!text.data || strstr(text.data, begin) == NULL)
        fail_msg("'%s' is not in '%s'", begin, text.data ? text.data : "");
    pb_text_free(&text);
}

/* Final top-1 on the test images. */
static double *top1(struct pb_record *record)
{
    struct pb_accuracy_record *row = &record->accuracies[record->accuracy_count - 1];
    assert_string_equal(row->stage, "retrained");
    assert_string_equal(row->split, "test");
    return &row->top1;
}

static void test_equal_nights_are_identical(void **state)
{
    struct nights nights = nights_of("1", "1");
    struct pb_comparison comparison = compare(&nights);
    (void)state;
    assert_int_equal(comparison.cell_count, CELLS);
    assert_int_equal(comparison.state_counts[PB_CELL_IDENTICAL], CELLS);
    assert_int_equal(comparison.gap_count, 0);
    assert_int_equal(comparison.change_count, 0);
    assert_int_equal(comparison.defect_count, 0);
    assert_int_equal(comparison.group_count, 2);
    assert_string_equal(comparison.groups[0].name, L1);
    assert_true(comparison.groups[0].same && comparison.groups[1].same);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_GOOD);
    assert_sentence(
        &comparison,
        "Equal: all 6 cells are identical, every number bit for bit. No stored network was compared byte for "
        "byte; 6 of 6 cells have none under the same key on both sides.");
    pb_comparison_free(&comparison);
}

static void test_the_last_bit_of_a_number_under_one_key_is_a_defect(void **state)
{
    struct nights nights = nights_of("1", "1");
    (void)state;
    *top1(&nights.after[L1_2]) = nextafter(0.71, 1);
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.defect_count, 1);
    assert_string_equal(comparison.cells[comparison.defects[0].cell].id, L1 ".s2");
    assert_string_equal(comparison.defects[0].stage, "retrained");
    assert_string_equal(comparison.defects[0].what, "accuracy top1 is 0.71 before and 0.7100000000000001 after");
    assert_int_equal(comparison.state_counts[PB_CELL_DEFECT], 1);
    assert_int_equal(comparison.state_counts[PB_CELL_IDENTICAL], CELLS - 1);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_REGRESSION);
    assert_int_equal(pb_comparison_verdict(&comparison, &NOTHING), PB_VERDICT_REGRESSION);
    assert_sentence(&comparison, "A defect: 1 of 6 cells has other bits under the same stage key");
    pb_comparison_free(&comparison);
}

/* Of the base alone the key is the same: what comes after it may differ. */
static void test_numbers_are_bound_to_the_stages_that_share_a_key(void **state)
{
    struct nights nights = nights_of("1", "1");
    (void)state;
    say(&nights.after[L1_1], "stage-pruned", "another");
    say(&nights.after[L1_1], "stage-retrained", "another");
    say(&nights.after[L1_2], "stage-pruned", "another");
    say(&nights.after[L1_2], "stage-retrained", "another");
    *top1(&nights.after[L1_1]) = 0.69; /* no defect */
    nights.after[L1_2].costs[0].macs++; /* the base's */
    nights.after[L1_3].accuracies[3].loss = 0.25; /* the pruned network's */
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.defect_count, 2);
    assert_string_equal(comparison.cells[comparison.defects[0].cell].id, L1 ".s2");
    assert_string_equal(comparison.defects[0].stage, "base");
    assert_string_equal(comparison.defects[0].what, "cost macs is 80 before and 81 after");
    assert_string_equal(comparison.cells[comparison.defects[1].cell].id, L1 ".s3");
    assert_string_equal(comparison.defects[1].stage, "pruned");
    assert_int_equal(comparison.cells[L1_1].state, PB_CELL_OTHER_NUMBERS);
    pb_comparison_free(&comparison);
}

static void test_time_is_no_number_of_the_network(void **state)
{
    struct nights nights = nights_of("1", "1");
    struct pb_error error = {0};
    (void)state;
    for (int side = 0; side < 2; side++)
        must(pb_record_epoch(
                 &(side ? nights.after : nights.before)[L1_1],
                 &(struct pb_epoch_record){.stage = "retrain-40", .number = 1, .loss = 2, .seconds = 1 + side}, &error),
             &error);
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.state_counts[PB_CELL_IDENTICAL], CELLS);
    pb_comparison_free(&comparison);
}

static void test_one_change_of_all_cells_is_one_line(void **state)
{
    struct nights nights = nights_of("1", "2");
    (void)state;
    small_config(&nights.after[L1_3], "training.lr", "0.5");
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.state_counts[PB_CELL_SAME_NUMBERS], CELLS);
    assert_int_equal(comparison.change_count, 2);
    const struct pb_input_change *code = &comparison.changes[0], *option = &comparison.changes[1];
    assert_string_equal(code->kind, "code");
    assert_string_equal(code->key, "numerics");
    assert_string_equal(code->before, "1");
    assert_string_equal(code->after, "2");
    assert_int_equal(code->cell_count, CELLS);
    assert_string_equal(option->key, "training.lr");
    assert_null(option->before);
    assert_string_equal(option->after, "0.5");
    assert_int_equal(option->cell_count, 1);
    assert_int_equal(option->cells[0], L1_3);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_GOOD);
    pb_comparison_free(&comparison);
}

/* The digest of a cell's settings also holds what no document names: it must not change without a line. */
static void test_a_change_that_no_document_names_is_a_line_of_its_own(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct nights nights = nights_of("1", named ? "2" : "1");
        for (uint32_t i = 0; i < CELLS; i++) {
            say(&nights.before[i], PB_KEY_CONFIG, nights.before[i].id);
            say(&nights.after[i], PB_KEY_CONFIG, "another");
        }
        struct pb_comparison comparison = compare(&nights);
        assert_int_equal(comparison.change_count, 1);
        assert_string_equal(comparison.changes[0].kind, named ? "code" : "plugin");
        assert_string_equal(comparison.changes[0].key, named ? "numerics" : "of a penalty or pretraining");
        assert_int_equal(comparison.changes[0].cell_count, CELLS);
        pb_comparison_free(&comparison);
    }
}

static void test_a_missing_cell_is_named_and_never_left_out_in_silence(void **state)
{
    struct nights nights = {.sides = {side_of("a", "1", CELLS), side_of("b", "1", CELLS - 1)}};
    struct pb_comparison comparison = compare(&nights);
    (void)state;
    assert_int_equal(comparison.cell_count, CELLS - 1);
    assert_int_equal(comparison.gap_count, 1);
    assert_int_equal(comparison.gaps[0].side, PB_AFTER);
    assert_string_equal(comparison.gaps[0].why, "missing");
    assert_string_equal(comparison.gaps[0].name, "birds.one-shot.random.plain.r40.s3");
    assert_int_equal(pb_comparison_verdict(&comparison, &NOTHING), PB_VERDICT_NOT_COMPARABLE);
    assert_sentence(&comparison, "Not comparable as a whole: 1 cell is missing on one side.");
    pb_comparison_free(&comparison);
}

static void test_other_images_kernels_and_machines_are_not_comparable(void **state)
{
    static const char *const KEYS[] = {PB_KEY_INPUTS, "backend-detail", "cpu", "threads"};
    (void)state;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        struct nights nights = nights_of("1", "1");
        say(&nights.after[RANDOM_2], KEYS[i], "another");
        struct pb_comparison comparison = compare(&nights);
        assert_int_equal(comparison.change_count, 1);
        assert_string_equal(comparison.changes[0].key, KEYS[i]);
        assert_int_equal(comparison.changes[0].cells[0], RANDOM_2);
        assert_int_equal(pb_comparison_verdict(&comparison, &NOTHING), PB_VERDICT_NOT_COMPARABLE);
        assert_sentence(&comparison, KEYS[i]);
        pb_comparison_free(&comparison);
    }
    struct nights nights = nights_of("1", "1");
    say(&nights.after[RANDOM_2], "host", "another");
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.change_count, 1);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_GOOD);
    pb_comparison_free(&comparison);
}

static void test_a_failed_cell_is_listed_before_a_regression(void **state)
{
    struct nights nights = nights_of("1", "1");
    (void)state;
    nights.after[L1_1].status = PB_CELL_CRASHED;
    *top1(&nights.after[L1_2]) = 0.1;
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.cells[L1_1].state, PB_CELL_FAILED_HERE);
    assert_int_equal(comparison.groups[0].cell_count, 2);
    assert_int_equal(comparison.defect_count, 1);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_FAILED);
    assert_sentence(&comparison, "1 of 6 cells failed.");
    pb_comparison_free(&comparison);
}

/*
 * l1: ±.01 around .71 before and .66 after, random: identical, ±.01 around .61. Squares 2e-4 each, 2 degrees of freedom each; random's count
 * once. sd = .01, se = .01·√(2/3).
 */
static void test_a_group_is_worse_by_the_scatter_of_seeds(void **state)
{
    struct nights nights = nights_of("1", "2");
    (void)state;
    *top1(&nights.after[L1_1]) = 0.65;
    *top1(&nights.after[L1_2]) = 0.66;
    *top1(&nights.after[L1_3]) = 0.67;
    struct pb_comparison comparison = compare(&nights);
    const struct pb_compared_group *l1 = &comparison.groups[0];
    assert_string_equal(l1->name, L1);
    assert_false(l1->same);
    assert_true(comparison.groups[1].same);
    near(l1->quality.freedom, 6);
    near(l1->quality.sd, 0.01);
    near(l1->quality.effect, -0.05);
    near(l1->quality.p_worse, pb_effect_p(0.05, 0.01 * sqrt(2.0 / 3), 6) / 2);
    assert_int_equal(l1->quality.verdict, PB_QUALITY_WORSE);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_REGRESSION);
    assert_int_equal(pb_comparison_verdict(&comparison, &NOTHING), PB_VERDICT_GOOD);
    assert_sentence(&comparison, "Worse: 1 of 1 groups lost top-1, most of all " L1 ", -5.00 points");
    pb_comparison_free(&comparison);
}

static void test_spreads_are_pooled_within_a_rate(void **state)
{
    struct nights nights = nights_of("1", "2");
    (void)state;
    for (uint32_t i = RANDOM_1; i <= RANDOM_3; i++) {
        small_config(&nights.before[i], "target", "r80");
        small_config(&nights.after[i], "target", "r80");
    }
    *top1(&nights.after[L1_1]) = 0.65;
    struct pb_comparison comparison = compare(&nights);
    near(comparison.groups[0].quality.freedom, 4);
    pb_comparison_free(&comparison);
}

/* One seed has no spread: a gate must not pass because it cannot judge. */
static void test_one_seed_alone_does_not_pass_a_gate(void **state)
{
    struct nights nights = {.sides = {side_of("a", "1", 1), side_of("b", "2", 1)}};
    (void)state;
    *top1(&nights.sides[PB_AFTER].run.records[0]) = 0.1;
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.groups[0].quality.verdict, PB_QUALITY_UNKNOWN);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_NOT_COMPARABLE);
    assert_int_equal(pb_comparison_verdict(&comparison, &NOTHING), PB_VERDICT_GOOD);
    assert_non_null(pb_comparison_blind(&comparison, &EVERYTHING));
    assert_sentence(&comparison, "Unknown: in 1 of 1 groups");
    pb_comparison_free(&comparison);
}

static void set_bits(struct pb_record *record, uint8_t first, uint8_t second)
{
    uint8_t bytes[50] = {first, second};
    struct pb_accuracy_record *row = &record->accuracies[record->accuracy_count - 1];
    row->right = pb_base64(bytes, sizeof bytes);
    assert_non_null(row->right);
}

/* 10 images right before alone, 2 after alone: 2·(1 + 12 + 66)/2¹². */
static void test_two_paths_of_one_network_are_compared_image_by_image(void **state)
{
    struct nights nights = nights_of("1", "1");
    (void)state;
    for (uint32_t i = L1_1; i <= L1_2; i++) {
        set_bits(&nights.before[i], 0xff, 0x03);
        set_bits(&nights.after[i], 0x00, 0x30);
        say(&nights.after[i], "backend-detail", "avx512");
    }
    say(&nights.after[L1_2], "stage-retrained", "another training");
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.path_count, 1);
    assert_int_equal(comparison.paths[0].cell, L1_1);
    assert_int_equal(comparison.paths[0].images, 400);
    assert_int_equal(comparison.paths[0].only_before, 10);
    assert_int_equal(comparison.paths[0].only_after, 2);
    near(comparison.paths[0].p, 2.0 * 79 / 4096);
    assert_int_equal(comparison.defect_count, 0);
    assert_int_equal(pb_comparison_verdict(&comparison, &EVERYTHING), PB_VERDICT_NOT_COMPARABLE);
    pb_comparison_free(&comparison);
}

static void test_bits_of_another_number_of_images_are_refused(void **state)
{
    struct nights nights = nights_of("1", "1");
    struct pb_comparison comparison = {0};
    struct pb_error error = {0};
    (void)state;
    set_bits(&nights.before[L1_1], 1, 2);
    nights.after[L1_1].accuracies[nights.after[L1_1].accuracy_count - 1].right = pb_strdup("AAAA");
    say(&nights.after[L1_1], "backend-detail", "avx512");
    assert_int_equal(pb_compare_sides(nights.sides, &MARGINS, &comparison, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, L1 ".s1"));
}

static void test_two_documents_are_a_pair_whatever_their_ids(void **state)
{
    struct nights nights = {.sides = {side_of("a", "1", 1), side_of("b", "1", 2)}};
    (void)state;
    struct pb_summary *run = &nights.sides[PB_AFTER].run;
    const struct pb_record first = run->records[0];
    run->records[0] = run->records[1];
    run->records[1] = first;
    pb_record_free(&run->records[1]);
    run->record_count = 1;
    nights.sides[PB_BEFORE].folder = nights.sides[PB_AFTER].folder = false;
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(comparison.cell_count, 1);
    assert_int_equal(comparison.gap_count, 0);
    assert_string_equal(comparison.changes[0].key, "seed");
    pb_comparison_free(&comparison);
}

/* Every latency of the small cells is the same pair of figures: one measurement, which is not enough. */
static void test_cells_that_share_a_measurement_count_once(void **state)
{
    struct nights nights = nights_of("1", "1");
    struct pb_comparison comparison = compare(&nights);
    bool found = false;
    (void)state;
    for (uint32_t i = 0; i < comparison.speed.row_count; i++) {
        const struct pb_speed_row *row = &comparison.speed.rows[i];
        const struct pb_speed_metric *metric = &comparison.speed.metrics[row->metric];
        if (strcmp(metric->name, "latency") != 0 || strcmp(metric->stage, "base") != 0)
            continue;
        found = true;
        assert_int_equal(row->pairs, 1);
        assert_int_equal(row->verdict, PB_QUALITY_UNKNOWN);
    }
    assert_true(found);
    assert_int_equal(pb_comparison_verdict(&comparison, &(struct pb_gate){.speed = true}), PB_VERDICT_NOT_COMPARABLE);
    pb_comparison_free(&comparison);
}

static void test_more_memory_fails_the_gate_and_too_few_peaks_do_not_pass_it(void **state)
{
    static const struct pb_gate memory = {.memory = true};
    struct nights nights = nights_of("1", "1");
    (void)state;
    for (uint32_t i = 0; i < CELLS; i++)
        nights.after[i].peak_rss_bytes = 1100000 + i;
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(pb_comparison_verdict(&comparison, &memory), PB_VERDICT_REGRESSION);
    assert_sentence(&comparison, "Larger: peak-memory of all cells is 1.1 times as large");
    pb_comparison_free(&comparison);
    nights = (struct nights){.sides = {side_of("a", "1", 3), side_of("b", "1", 3)}};
    comparison = compare(&nights);
    assert_int_equal(pb_comparison_verdict(&comparison, &memory), PB_VERDICT_NOT_COMPARABLE);
    pb_comparison_free(&comparison);
}

static void test_slower_networks_fail_the_gate(void **state)
{
    struct nights nights = nights_of("1", "1");
    (void)state;
    for (uint32_t i = 0; i < CELLS; i++) { /* 10 % slower, each a measurement of its own */
        nights.before[i].latencies[1].median_ms = 10 + i;
        nights.after[i].latencies[1].median_ms = 1.1 * (10 + i) + 0.001 * i;
    }
    struct pb_comparison comparison = compare(&nights);
    assert_int_equal(pb_comparison_verdict(&comparison, &(struct pb_gate){.speed = true}), PB_VERDICT_REGRESSION);
    assert_int_equal(pb_comparison_verdict(&comparison, &(struct pb_gate){.memory = true}), PB_VERDICT_GOOD);
    assert_sentence(&comparison,
                    "Slower: latency pruned (batch 1) of all cells is 1.1 times as long (95 % interval 1.1 … 1.1).");
    pb_comparison_free(&comparison);
}

/* Logs −.1054, 0, 0, .0953: median 0, median distance .0477; 3.1824 · 1.2533 · 1.4826 · .0477 / √4 = .1409. */
static void test_ratios_and_their_interval(void **state)
{
    static const double ones[] = {1, 1, 1, 1}, near_one[] = {0.9, 1.0, 1.0, 1.1}, twice[] = {2, 2, 2, 2};
    struct pb_speed_row row = {0};
    struct pb_error error = {0};
    (void)state;
    must(pb_speed_measure(ones, near_one, 4, false, 0.05, &row, &error), &error);
    near(row.ratio, 1);
    assert_true(fabs(log(row.high) - 0.1409) < 1e-4 && fabs(log(row.low) + 0.1409) < 1e-4);
    assert_int_equal(row.verdict, PB_QUALITY_UNDECIDED);
    must(pb_speed_measure(ones, near_one, 4, false, 0.2, &row, &error), &error);
    assert_int_equal(row.verdict, PB_QUALITY_EQUAL);
    must(pb_speed_measure(ones, twice, 4, false, 0.05, &row, &error), &error);
    near(row.ratio, 2);
    assert_int_equal(row.verdict, PB_QUALITY_WORSE);
    must(pb_speed_measure(twice, ones, 4, false, 0.05, &row, &error), &error);
    assert_int_equal(row.verdict, PB_QUALITY_BETTER);
    must(pb_speed_measure(ones, twice, 3, false, 0.05, &row, &error), &error);
    assert_int_equal(row.verdict, PB_QUALITY_UNKNOWN);
    must(pb_speed_measure(ones, twice, 4, true, 0.05, &row, &error), &error);
    assert_true(isnan(row.low) && isnan(row.high));
    must(pb_speed_measure(ones, twice, 1, true, 0.05, &row, &error), &error);
    assert_int_equal(row.verdict, PB_QUALITY_WORSE);
}

/* Four against four: 2/70. Three against three: 2/20, above the level. Of two groups neither four is enough. */
static void test_the_rank_test_is_made_where_seeds_can_reach_the_level(void **state)
{
    static const double before[] = {1, 2, 3, 4}, after[] = {5, 6, 7, 8};
    const double *befores[] = {before, before}, *afters[] = {after, after};
    struct pb_speed_row rows[2] = {{0}};
    struct pb_error error = {0};
    (void)state;
    for (int i = 0; i < 2; i++)
        must(pb_speed_measure(before, after, 4, false, 0.05, &rows[i], &error), &error);
    must(pb_speed_test(rows, befores, afters, 1, 0.05, &error), &error);
    near(rows[0].p, 2.0 / 70);
    assert_int_equal(rows[0].verdict, PB_QUALITY_WORSE);
    must(pb_speed_test(rows, befores, afters, 2, 0.05, &error), &error);
    assert_true(isnan(rows[0].p));
    near(rows[0].least_p, 4.0 / 70);
    assert_int_equal(rows[0].verdict, PB_QUALITY_UNKNOWN);
    must(pb_speed_measure(before, after, 3, false, 0.05, &rows[0], &error), &error);
    must(pb_speed_test(rows, befores, afters, 1, 0.05, &error), &error);
    assert_true(isnan(rows[0].p));
    near(rows[0].least_p, 0.1);
}

static void test_memory_that_runs_out_is_an_error(void **state)
{
    enum pb_status status = PB_ERROR_MEMORY;
    (void)state;
    for (long n = 0; status != PB_OK; n++) {
        struct nights nights = nights_of("1", "2");
        struct pb_comparison comparison = {0};
        struct pb_error error = {0};
        *top1(&nights.after[L1_1]) = 0.65;
        pb_memory_fail_after(n);
        status = pb_compare_sides(nights.sides, &MARGINS, &comparison, &error);
        pb_memory_fail_after(-1);
        if (status != PB_OK)
            assert_int_equal(status, PB_ERROR_MEMORY);
        pb_comparison_free(&comparison);
        assert_true(n < 2000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_nights_are_identical),
        cmocka_unit_test(test_the_last_bit_of_a_number_under_one_key_is_a_defect),
        cmocka_unit_test(test_numbers_are_bound_to_the_stages_that_share_a_key),
        cmocka_unit_test(test_time_is_no_number_of_the_network),
        cmocka_unit_test(test_one_change_of_all_cells_is_one_line),
        cmocka_unit_test(test_a_change_that_no_document_names_is_a_line_of_its_own),
        cmocka_unit_test(test_a_missing_cell_is_named_and_never_left_out_in_silence),
        cmocka_unit_test(test_other_images_kernels_and_machines_are_not_comparable),
        cmocka_unit_test(test_a_failed_cell_is_listed_before_a_regression),
        cmocka_unit_test(test_a_group_is_worse_by_the_scatter_of_seeds),
        cmocka_unit_test(test_spreads_are_pooled_within_a_rate),
        cmocka_unit_test(test_one_seed_alone_does_not_pass_a_gate),
        cmocka_unit_test(test_two_paths_of_one_network_are_compared_image_by_image),
        cmocka_unit_test(test_bits_of_another_number_of_images_are_refused),
        cmocka_unit_test(test_two_documents_are_a_pair_whatever_their_ids),
        cmocka_unit_test(test_cells_that_share_a_measurement_count_once),
        cmocka_unit_test(test_more_memory_fails_the_gate_and_too_few_peaks_do_not_pass_it),
        cmocka_unit_test(test_slower_networks_fail_the_gate),
        cmocka_unit_test(test_ratios_and_their_interval),
        cmocka_unit_test(test_the_rank_test_is_made_where_seeds_can_reach_the_level),
        cmocka_unit_test(test_memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
