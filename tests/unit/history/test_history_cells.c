/* Result documents that are packed and unpacked: a comparison finds in them what it found before. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "history/history_cells.h"
#include "history/history_side.h"
#include "results/record.h"
#include "support/small_cells.h"

static const struct pb_margins MARGINS = {0.01, 0.05, 0.05};

static void add_epochs(struct pb_record *record, const char *stage, uint32_t count)
{
    struct pb_error error = {0};
    for (uint32_t i = 1; i <= count; i++)
        must(pb_record_epoch(record,
                             &(struct pb_epoch_record){.stage = (char *)(uintptr_t)stage,
                                                       .number = i,
                                                       .lr = 0.1,
                                                       .loss = 1.0 / i,
                                                       .top1 = NAN,
                                                       .validation_top1 = NAN,
                                                       .validation_loss = NAN,
                                                       .seconds = 2},
                             &error),
             &error);
}

static void add_pruning(struct pb_record *record)
{
    struct pb_error error = {0};
    struct pb_pruned_layer_record *layers = pb_calloc(1, sizeof *layers);
    assert_non_null(layers);
    *layers = (struct pb_pruned_layer_record){.name = pb_strdup("conv1"), .before = 8, .after = 4, .threshold = 0.5};
    must(pb_record_pruning(record,
                           &(struct pb_pruning_record){.stage = "prune-50",
                                                       .from = "base",
                                                       .requested = 0.5,
                                                       .achieved = 0.4990234375,
                                                       .threshold = 0.125,
                                                       .equivalence = 1e-7,
                                                       .layers = layers,
                                                       .layer_count = 1},
                           &error),
         &error);
}

/* A cell with an id that is all that XML, JSON and shells take for their own. */
static struct pb_record cell_of(const char *seed, uint32_t retraining)
{
    struct pb_record record;
    struct pb_error error = {0};
    small_record(&record, &(struct small){"b\"i'r<d>s]]>&\\", "one-shot", "l1", "r40", "0.4", seed, NULL, 0.75, 0.3,
                                          0.1, 400, PB_CELL_OK});
    must(pb_record_provenance(&record, "stage-base", "base", &error), &error);
    must(pb_record_provenance(&record, "stage-retrained", "last", &error), &error);
    must(pb_record_text(&record.log_tail, "a long log", &error), &error);
    must(pb_record_text(&record.accuracies[record.accuracy_count - 1].right, "AAAA", &error), &error);
    must(pb_record_text(&record.costs[0].graph, "{}", &error), &error);
    must(pb_record_layer(&record, &(struct pb_layer_record){"conv1", 8, 4}, &error), &error);
    add_epochs(&record, "base", 60);
    add_epochs(&record, "retrain-50", retraining);
    add_pruning(&record);
    return record;
}

static struct pb_record cell(const char *seed)
{
    return cell_of(seed, 20);
}

/* The records as a history gives them back. */
static struct pb_record *packed(const struct pb_record *records, uint32_t count, size_t *length)
{
    struct pb_record *made = NULL;
    uint32_t made_count = 0;
    char *data = NULL;
    struct pb_error error = {0};
    must(pb_history_cells_pack(records, count, &data, length, &error), &error);
    must(pb_history_cells_unpack("x", data, *length, &made, &made_count, &error), &error);
    pb_free(data);
    assert_int_equal(made_count, count);
    return made;
}

static void test_what_a_comparison_reads_stays_to_the_last_bit(void **state)
{
    (void)state;
    struct pb_record whole[2] = {cell("1"), cell("2")};
    size_t length = 0;
    struct pb_record *made = packed(whole, 2, &length), *record = &made[1];
    assert_string_equal(record->id, whole[1].id);
    assert_int_equal(record->config_count, whole[1].config_count);
    assert_int_equal(record->provenance_count, whole[1].provenance_count);
    assert_int_equal(record->accuracy_count, whole[1].accuracy_count);
    const struct pb_accuracy_record *final = &record->accuracies[record->accuracy_count - 1];
    assert_true(final->top1 == 0.1);
    assert_string_equal(final->right, "AAAA");
    assert_int_equal(record->latency_count, 2);
    assert_true(record->latencies[1].median_ms == whole[1].latencies[1].median_ms);
    assert_int_equal(record->epoch_count, 2);
    assert_int_equal(record->epochs[0].number, 60);
    assert_true(record->epochs[0].seconds == 120);
    assert_true(record->epochs[0].loss == 1.0 / 60);
    assert_true(record->epochs[1].seconds == 40);
    assert_int_equal(record->pruning_count, 1);
    assert_true(record->prunings[0].achieved == 0.4990234375);
    assert_int_equal(record->prunings[0].layer_count, 0);
    assert_int_equal(record->layer_count, 0);
    assert_null(record->costs[0].graph);
    assert_null(record->log_tail);
    /* What was packed is as it was. */
    assert_int_equal(whole[1].epoch_count, 80);
    assert_int_equal(whole[1].prunings[0].layer_count, 1);
    assert_string_equal(whole[1].log_tail, "a long log");
    /* Packing again changes nothing. */
    size_t again = 0;
    struct pb_record *twice = packed(made, 2, &again);
    assert_int_equal(again, length);
    pb_history_cells_free(&twice, 2);
    pb_history_cells_free(&made, 2);
    pb_record_free(&whole[0]);
    pb_record_free(&whole[1]);
}

