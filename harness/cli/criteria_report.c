/* What scoring costs, as a table and as JSON. */
#include "cli/criteria_report.h"

#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

/* The limits that scoring should keep: per image in passes forward and backward, and, of methods that work layer by layer, per layer. */
static const double most_passes = 2, most_layer_seconds = 60;

static double passes(const struct pb_bench_criteria *measured, const struct pb_criterion_cost *row)
{
    return row->image_seconds / measured->pass_seconds;
}

static void print_row(const struct pb_bench_criteria *measured, const struct pb_criterion_cost *row)
{
    printf("%-16s %-8s", row->name, row->weights ? "weights" : "channels");
    if (row->refusal.status) {
        printf("  %s\n", row->refusal.text);
        return;
    }
    if (row->images)
        printf(" %9.3f %7.2f%s", row->image_seconds, passes(measured, row),
               passes(measured, row) > most_passes ? " !" : "  ");
    else
        printf(" %9s %7s  ", "", "");
    printf(" %9.3f%s %-10s %9.2f\n", row->layer_seconds, row->layer_seconds > most_layer_seconds ? " !" : "  ",
           row->layer ? row->layer : "", row->seconds);
}

void pb_bench_criteria_print(const struct pb_bench_criteria_spec *spec, const struct pb_bench_criteria *measured)
{
    const struct pb_graph *graph = spec->network->graph;
    printf("%s, %" PRIu32 " classes, %" PRIu32 " pixels, %s on %" PRIu32 " threads, %" PRIu32
           " images in batches of %" PRIu32 "\n",
           graph->model, graph->classes, graph->nodes[0].shape.height, spec->device->description, spec->threads,
           spec->images, spec->batch);
    printf("a pass forward and backward: %.4f s per image%s\n\n", measured->pass_seconds,
           measured->processor_time ? " (all times are processor time)" : "");
    printf("%-16s %-8s %9s %7s   %9s   %-10s %9s\n", "criterion", "scores", "s/image", "passes", "s/layer", "slowest",
           "seconds");
    for (size_t i = 0; i < measured->count; i++)
        print_row(measured, &measured->rows[i]);
    printf(
        "\ns/image: of all that is computed on a calibration image; passes: the same in passes forward and backward.\n"
        "s/layer: the criterion's own work on the layer that takes it longest, images included. !: above %.0f passes,\n"
        "which methods that solve a problem for each layer may be, or above %.0f s.\n",
        most_passes, most_layer_seconds);
}

static json_t *row_json(const struct pb_bench_criteria *measured, const struct pb_criterion_cost *row)
{
    const char *scores = row->weights ? "weights" : "channels";
    if (row->refusal.status)
        return json_pack("{s:s, s:s, s:s}", "criterion", row->name, "scores", scores, "refusal", row->refusal.text);
    return json_pack("{s:s, s:s, s:I, s:f, s:o, s:o, s:f, s:s?}", "criterion", row->name, "scores", scores, "images",
                     (json_int_t)row->images, "seconds", row->seconds, "seconds_per_image",
                     row->images ? json_real(row->image_seconds) : json_null(), "passes",
                     row->images ? json_real(passes(measured, row)) : json_null(), "seconds_of_slowest_layer",
                     row->layer_seconds, "slowest_layer", row->layer);
}

enum pb_status pb_bench_criteria_print_json(const struct pb_bench_criteria_spec *spec,
                                            const struct pb_bench_criteria *measured, struct pb_error *error)
{
    const struct pb_graph *graph = spec->network->graph;
    json_t *rows = json_array();
    bool good = rows != NULL;
    for (size_t i = 0; i < measured->count && good; i++)
        good = json_array_append_new(rows, row_json(measured, &measured->rows[i])) == 0;
    json_t *whole = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:f, s:o}", "backend_detail", spec->device->description, "model",
        graph->model, "classes", (json_int_t)graph->classes, "image_size", (json_int_t)graph->nodes[0].shape.height,
        "threads", (json_int_t)spec->threads, "batch", (json_int_t)spec->batch, "processor_time",
        measured->processor_time, "pass_seconds_per_image", measured->pass_seconds, "criteria", rows);
    good = good && whole && json_dumpf(whole, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(whole);
    return good ? PB_OK : pb_fail(error, PB_ERROR_RUN, "cannot write the benchmark's JSON");
}
