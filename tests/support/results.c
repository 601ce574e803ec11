/* A made-up run: accuracies follow simple curves with noise from seeded streams, costs follow from the widths. */
#include "support/results.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "graph/graph_json.h"
#include "graph/models.h"
#include "results/result.h"

#define LAYERS 13
#define BINS 128

static const char *const DATASETS[] = {"aircraft", "birds", "cars"};
static const char *const SCHEDULES[] = {"one-shot", "iterative", "soft"};
static const char *const CRITERIA[] = {"bn-scale", "l1-norm", "random"};
static const uint32_t CLASSES[] = {10, 20, 12};
static const double BASE_TOP1[] = {0.872, 0.694, 0.845};
static const double RATES[] = {0.2, 0.4, 0.6, 0.8};
static const uint32_t WIDTHS[LAYERS] = {16, 16, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128, 128};
static const uint32_t POOLED[LAYERS] = {64, 64, 32, 32, 16, 16, 16, 8, 8, 8, 4, 4, 4};
static const char *const NAMES[LAYERS] = {"conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3",
                                          "conv4_1", "conv4_2", "conv4_3", "conv5_1", "conv5_2", "conv5_3"};

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static void config(struct pb_record *record, const char *key, const char *format, ...) PB_PRINTF(3, 4);
static void config(struct pb_record *record, const char *key, const char *format, ...)
{
    struct pb_error error = {0};
    char value[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    must(pb_record_config(record, key, value, &error), &error);
}

static void add_config(struct pb_record *record, const struct results_cell *cell)
{
    struct pb_error error = {0};
    char id[200];
    double rate = RATES[cell->rate];
    snprintf(id, sizeof id, "%s.vgg16-bcnn.%s.%s.blis.r%.0f.s%u", DATASETS[cell->dataset], CRITERIA[cell->criterion],
             SCHEDULES[cell->schedule], rate * 100, cell->seed);
    must(pb_record_text(&record->id, id, &error), &error);
    config(record, "dataset", "%s", DATASETS[cell->dataset]);
    config(record, "model", "vgg16-bcnn");
    config(record, "model.head", "bilinear");
    static const char *const traits[] = {"scales comparable", "", "random comparable"};
    config(record, "criterion", "%s", CRITERIA[cell->criterion]);
    config(record, "criterion.traits", "%s", traits[cell->criterion]);
    config(record, "schedule", "%s", SCHEDULES[cell->schedule]);
    config(record, "backend", "blis");
    config(record, "variant", "%s", "");
    config(record, "target", "r%.0f", rate * 100);
    config(record, "matrix", "made-up");
    config(record, "seed", "%u", cell->seed);
    config(record, "target.measure", "channels");
    config(record, "target.amount", "%g", rate);
    config(record, "selection", "validation");
    config(record, "ranking.scope", cell->criterion == 2 ? "layer" : "global");
    config(record, "criterion.plugin", "%s", CRITERIA[cell->criterion]);
    config(record, "training.epochs", "20");
    config(record, "training.lr", "0.01");
    config(record, "training.lambda", "0.0001");
    config(record, "training.weight-decay", "1e-05");
    config(record, "model.image-size", "64");
    config(record, "data.batch", "48");
    if (cell->schedule == 2)
        config(record, "protocol.zero", "gamma-beta");
}

static void add_provenance(struct pb_record *record, double seconds)
{
    static const char *const PAIRS[][2] = {
        {"version", "0.1.0"},
        {"git", "0123456789ab"},
        {"host", "bench-3"},
        {"cpu", "AMD EPYC 9555 64-Core Processor"},
        {"threads", "2"},
        {"backend", "blis"},
        {"backend-detail", "blis 0.9.0 skx"},
        {"fallbacks", "max_pool_backward"},
        {"started", "2026-01-31T12:00:00Z"},
    };
    struct pb_error error = {0};
    char text[32];
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++)
        must(pb_record_provenance(record, PAIRS[i][0], PAIRS[i][1], &error), &error);
    snprintf(text, sizeof text, "%.2f", seconds);
    must(pb_record_provenance(record, "seconds", text, &error), &error);
}

