/* Each rule that comes with the program is broken once, by a planted violation, and no other one is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/audit.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "graph/graph_json.h"
#include "graph/models.h"
#include "results/cell_list.h"
#include "results/result.h"
#include "support/folder.h"
#include "support/small_cells.h"

enum { SEEDS = 3, CELLS = 2 * SEEDS, L1 = 0, RANDOM = SEEDS, IMAGES = 400 };
#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A run before it is written. */
struct run {
    struct pb_record cells[CELLS];
    uint32_t count; /* of them that have a document, and are in the list */
    bool unlisted; /* there is no list of the matrix's cells */
    const char *missing; /* a cell of the list without a document */
    const char *copy; /* name of a document that is a copy of the first one */
};

static void say(struct pb_record *record, const char *key, const char *value)
{
    struct pb_error error = {0};
    must(pb_record_provenance(record, key, value, &error), &error);
}

static struct pb_accuracy_record *accuracy_of(struct pb_record *record, const char *stage)
{
    for (uint32_t i = 0; i < record->accuracy_count; i++)
        if (strcmp(record->accuracies[i].stage, stage) == 0 && strcmp(record->accuracies[i].split, "test") == 0)
            return &record->accuracies[i];
    fail_msg("no accuracy of %s", stage);
    return NULL;
}

/* So many images from the first one on are right. */
static char *mask_of(uint32_t right)
{
    uint8_t bytes[IMAGES / 8] = {0};
    for (uint32_t i = 0; i < right; i++)
        bytes[i / 8] |= (uint8_t)(1 << i % 8);
    char *text = pb_base64(bytes, sizeof bytes);
    assert_non_null(text);
    return text;
}

