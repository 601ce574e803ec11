/* Once a training has started its team of threads, a second one like it starts none, on any backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "support/backends.h"
#include "support/small_networks.h"
#include "support/thread_count.h"
#include "support/training.h"

/* A step of a network with grouped, depthwise and dilated convolutions, of enough images for two threads. */
static void train_mixed(struct pb_device *device)
{
    enum { BATCH = 64 };
    const struct pb_engine_options options = {.batch = BATCH, .mode = PB_ENGINE_TRAIN, .seed = 1};
    const struct pb_step step = {.lr = 0.05};
    struct pb_network *network = small_network(SMALL_MIXED, 0);
    float *images = small_images(network, BATCH, 1);
    uint32_t *labels = small_labels(network, BATCH, 1);
    struct pb_engine *engine = NULL;
    struct pb_error error = {0};
    double loss;
    if (pb_engine_create(device, network, &options, &engine, &error) ||
        pb_engine_backward(engine, images, labels, &loss, NULL, &error) || pb_engine_step(engine, &step, &error))
        fail_msg("%s", error.text);
    pb_engine_free(&engine);
    pb_network_free(&network);
    free(images);
    free(labels);
}

/* The first trainings of all start a team; the same again, engine and all, find it. */
static void check_backend(const char *name, const char *settings)
{
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open(name, settings, 2, &backend, &error))
        fail_msg("%s", error.text);
    const uint64_t first = training_digest(backend.device);
    train_mixed(backend.device);
    const unsigned long team = threads_started();
    assert_int_equal(training_digest(backend.device), first);
    train_mixed(backend.device);
    assert_int_equal(threads_started(), team);
    backend_close(&backend);
}

static void test_steps_start_no_thread(void **state)
{
    (void)state;
    check_backend("reference", "");
    assert_true(threads_started() > 0);
    check_backend("blis", "");
    check_backend("blis", "algorithm=direct");
    check_backend("blis", "algorithm=winograd");
    check_backend("blis", "algorithm=gemm");
    check_backend("onednn", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps_start_no_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
