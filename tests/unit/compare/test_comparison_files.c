/* Stored networks of one key, in two folders: equal, with one low bit flipped by whoever wrote them, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "compare/comparison.h"
#include "graph/checkpoint.h"
#include "support/folder.h"
#include "support/small_cells.h"
#include "support/small_networks.h"

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER_KEY "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
static const struct pb_margins MARGINS = {0.01, 0.05, 0.05};
static const struct small CELL = {"birds", "one-shot", "l1", "r40", "0.4", "1",
                                  NULL,    0.75,       0.30, 0.70,  400,   PB_CELL_OK};

static const char *network_path(void **state, const char *side, const char *key)
{
    struct pb_error error = {0};
    char name[200];
    snprintf(name, sizeof name, "%s/stages/%s", side, key);
    must(pb_make_dirs(folder_path(state, name), &error), &error);
    snprintf(name, sizeof name, "%s/stages/%s/network.safetensors", side, key);
    return folder_path(state, name);
}

/* flip: the lowest bit of one weight. */
static void store_as(void **state, const char *side, const char *key, bool flip)
{
    struct pb_error error = {0};
    struct pb_network *network = small_network(SMALL_BILINEAR, 0);
    uint32_t bits;
    memcpy(&bits, &network->values[7], sizeof bits);
    bits ^= flip;
    memcpy(&network->values[7], &bits, sizeof bits);
    must(pb_checkpoint_save(network_path(state, side, key), network, false, &(struct pb_metadata){0}, &error), &error);
    pb_network_free(&network);
}

static void store(void **state, const char *side, bool flip)
{
    store_as(state, side, KEY, flip);
}

static struct pb_compared_side side_of(void **state, const char *name)
{
    struct pb_error error = {0};
    struct pb_compared_side side = {.path = pb_strdup(folder_path(state, name)), .folder = true};
    struct pb_record *record = pb_calloc(1, sizeof *record);
    assert_non_null(side.path);
    assert_non_null(record);
    small_record(record, &CELL);
    must(pb_record_provenance(record, "stage-pruned", KEY, &error), &error);
    must(pb_record_provenance(record, "stage-retrained", "not stored", &error), &error);
    side.run = (struct pb_summary){.records = record, .record_count = 1};
    return side;
}

static struct pb_comparison compare(void **state)
{
    struct pb_compared_side sides[2] = {side_of(state, "a"), side_of(state, "b")};
    struct pb_comparison comparison = {0};
    struct pb_error error = {0};
    must(pb_compare_sides(sides, &MARGINS, &comparison, &error), &error);
    assert_int_equal(comparison.files, 1);
    return comparison;
}

/* The end of the sentence that a reader sees first. */
static void assert_ends(const struct pb_comparison *comparison, const char *end)
{
    struct pb_text text = {0};
    pb_comparison_sentence(comparison, &MARGINS, &text);
    assert_true(text.length >= strlen(end));
    assert_string_equal(text.data + text.length - strlen(end), end);
    pb_text_free(&text);
}

static void test_equal_networks(void **state)
{
    store(state, "a", false);
    store(state, "b", false);
    struct pb_comparison comparison = compare(state);
    assert_int_equal(comparison.defect_count, 0);
    assert_int_equal(comparison.cells[0].state, PB_CELL_IDENTICAL);
    assert_int_equal(comparison.cells[0].networks, 1);
    assert_int_equal(comparison.without_files, 0);
    assert_ends(&comparison, "1 stored network was compared byte for byte.");
    pb_comparison_free(&comparison);
}

static void test_a_cell_without_a_network_on_both_sides_is_counted(void **state)
{
    store(state, "a", false);
    store_as(state, "b", OTHER_KEY, false);
    struct pb_compared_side sides[2] = {side_of(state, "a"), side_of(state, "b")};
    struct pb_comparison comparison = {0};
    struct pb_error error = {0};
    must(pb_compare_sides(sides, &MARGINS, &comparison, &error), &error);
    assert_int_equal(comparison.files, 0);
    assert_int_equal(comparison.cells[0].networks, 0);
    assert_int_equal(comparison.without_files, 1);
    assert_ends(
        &comparison,
        "No stored network was compared byte for byte; 1 of 1 cells has none under the same key on both sides.");
    pb_comparison_free(&comparison);
}

