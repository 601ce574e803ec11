/* A record with every member set to something that is easily lost. */
#include "support/full_record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/small_cells.h"

static const char AWKWARD[] = "a <b> & \"c\" 'd' ]]> \t tab \n line \r return ü 名 𝛄 %s -- \\";

static void *copy_of(const void *values, size_t size)
{
    void *made = pb_calloc(size, 1);
    assert_non_null(made);
    memcpy(made, values, size);
    return made;
}

static struct pb_gamma_record gamma_of(double max, uint32_t first, uint32_t second, uint32_t third)
{
    const uint32_t bins[] = {first, second, third};
    return (struct pb_gamma_record){.max = max, .bins = copy_of(bins, sizeof bins), .bin_count = 3};
}

static void add_pruning(struct pb_record *record)
{
    struct pb_error error = {0};
    const struct pb_pruned_layer_record layers[] = {
        {.name = pb_strdup("conv1_1"),
         .before = 16,
         .after = 1,
         .ties = 3,
         .floored = 2,
         .threshold = 0.1 + 0.2,
         .gamma_before = gamma_of(0.7, 7, 0, 9),
         .gamma_after = gamma_of(0.6, 0, 0, 1)},
        {.name = pb_strdup("conv1_2"), .before = 2, .after = 2, .threshold = NAN},
    };
    must(pb_record_pruning(record,
                           &(struct pb_pruning_record){.stage = "prune-40",
                                                       .from = "retrain-20",
                                                       .requested = 0.4,
                                                       .achieved = 1.0 / 3,
                                                       .threshold = 0.1 + 0.2,
                                                       .equivalence = 1e-7,
                                                       .floored = 2,
                                                       .gamma_before = gamma_of(0.9, 1, 2, 3),
                                                       .gamma_after = gamma_of(0.8, 4, 5, 6),
                                                       .layers = copy_of(layers, sizeof layers),
                                                       .layer_count = 2},
                           &error),
         &error);
}

static void add_trials(struct pb_record *record)
{
    const uint32_t kept[] = {3, 12};
    struct pb_error error = {0};
    must(pb_record_trial(record,
                         &(struct pb_trial_record){.stage = "base", .split = "validation", .top1 = 0.75, .images = 12},
                         &error),
         &error);
    must(pb_record_trial(record,
                         &(struct pb_trial_record){.stage = "prune-to",
                                                   .split = "validation",
                                                   .top1 = 0.5,
                                                   .loss = 1.25,
                                                   .images = 12,
                                                   .trained = true,
                                                   .kept = copy_of(kept, sizeof kept),
                                                   .kept_count = 2},
                         &error),
         &error);
}

static void add_masking(struct pb_record *record)
{
    struct pb_error error = {0};
    const struct pb_masked_layer_record layers[] = {
        {.name = pb_strdup("conv1_1"), .weights = 27, .masked = 26, .change = NAN},
        {.name = pb_strdup("fc"), .weights = UINT64_C(1) << 33, .change = 1.0 / 3}};
    must(pb_record_masking(record,
                           &(struct pb_masking_record){.stage = "mask-90",
                                                       .from = "base",
                                                       .requested = 0.9,
                                                       .achieved = 1.0 / 3,
                                                       .weights = UINT64_MAX,
                                                       .masked = 3,
                                                       .layers = copy_of(layers, sizeof layers),
                                                       .layer_count = 2},
                           &error),
         &error);
}

