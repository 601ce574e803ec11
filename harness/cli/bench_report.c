/* A benchmark as a table and as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <gsl/gsl_statistics_double.h>
#include <jansson.h>

#include "bench/bench.h"
#include "cli/bench_report.h"
#include "graph/cost.h"

static const char *const pass_names[3] = {"forward", "backward_data", "backward_weights"};

static double median_seconds(const struct pb_bench *bench)
{
    return gsl_stats_median_from_sorted_data(bench->seconds, 1, bench->runs);
}

static double steps(const struct pb_bench *bench)
{
    return (double)bench->runs * (double)bench->steps_per_run;
}

/* Whether a pass of a node is run at all: images get no gradient, and only weights have a weight pass. */
static bool has_pass(const struct pb_bench *bench, uint32_t index, int pass)
{
    const struct pb_node *node = &bench->graph->nodes[index];
    if (pass == 0)
        return true;
    return bench->training && (pass == 1 ? node->inputs[0] != 0 : node->parameters[PB_ROLE_WEIGHT] != PB_NO_PARAMETER);
}

/* GFLOPS of one pass of a node; 0 where it does not run. */
static double node_gflops(const struct pb_bench *bench, uint32_t node, int pass)
{
    if (!has_pass(bench, node, pass))
        return 0;
    const double seconds = pb_engine_times(bench->engine)->node[node][pass] / steps(bench);
    const double flops = 2.0 * (double)pb_node_cost(bench->graph, node).macs * bench->batch;
    return seconds > 0 ? flops / seconds * 1e-9 : 0;
}

/* FLOPs of a whole step: a pass forward, and two of the same size backward but for the first convolution's data. */
static double step_flops(const struct pb_bench *bench)
{
    double macs = 0;
    bool first = true;
    for (uint32_t i = 0; i < bench->graph->node_count; i++) {
        const double node = (double)pb_node_cost(bench->graph, i).macs;
        if (!node)
            continue;
        macs += node * (bench->training ? (first ? 2 : 3) : 1);
        first = false;
    }
    return 2 * macs * bench->batch;
}

static double bench_gflops(const struct pb_bench *bench)
{
    return step_flops(bench) / median_seconds(bench) * 1e-9;
}

static void print_cell(double gflops, double peak)
{
    if (gflops > 0)
        printf(" %9.1f %4.0f%%", gflops, peak > 0 ? 100 * gflops / peak : 0.0);
    else
        printf(" %9s %5s", "", "");
}

static void print_layers(const struct pb_bench *bench)
{
    const int width = pb_graph_name_width(bench->graph, 10);
    printf("\n%-*s %14s %-22s %15s %15s %15s\n", width, "layer", "H W C", "algorithm", "forward", "backward data",
           "backward weights");
    for (uint32_t i = 0; i < bench->graph->node_count; i++) {
        const struct pb_node *node = &bench->graph->nodes[i];
        char shape[40];
        if (!pb_node_cost(bench->graph, i).macs)
            continue;
        snprintf(shape, sizeof shape, "%" PRIu32 " %" PRIu32 " %" PRIu32, node->shape.height, node->shape.width,
                 node->shape.channels);
        printf("%-*s %14s %-22s", width, node->name, shape, pb_engine_algorithm(bench->engine, i));
        for (int pass = 0; pass < 3; pass++)
            print_cell(node_gflops(bench, i, pass), bench->peak_gflops);
        putchar('\n');
    }
    puts("GFLOPS by direct counting, and their share of the peak. A convolution's forward pass includes a batch norm "
         "behind it.");
}

static double megabytes(uint64_t bytes)
{
    return (double)bytes * 1e-6;
}

static void print_memory(const struct pb_bench *bench)
{
    const struct pb_engine_memory *memory = &bench->memory;
    printf("MB resident at most %10.1f   (predicted %.1f%s)\n", megabytes(bench->peak_rss_bytes),
           megabytes(bench->predicted_bytes), bench->data ? " without the data" : "");
    printf("MB of buffers       %10.1f   (parameters %.1f, gradients %.1f, momentum %.1f, activations %.1f, "
           "workspace %.1f, transformed filters %.1f; the backend's own %.1f)\n\n",
           megabytes(pb_engine_buffer_bytes(memory)), megabytes(memory->values), megabytes(memory->gradients),
           megabytes(memory->velocity), megabytes(memory->activations), megabytes(memory->workspace),
           megabytes(memory->filters), megabytes(memory->backend_kept + memory->backend_shared));
}

