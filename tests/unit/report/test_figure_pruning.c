/* What the figures of pruning and of the course of a run are drawn from, and the numbers of pruning steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/figure_data.h"
#include "support/folder.h"
#include "support/small_cells.h"

static struct pb_gamma_record gamma_of(double max, uint32_t first, uint32_t second, uint32_t last)
{
    struct pb_gamma_record gamma = {.max = max, .bin_count = 128, .bins = pb_calloc(128, sizeof *gamma.bins)};
    assert_non_null(gamma.bins);
    gamma.bins[0] = first;
    gamma.bins[1] = second;
    gamma.bins[127] = last;
    return gamma;
}

struct step {
    const char *stage, *from;
    uint32_t before[2], after[2]; /* of two layers */
    double achieved, threshold;
    uint32_t ties;
    struct pb_gamma_record gamma_before, gamma_after;
};

static void add_step(struct pb_record *record, const struct step *step)
{
    struct pb_error error = {0};
    struct pb_pruning_record row = {.stage = (char *)step->stage,
                                    .from = (char *)step->from,
                                    .requested = step->achieved,
                                    .achieved = step->achieved,
                                    .threshold = step->threshold,
                                    .equivalence = 1e-7,
                                    .floored = 1,
                                    .gamma_before = step->gamma_before,
                                    .gamma_after = step->gamma_after,
                                    .layers = pb_calloc(2, sizeof *row.layers),
                                    .layer_count = 2};
    assert_non_null(row.layers);
    for (uint32_t i = 0; i < 2; i++) {
        row.layers[i] = (struct pb_pruned_layer_record){.name = pb_strdup(i == 0 ? "conv1" : "conv2"),
                                                        .before = step->before[i],
                                                        .after = step->after[i],
                                                        .ties = i == 0 ? step->ties : 0,
                                                        .floored = i == 0,
                                                        .threshold = step->threshold};
        assert_non_null(row.layers[i].name);
    }
    must(pb_record_pruning(record, &row, &error), &error);
}

static void add_epochs(struct pb_record *record, const char *stage, const uint32_t *revived, uint32_t count)
{
    struct pb_error error = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct pb_epoch_record row = {.stage = (char *)stage,
                                      .number = i + 1,
                                      .lr = 0.1,
                                      .loss = 1,
                                      .top1 = 0.5,
                                      .validation_top1 = 0.5,
                                      .validation_loss = 1,
                                      .seconds = 1,
                                      .masked = revived == NULL ? 0 : 5,
                                      .revived = revived == NULL ? 0 : revived[i],
                                      .mask = revived == NULL ? NULL : (char *)"f8"};
        must(pb_record_epoch(record, &row, &error), &error);
    }
}

static void add_accuracy(struct pb_record *record, const char *stage, double top1)
{
    struct pb_error error = {0};
    const struct pb_accuracy_record row = {
        .stage = (char *)stage, .split = "test", .top1 = top1, .top5 = 1, .loss = 0, .images = 400};
    must(pb_record_accuracy(record, &row, &error), &error);
}

static struct small cell_of(const char *schedule, const char *criterion, const char *seed)
{
    struct small small = two_seeds[0];
    small.schedule = schedule;
    small.criterion = criterion;
    small.seed = seed;
    return small;
}

/* One seed: 8 of 10 γ are in the first bin, none after; the other seed: 4 of 10, and 1 of 4. */
static void write_one_shot(void **state, const char *criterion, const char *seed, bool first)
{
    struct pb_record record;
    const struct small small = cell_of("one-shot", criterion, seed);
    small_record(&record, &small);
    add_epochs(&record, "base", NULL, 2);
    add_step(&record, &(struct step){.stage = "prune-40",
                                     .from = "base",
                                     .before = {6, 4},
                                     .after = {first ? 1 : 3, 1},
                                     .achieved = first ? 0.8 : 0.6,
                                     .threshold = first ? 0.25 : 0.75,
                                     .ties = first ? 1 : 4,
                                     .gamma_before = first ? gamma_of(2, 8, 0, 2) : gamma_of(2, 4, 4, 2),
                                     .gamma_after = first ? gamma_of(2, 0, 0, 2) : gamma_of(2, 1, 1, 2)});
    small_write_record(state, &record);
}

static const char *line(const char *text, uint32_t number)
{
    for (; number > 0 && text != NULL; number--)
        text = strchr(text, '\n') == NULL ? NULL : strchr(text, '\n') + 1;
    assert_non_null(text);
    return text;
}

static void assert_line(const char *text, uint32_t number, const char *expected)
{
    const char *found = line(text, number);
    const size_t length = strcspn(found, "\n");
    if (length != strlen(expected) || memcmp(found, expected, length) != 0)
        fail_msg("line %u is '%.*s', not '%s'", number, (int)length, found, expected);
}

