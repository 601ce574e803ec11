/* What a report goes by: shares that were removed, a baseline that is one, methods that seeds distinguish, latencies that hold. */
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
#include "base/text.h"
#include "report/figure_data.h"
#include "report/report.h"
#include "summary/summary_parts.h"
#include "support/folder.h"
#include "support/small_cells.h"

static const char *const SEEDS[] = {"1", "2", "3"};

/* A cell of a network of 100 channels and ten classes: target 40 % unless the caller changes it. */
static struct small cell_of(const char *criterion, size_t seed, double retrained)
{
    struct small cell = two_seeds[0];
    cell.criterion = criterion;
    cell.seed = SEEDS[seed];
    cell.base = 0.9;
    cell.pruned = 0.5;
    cell.retrained = retrained;
    return cell;
}

static void begin_record(struct pb_record *record, const struct small *cell, double achieved)
{
    struct pb_error error = {0};
    small_record(record, cell);
    record->class_count = 10;
    record->costs[1].achieved = achieved;
    const struct pb_layer_record layer = {.name = "conv", .channels = 100, .kept = (uint32_t)(100 * (1 - achieved))};
    must(pb_record_layer(record, &layer, &error), &error);
}

static void write_cell(void **state, struct small cell, double achieved)
{
    struct pb_record record;
    begin_record(&record, &cell, achieved);
    small_write_record(state, &record);
}

/* Three seeds, one accuracy each. */
static void write_row(void **state, const char *criterion, double first, double second, double third)
{
    const double top1[] = {first, second, third};
    for (size_t i = 0; i < 3; i++)
        write_cell(state, cell_of(criterion, i, top1[i]), 0.4);
}

static char *read_text(void **state, const char *name)
{
    struct pb_error error = {0};
    char *text = NULL;
    size_t length = 0;
    must(pb_file_read(folder_path(state, name), 0, &text, &length, &error), &error);
    return text;
}

/* The report page. */
static char *page(void **state)
{
    struct pb_error error = {0};
    must(pb_report(*state, &(struct pb_report_options){.formats = PB_REPORT_HTML | PB_REPORT_MARKDOWN | PB_REPORT_CSV},
                   &error),
         &error);
    return read_text(state, "report/index.html");
}

static char *console(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    must(pb_report_console(*state, &text, &error), &error);
    return text.data;
}

static void expect(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("lacks '%s'", part);
}

static void expect_no(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("has '%s'", part);
}

/* Asked for 40 %, the seeds of l1 removed 0, 20 and 47. */
static void write_missed_target(void **state)
{
    static const double ACHIEVED[] = {0, 0.2, 0.47};
    for (size_t i = 0; i < 3; i++) {
        write_cell(state, cell_of("l1", i, 0.89), ACHIEVED[i]);
        write_cell(state, cell_of("random", i, 0.80), 0.4);
        struct small lower = cell_of("l1", i, 0.88);
        lower.target = "r30";
        lower.amount = "0.3";
        write_cell(state, lower, 0.305); /* less than a channel from what was asked */
    }
}

/* A trial on conv, of 100 channels, and fc, of 10. */
static void add_trial(struct pb_record *record, double top1, uint32_t conv, uint32_t fc, bool trained)
{
    struct pb_error error = {0};
    uint32_t *kept = pb_calloc(2, sizeof *kept);
    kept[0] = conv;
    kept[1] = fc;
    must(pb_record_trial(record,
                         &(struct pb_trial_record){.stage = "prune-to",
                                                   .split = "validation",
                                                   .top1 = top1,
                                                   .images = 8,
                                                   .trained = trained,
                                                   .kept = kept,
                                                   .kept_count = 2},
                         &error),
         &error);
}

static void test_layers_that_were_pruned_alone_are_listed_with_their_mean_over_seeds(void **state)
{
    for (size_t seed = 0; seed < 2; seed++) {
        struct pb_record record;
        struct pb_error error = {0};
        const struct small cell = cell_of("l1", seed, 0.8);
        begin_record(&record, &cell, 0.4);
        must(pb_record_layer(&record, &(struct pb_layer_record){.name = "fc", .channels = 10, .kept = 10}, &error),
             &error);
        add_trial(&record, 0.5, 100, 4, false);
        add_trial(&record, 0.75 + 0.125 * (double)seed, 60, 10, false);
        add_trial(&record, 0.1, 60, 4, false); /* both layers */
        add_trial(&record, 0.2, 30, 10, true); /* trained afterwards */
        add_trial(&record, 0.3, 60, 10, false); /* again */
        small_write_record(state, &record);
    }
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_row *row = &summary.sections[0].schedules[0].rows[0];
    assert_int_equal(row->alone_count, 2);
    assert_string_equal(row->alone[0].layer, "conv");
    assert_true(row->alone[0].channels == 100 && row->alone[0].kept == 60 && row->alone[0].top1.n == 2);
    near(row->alone[0].top1.mean, 0.8125);
    assert_string_equal(row->alone[1].layer, "fc");
    assert_int_equal(row->alone[1].kept, 4);
    near(row->alone[1].top1.mean, 0.5);
    pb_summary_free(&summary);
}