static void test_one_low_bit_of_one_weight_names_cell_stage_and_tensor(void **state)
{
    store(state, "a", false);
    store(state, "b", true);
    struct pb_comparison comparison = compare(state);
    assert_int_equal(comparison.defect_count, 1);
    assert_int_equal(comparison.defects[0].cell, 0);
    assert_string_equal(comparison.defects[0].stage, "pruned");
    assert_non_null(strstr(comparison.defects[0].what, "the stored network differs in 1 of "));
    assert_non_null(strstr(comparison.defects[0].what, "weight'"));
    assert_int_equal(pb_comparison_verdict(&comparison, &(struct pb_gate){0}), PB_VERDICT_REGRESSION);
    pb_comparison_free(&comparison);
}

static void test_a_network_that_the_disk_has_changed_is_called_damaged(void **state)
{
    struct pb_error error = {0};
    char *data = NULL;
    size_t length = 0;
    store(state, "a", false);
    store(state, "b", false);
    const char *path = network_path(state, "b", KEY);
    must(pb_file_read(path, 0, &data, &length, &error), &error);
    data[length - 1] ^= 1;
    must(pb_file_write_atomic(path, data, length, &error), &error);
    pb_free(data);
    struct pb_comparison comparison = compare(state);
    assert_int_equal(comparison.defect_count, 1);
    assert_string_equal(comparison.defects[0].stage, "pruned");
    assert_non_null(strstr(comparison.defects[0].what, "is damaged"));
    assert_non_null(strstr(comparison.defects[0].what, path));
    pb_comparison_free(&comparison);
}

static void test_a_stage_that_no_result_names_is_named_by_its_key(void **state)
{
    store(state, "a", false);
    store(state, "b", true);
    struct pb_compared_side sides[2] = {side_of(state, "a"), side_of(state, "b")};
    struct pb_comparison comparison = {0};
    struct pb_error error = {0};
    for (int side = 0; side < 2; side++)
        must(pb_record_provenance(&sides[side].run.records[0], "stage-pruned", "of the run alone", &error), &error);
    must(pb_compare_sides(sides, &MARGINS, &comparison, &error), &error);
    assert_int_equal(comparison.defect_count, 1);
    assert_int_equal(comparison.defects[0].cell, PB_NO_CELL);
    assert_string_equal(comparison.defects[0].stage, KEY);
    pb_comparison_free(&comparison);
}

/* The last networks have other keys, because other kernel sets made them; their bytes say whether they are one network. */
static void test_one_network_is_known_by_its_bytes(void **state)
{
    for (int flip = 0; flip < 2; flip++) {
        struct pb_compared_side sides[2] = {side_of(state, "a"), side_of(state, "b")};
        struct pb_comparison comparison = {0};
        struct pb_error error = {0};
        store_as(state, "a", KEY, false);
        store_as(state, "b", OTHER_KEY, flip);
        for (int side = 0; side < 2; side++) {
            struct pb_record *record = &sides[side].run.records[0];
            must(pb_record_provenance(record, "stage-retrained", side ? OTHER_KEY : KEY, &error), &error);
            must(pb_record_provenance(record, "backend-detail", side ? "avx512" : "avx2", &error), &error);
        }
        must(pb_compare_sides(sides, &MARGINS, &comparison, &error), &error);
        assert_int_equal(comparison.files, 0);
        assert_int_equal(comparison.defect_count, 0);
        assert_int_equal(comparison.cells[0].one_network, !flip);
        pb_comparison_free(&comparison);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal_networks, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_cell_without_a_network_on_both_sides_is_counted, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_one_low_bit_of_one_weight_names_cell_stage_and_tensor, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_network_that_the_disk_has_changed_is_called_damaged, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_one_network_is_known_by_its_bytes, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_stage_that_no_result_names_is_named_by_its_key, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
