/* A benchmark with data: photographs drawn for it go through the whole pipeline, from JPEG to batches. */
#ifndef PB_BENCH_BENCH_DATA_H
#define PB_BENCH_BENCH_DATA_H

#include <prunebench/plugin.h>

#include "base/error.h"
#include "bench/bench_images.h"

/* What is asked for on the command line. */
struct pb_bench_data_wish {
    bool requested;
    uint32_t images; /* to train on; 0: a number that suits the batch */
    uint32_t width, height; /* of every JPEG */
};

struct pb_bench_data_spec {
    const struct pb_registry *registry;
    struct pb_bench_data_wish wish;
    uint32_t image_size, classes, batch, threads;
    size_t runs;
    bool training;
    /* One step on a batch of such images, and on a batch that is in memory already. */
    enum pb_status (*step)(void *context, const float *images, const uint32_t *labels, struct pb_error *error);
    enum pb_status (*step_without)(void *context, struct pb_error *error);
    void *context;
};

/* Seconds are medians over the runs; runs with and without data take turns. */
struct pb_bench_data {
    uint32_t images, width, height, batch;
    double file_bytes; /* of one JPEG, in the mean */
    uint64_t cache_bytes; /* of the decoded cache, which is a file that is mapped */
    double decode_seconds; /* from JPEG files to the decoded cache, of all images */
    double first_epoch_seconds; /* per step of the first epoch, decoding included */
    double seconds, seconds_least, seconds_most; /* per step from the second epoch on */
    double without_seconds; /* per step on images that are in memory already */
    double wait_seconds; /* per step, of seconds: spent on waiting for a batch */
    double cpu_seconds; /* per image: processor time of the prefetching threads */
};

PB_MUST_CHECK enum pb_status pb_bench_data_measure(const struct pb_bench_data_spec *spec, struct pb_bench_data *data,
                                                   struct pb_error *error);

#endif