/* Every member set to something that is easily lost. */
void full_record(struct pb_record *record)
{
    struct pb_error error = {0};
    const uint32_t widths[] = {0, 1, UINT32_MAX};
    const double classes[] = {1, NAN, 1.0 / 3};
    pb_record_init(record);
    record->status = PB_CELL_TIMED_OUT;
    must(pb_record_text(&record->id, "birds.m.c.s.b.r40.s1", &error), &error);
    must(pb_record_text(&record->message, AWKWARD, &error), &error);
    must(pb_record_text(&record->signal, "SIGKILL", &error), &error);
    must(pb_record_text(&record->log_tail, "", &error), &error);
    must(pb_record_config(record, "a.b", AWKWARD, &error), &error);
    must(pb_record_config(record, "empty", "", &error), &error);
    must(pb_record_provenance(record, "backend-detail", AWKWARD, &error), &error);
    must(pb_record_provenance(record, "host", "first", &error), &error);
    must(pb_record_provenance(record, "host", "second", &error), &error);
    must(pb_record_cost(record,
                        &(struct pb_cost_record){.stage = "pruned",
                                                 .params = UINT64_MAX,
                                                 .macs = 1,
                                                 .has_counted = true,
                                                 .counted = 2,
                                                 .bytes = 3,
                                                 .params_trunk = 4,
                                                 .params_head = 5,
                                                 .has_masks = true,
                                                 .nonzero_params = 7,
                                                 .nonzero_macs = UINT64_C(1) << 41,
                                                 .has_zeros = true,
                                                 .zero_filters = 8,
                                                 .zero_inputs = 9,
                                                 .zero_shapes = 0,
                                                 .widths = copy_of(widths, sizeof widths),
                                                 .width_count = 3,
                                                 .graph = (char *)(uintptr_t)AWKWARD,
                                                 .has_target = true,
                                                 .requested = 0.1,
                                                 .achieved = 1.0 / 3,
                                                 .floored = 6},
                        &error),
         &error);
    must(pb_record_cost(record, &(struct pb_cost_record){.stage = "base"}, &error), &error);
    must(pb_record_accuracy(record,
                            &(struct pb_accuracy_record){.stage = "base",
                                                         .split = "test",
                                                         .top1 = 0.1 + 0.2,
                                                         .top5 = NAN,
                                                         .loss = INFINITY,
                                                         .images = 10,
                                                         .class_top1 = copy_of(classes, sizeof classes),
                                                         .class_count = 3},
                            &error),
         &error);
    must(pb_record_latency(record,
                           &(struct pb_latency_record){.stage = "base",
                                                       .batch = 1,
                                                       .runs = 2,
                                                       .threads = 3,
                                                       .median_ms = 5e-324,
                                                       .p95_ms = 1.7e308,
                                                       .min_ms = NAN,
                                                       .spread = 0.125,
                                                       .noisy = true},
                           &error),
         &error);
    must(pb_record_layer(record, &(struct pb_layer_record){.name = "conv1_1", .channels = 16, .kept = 1}, &error),
         &error);
    record->gamma = gamma_of(0.7, 7, 0, 9);
    must(pb_record_scoring(record, &(struct pb_scoring_record){.stage = "score", .seconds = 1.0 / 3, .bytes = 4096},
                           &error),
         &error);
    add_pruning(record);
    add_trials(record);
    add_masking(record);
    must(pb_record_epoch(record,
                         &(struct pb_epoch_record){.stage = "soft",
                                                   .number = 7,
                                                   .lr = 1e-6,
                                                   .loss = -0.0,
                                                   .top1 = 0.5,
                                                   .validation_top1 = NAN,
                                                   .validation_loss = 2.5,
                                                   .seconds = 0.125,
                                                   .masked = 8,
                                                   .revived = 9,
                                                   .mask = "8c01 f0"},
                         &error),
         &error);
    record->peak_rss_bytes = UINT64_C(1) << 40;
    record->skipped_images = 1;
    record->train_images = 2;
    record->validation_images = 3;
    record->test_images = 4;
    record->class_count = 5;
    record->train_per_class = (struct pb_range_record){6, 7, 8};
    record->test_per_class = (struct pb_range_record){0, 9, 10};
    record->image_width = (struct pb_range_record){11, 12, 13};
    record->image_height = (struct pb_range_record){14, 15, UINT32_MAX};
}

static void assert_same(double a, double b)
{
    if (isnan(b))
        assert_true(isnan(a));
    else
        assert_memory_equal(&a, &b, sizeof a);
}