static void test_rows_are_where_they_arrived_not_where_they_were_sent(void **state)
{
    write_missed_target(state);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    const struct pb_summary_row *missed = &schedule->rows[0];
    assert_int_equal(schedule->row_count, 3);
    assert_string_equal(missed->target, "r40");
    assert_string_equal(missed->criterion, "l1");
    near(missed->removed.mean, 0.67 / 3);
    near(missed->removed.min, 0);
    near(missed->removed.max, 0.47);
    assert_true(missed->off_target && missed->removed_varies);
    assert_string_equal(schedule->rows[1].target, "r30");
    assert_false(schedule->rows[1].off_target || schedule->rows[1].removed_varies);
    assert_string_equal(schedule->rows[2].criterion, "random");
    assert_int_equal(schedule->comparison_count, 1);
    assert_true(schedule->comparisons[0].unlike);
    assert_false(missed->best);
    pb_summary_free(&summary);
}

/* A cell of a network of 1000 channels, of which 400 are kept, 300 of 1000 parameters and 20 of 80 MACs; nothing is asked. */
static void write_unasked(void **state, const char *measure)
{
    struct small cell = cell_of("l1", 0, 0.89);
    struct pb_record record;
    cell.target = measure; /* names the row */
    cell.params = 300;
    begin_record(&record, &cell, 0);
    small_config(&record, "target.measure", measure);
    record.layers[0] = (struct pb_layer_record){.name = record.layers[0].name, .channels = 1000, .kept = 400};
    record.costs[1].has_target = false;
    small_write_record(state, &record);
}

static void test_without_a_target_the_share_is_of_what_the_matrix_counts(void **state)
{
    static const char *const MEASURES[] = {"channels", "macs", "params"};
    static const double REMOVED[] = {0.6, 0.75, 0.7};
    for (size_t i = 0; i < 3; i++)
        write_unasked(state, MEASURES[i]);
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_int_equal(schedule->row_count, 3);
    for (uint32_t r = 0; r < 3; r++) {
        assert_string_equal(schedule->rows[r].measure, MEASURES[r]);
        near(schedule->rows[r].removed.mean, REMOVED[r]);
    }
    pb_summary_free(&summary);
}

/* A cell of a network of 1000 channels that was to lose 40 % of the measure. */
static void write_asked(void **state, const char *measure, double achieved)
{
    const struct small cell = cell_of("l1", 0, 0.89);
    struct pb_record record;
    begin_record(&record, &cell, achieved);
    small_config(&record, "target.measure", measure);
    record.layers[0].channels = 1000;
    small_write_record(state, &record);
}

static bool is_off_target(void **state, const char *measure, double achieved)
{
    write_asked(state, measure, achieved);
    struct pb_summary summary = small_summary(state);
    const bool off_target = summary.sections[0].schedules[0].rows[0].off_target;
    assert_int_equal(summary.sections[0].schedules[0].row_count, 1);
    pb_summary_free(&summary);
    return off_target;
}

static void test_a_target_in_parameters_or_macs_is_met_to_a_point_one_in_channels_to_a_channel(void **state)
{
    static const char *const UNEVEN[] = {"params", "macs"};
    for (size_t i = 0; i < 2; i++) {
        assert_false(is_off_target(state, UNEVEN[i], 0.409));
        assert_false(is_off_target(state, UNEVEN[i], 0.391));
        assert_true(is_off_target(state, UNEVEN[i], 0.411));
    }
    assert_false(is_off_target(state, "channels", 0.401));
    assert_true(is_off_target(state, "channels", 0.409));
}