static void print_data(const struct pb_bench_data *data)
{
    printf("\nwith data: %" PRIu32 " JPEGs of %" PRIu32 "×%" PRIu32
           " pixels, %.0f kB each, turned and mirrored; decoded "
           "cache %.1f MB\n",
           data->images, data->width, data->height, data->file_bytes * 1e-3, (double)data->cache_bytes * 1e-6);
    printf("%-28s %8.2f images/s   %8.4f s per step   (decoding %.2f s of it)\n", "epoch 1",
           data->batch / data->first_epoch_seconds, data->first_epoch_seconds, data->decode_seconds);
    printf("%-28s %8.2f images/s   %8.4f s per step   (%.4f … %.4f)\n", "from epoch 2 on", data->batch / data->seconds,
           data->seconds, data->seconds_least, data->seconds_most);
    printf("%-28s %8.2f images/s   %8.4f s per step\n", "without data, in turns", data->batch / data->without_seconds,
           data->without_seconds);
    printf("%-28s %8.3f\n", "with ÷ without", data->seconds / data->without_seconds);
    printf("%-28s %8.3f ms of processor time per image, %.4f s of waiting per step\n", "pipeline",
           data->cpu_seconds * 1e3, data->wait_seconds);
}

void pb_bench_print(const struct pb_bench *bench)
{
    const double median = median_seconds(bench);
    const struct pb_engine_times *times = pb_engine_times(bench->engine);
    char reason[PB_LOAD_REASON];
    printf("%s, %" PRIu32 " classes, %" PRIu32 " pixels, batch %" PRIu32 ", %s, %s on %" PRIu32 " threads\n",
           bench->graph->model, bench->graph->classes, bench->graph->nodes[0].shape.height, bench->batch,
           bench->training ? "training" : "inference", bench->device->description, bench->threads);
    if (bench->device->fallbacks[0])
        printf("the host's portable operators: %s\n", bench->device->fallbacks);
    printf("\nimages per second   %10.2f   (%.2f … %.2f, %zu runs of %zu steps)\n", bench->batch / median,
           bench->batch / bench->seconds[bench->runs - 1], bench->batch / bench->seconds[0], bench->runs,
           bench->steps_per_run);
    printf("seconds per step    %10.4f   (%.4f … %.4f)\n", median, bench->seconds[0], bench->seconds[bench->runs - 1]);
    if (pb_bench_is_noisy(bench, reason))
        printf("noisy               %s\n", reason);
    printf("GFLOPS              %10.1f   (%.0f %% of the peak, %.1f, %s)\n", bench_gflops(bench),
           100 * bench_gflops(bench) / bench->peak_gflops, bench->peak_gflops, bench->peak_isa);
    print_memory(bench);
    for (int phase = 0; phase < PB_PHASE_COUNT; phase++) {
        const double seconds = times->phase[phase] / steps(bench);
        printf("%-28s %8.4f s %5.1f %%\n", pb_phase_name((enum pb_phase)phase), seconds, 100 * seconds / median);
    }
    print_layers(bench);
    if (bench->data)
        print_data(bench->data);
}

/* Adds value to object under key; false when memory is out. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *phases(const struct pb_bench *bench)
{
    json_t *object = json_object();
    for (int phase = 0; object && phase < PB_PHASE_COUNT; phase++)
        set(object, pb_phase_name((enum pb_phase)phase),
            json_real(pb_engine_times(bench->engine)->phase[phase] / steps(bench)));
    return object;
}

static json_t *memory_parts(const struct pb_bench *bench)
{
    const struct pb_engine_memory *memory = &bench->memory;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "baseline",
                     (json_int_t)bench->baseline_bytes, "parameters", (json_int_t)memory->values, "gradients",
                     (json_int_t)memory->gradients, "momentum", (json_int_t)memory->velocity, "activations",
                     (json_int_t)memory->activations, "workspace", (json_int_t)memory->workspace, "filters",
                     (json_int_t)memory->filters, "staging", (json_int_t)memory->staging, "backend_kept",
                     (json_int_t)memory->backend_kept, "backend_shared", (json_int_t)memory->backend_shared);
}

static json_t *layers(const struct pb_bench *bench)
{
    json_t *array = json_array();
    for (uint32_t i = 0; array && i < bench->graph->node_count; i++) {
        const struct pb_cost cost = pb_node_cost(bench->graph, i);
        if (!cost.macs)
            continue;
        json_t *row = json_pack("{s:s, s:s, s:I}", "name", bench->graph->nodes[i].name, "algorithm",
                                pb_engine_algorithm(bench->engine, i), "macs", (json_int_t)cost.macs);
        for (int pass = 0; row && pass < 3; pass++) {
            const double gflops = node_gflops(bench, i, pass);
            if (gflops > 0)
                set(row, pass_names[pass], json_real(gflops));
        }
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *run_seconds(const struct pb_bench *bench)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < bench->runs; i++)
        json_array_append_new(array, json_real(bench->seconds[i]));
    return array;
}

/* others and steal: null where the kernel does not count them. */
static json_t *machine_load(const struct pb_bench *bench)
{
    char reason[PB_LOAD_REASON];
    const struct pb_load *load = &bench->load;
    const double spread = pb_relative_spread(bench->seconds, bench->runs);
    const bool noisy = pb_bench_is_noisy(bench, reason);
    return json_pack("{s:b, s:s, s:o, s:o, s:o, s:f}", "noisy", noisy, "reason", reason, "spread",
                     isnan(spread) ? json_null() : json_real(spread), "other_processors",
                     load->counted ? json_real(load->others) : json_null(), "steal",
                     load->counted ? json_real(load->steal) : json_null(), "waiting_processes", load->waiting);
}