/* Of the criterion that looks at γ, though another comes first; means over both seeds, in per cent of the 10 before. */
static void test_gamma_is_shown_before_and_after_pruning_on_one_axis(void **state)
{
    struct pb_error error = {0};
    struct pb_figure_data data = {0};
    write_one_shot(state, "bn-scale", "1", true);
    write_one_shot(state, "bn-scale", "2", false);
    write_one_shot(state, "a-first", "1", true);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_section *section = &summary.sections[0];
    assert_string_equal(section->gamma_change.row->criterion, "bn-scale");
    assert_int_equal(section->gamma_change.before.seeds, 2);
    near(section->gamma_change.before.channels, 10);
    near(section->gamma_change.after.channels, 3);
    must(pb_figure_gamma(section, &data, &error), &error);
    assert_line(data.data.data, 0, "0.0078125\t60\t5"); /* (8 + 4)/2 and (0 + 1)/2 of 10 */
    assert_line(data.data.data, 1, "0.0234375\t20\t5");
    assert_line(data.data.data, 2, "0.0390625\t0\t0");
    assert_line(data.data.data, 127, "1.9921875\t20\t20");
    assert_line(data.data.data, 130, "0\t0\t0");
    assert_line(data.data.data, 132, "0.03125\t80\t33.333333333333336"); /* 1 of the 3 that are left */
    assert_line(data.data.data, 258, "2\t100\t100");
    assert_string_equal(data.arguments[0].data, "0.015625");
    assert_string_equal(data.arguments[1].data, "near zero: 60.0 %");
    assert_string_equal(data.arguments[2].data, "near zero: 16.7 % of them");
    pb_figure_data_free(&data);
    pb_summary_free(&summary);
}

static void test_gamma_before_alone_cumulates_to_a_hundred(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_figure_data data = {0};
    double bins[] = {3, 0, 1};
    const struct pb_summary_section section = {
        .gamma = {.bins = bins, .bin_count = 3, .max = 1.5, .channels = 4, .near_zero = 0.75}};
    must(pb_figure_gamma(&section, &data, &error), &error);
    assert_string_equal(data.data.data,
                        "0.25\t75\t-\n0.75\t0\t-\n1.25\t25\t-\n\n\n0\t0\t-\n0.5\t75\t-\n1\t75\t-\n1.5\t100\t-\n");
    assert_string_equal(data.arguments[0].data, "0.5");
    assert_string_equal(data.arguments[1].data, "near zero: 75.0 %");
    assert_null(data.arguments[2].data);
    pb_figure_data_free(&data);
}

static void test_steps_are_means_over_seeds_summed_over_layers(void **state)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    write_one_shot(state, "bn-scale", "1", true);
    write_one_shot(state, "bn-scale", "2", false);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_row *row = &summary.sections[0].schedules[0].rows[0];
    assert_int_equal(row->step_count, 1);
    assert_string_equal(row->steps[0].stage, "prune-40");
    assert_string_equal(row->steps[0].from, "base");
    near(row->steps[0].before.mean, 10);
    near(row->steps[0].after.mean, 3); /* (1 + 1 + 3 + 1)/2 */
    near(row->steps[0].threshold.mean, 0.5);
    near(row->steps[0].threshold.sd, 0.5 / 1.4142135623730951);
    near(row->steps[0].ties.mean, 2.5);
    near(row->steps[0].floored.mean, 1);
    near(row->steps[0].achieved.mean, 0.7);
    must(pb_summary_write(folder_path(state, "summary.xml"), &summary, &error), &error);
    must(pb_file_read(folder_path(state, "summary.xml"), 0, &text, &length, &error), &error);
    assert_non_null(strstr(text, "<step stage=\"prune-40\" from=\"base\" n=\"2\" before=\"10\" after=\"3\""));
    pb_free(text);
    pb_summary_free(&summary);
}

static void write_soft(void **state, const char *criterion, const char *target, const char *amount, const char *seed,
                       const uint32_t revived[3])
{
    struct pb_record record;
    struct small small = cell_of("soft", criterion, seed);
    small.target = target;
    small.amount = amount;
    small_record(&record, &small);
    small_config(&record, "protocol.zero", "gamma-beta");
    add_epochs(&record, "base", NULL, 2);
    add_epochs(&record, "soft-60", revived, 3);
    small_write_record(state, &record);
}