static void test_figures_plot_the_share_that_is_gone(void **state)
{
    struct pb_error error = {0};
    struct pb_figure_styles styles = {0};
    struct pb_figure_data data = {0};
    double x[2], random = 0;
    write_missed_target(state);
    struct pb_summary summary = small_summary(state);
    must(pb_figure_styles_of(&summary, &styles, &error), &error);
    must(pb_figure_accuracy(PB_FIGURE_ACCURACY_RATE, &summary.sections[0].schedules[0], &styles, &data, &error),
         &error);
    assert_int_equal(sscanf(data.data.data, "l1\n%lf\t%*f\t%*f\n%lf\t%*f\t%*f\n\n\nrandom\n%lf", &x[0], &x[1], &random),
                     3);
    near(x[0], 67.0 / 3);
    near(x[1], 30.5);
    near(random, 40);
    pb_figure_data_free(&data);
    pb_figure_styles_free(&styles);
    pb_summary_free(&summary);
}

static void test_tables_and_findings_say_what_was_removed_and_beside_it_what_was_asked(void **state)
{
    write_missed_target(state);
    char *text = page(state);
    expect(text, "22.3 % (0 to 47 % over seeds, 40 % asked) removed");
    expect(text, "no criterion can be set against random");
    char *table = read_text(state, "report/tables/birds.one-shot.results.md");
    expect(table, "| 22.3 (0 to 47) | 40 | l1 |");
    expect(table, "| 30.5 | 30 | l1 |");
    expect_no(table, "| 40 | 40 | l1 |");
    expect(table, "Asked: the target");
    char *criteria = read_text(state, "report/tables/birds.one-shot.criteria.md");
    expect(criteria, "| 22.3 to 40 | 40 | 89.0 ± 0.0 at 22.3 % | 80.0 ± 0.0 |");
    char *terminal = console(state);
    expect(terminal, "  22.3 (0 to 47)     40  l1  ");
    expect(terminal, "Asked: the target");
    pb_free(terminal);
    pb_free(criteria);
    pb_free(table);
    pb_free(text);
}

static void test_without_a_baseline_no_difference_is_shown_anywhere(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct small l1 = cell_of("l1", i, 0.85), random = cell_of("random", i, 0.80);
        l1.base = random.base = NAN;
        write_cell(state, l1, 0.4);
        write_cell(state, random, 0.4);
    }
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_int_equal(schedule->baseline.ok_count, 0);
    assert_int_equal(schedule->rows[0].without_baseline, 3);
    assert_null(pb_summary_find(&schedule->rows[0], "top1-delta", "final", 0));
    near(pb_summary_mean(&schedule->rows[0], "params-reduction", "pruned", 0), 0.6); /* its size is known */
    pb_summary_free(&summary);
    char *text = page(state);
    expect(text, "There is no baseline: these cells have no unpruned network trained in full");
    expect(text, "No unpruned network trained in full was measured.");
    expect_no(text, "Δ base");
    expect_no(text, "to unpruned");
    expect_no(text, "of unpruned");
    char *data = read_text(state, "report/data/birds.one-shot.accuracy-rate.tsv");
    expect_no(data, "unpruned");
    char *terminal = console(state);
    expect_no(terminal, "Δ base");
    expect(terminal, "There is no baseline:");
    pb_free(terminal);
    pb_free(data);
    pb_free(text);
}

static void test_the_short_first_training_of_an_old_document_is_no_baseline(void **state)
{
    struct pb_error error = {0};
    for (size_t i = 0; i < 3; i++) {
        const struct small cell = cell_of("l1", i, 0.85);
        struct pb_record record;
        begin_record(&record, &cell, 0.4);
        small_config(&record, "training.epochs", "3");
        const struct pb_epoch_record epoch = {.stage = "base", .number = 1};
        if (i ==
            1) /* of three: the row as a whole has no difference, for it would be of other seeds than its accuracy */
            must(pb_record_epoch(&record, &epoch, &error), &error);
        small_write_record(state, &record);
    }
    struct pb_summary summary = small_summary(state);
    const struct pb_summary_schedule *schedule = &summary.sections[0].schedules[0];
    assert_int_equal(schedule->rows[0].without_baseline, 1);
    assert_int_equal(schedule->baseline.ok_count, 2);
    assert_null(pb_summary_find(&schedule->rows[0], "top1-delta", "final", 0));
    pb_summary_free(&summary);
}

static const struct pb_summary_row *find_row(const struct pb_summary *summary, const char *criterion)
{
    const struct pb_summary_schedule *schedule = &summary->sections[0].schedules[0];
    for (uint32_t r = 0; r < schedule->row_count; r++)
        if (strcmp(schedule->rows[r].criterion, criterion) == 0)
            return &schedule->rows[r];
    fail_msg("no row of %s", criterion);
    return NULL;
}

