/* The numbers of one cell that fit in a line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "summary/headline.h"
#include "support/small_cells.h"

static void add_accuracy(struct pb_record *record, const char *stage, const char *split, double top1)
{
    struct pb_error error = {0};
    must(pb_record_accuracy(record,
                            &(struct pb_accuracy_record){.stage = (char *)(uintptr_t)stage,
                                                         .split = (char *)(uintptr_t)split,
                                                         .top1 = top1,
                                                         .top5 = NAN,
                                                         .loss = NAN,
                                                         .images = 100},
                            &error),
         &error);
}

static void add_cost(struct pb_record *record, const struct pb_cost_record *cost)
{
    struct pb_error error = {0};
    must(pb_record_cost(record, cost, &error), &error);
}

static void assert_headline(const struct pb_record *record, const char *expected)
{
    struct pb_headline headline;
    char text[PB_HEADLINE_TEXT];
    pb_headline_of(record, &headline);
    pb_headline_text(&headline, text);
    assert_string_equal(text, expected);
}

static void test_the_last_network_is_compared_with_the_unpruned_one_on_test_images(void **state)
{
    (void)state;
    struct pb_record record;
    struct pb_error error = {0};
    struct pb_headline headline;
    pb_record_init(&record);
    assert_headline(&record, "");
    add_accuracy(&record, "base", "validation", 0.99);
    add_accuracy(&record, "base", "test", 0.72);
    assert_headline(&record, "72.0 % (±0.0)");
    add_accuracy(&record, "pruned", "test", 0.3);
    assert_headline(&record, "30.0 % (−42.0)");
    add_accuracy(&record, "retrained", "test", 0.7119);
    add_cost(&record, &(struct pb_cost_record){.stage = "base", .params = 200, .macs = 1000});
    add_cost(&record, &(struct pb_cost_record){.stage = "pruned", .params = 150, .macs = 590});
    assert_headline(&record, "71.2 % (−0.8), 41 % of MACs removed");
    must(pb_record_provenance(&record, "seconds", "12.5", &error), &error);
    pb_headline_of(&record, &headline);
    assert_true(headline.seconds == 12.5);
    assert_true(headline.params_removed == 0.25);
    pb_record_free(&record);
}

/* An earlier version calls the first training of a schedule "base", also one that is shorter than the matrix's. */
static void test_a_short_first_training_is_no_unpruned_network_to_compare_with(void **state)
{
    (void)state;
    struct pb_record record;
    struct pb_error error = {0};
    struct pb_headline headline;
    pb_record_init(&record);
    small_config(&record, "training.epochs", "3");
    must(pb_record_epoch(&record, &(struct pb_epoch_record){.stage = "base", .number = 1}, &error), &error);
    add_accuracy(&record, "base", "test", 0.1);
    add_accuracy(&record, "retrained", "test", 0.43);
    pb_headline_of(&record, &headline);
    assert_true(isnan(headline.before));
    assert_headline(&record, "43.0 %");
    must(pb_record_provenance(&record, PB_KEY_CONFIG, "0123", &error), &error);
    assert_headline(&record, "43.0 % (+33.0)");
    pb_record_free(&record);
}

/* Single weights that are masked leave the dense counts as they were. */
static void test_masked_weights_count_as_removed(void **state)
{
    (void)state;
    struct pb_record record;
    pb_record_init(&record);
    add_accuracy(&record, "base", "test", 0.5);
    add_accuracy(&record, "pruned", "test", 0.525);
    add_cost(&record, &(struct pb_cost_record){.stage = "base", .params = 100, .macs = 1000});
    add_cost(&record, &(struct pb_cost_record){.stage = "pruned",
                                               .params = 100,
                                               .macs = 1000,
                                               .has_masks = true,
                                               .nonzero_params = 10,
                                               .nonzero_macs = 100});
    assert_headline(&record, "52.5 % (+2.5), 90 % of MACs removed");
    pb_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_network_is_compared_with_the_unpruned_one_on_test_images),
        cmocka_unit_test(test_a_short_first_training_is_no_unpruned_network_to_compare_with),
        cmocka_unit_test(test_masked_weights_count_as_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