/* Two seeds of one criterion at its highest target; another criterion with one. */
static void test_revived_channels_by_epoch_are_means_at_the_highest_target(void **state)
{
    struct pb_error error = {0};
    struct pb_figure_styles styles = {0};
    struct pb_figure_data data = {0};
    write_soft(state, "l1", "r40", "0.4", "1", (const uint32_t[]){0, 9, 9});
    write_soft(state, "l1", "r60", "0.6", "1", (const uint32_t[]){0, 3, 1});
    write_soft(state, "l1", "r60", "0.6", "2", (const uint32_t[]){0, 4, 1});
    write_soft(state, "random", "r60", "0.6", "1", (const uint32_t[]){0, 0, 2});
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_true(pb_figure_available(PB_FIGURE_REVIVED, &summary.sections[0], schedule));
    must(pb_figure_styles_of(&summary, &styles, &error), &error);
    must(pb_figure_revived(schedule, &styles, &data, &error), &error);
    assert_string_equal(data.data.data, "\"l1 60 %‡\"\n1\t0\n2\t3.5\n3\t1\n\n\n\"random 60 %‡\"\n1\t0\n2\t0\n3\t2\n");
    assert_string_equal(data.arguments[0].data, "1 2");
    near(pb_summary_mean(&schedule->rows[0], "revived", "", 0), 18); /* l1 at 40 % */
    near(pb_summary_mean(&schedule->rows[1], "revived", "", 0), 4.5); /* l1 at 60 % */
    pb_figure_data_free(&data);
    pb_figure_styles_free(&styles);
    pb_summary_free(&summary);
}

/* base – prune-20 – retrain-20 – prune-40 – retrain-40, the last of them under their roles. */
static void write_iterative(void **state)
{
    struct pb_record record;
    struct small small = cell_of("iterative", "l1", "1");
    small.base = 0.7;
    small.pruned = 0.31;
    small.retrained = 0.68;
    small_record(&record, &small);
    add_accuracy(&record, "trained", 0.69); /* retrain-20, which the last pruning cut */
    add_accuracy(&record, "prune-20", 0.425);
    add_epochs(&record, "base", NULL, 20);
    add_epochs(&record, "retrain-20", NULL, 1);
    add_epochs(&record, "retrain-40", NULL, 3);
    add_step(&record,
             &(struct step){.stage = "prune-20", .from = "base", .before = {6, 4}, .after = {5, 3}, .achieved = 0.2});
    add_step(&record,
             &(struct step){
                 .stage = "prune-40", .from = "retrain-20", .before = {5, 3}, .after = {4, 2}, .achieved = 0.3967});
    small_write_record(state, &record);
}

/* pretrain – base – soft-60, whose end is cut; nothing is trained after that. */
static void write_soft_with_a_cut(void **state)
{
    struct pb_record record;
    struct small small = cell_of("soft", "l1", "1");
    small.base = 0.7;
    small.pruned = 0.52;
    small.retrained = 0.61;
    small_record(&record, &small);
    small_config(&record, "protocol.zero", "gamma-beta");
    add_accuracy(&record, "trained", 0.552);
    add_epochs(&record, "pretrain", NULL, 2);
    add_epochs(&record, "base", NULL, 20);
    add_epochs(&record, "soft-60", (const uint32_t[]){0, 3}, 2);
    add_step(&record, &(struct step){
                          .stage = "prune-60", .from = "soft-60", .before = {6, 4}, .after = {2, 2}, .achieved = 0.6});
    small_write_record(state, &record);
}

static void test_the_time_line_has_every_step_with_its_epochs_and_accuracy(void **state)
{
    struct pb_error error = {0};
    struct pb_figure_data data = {0};
    write_iterative(state);
    write_soft_with_a_cut(state);
    struct pb_summary summary = small_summary(state);
    assert_true(pb_figure_available(PB_FIGURE_TIMELINE, &summary.sections[0], NULL));
    must(pb_figure_timeline(&summary.sections[0], &data, &error), &error);
    /* column, lane, kind (1 training, 2 pruning, 3 the end), name, what, top-1 */
    assert_string_equal(data.data.data, "0\t0\t1\tbase\t20 epochs, 1–20\t70.0 %\n"
                                        "1\t0\t2\tprune-20\t20 % removed\t42.5 %\n"
                                        "2\t0\t1\tretrain-20\t1 epoch, 21\t69.0 %\n"
                                        "3\t0\t2\tprune-40\t39.7 % removed\t31.0 %\n"
                                        "4\t0\t1\tretrain-40\t3 epochs, 22–24\t68.0 %\n"
                                        "0\t1\t1\tpretrain\t2 epochs, 1–2\t–\n"
                                        "1\t1\t1\tbase\t20 epochs, 3–22\t70.0 %\n"
                                        "2\t1\t1\tsoft-60\t2 epochs, 23–24\t55.2 %\n"
                                        "3\t1\t2\tprune-60\t60 % removed\t52.0 %\n"
                                        "4\t1\t3\tfinal\tstatistics anew\t61.0 %\n"
                                        "\n\n0\titerative\n1\tsoft‡\n");
    assert_string_equal(data.arguments[0].data, "5");
    assert_string_equal(data.arguments[1].data, "2");
    pb_figure_data_free(&data);
    pb_summary_free(&summary);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gamma_is_shown_before_and_after_pruning_on_one_axis),
        TEST(test_gamma_before_alone_cumulates_to_a_hundred),
        TEST(test_steps_are_means_over_seeds_summed_over_layers),
        TEST(test_revived_channels_by_epoch_are_means_at_the_highest_target),
        TEST(test_the_time_line_has_every_step_with_its_epochs_and_accuracy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