static void expect_best(void **state, bool best, const char *verdict)
{
    struct pb_summary summary = small_summary(state);
    assert_int_equal(find_row(&summary, "l1")->best, best);
    assert_string_equal(summary.sections[0].best.row->criterion, "l1");
    assert_string_equal(summary.sections[0].best.verdict, verdict);
    pb_summary_free(&summary);
}

static void test_the_best_is_distinguished_from_random_and_from_the_next(void **state)
{
    write_row(state, "l1", 0.80, 0.81, 0.82);
    write_row(state, "random", 0.60, 0.61, 0.605);
    expect_best(state, true, "best");
    write_row(state, "other", 0.79, 0.82, 0.79); /* the next: +1, −1 and +3 points */
    expect_best(state, false, "next");
    char *text = page(state);
    expect(text, "Highest after pruning: ");
    expect_no(text, "Best after pruning");
    expect_no(text, "class=\"right best\"");
    pb_free(text);
}

static void test_the_best_of_two_is_corrected_for_two(void **state)
{
    /* t = 0.056 / 0.01 = 5.6 with two degrees of freedom: p = 0.0304 */
    write_row(state, "random", 0.70, 0.70, 0.70);
    write_row(state, "l1", 0.70 + 0.056 - 0.0173205, 0.70 + 0.056, 0.70 + 0.056 + 0.0173205);
    expect_best(state, true, "best");
    char *text = page(state);
    expect(text, "Best after pruning: ");
    expect(text, "distinguished from random (p = 0.030)");
    expect(text, "class=\"right best\"");
    pb_free(text);
    write_row(state, "other", 0.50, 0.51, 0.50);
    expect_best(state, false, "control");
    text = page(state);
    expect(text, "p = 0.061, corrected for the best of 2): not distinguished");
    pb_free(text);
}

static void test_fewer_than_three_seeds_give_no_interval_and_no_winner(void **state)
{
    struct small cells[] = {cell_of("l1", 0, 0.80), cell_of("l1", 1, 0.81), cell_of("random", 0, 0.60),
                            cell_of("random", 1, 0.60)};
    write_cell(state, cells[0], 0.4);
    write_cell(state, cells[2], 0.4);
    expect_best(state, false, "few-seeds");
    char *text = page(state);
    expect(text,
           "With one seed nothing can be distinguished by seeds (± 2.0 points standard error of the test images)");
    expect(text, "n = 1 seed: nothing can be distinguished by seeds");
    pb_free(text);
    write_cell(state, cells[1], 0.4);
    write_cell(state, cells[3], 0.4);
    expect_best(state, false, "few-seeds");
    text = page(state);
    expect(text, "n = 2 seeds: too few to distinguish the two");
    expect_no(text, "(95 % interval");
    pb_free(text);
    char *table = read_text(state, "report/tables/birds.one-shot.differences.md");
    expect(table, "| +20.5 | – | – | – |"); /* the interval would be −108 to 149 */
    pb_free(table);
}

static void test_collapsed_networks_are_named_and_win_nothing(void **state)
{
    write_row(state, "l1", 0.49, 0.48, 0.49); /* above chance 0.39 of 0.8 */
    write_row(state, "other", 0.51, 0.12, 0.60); /* one at chance: 0.10 and two standard errors of 400 images */
    write_row(state, "random", 0.11, 0.11, 0.12);
    struct pb_summary summary = small_summary(state);
    assert_int_equal(find_row(&summary, "l1")->collapsed, 3);
    assert_int_equal(find_row(&summary, "other")->collapsed, 1);
    assert_int_equal(find_row(&summary, "random")->collapsed, 3);
    assert_null(summary.sections[0].best.row);
    assert_false(find_row(&summary, "l1")->best);
    pb_summary_free(&summary);
    char *text = page(state);
    expect(text, "<b>Collapsed</b> (near chance, or less than half of the unpruned network's accuracy above chance): ");
    expect(text, "l1, one-shot, 40 % removed: 48.7 %, 3 of 3 seeds");
    expect(text, "other, one-shot, 40 % removed: 41.0 %, 1 of 3 seeds");
    expect_no(text, "after pruning: <b>");
    expect_no(text, "× as fast");
    expect_no(text, " fewer parameters</b>");
    pb_free(text);
}

static void test_an_unpruned_network_near_chance_gives_no_findings(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct small l1 = cell_of("l1", i, 0.13), random = cell_of("random", i, 0.11);
        l1.base = random.base = 0.12; /* of ten classes, 400 images: chance and two standard errors are 0.13 */
        write_cell(state, l1, 0.4);
        write_cell(state, random, 0.4);
    }
    char *text = page(state);
    expect(text, "The unpruned network itself is near chance");
    expect_no(text, "after pruning: <b>");
    expect_no(text, "Smallest within");
    expect_no(text, "<b>Collapsed</b> (");
    pb_free(text);
}

