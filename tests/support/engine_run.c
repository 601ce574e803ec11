/* A small network on an engine, for tests. */
#include "support/engine_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/operators.h"

struct run run_create(enum small_network kind, enum pb_engine_mode mode, uint32_t threads)
{
    struct run run = {.device = portable_device(threads), .network = small_network(kind, 0.5)};
    const struct pb_engine_options options = {.batch = RUN_BATCH, .mode = mode, .seed = 3};
    if (pb_engine_create(run.device, run.network, &options, &run.engine, &run.error))
        fail_msg("%s", run.error.text);
    run.images = small_images(run.network, RUN_BATCH, 2);
    run.labels = small_labels(run.network, RUN_BATCH, 2);
    return run;
}

void run_free(struct run *run)
{
    pb_engine_free(&run->engine);
    pb_network_free(&run->network);
    operator_device_close(&run->device);
    free(run->images);
    free(run->labels);
}

double run_backward(struct run *run, float *logits)
{
    double loss = NAN;
    if (pb_engine_backward(run->engine, run->images, run->labels, &loss, logits, &run->error))
        fail_msg("%s", run->error.text);
    return loss;
}

void run_step(struct run *run, const struct pb_step *how)
{
    if (pb_engine_step(run->engine, how, &run->error))
        fail_msg("%s", run->error.text);
}

void run_store(struct run *run)
{
    if (pb_engine_store(run->engine, run->network, &run->error))
        fail_msg("%s", run->error.text);
}

void run_evaluate(struct run *run, uint32_t count, float *logits)
{
    if (pb_engine_forward(run->engine, run->images, count, logits, &run->error))
        fail_msg("%s", run->error.text);
}

const struct pb_step plain_step = {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4, .nesterov = true};

struct pb_network *run_copy_of(const struct pb_network *network)
{
    struct pb_network *copy = NULL;
    struct pb_error error = {0};
    if (pb_network_copy(network, &copy, &error))
        fail_msg("%s", error.text);
    return copy;
}