static json_t *data_json(const struct pb_bench_data *data)
{
    return json_pack("{s:I, s:I, s:I, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "images",
                     (json_int_t)data->images, "width", (json_int_t)data->width, "height", (json_int_t)data->height,
                     "file_bytes", data->file_bytes, "cache_bytes", (json_int_t)data->cache_bytes, "decode_seconds",
                     data->decode_seconds, "first_epoch_seconds_per_step", data->first_epoch_seconds,
                     "first_epoch_images_per_second", data->batch / data->first_epoch_seconds, "seconds_per_step",
                     data->seconds, "images_per_second", data->batch / data->seconds, "seconds_per_step_without",
                     data->without_seconds, "images_per_second_without", data->batch / data->without_seconds, "ratio",
                     data->seconds / data->without_seconds, "wait_seconds_per_step", data->wait_seconds,
                     "cpu_seconds_per_image", data->cpu_seconds);
}

enum pb_status pb_bench_print_json(const struct pb_bench *bench, struct pb_error *error)
{
    const double median = median_seconds(bench);
    json_t *whole = json_object();
    bool good = whole && set(whole, "backend", json_string(bench->device->loaded->plugin->name));
    good = good && set(whole, "backend_detail", json_string(bench->device->description));
    good = good && set(whole, "fallbacks", json_string(bench->device->fallbacks));
    good = good && set(whole, "model", json_string(bench->graph->model));
    good = good && set(whole, "classes", json_integer(bench->graph->classes));
    good = good && set(whole, "image_size", json_integer(bench->graph->nodes[0].shape.height));
    good = good && set(whole, "threads", json_integer(bench->threads));
    good = good && set(whole, "batch", json_integer(bench->batch));
    good = good && set(whole, "mode", json_string(bench->training ? "train" : "infer"));
    good = good && set(whole, "images_per_second", json_real(bench->batch / median));
    good = good && set(whole, "seconds_per_step", json_real(median));
    good = good && set(whole, "runs", json_integer((json_int_t)bench->runs));
    good = good && set(whole, "steps_per_run", json_integer((json_int_t)bench->steps_per_run));
    good = good && set(whole, "run_seconds_per_step", run_seconds(bench));
    good = good && set(whole, "machine", machine_load(bench));
    good = good && set(whole, "gflops", json_real(bench_gflops(bench)));
    good = good && set(whole, "peak_gflops", json_real(bench->peak_gflops));
    good = good && set(whole, "peak_isa", json_string(bench->peak_isa));
    good = good && set(whole, "engine_bytes", json_integer((json_int_t)pb_engine_buffer_bytes(&bench->memory)));
    good = good && set(whole, "workspace_bytes", json_integer((json_int_t)bench->memory.workspace));
    good = good && set(whole, "memory_bytes", memory_parts(bench));
    good = good && set(whole, "predicted_bytes", json_integer((json_int_t)bench->predicted_bytes));
    good = good && set(whole, "peak_rss_bytes", json_integer((json_int_t)bench->peak_rss_bytes));
    good = good && set(whole, "phase_seconds", phases(bench)) && set(whole, "layers_gflops", layers(bench));
    if (bench->data)
        good = good && set(whole, "data", data_json(bench->data));
    good = good && json_dumpf(whole, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(whole);
    return good ? PB_OK : pb_fail(error, PB_ERROR_RUN, "cannot write the benchmark's JSON");
}