static void assert_equal_records(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->status, b->status);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->message, b->message);
    assert_string_equal(a->signal, b->signal);
    assert_string_equal(a->log_tail, b->log_tail);
    assert_int_equal(a->config_count, b->config_count);
    for (uint32_t i = 0; i < a->config_count; i++) {
        assert_string_equal(a->config[i].key, b->config[i].key);
        assert_string_equal(a->config[i].value, b->config[i].value);
    }
    assert_int_equal(a->provenance_count, b->provenance_count);
    for (uint32_t i = 0; i < a->provenance_count; i++) {
        assert_string_equal(a->provenance[i].key, b->provenance[i].key);
        assert_string_equal(a->provenance[i].value, b->provenance[i].value);
    }
    assert_same(a->equivalence, b->equivalence);
    assert_int_equal(a->peak_rss_bytes, b->peak_rss_bytes);
    const uint32_t left[] = {a->skipped_images, a->train_images, a->validation_images, a->test_images, a->class_count};
    const uint32_t right[] = {b->skipped_images, b->train_images, b->validation_images, b->test_images, b->class_count};
    assert_memory_equal(left, right, sizeof left);
    assert_memory_equal(&a->train_per_class, &b->train_per_class, sizeof a->train_per_class);
    assert_memory_equal(&a->test_per_class, &b->test_per_class, sizeof a->test_per_class);
    assert_memory_equal(&a->image_width, &b->image_width, sizeof a->image_width);
    assert_memory_equal(&a->image_height, &b->image_height, sizeof a->image_height);
}

static void assert_equal_rows(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->cost_count, 2);
    const struct pb_cost_record *cost = &a->costs[0], *cost_b = &b->costs[0];
    assert_string_equal(cost->stage, cost_b->stage);
    assert_true(cost->params == cost_b->params && cost->macs == 1 && cost->has_counted == cost_b->has_counted &&
                cost->counted == cost_b->counted && cost->bytes == 3 && cost->params_trunk == 4 &&
                cost->params_head == 5 && cost->has_target && cost->floored == 6);
    assert_same(cost->requested, cost_b->requested);
    assert_same(cost->achieved, cost_b->achieved);
    assert_int_equal(cost->width_count, 3);
    assert_memory_equal(cost->widths, cost_b->widths, 3 * sizeof *cost->widths);
    assert_int_equal(cost->graph == NULL, cost_b->graph == NULL);
    if (cost->graph)
        assert_string_equal(cost->graph, cost_b->graph);
    assert_true(cost->has_zeros == cost_b->has_zeros && cost->zero_filters == cost_b->zero_filters &&
                cost->zero_inputs == cost_b->zero_inputs && cost->zero_shapes == cost_b->zero_shapes);
    assert_false(a->costs[1].has_zeros);
    assert_null(a->costs[1].graph);
    assert_false(a->costs[1].has_target);
    assert_null(a->costs[1].widths);

    assert_int_equal(a->accuracy_count, 1);
    const struct pb_accuracy_record *accuracy = &a->accuracies[0], *accuracy_b = &b->accuracies[0];
    assert_string_equal(accuracy->split, "test");
    assert_same(accuracy->top1, accuracy_b->top1);
    assert_same(accuracy->top5, accuracy_b->top5);
    assert_same(accuracy->loss, accuracy_b->loss);
    assert_int_equal(accuracy->images, 10);
    assert_int_equal(accuracy->class_count, 3);
    for (int i = 0; i < 3; i++)
        assert_same(accuracy->class_top1[i], accuracy_b->class_top1[i]);

    assert_int_equal(a->latency_count, 1);
    const struct pb_latency_record *latency = &a->latencies[0], *latency_b = &b->latencies[0];
    assert_true(latency->batch == 1 && latency->runs == 2 && latency->threads == 3);
    assert_same(latency->median_ms, latency_b->median_ms);
    assert_same(latency->p95_ms, latency_b->p95_ms);
    assert_same(latency->min_ms, latency_b->min_ms);
    assert_same(latency->spread, latency_b->spread);
    assert_true(latency->noisy && latency_b->noisy);
}

static void assert_equal_gamma(const struct pb_gamma_record *a, const struct pb_gamma_record *b)
{
    assert_same(a->max, b->max);
    assert_int_equal(a->bin_count, 3);
    assert_memory_equal(a->bins, b->bins, 3 * sizeof *a->bins);
}