/* A cell of a schedule whose base network took so long; the pruned one always 4 ms. */
static void write_timed(void **state, const char *schedule, double base_ms, bool noisy, double top1)
{
    for (size_t i = 0; i < 3; i++) {
        struct small cell = cell_of("l1", i, top1);
        struct pb_record record;
        cell.schedule = schedule;
        begin_record(&record, &cell, 0.4);
        record.latencies[0].median_ms = base_ms;
        record.latencies[0].noisy = noisy;
        small_write_record(state, &record);
    }
}

static double speed_up(const struct pb_summary *summary, uint32_t schedule)
{
    return pb_summary_mean(&summary->sections[0].schedules[schedule].rows[0], "speed-up", "pruned", 1);
}

static void test_one_network_has_one_latency_under_all_schedules(void **state)
{
    write_timed(state, "iterative", 10, false, 0.89);
    write_timed(state, "one-shot", 12, false, 0.89);
    struct pb_summary summary = small_summary(state);
    near(speed_up(&summary, 0), 11.0 / 4); /* the median of what was measured */
    near(speed_up(&summary, 1), 11.0 / 4);
    pb_summary_free(&summary);
    write_timed(state, "soft", 90, true, 0.89); /* a busy hour: counts for nothing where quiet ones are known */
    summary = small_summary(state);
    near(speed_up(&summary, 2), 11.0 / 4);
    assert_int_equal(pb_summary_find(&summary.sections[0].schedules[2].baseline, "median-ms", "base", 1)->noisy, 0);
    pb_summary_free(&summary);
}

static void test_a_marked_latency_enters_no_speed_up_and_no_finding(void **state)
{
    write_timed(state, "one-shot", 12, true, 0.89);
    struct pb_summary summary = small_summary(state);
    assert_true(isnan(speed_up(&summary, 0)));
    pb_summary_free(&summary);
    char *text = page(state);
    expect(text, "12.00§");
    expect(text, "§: repeated measurements differ too much");
    expect(text, "60 % fewer parameters</b>, 75 % fewer MACs, at −1.0 points");
    expect_no(text, "× as fast");
    char *data = read_text(state, "report/data/birds.one-shot.accuracy-latency.tsv");
    expect(data, "l1\n4\t");
    expect_no(data, "unpruned");
    char *terminal = console(state);
    expect(terminal, "12.00§");
    expect(terminal, "§: repeated measurements differ too much");
    pb_free(terminal);
    pb_free(data);
    pb_free(text);
}

static void test_figures_without_meaning_become_no_headline(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct small cell = cell_of("l1", i, 0.9);
        struct pb_record record;
        cell.params = 1000;
        begin_record(&record, &cell, 0.4);
        record.costs[1].macs = record.costs[0].macs;
        record.latencies[1].median_ms = 1e6;
        small_write_record(state, &record);
    }
    char *text = page(state);
    expect_no(text, "0.0×");
    expect_no(text, ">0 % fewer");
    expect_no(text, " 0 % fewer");
    expect(text, "No smaller network stays within one point of the unpruned one.");
    pb_free(text);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_layers_that_were_pruned_alone_are_listed_with_their_mean_over_seeds),
        TEST(test_rows_are_where_they_arrived_not_where_they_were_sent),
        TEST(test_without_a_target_the_share_is_of_what_the_matrix_counts),
        TEST(test_a_target_in_parameters_or_macs_is_met_to_a_point_one_in_channels_to_a_channel),
        TEST(test_figures_plot_the_share_that_is_gone),
        TEST(test_tables_and_findings_say_what_was_removed_and_beside_it_what_was_asked),
        TEST(test_without_a_baseline_no_difference_is_shown_anywhere),
        TEST(test_the_short_first_training_of_an_old_document_is_no_baseline),
        TEST(test_the_best_is_distinguished_from_random_and_from_the_next),
        TEST(test_the_best_of_two_is_corrected_for_two),
        TEST(test_fewer_than_three_seeds_give_no_interval_and_no_winner),
        TEST(test_collapsed_networks_are_named_and_win_nothing),
        TEST(test_an_unpruned_network_near_chance_gives_no_findings),
        TEST(test_one_network_has_one_latency_under_all_schedules),
        TEST(test_a_marked_latency_enters_no_speed_up_and_no_finding),
        TEST(test_figures_without_meaning_become_no_headline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
