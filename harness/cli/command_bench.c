/* prunebench bench: images per second of a model on a backend, and where the time goes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_sort.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/rng.h"
#include "cli/backend_argument.h"
#include "bench/bench.h"
#include "bench/fma_peak.h"
#include "cli/bench_report.h"
#include "cli/bench_scoring.h"
#include "cli/cli.h"
#include "cli/model_argument.h"
#include "drawing/drawing.h"

enum { DEFAULT_CLASSES = 100, RUN_SECONDS_NUMERATOR = 1, RUN_SECONDS_DENOMINATOR = 4 };

static const struct pb_cli_option options[] = {
    {"backend", 'b', "NAME", "the backend that computes (the one that 'prunebench plugins' marks as the default)"},
    PB_MODEL_OPTIONS,
    {"batch", 'n', "N", "images per step (8)"},
    {"threads", 't', "T", "threads (default: one for each processor)"},
    {"train", 0, NULL, "time whole training steps: forward, backward, optimiser (the default)"},
    {"infer", 0, NULL, "time evaluation alone"},
    {"data", 'd', NULL, "also time the same steps with data, from JPEG files to batches"},
    {"data-images", 0, "N", "images drawn for --data (8 batches, but 64 to 256)"},
    {"data-sides", 0, "WxH", "width and height of these images (1024x768)"},
    {"criteria", 0, NULL, "time what every criterion's scoring of this model costs, in place of the model"},
    {"criterion", 'c', "NAME", "the same of this criterion alone; may be given several times"},
    {"images", 0, "N", "calibration images of --criteria and --criterion (2 batches)"},
    {"runs", 'r', "R", "timed runs, after a warm-up (5)"},
    PB_BACKEND_OPTIONS,
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

/* All that one benchmark holds. */
struct session {
    struct pb_backend_argument backend;
    struct pb_graph *graph;
    struct pb_network *network;
    struct pb_engine *engine;
    float *images, *logits;
    uint32_t *labels;
    size_t batch, threads, runs;
    bool training;
    struct pb_bench_data_wish wish;
    uint64_t baseline, predicted; /* bytes: before the benchmark's arrays, and predicted with them */
};

static enum pb_status read_data_options(const struct pb_arguments *arguments, struct pb_bench_data_wish *wish,
                                        struct pb_error *error)
{
    size_t images = 0;
    *wish = (struct pb_bench_data_wish){.requested = pb_argument(arguments, "data"), .width = 1024, .height = 768};
    if (!wish->requested && (pb_argument(arguments, "data-images") || pb_argument(arguments, "data-sides")))
        return pb_fail(error, PB_ERROR_INPUT, "bench: --data-images and --data-sides belong to --data; give that too");
    enum pb_status status = pb_argument_size(arguments, "data-images", 2 * PB_BENCH_CLASSES, 1u << 16, &images, error);
    if (status == PB_OK)
        status = pb_argument_sides(arguments, "data-sides", PB_SYNTH_SIZE_MAX, &wish->width, &wish->height, error);
    wish->images = (uint32_t)images;
    return status;
}

static enum pb_status read_numbers(const struct pb_arguments *arguments, struct session *session,
                                   struct pb_error *error)
{
    session->batch = 8;
    session->runs = 5;
    session->threads = pb_machine_threads();
    session->training = !pb_argument(arguments, "infer");
    if (pb_argument(arguments, "infer") && pb_argument(arguments, "train"))
        return pb_fail(error, PB_ERROR_INPUT, "bench: --train and --infer exclude each other");
    enum pb_status status = pb_argument_size(arguments, "batch", 1, 1u << 16, &session->batch, error);
    if (!status)
        status = pb_argument_size(arguments, "threads", 1, 4096, &session->threads, error);
    if (!status)
        status = read_data_options(arguments, &session->wish, error);
    return status ? status : pb_argument_size(arguments, "runs", 1, 10000, &session->runs, error);
}

/* Images of noise and labels in turn: what is in them does not change the time. */
static enum pb_status make_batch(struct session *session, struct pb_error *error)
{
    const size_t image = pb_shape_count(session->graph->nodes[0].shape), classes = session->graph->classes;
    struct pb_rng rng;
    size_t floats;
    if (!pb_multiply(image, session->batch, &floats))
        return pb_fail(error, PB_ERROR_INPUT, "--batch: %zu images are too many", session->batch);
    session->images = pb_calloc(floats, sizeof *session->images);
    session->labels = pb_calloc(session->batch, sizeof *session->labels);
    session->logits = pb_calloc(session->batch * classes, sizeof *session->logits);
    if (!session->images || !session->labels || !session->logits)
        return pb_fail_memory(error, floats * sizeof *session->images);
    pb_rng_init(&rng, 1, "bench/images");
    for (size_t i = 0; i < floats; i++)
        session->images[i] = (float)(2 * pb_rng_uniform(&rng) - 1);
    for (size_t n = 0; n < session->batch; n++)
        session->labels[n] = (uint32_t)(n % classes);
    return PB_OK;
}