static struct pb_compared_side side_of(const char *name)
{
    struct pb_compared_side side = {.path = pb_strdup(name), .folder = true, .run.matrix = ""};
    side.run.records = pb_calloc(1, sizeof(struct pb_record));
    assert_non_null(side.path);
    assert_non_null(side.run.records);
    *side.run.records = cell("1");
    side.run.record_count = 1;
    return side;
}

static void test_a_reduced_side_is_identical_until_a_number_differs(void **state)
{
    (void)state;
    struct pb_error error = {0};
    for (int changed = 0; changed < 2; changed++) {
        struct pb_compared_side sides[2] = {side_of("a"), side_of("b")};
        struct pb_comparison comparison = {0};
        if (changed)
            sides[PB_AFTER].run.records->accuracies[1].loss += 1e-12;
        must(pb_history_reduce_side(&sides[PB_BEFORE], &error), &error);
        must(pb_history_reduce_side(&sides[PB_AFTER], &error), &error);
        must(pb_compare_sides(sides, &MARGINS, &comparison, &error), &error);
        assert_int_equal(comparison.cells[0].state, changed ? PB_CELL_DEFECT : PB_CELL_IDENTICAL);
        assert_int_equal(comparison.defect_count, changed);
        pb_comparison_free(&comparison);
    }
}

static void test_trainings_of_other_lengths_are_not_compared_in_time(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_compared_side sides[2] = {side_of("a"), side_of("b")};
    struct pb_comparison comparison = {0};
    pb_record_free(sides[PB_AFTER].run.records);
    *sides[PB_AFTER].run.records = cell_of("1", 19);
    must(pb_history_reduce_side(&sides[PB_BEFORE], &error), &error);
    must(pb_history_reduce_side(&sides[PB_AFTER], &error), &error);
    must(pb_compare_sides(sides, &MARGINS, &comparison, &error), &error);
    bool base = false;
    for (uint32_t i = 0; i < comparison.speed.metric_count; i++) {
        assert_string_not_equal(comparison.speed.metrics[i].stage, "retrain-50");
        base = base || strcmp(comparison.speed.metrics[i].stage, "base") == 0;
    }
    assert_true(base);
    pb_comparison_free(&comparison);
}

static void test_damage_is_an_error(void **state)
{
    (void)state;
    struct pb_record whole = cell("1"), *made = NULL;
    uint32_t count = 0;
    char *data = NULL;
    size_t length = 0;
    struct pb_error error = {0};
    must(pb_history_cells_pack(&whole, 1, &data, &length, &error), &error);
    for (size_t cut = 0; cut < length; cut += 11)
        assert_int_equal(pb_history_cells_unpack("x", data, cut, &made, &count, &error), PB_ERROR_INPUT);
    memcpy(data, "9999999999999999", 16); /* more than there is memory for */
    assert_int_equal(pb_history_cells_unpack("x", data, length, &made, &count, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "x: the packed result documents do not say how long they are"));
    memcpy(data, "0000000000000010", 16);
    assert_int_equal(pb_history_cells_unpack("x", data, length, &made, &count, &error), PB_ERROR_INPUT);
    pb_free(data);
    pb_record_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_comparison_reads_stays_to_the_last_bit),
        cmocka_unit_test(test_a_reduced_side_is_identical_until_a_number_differs),
        cmocka_unit_test(test_trainings_of_other_lengths_are_not_compared_in_time),
        cmocka_unit_test(test_damage_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