static void assert_equal_prunings(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->pruning_count, 1);
    const struct pb_pruning_record *pruning = &a->prunings[0], *pruning_b = &b->prunings[0];
    assert_string_equal(pruning->stage, "prune-40");
    assert_string_equal(pruning->from, "retrain-20");
    assert_same(pruning->requested, pruning_b->requested);
    assert_same(pruning->achieved, pruning_b->achieved);
    assert_same(pruning->threshold, pruning_b->threshold);
    assert_same(pruning->equivalence, pruning_b->equivalence);
    assert_int_equal(pruning->floored, 2);
    assert_equal_gamma(&pruning->gamma_before, &pruning_b->gamma_before);
    assert_equal_gamma(&pruning->gamma_after, &pruning_b->gamma_after);
    assert_int_equal(pruning->layer_count, 2);
    const struct pb_pruned_layer_record *layer = &pruning->layers[0], *layer_b = &pruning_b->layers[0];
    assert_string_equal(layer->name, "conv1_1");
    assert_true(layer->before == 16 && layer->after == 1 && layer->ties == 3 && layer->floored == 2);
    assert_same(layer->threshold, layer_b->threshold);
    assert_equal_gamma(&layer->gamma_before, &layer_b->gamma_before);
    assert_equal_gamma(&layer->gamma_after, &layer_b->gamma_after);
    assert_string_equal(pruning->layers[1].name, "conv1_2");
    assert_true(isnan(pruning->layers[1].threshold));
    assert_null(pruning->layers[1].gamma_before.bins);
}

static void assert_equal_trials(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->trial_count, b->trial_count);
    for (uint32_t i = 0; i < a->trial_count; i++) {
        const struct pb_trial_record *trial = &a->trials[i], *trial_b = &b->trials[i];
        assert_string_equal(trial->stage, trial_b->stage);
        assert_string_equal(trial->split, trial_b->split);
        assert_true(trial->images == trial_b->images && trial->trained == trial_b->trained);
        assert_same(trial->top1, trial_b->top1);
        assert_same(trial->loss, trial_b->loss);
        assert_int_equal(trial->kept_count, trial_b->kept_count);
        for (uint32_t k = 0; k < trial->kept_count; k++)
            assert_int_equal(trial->kept[k], trial_b->kept[k]);
    }
}

static void assert_equal_scorings(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->scoring_count, b->scoring_count);
    for (uint32_t i = 0; i < a->scoring_count; i++) {
        assert_string_equal(a->scorings[i].stage, b->scorings[i].stage);
        assert_same(a->scorings[i].seconds, b->scorings[i].seconds);
    }
}

static void assert_equal_layers(const struct pb_record *a, const struct pb_record *b)
{
    assert_int_equal(a->layer_count, 1);
    const struct pb_layer_record *layer = &a->layers[0];
    assert_string_equal(layer->name, "conv1_1");
    assert_true(layer->channels == 16 && layer->kept == 1);
    assert_equal_gamma(&a->gamma, &b->gamma);

    assert_int_equal(a->epoch_count, 1);
    const struct pb_epoch_record *epoch = &a->epochs[0], *epoch_b = &b->epochs[0];
    assert_string_equal(epoch->stage, "soft");
    assert_true(epoch->number == 7 && epoch->masked == 8 && epoch->revived == 9);
    assert_string_equal(epoch->mask, "8c01 f0");
    const double left[] = {epoch->lr,     epoch->loss, epoch->top1, epoch->validation_top1, epoch->validation_loss,
                           epoch->seconds};
    const double right[] = {
        epoch_b->lr,     epoch_b->loss, epoch_b->top1, epoch_b->validation_top1, epoch_b->validation_loss,
        epoch_b->seconds};
    for (int i = 0; i < 6; i++)
        assert_same(left[i], right[i]);
}

void assert_equal_full(const struct pb_record *a, const struct pb_record *b)
{
    assert_equal_records(a, b);
    assert_equal_rows(a, b);
    assert_equal_layers(a, b);
    assert_equal_trials(a, b);
    assert_equal_scorings(a, b);
    assert_equal_prunings(a, b);
}