/* What is in memory already (program, libraries, the opened backend), and all that will be allocated. */
static enum pb_status predict(struct session *session, const struct pb_engine_options *requested,
                              struct pb_error *error)
{
    const struct pb_graph *graph = session->graph;
    struct pb_engine_memory engine;
    const enum pb_status status = pb_engine_predict(session->backend.device, graph, requested, &engine, error);
    if (status)
        return status;
    const uint64_t image = pb_shape_count(graph->nodes[0].shape);
    const uint64_t batch = session->batch * (image + graph->classes + 1) * sizeof(float);
    session->baseline = pb_resident_bytes();
    session->predicted =
        session->baseline + graph->value_count * sizeof(float) + batch + pb_engine_memory_bytes(&engine);
    return PB_OK;
}

static enum pb_status prepare(const struct pb_arguments *arguments, struct session *session, struct pb_error *error)
{
    struct pb_graph *copy = NULL;
    enum pb_status status = read_numbers(arguments, session, error);
    if (!status)
        status = pb_argument_model(arguments, "bench", DEFAULT_CLASSES, &session->graph, error);
    if (!status)
        status = pb_argument_backend(arguments, pb_argument(arguments, "backend"), (uint32_t)session->threads,
                                     &session->backend, error);
    const struct pb_engine_options requested = {
        .batch = (uint32_t)session->batch, .mode = session->training ? PB_ENGINE_TRAIN : PB_ENGINE_INFER, .seed = 1};
    if (!status)
        status = predict(session, &requested, error);
    if (!status)
        status = make_batch(session, error);
    if (!status)
        status = pb_graph_copy(session->graph, &copy, error);
    if (!status)
        status = pb_network_create(copy, &session->network, error);
    if (status)
        return status;
    pb_network_initialise(session->network, 1);
    status = pb_engine_create(session->backend.device, session->network, &requested, &session->engine, error);
    return status || !session->training ? status : pb_engine_penalise_norms(session->engine, 1e-4, 1e-4, error);
}

static void dismantle(struct session *session)
{
    pb_engine_free(&session->engine);
    pb_network_free(&session->network);
    pb_graph_free(&session->graph);
    pb_argument_backend_close(&session->backend);
    pb_free(session->images);
    pb_free(session->logits);
    pb_free(session->labels);
}

static enum pb_status step_on(void *context, const float *images, const uint32_t *labels, struct pb_error *error)
{
    struct session *session = context;
    /* A matrix's defaults, but for a small rate, so that noise does not make the weights overflow in a long run. */
    static const struct pb_step sgd = {.lr = 1e-6, .momentum = 0.9, .weight_decay = 1e-5, .nesterov = true};
    double loss;
    if (!session->training)
        return pb_engine_forward(session->engine, images, (uint32_t)session->batch, session->logits, error);
    const enum pb_status status = pb_engine_backward(session->engine, images, labels, &loss, NULL, error);
    return status ? status : pb_engine_step(session->engine, &sgd, error);
}

static enum pb_status step(void *context, struct pb_error *error)
{
    struct session *session = context;
    return step_on(session, session->images, session->labels, error);
}

/* Two steps to warm up; the second says how many make a run that the clock can time. */
static enum pb_status measure(struct session *session, struct pb_bench *bench, struct pb_error *error)
{
    const double least = (double)RUN_SECONDS_NUMERATOR / RUN_SECONDS_DENOMINATOR;
    enum pb_status status = step(session, error);
    double start = pb_clock();
    if (!status)
        status = step(session, error);
    if (status)
        return status;
    const double warm = fmax(pb_clock() - start, 1e-6);
    bench->steps_per_run = warm < least ? (size_t)ceil(least / warm) : 1;
    pb_engine_times_reset(session->engine);
    for (size_t run = 0; run < session->runs; run++) {
        start = pb_clock();
        for (size_t i = 0; i < bench->steps_per_run; i++) {
            status = step(session, error);
            if (status)
                return status;
        }
        bench->seconds[run] = (pb_clock() - start) / (double)bench->steps_per_run;
    }
    gsl_sort(bench->seconds, 1, session->runs);
    return PB_OK;
}