/* Criteria that look at the weights cut late layers more; random cuts all alike. */
static uint32_t kept_channels(const struct results_cell *cell, uint32_t layer, struct pb_rng *rng)
{
    double lean =
        cell->criterion == 2 ? 0 : (cell->criterion == 0 ? 0.45 : -0.3) * ((double)layer / (LAYERS - 1) - 0.6);
    double removed = RATES[cell->rate] * (1 + lean) + 0.02 * pb_rng_normal(rng);
    double kept = WIDTHS[layer] * (1 - fmin(fmax(removed, 0), 0.98));
    return (uint32_t)fmax(1, floor(kept + 0.5));
}

/* The network as documents hold it, from pb_calloc. */
static char *graph_of(uint64_t classes, const uint32_t *widths)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_model_width list[LAYERS] = {0};
    const struct pb_model_spec spec = {.name = "vgg16-bcnn",
                                       .classes = (uint32_t)classes,
                                       .image_size = 64,
                                       .widths = {list, LAYERS},
                                       .batch_norm = true};
    char *text = NULL;
    for (uint32_t i = 0; i < LAYERS; i++)
        list[i].channels = widths[i];
    must(pb_model_build(&spec, &graph, &error), &error);
    must(pb_graph_to_json(graph, &text, &error), &error);
    pb_graph_free(&graph);
    return text;
}

static void add_cost(struct pb_record *record, const struct results_cell *cell, const char *stage,
                     const uint32_t *widths)
{
    struct pb_error error = {0};
    bool pruned = strcmp(stage, "pruned") == 0;
    uint64_t classes = CLASSES[cell->dataset], last = widths[LAYERS - 1], before = 3;
    struct pb_cost_record row = {.stage = (char *)stage, .width_count = LAYERS, .has_target = pruned};
    row.params_head = last * last * classes + classes;
    row.macs = last * last * classes + last * last * 16;
    for (uint32_t i = 0; i < LAYERS; i++) {
        row.params_trunk += 9 * before * widths[i] + 3 * widths[i];
        row.macs += 9 * before * widths[i] * POOLED[i] * POOLED[i];
        before = widths[i];
    }
    row.params = row.params_trunk + row.params_head;
    row.graph = graph_of(classes, widths);
    row.bytes = 4 * row.params + 2048;
    row.requested = row.achieved = pruned ? RATES[cell->rate] : 0;
    row.widths = pb_calloc(LAYERS, sizeof *row.widths);
    assert_non_null(row.widths);
    memcpy(row.widths, widths, LAYERS * sizeof *widths);
    must(pb_record_cost(record, &row, &error), &error);
    pb_free(row.graph);
}

static void add_accuracy(struct pb_record *record, uint32_t classes, const char *stage, const char *split, double top1)
{
    struct pb_error error = {0};
    double images = strcmp(split, "test") == 0 ? 600 : 300;
    top1 = floor(fmin(fmax(top1, 1.0 / classes), 1) * images + 0.5) / images;
    struct pb_accuracy_record row = {.stage = (char *)stage,
                                     .split = (char *)split,
                                     .top1 = top1,
                                     .top5 = 1 - (1 - top1) * (1 - top1),
                                     .loss = 0.1 - log(top1),
                                     .images = (uint64_t)images};
    must(pb_record_accuracy(record, &row, &error), &error);
}

static double final_top1(const struct results_cell *cell)
{
    static const double FALL[] = {0.10, 0.16, 0.42};
    static const double GAIN[] = {0, 0.012, -0.015};
    double rate = RATES[cell->rate];
    return BASE_TOP1[cell->dataset] + 0.03 * rate * (1 - rate) + GAIN[cell->schedule] -
           FALL[cell->criterion] * pow(rate, 2.5);
}

static void add_accuracies(struct pb_record *record, const struct results_cell *cell, struct pb_rng *rng)
{
    uint32_t classes = CLASSES[cell->dataset];
    struct pb_rng base_rng;
    pb_rng_init(&base_rng, cell->seed, DATASETS[cell->dataset]);
    double base = BASE_TOP1[cell->dataset] + 0.008 * pb_rng_normal(&base_rng);
    double retrained = final_top1(cell) + 0.01 * pb_rng_normal(rng);
    double pruned = retrained * (1 - RATES[cell->rate] * (cell->schedule == 2 ? 0.05 : 0.9));
    add_accuracy(record, classes, "base", "validation", base + 0.01);
    add_accuracy(record, classes, "base", "test", base);
    add_accuracy(record, classes, "pruned", "test", pruned);
    add_accuracy(record, classes, "retrained", "test", retrained);
}

