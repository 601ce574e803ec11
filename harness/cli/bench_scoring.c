/* prunebench bench --criteria: what scoring a model's channels costs. */
#include "cli/bench_scoring.h"

#include "base/log.h"
#include "base/machine.h"
#include "bench/bench_criteria.h"
#include "cli/backend_argument.h"
#include "cli/criteria_report.h"
#include "cli/model_argument.h"

static enum pb_status read_numbers(const struct pb_arguments *arguments, struct pb_bench_criteria_spec *spec,
                                   struct pb_error *error)
{
    static const char *const others[] = {"train", "infer", "data", "data-images", "data-sides", "runs"};
    size_t batch = 8, images = 0, threads = pb_machine_threads();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (pb_argument(arguments, others[i]))
            return pb_fail(error, PB_ERROR_INPUT, "bench: --criteria and --%s exclude each other", others[i]);
    enum pb_status status = pb_argument_size(arguments, "batch", 1, 1u << 16, &batch, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    images = 2 * batch;
    if (status == PB_OK)
        status = pb_argument_size(arguments, "images", 1, 1u << 16, &images, error);
    if (status == PB_OK && images % batch)
        status = pb_fail(error, PB_ERROR_INPUT,
                         "--images: %zu are no whole number of batches of %zu; give a multiple, or another --batch",
                         images, batch);
    spec->batch = (uint32_t)batch;
    spec->images = (uint32_t)images;
    spec->threads = (uint32_t)threads;
    return status;
}

static void announce(const char *criterion)
{
    pb_log(PB_LOG_INFO, "scoring with %s", criterion);
}

static enum pb_status measure(const struct pb_arguments *arguments, const struct pb_bench_criteria_spec *spec,
                              struct pb_error *error)
{
    struct pb_bench_criteria measured;
    enum pb_status status = pb_bench_criteria_measure(spec, &measured, error);
    if (status != PB_OK)
        return status;
    if (pb_argument(arguments, "json"))
        status = pb_bench_criteria_print_json(spec, &measured, error);
    else
        pb_bench_criteria_print(spec, &measured);
    pb_bench_criteria_free(&measured);
    return status;
}

enum pb_status pb_bench_scoring(const struct pb_arguments *arguments, size_t default_classes, struct pb_error *error)
{
    struct pb_backend_argument backend = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_bench_criteria_spec spec = {.names = pb_argument_list(arguments, "criterion"), .progress = announce};
    enum pb_status status = read_numbers(arguments, &spec, error);
    if (status == PB_OK)
        status = pb_argument_model(arguments, "bench", default_classes, &graph, error);
    if (status == PB_OK)
        status = pb_network_create(graph, &network, error); /* which takes the graph, whatever happens */
    if (status == PB_OK)
        status = pb_argument_backend(arguments, pb_argument(arguments, "backend"), spec.threads, &backend, error);
    if (status == PB_OK) {
        pb_network_initialise(network, 1);
        spec.registry = &backend.registry;
        spec.device = backend.device;
        spec.network = network;
        status = measure(arguments, &spec, error);
    }
    pb_network_free(&network);
    pb_argument_backend_close(&backend);
    return status;
}