static enum pb_status measure_data(struct session *session, struct pb_bench_data *data, struct pb_error *error)
{
    const struct pb_bench_data_spec spec = {.registry = &session->backend.registry,
                                            .wish = session->wish,
                                            .image_size = session->graph->nodes[0].shape.height,
                                            .classes = session->graph->classes,
                                            .batch = (uint32_t)session->batch,
                                            .threads = (uint32_t)session->threads,
                                            .runs = session->runs,
                                            .training = session->training,
                                            .step = step_on,
                                            .step_without = step,
                                            .context = session};
    return pb_bench_data_measure(&spec, data, error);
}

static enum pb_status run_bench(struct session *session, bool json, struct pb_error *error)
{
    struct pb_bench_data data;
    struct pb_bench bench = {.device = session->backend.device,
                             .engine = session->engine,
                             .graph = session->graph,
                             .batch = (uint32_t)session->batch,
                             .threads = (uint32_t)session->threads,
                             .training = session->training,
                             .runs = session->runs,
                             .baseline_bytes = session->baseline,
                             .predicted_bytes = session->predicted};
    pb_engine_memory(session->engine, &bench.memory);
    bench.seconds = pb_calloc(session->runs, sizeof *bench.seconds);
    if (!bench.seconds)
        return pb_fail_memory(error, session->runs * sizeof *bench.seconds);
    enum pb_status status = PB_OK;
    struct pb_load_sample before;
    pb_load_sample(&before);
    if (session->wish.requested) { /* first: the times of layers and phases are those of the runs below */
        status = measure_data(session, &data, error);
        bench.data = &data;
    }
    if (!status)
        status = measure(session, &bench, error);
    if (!status) {
        bench.load = pb_load_since(&before);
        bench.peak_gflops = pb_fma_peak((int)session->threads, &bench.peak_isa);
        bench.peak_rss_bytes = pb_peak_resident_bytes();
        if (json)
            status = pb_bench_print_json(&bench, error);
        else
            pb_bench_print(&bench);
    }
    pb_free(bench.seconds);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct session session = {0};
    (void)exit_code;
    if (pb_argument(arguments, "criteria") || pb_argument(arguments, "criterion"))
        return pb_bench_scoring(arguments, DEFAULT_CLASSES, error);
    if (pb_argument(arguments, "images"))
        return pb_fail(error, PB_ERROR_INPUT, "bench: --images belongs to --criteria; give that too");
    enum pb_status status = prepare(arguments, &session, error);
    if (!status)
        status = run_bench(&session, pb_argument(arguments, "json") != NULL, error);
    dismantle(&session);
    return status;
}

const struct pb_command pb_command_bench = {
    .name = "bench",
    .usage = "--model M [--backend B] [--classes K] [--image-size S] [--width-multiplier F | --widths 12,34,…] "
             "[--batch N] [--threads T] [--train | --infer] [--data [--data-images N] [--data-sides WxH]] [--runs R] "
             "[--criteria | --criterion NAME…] [--images N] [--option NAME=VALUE]… [--json]",
    .summary = "time a model on a backend, layer by layer",
    .details =
        "Runs training steps (or evaluation, with --infer) on noise, after a warm-up, and prints the median and\n"
        "the range of several runs: images per second, seconds per step and where they go, GFLOPS per layer and\n"
        "pass (2 FLOPs per multiply-accumulate of direct counting), and the share of the multiply-add peak that\n"
        "is measured on the same threads. Figures are marked when other processes were running, or when the middle\n"
        "half of the runs differs by more than 5 %; measure those again on a quiet machine.\n\n"
        "With --data, photographs of 1024×768 pixels are drawn into a temporary folder (below $TMPDIR, removed as\n"
        "soon as they are decoded) and go through the pipeline of a real run: decoding, the cache of decoded images,\n"
        "rotation within ±15 degrees and flips, batches. The first epoch, with decoding, and those from the second\n"
        "on are measured separately; the latter take turns with steps on images that are in memory, and the ratio is "
        "printed.\n\n"
        "With --criteria, every criterion scores the model, with random weights, on photographs drawn for it. Printed "
        "are\n"
        "the seconds per calibration image, also as a multiple of a pass forward and backward, and the seconds that "
        "the\n"
        "criterion itself spends on the layer that takes longest. With one thread they are processor time, which "
        "other\n"
        "processes disturb less.",
    .options = options,
    .run = run,
};