static void add_latencies(struct pb_record *record, struct pb_rng *rng)
{
    struct pb_error error = {0};
    double base = (double)record->costs[0].macs, pruned = (double)record->costs[1].macs;
    for (int batch = 1; batch <= 16; batch += 15)
        for (int stage = 0; stage < 2; stage++) {
            double ms = batch * (0.08 + 2.1 * (stage == 0 ? base : pruned) / base) * (1 + 0.02 * pb_rng_normal(rng));
            struct pb_latency_record row = {.stage = stage == 0 ? "base" : "pruned",
                                            .batch = (uint32_t)batch,
                                            .runs = 50,
                                            .threads = 2,
                                            .median_ms = ms,
                                            .p95_ms = ms * 1.2,
                                            .min_ms = ms * 0.95};
            must(pb_record_latency(record, &row, &error), &error);
        }
}

static void count_gamma(struct pb_gamma_record *gamma, uint32_t channels, double near_zero, struct pb_rng *rng)
{
    uint32_t *bins = gamma->bins;
    for (uint32_t i = 0; i < channels; i++) {
        double value = i < near_zero * channels ? 0.002 * fabs(pb_rng_normal(rng)) : 0.42 + 0.13 * pb_rng_normal(rng);
        bins[(int)fmin(fmax(value, 0) * BINS, BINS - 1)]++;
    }
}

static void add_layers(struct pb_record *record, const struct results_cell *cell, const uint32_t *kept)
{
    static const double NEAR_ZERO[] = {0.24, 0.17, 0.38};
    struct pb_error error = {0};
    struct pb_rng rng;
    pb_rng_init(&rng, cell->seed + 10, DATASETS[cell->dataset]);
    record->gamma =
        (struct pb_gamma_record){.max = 1, .bin_count = BINS, .bins = pb_calloc(BINS, sizeof *record->gamma.bins)};
    assert_non_null(record->gamma.bins);
    for (uint32_t i = 0; i < LAYERS; i++) {
        struct pb_layer_record row = {.name = (char *)NAMES[i], .channels = WIDTHS[i], .kept = kept[i]};
        count_gamma(&record->gamma, WIDTHS[i], NEAR_ZERO[cell->dataset], &rng);
        must(pb_record_layer(record, &row, &error), &error);
    }
}

static void add_epochs(struct pb_record *record, const char *stage, uint32_t count, double from, double to)
{
    struct pb_error error = {0};
    struct pb_rng rng;
    pb_rng_init(&rng, count, stage);
    for (uint32_t i = 1; i <= count; i++) {
        double top1 = to - (to - from) * exp(-5.0 * i / count);
        double noise = 0.015 * pb_rng_normal(&rng);
        struct pb_epoch_record row = {.stage = (char *)stage,
                                      .number = i,
                                      .lr = i * 3 > count * 2 ? 0.001 : 0.01,
                                      .loss = -log(fmin(top1 + 0.08, 0.995)),
                                      .top1 = fmin(top1 + 0.08, 1),
                                      .validation_top1 = fmin(fmax(top1 + noise, 0), 1),
                                      .validation_loss = -log(fmin(fmax(top1 + noise, 0.02), 1)),
                                      .seconds = 1.5};
        must(pb_record_epoch(record, &row, &error), &error);
    }
}

void results_record(const struct results_cell *cell, struct pb_record *record)
{
    struct pb_error error = {0};
    struct pb_rng rng;
    uint32_t kept[LAYERS];
    pb_record_init(record);
    add_config(record, cell);
    pb_rng_init(&rng, cell->seed, record->id);
    for (uint32_t i = 0; i < LAYERS; i++)
        kept[i] = kept_channels(cell, i, &rng);
    add_provenance(record, 41.25 + cell->rate);
    add_cost(record, cell, "base", WIDTHS);
    add_cost(record, cell, "pruned", kept);
    add_accuracies(record, cell, &rng);
    add_latencies(record, &rng);
    add_layers(record, cell, kept);
    if (cell->schedule != 2)
        must(pb_record_scoring(record, &(struct pb_scoring_record){.stage = "score", .seconds = 0.25}, &error), &error);
    double chance = 1.0 / CLASSES[cell->dataset], base = BASE_TOP1[cell->dataset];
    add_epochs(record, "base", 20, chance, base);
    if (cell->schedule == 1)
        for (uint32_t i = 0; i <= cell->rate; i++) {
            char stage[32];
            snprintf(stage, sizeof stage, "retrain-%.0f", RATES[i] * 100);
            add_epochs(record, stage, 6, base * 0.7, base);
        }
    else
        add_epochs(record, cell->schedule == 2 ? "soft" : "retrain", 12, base * 0.6, base);
    record->equivalence = 2.5e-7;
    record->peak_rss_bytes = 412000000;
    record->train_images = 1500;
    record->validation_images = 300;
    record->test_images = 600;
    record->class_count = CLASSES[cell->dataset];
    record->train_per_class = (struct pb_range_record){170, 180, 190};
    record->test_per_class = (struct pb_range_record){58, 60, 61};
    record->image_width = (struct pb_range_record){120, 500, 640};
    record->image_height = (struct pb_range_record){101, 375, 480};
}