static void make_cell(struct pb_record *record, const char *criterion, uint32_t seed)
{
    char number[8], id[100], stage[100];
    struct pb_error error = {0};
    snprintf(number, sizeof number, "%u", seed);
    const struct small small = {"birds", "one-shot", criterion, "r40", "0.4", number,
                                NULL,    0.75,       0.5,       0.7,   400,   PB_CELL_OK};
    small_record(record, &small);
    snprintf(id, sizeof id, "birds.m.%s.one-shot.b.r40.s%u", criterion, seed);
    must(pb_record_text(&record->id, id, &error), &error);
    snprintf(stage, sizeof stage, "%s %u", criterion, seed);
    const char *const pairs[][2] = {{PB_KEY_CONFIG, DIGEST},    {PB_KEY_LAST_STAGE, stage},
                                    {"numerics", "a"},          {"backend-detail", "avx2"},
                                    {"fallbacks", ""},          {"dataset-plugin", "birds 1.0.0 sha256:0"},
                                    {"dataset-sha256", "1234"}, {"official-classes", "3"},
                                    {"official-train", "24"},   {"official-test", "400"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        say(record, pairs[i][0], pairs[i][1]);
    record->class_count = 3;
    record->train_images = 20;
    record->validation_images = 4;
    record->test_images = IMAGES;
    accuracy_of(record, "retrained")->right = mask_of(280);
    const struct pb_pruning_record pruning = {
        .stage = "prune-40", .from = "base", .requested = 0.4, .achieved = 0.4, .equivalence = 1e-6};
    must(pb_record_pruning(record, &pruning, &error), &error);
}

static struct run make_run(void)
{
    struct run run = {.count = CELLS};
    for (uint32_t i = 0; i < CELLS; i++)
        make_cell(&run.cells[i], i < RANDOM ? "l1" : "random", i % SEEDS + 1);
    return run;
}

static void write_document(void **state, const char *name, const struct pb_record *record)
{
    struct pb_error error = {0};
    char path[200];
    snprintf(path, sizeof path, "cells/%s.xml", name);
    must(pb_result_write(folder_path(state, path), record, &error), &error);
}

/* Writes the run and frees it. */
static void write_run(void **state, struct run *run)
{
    struct pb_error error = {0};
    struct pb_listed_cell listed[CELLS + 1] = {0};
    uint32_t count = 0;
    must(pb_make_dirs(folder_path(state, "cells"), &error), &error);
    for (uint32_t i = 0; i < run->count; i++) {
        listed[count++] = (struct pb_listed_cell){run->cells[i].id, DIGEST};
        write_document(state, run->cells[i].id, &run->cells[i]);
    }
    if (run->missing)
        listed[count++] = (struct pb_listed_cell){run->missing, DIGEST};
    if (run->copy)
        write_document(state, run->copy, &run->cells[0]);
    if (!run->unlisted)
        must(pb_cell_list_write(*state, listed, count, &error), &error);
    for (uint32_t i = 0; i < CELLS; i++)
        pb_record_free(&run->cells[i]);
}

static struct pb_audit audit_with(void **state, struct pb_audit_rules *rules)
{
    struct pb_error error = {0};
    struct pb_audit audit = {0};
    must(pb_audit_folder(*state, rules, &audit, &error), &error);
    return audit;
}

/* The ids of the rules that are broken, with blanks between; and that warnings do not count as errors. */
static void assert_broken(void **state, struct run *run, const char *expected)
{
    struct pb_error error = {0};
    struct pb_audit_rules rules = {0};
    struct pb_text broken = {0};
    uint32_t failed = 0;
    write_run(state, run);
    must(pb_audit_rules_own(&rules, &error), &error);
    struct pb_audit audit = audit_with(state, &rules);
    for (uint32_t i = 0; i < audit.count; i++) {
        if (pb_audit_verdict_of(&audit.outcomes[i]) != PB_AUDIT_FAILED)
            continue;
        pb_text_append(&broken, "%s%s", failed++ ? " " : "", audit.outcomes[i].rule->id);
    }
    assert_string_equal(broken.data ? broken.data : "", expected);
    assert_int_equal(pb_audit_count(&audit, PB_AUDIT_ERROR, PB_AUDIT_FAILED) +
                         pb_audit_count(&audit, PB_AUDIT_WARNING, PB_AUDIT_FAILED),
                     failed);
    pb_text_free(&broken);
    pb_audit_free(&audit);
    pb_audit_rules_free(&rules);
}

static void test_a_sound_run_keeps_every_rule(void **state)
{
    struct run run = make_run();
    assert_broken(state, &run, "");
}

static void test_a_folder_without_a_list_of_cells(void **state)
{
    struct run run = make_run();
    run.unlisted = true;
    assert_broken(state, &run, "matrix-known");
}

static void test_a_cell_that_is_missing(void **state)
{
    struct run run = make_run();
    run.missing = "birds.m.l1.one-shot.b.r40.s4";
    assert_broken(state, &run, "cells-complete");
}

static void test_a_cell_that_failed(void **state)
{
    struct run run = make_run();
    run.cells[L1].status = PB_CELL_CRASHED;
    assert_broken(state, &run, "cells-ended-well enough-seeds");
}

static void test_a_copied_document(void **state)
{
    struct run run = make_run();
    run.copy = "birds.m.l1.one-shot.b.r40.s9";
    assert_broken(state, &run, "documents-belong");
}

static void test_results_of_two_versions_of_the_code(void **state)
{
    struct run run = make_run();
    say(&run.cells[L1 + 1], "numerics", "b");
    assert_broken(state, &run, "one-code");
}

static void test_results_of_two_kernel_sets(void **state)
{
    struct run run = make_run();
    say(&run.cells[L1 + 1], "backend-detail", "avx512");
    assert_broken(state, &run, "one-kernel-set");
}

static void test_results_on_other_images(void **state)
{
    struct run run = make_run();
    say(&run.cells[RANDOM], "dataset-sha256", "5678");
    assert_broken(state, &run, "one-data-set");
}

static void test_two_seeds_that_are_one_training(void **state)
{
    struct run run = make_run();
    say(&run.cells[L1 + 2], PB_KEY_LAST_STAGE, "l1 1");
    assert_broken(state, &run, "seeds-distinct");
}

static void test_too_few_seeds(void **state)
{
    struct run run = make_run();
    run.count--;
    assert_broken(state, &run, "enough-seeds");
}

static void test_no_random_control(void **state)
{
    struct run run = make_run();
    for (uint32_t i = RANDOM; i < CELLS; i++)
        small_config(&run.cells[i], "criterion.traits", "");
    assert_broken(state, &run, "control-present");
}

static void test_a_control_that_failed_is_none(void **state)
{
    struct run run = make_run();
    for (uint32_t i = RANDOM; i < CELLS; i++)
        run.cells[i].status = PB_CELL_FAILED;
    assert_broken(state, &run, "cells-ended-well enough-seeds control-present");
}

static void test_no_unpruned_baseline(void **state)
{
    struct run run = make_run();
    struct pb_error error = {0};
    must(pb_record_text(&accuracy_of(&run.cells[L1], "base")->stage, "trained", &error), &error);
    assert_broken(state, &run, "baseline-present");
}

static void test_selection_on_test_images(void **state)
{
    struct run run = make_run();
    for (uint32_t i = L1; i < L1 + SEEDS; i++)
        small_config(&run.cells[i], "selection", "test");
    assert_broken(state, &run, "selection-not-on-test");
}

static void test_a_trial_on_test_images(void **state)
{
    struct run run = make_run();
    struct pb_error error = {0};
    const struct pb_trial_record trial = {.stage = "prune-to#1", .split = "test", .top1 = 0.5, .images = IMAGES};
    must(pb_record_trial(&run.cells[L1], &trial, &error), &error);
    assert_broken(state, &run, "selection-not-on-test");
}

static void test_less_removed_than_requested(void **state)
{
    struct run run = make_run();
    run.cells[L1].costs[1].achieved = 0.3;
    assert_broken(state, &run, "achieved-as-requested");
}

static void test_a_threshold_is_no_share_that_could_be_missed_or_controlled(void **state)
{
    struct run run = make_run();
    for (uint32_t i = 0; i < CELLS; i++) {
        small_config(&run.cells[i], "target.measure", "threshold");
        small_config(&run.cells[i], "criterion.traits", "");
        run.cells[i].costs[1].achieved = 0.7;
    }
    assert_broken(state, &run, "");
}

static void test_a_published_name_for_other_data(void **state)
{
    struct run run = make_run();
    run.cells[L1].test_images = IMAGES - 1;
    assert_broken(state, &run, "data-official");
}

static void test_skipped_images_are_other_data(void **state)
{
    struct run run = make_run();
    run.cells[L1].skipped_images = 1;
    assert_broken(state, &run, "data-official");
}

static void test_other_data_under_a_name_of_its_own(void **state)
{
    struct run run = make_run();
    for (uint32_t i = 0; i < CELLS; i++) {
        run.cells[i].test_images = IMAGES - 1;
        say(&run.cells[i], "dataset-plugin", "cub 1.0.0 sha256:0");
    }
    assert_broken(state, &run, "");
}

static void test_a_network_that_computes_something_else(void **state)
{
    struct run run = make_run();
    run.cells[L1].prunings[0].equivalence = 2e-4;
    assert_broken(state, &run, "equivalence-checked");
}

static void test_a_network_that_was_not_compared(void **state)
{
    struct run run = make_run();
    run.cells[L1].prunings[0].equivalence = NAN;
    assert_broken(state, &run, "equivalence-checked");
}

/* A bilinear VGG, which has no max pooling in its head. */
static char *graph_text(void)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    char *text = NULL;
    const struct pb_model_spec spec = {
        .name = "vgg11-bcnn", .classes = 3, .image_size = 32, .width_multiplier = 0.0625, .batch_norm = true};
    must(pb_model_build(&spec, &graph, &error), &error);
    must(pb_graph_to_json(graph, &text, &error), &error);
    pb_graph_free(&graph);
    return text;
}

static struct run run_with_fallbacks(const char *names)
{
    struct run run = make_run();
    run.cells[L1].costs[0].graph = graph_text();
    run.cells[L1].costs[1].graph = graph_text();
    say(&run.cells[L1], "fallbacks", names);
    return run;
}

static void test_a_timed_convolution_of_the_harness(void **state)
{
    struct run run = run_with_fallbacks("add_forward conv_forward conv_backward_data");
    assert_broken(state, &run, "no-fallback-timed no-small-fallback-timed");
}

static void test_a_timed_small_operator_of_the_harness(void **state)
{
    struct run run = run_with_fallbacks("signed_sqrt_forward");
    assert_broken(state, &run, "no-small-fallback-timed");
}

static void test_fallbacks_that_the_network_does_not_use(void **state)
{
    struct run run = run_with_fallbacks("add_forward relu6_forward conv_backward_data sgd_step bn_forward");
    assert_broken(state, &run, "");
}

static void test_fallbacks_without_a_graph(void **state)
{
    struct run run = make_run();
    say(&run.cells[L1], "fallbacks", "conv_forward");
    assert_broken(state, &run, "no-fallback-timed no-small-fallback-timed");
}

static void test_a_noisy_time(void **state)
{
    struct run run = make_run();
    run.cells[L1].latencies[0].noisy = true;
    assert_broken(state, &run, "times-quiet");
}

static void plant_mask(struct run *run, char *text)
{
    struct pb_accuracy_record *row = accuracy_of(&run->cells[L1], "retrained");
    pb_free(row->right);
    row->right = text;
}

static void test_a_changed_accuracy(void **state)
{
    struct run run = make_run();
    plant_mask(&run, mask_of(279));
    assert_broken(state, &run, "right-answers-kept");
}

static void test_a_record_of_fewer_images(void **state)
{
    struct run run = make_run();
    uint8_t bytes[35];
    memset(bytes, 0xff, sizeof bytes); /* 280 right answers, of 280 images */
    char *text = pb_base64(bytes, sizeof bytes);
    assert_non_null(text);
    plant_mask(&run, text);
    assert_broken(state, &run, "right-answers-kept");
}

static void test_a_record_of_right_answers_that_is_no_base64(void **state)
{
    struct run run = make_run();
    plant_mask(&run, pb_strdup("?"));
    assert_broken(state, &run, "right-answers-kept");
}

static void test_no_record_of_right_answers(void **state)
{
    struct run run = make_run();
    plant_mask(&run, NULL);
    assert_broken(state, &run, "right-answers-kept");
}

/* An audit of a run of two broken cells, with the outcome of one rule. */
static void test_a_break_names_its_cells_and_what_was_found(void **state)
{
    struct pb_error error = {0};
    struct pb_audit_rules rules = {0};
    struct run run = make_run();
    run.cells[L1].costs[1].achieved = 0.25;
    run.cells[L1 + 1].prunings[0].equivalence = 0.5;
    write_run(state, &run);
    must(pb_audit_rules_own(&rules, &error), &error);
    struct pb_audit audit = audit_with(state, &rules);
    assert_int_equal(audit.cells, CELLS);
    for (uint32_t i = 0; i < audit.count; i++) {
        const struct pb_audit_outcome *outcome = &audit.outcomes[i];
        if (strcmp(outcome->rule->id, "equivalence-checked") == 0) {
            assert_int_equal(outcome->checked, CELLS);
            assert_int_equal(outcome->break_count, 1);
            assert_int_equal(outcome->breaks[0].cell_count, 1);
            assert_string_equal(outcome->breaks[0].cells[0], "birds.m.l1.one-shot.b.r40.s2");
            assert_string_equal(outcome->breaks[0].found, "prune-40: 0.5");
        } else if (strcmp(outcome->rule->id, "achieved-as-requested") == 0) {
            assert_int_equal(outcome->break_count, 1);
            assert_int_equal(outcome->breaks[0].cell_count, SEEDS);
            assert_string_equal(outcome->breaks[0].cells[SEEDS - 1], "birds.m.l1.one-shot.b.r40.s3");
            assert_string_equal(outcome->breaks[0].found, "requested 0.4, removed 0.25 to 0.4");
        } else {
            assert_int_not_equal(pb_audit_verdict_of(outcome), PB_AUDIT_FAILED);
        }
    }
    pb_audit_free(&audit);
    pb_audit_rules_free(&rules);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_sound_run_keeps_every_rule),
        CASE(test_a_folder_without_a_list_of_cells),
        CASE(test_a_cell_that_is_missing),
        CASE(test_a_cell_that_failed),
        CASE(test_a_copied_document),
        CASE(test_results_of_two_versions_of_the_code),
        CASE(test_results_of_two_kernel_sets),
        CASE(test_results_on_other_images),
        CASE(test_two_seeds_that_are_one_training),
        CASE(test_too_few_seeds),
        CASE(test_no_random_control),
        CASE(test_a_control_that_failed_is_none),
        CASE(test_no_unpruned_baseline),
        CASE(test_selection_on_test_images),
        CASE(test_a_trial_on_test_images),
        CASE(test_less_removed_than_requested),
        CASE(test_a_threshold_is_no_share_that_could_be_missed_or_controlled),
        CASE(test_a_published_name_for_other_data),
        CASE(test_skipped_images_are_other_data),
        CASE(test_other_data_under_a_name_of_its_own),
        CASE(test_a_network_that_computes_something_else),
        CASE(test_a_network_that_was_not_compared),
        CASE(test_a_timed_convolution_of_the_harness),
        CASE(test_a_timed_small_operator_of_the_harness),
        CASE(test_fallbacks_that_the_network_does_not_use),
        CASE(test_fallbacks_without_a_graph),
        CASE(test_a_noisy_time),
        CASE(test_a_changed_accuracy),
        CASE(test_a_record_of_fewer_images),
        CASE(test_a_record_of_right_answers_that_is_no_base64),
        CASE(test_no_record_of_right_answers),
        CASE(test_a_break_names_its_cells_and_what_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