/* What is left of a cell that did not end well. */
static void make_failed(struct pb_record *record, enum pb_cell_status status, const char *message)
{
    struct pb_error error = {0};
    struct pb_record full = *record;
    pb_record_init(record);
    record->id = full.id;
    record->config = full.config;
    record->config_count = full.config_count;
    full.id = NULL;
    full.config = NULL;
    full.config_count = 0;
    pb_record_free(&full);
    record->status = status;
    must(pb_record_text(&record->message, message, &error), &error);
    must(pb_record_text(&record->log_tail, "epoch 3 of 12\nretraining <after> the prune & before\n", &error), &error);
    if (status == PB_CELL_CRASHED)
        must(pb_record_text(&record->signal, "SIGSEGV", &error), &error);
}

static void write_cell(const char *folder, const struct results_cell *cell, struct results_spec spec)
{
    static const struct {
        enum pb_cell_status status;
        const char *message;
    } BAD[] = {
        {PB_CELL_CRASHED, "its process ended with signal SIGSEGV"},
        {PB_CELL_FAILED, "layer conv3_1, channel 17: score is not a number"},
        {PB_CELL_TIMED_OUT, "ended after 600 s, its time limit"},
        {PB_CELL_BLOCKED, "the stage 'base' that it starts from failed"},
    };
    struct pb_error error = {0};
    struct pb_record record;
    char name[800];
    results_record(cell, &record);
    if (spec.failures && cell->dataset == 0 && cell->schedule == 0 && cell->criterion == 1 && cell->rate < 4)
        make_failed(&record, BAD[cell->rate].status, BAD[cell->rate].message);
    snprintf(name, sizeof name, "%s/%s.xml", folder, record.id);
    must(pb_result_write(name, &record, &error), &error);
    pb_record_free(&record);
}

void results_write(const char *out, struct results_spec spec)
{
    static const char MATRIX[] =
        "<matrix xmlns=\"urn:prunebench:matrix:1\" name=\"made-up\"><dataset plugin=\"aircraft\"/>"
        "<dataset plugin=\"birds\"/><dataset plugin=\"cars\"/><criterion plugin=\"bn-scale\"/>"
        "<criterion plugin=\"l1-norm\"/><criterion plugin=\"random\"/><schedule plugin=\"one-shot\"/>"
        "<schedule plugin=\"iterative\"/><schedule plugin=\"soft\"/></matrix>\n";
    struct pb_error error = {0};
    char folder[512], path[600];
    snprintf(folder, sizeof folder, "%s/cells", out);
    must(pb_make_dirs(folder, &error), &error);
    snprintf(path, sizeof path, "%s/matrix.xml", out);
    must(pb_file_write_atomic(path, MATRIX, strlen(MATRIX), &error), &error);
    for (uint32_t dataset = 0; dataset < spec.datasets; dataset++)
        for (uint32_t schedule = 0; schedule < 3; schedule++)
            for (uint32_t criterion = 0; criterion < 3; criterion++)
                for (uint32_t rate = 0; rate < spec.rates; rate++)
                    for (uint32_t seed = 1; seed <= spec.seeds; seed++)
                        write_cell(folder, &(struct results_cell){dataset, schedule, criterion, rate, seed}, spec);
    if (spec.failures) {
        static const char HALF[] =
            "<?xml version=\"1.0\"?>\n<cell xmlns=\"urn:prunebench:result:1\" id=\"x\" status=\"ok\">\n<conf";
        snprintf(path, sizeof path, "%s/cut.xml", folder);
        must(pb_file_write_atomic(path, HALF, strlen(HALF), &error), &error);
    }
}
