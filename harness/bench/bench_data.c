/* A benchmark with data: photographs drawn for it go through the whole pipeline, from JPEG to batches. */
#include "bench/bench_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "base/clock.h"
#include "base/memory.h"

enum { CLASSES = PB_BENCH_CLASSES, LEAST_IMAGES = 64, MOST_IMAGES = 256, BATCHES = 8 };

/* All that is open. */
struct stage {
    const struct pb_bench_data_spec *spec;
    struct pb_bench_data *data;
    struct pb_preprocess preprocess;
    struct pb_bench_images images;
    struct pb_batches *batches;
    uint32_t epoch; /* the next */
    uint32_t epochs_per_run;
    double *with, *without; /* seconds per step of every run */
};

/* Whole batches, and as many images of every class. */
static uint32_t image_count(const struct pb_bench_data_spec *spec)
{
    const uint32_t unit = spec->batch % CLASSES ? spec->batch * CLASSES : spec->batch;
    uint32_t requested = spec->wish.images;
    if (requested == 0) {
        requested = BATCHES * spec->batch;
        requested = requested < LEAST_IMAGES ? LEAST_IMAGES : requested > MOST_IMAGES ? MOST_IMAGES : requested;
    }
    return (requested + unit - 1) / unit * unit;
}

/* A matrix's defaults of preprocessing and augmentation. */
static void set_preprocess(struct stage *stage)
{
    pb_preprocess_default(&stage->preprocess);
    stage->preprocess.image_size = stage->spec->image_size;
    stage->preprocess.flip = 0.5;
    stage->preprocess.rotate = 15;
}

static enum pb_status open_batches(struct stage *stage, struct pb_error *error)
{
    const struct pb_batches_spec spec = {.samples = stage->images.set->train,
                                         .sample_count = stage->images.set->train_count,
                                         .batch = stage->spec->batch,
                                         .training = stage->spec->training,
                                         .seed = 1,
                                         .threads = stage->spec->threads};
    return pb_batches_create(stage->images.cache, &stage->preprocess, &spec, &stage->batches, error);
}

static enum pb_status run_epochs(struct stage *stage, uint32_t epochs, struct pb_error *error)
{
    const uint32_t steps = pb_batches_per_epoch(stage->batches);
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < epochs && status == PB_OK; i++) {
        status = pb_batches_start(stage->batches, stage->epoch++, error);
        for (uint32_t n = 0; n < steps && status == PB_OK; n++) {
            struct pb_batch batch;
            status = pb_batches_next(stage->batches, &batch, error);
            if (status == PB_OK)
                status = stage->spec->step(stage->spec->context, batch.images, batch.labels, error);
        }
    }
    return status;
}

/* Decoding comes before the first epoch. Its length says how many epochs make a run that the clock can time. */
static enum pb_status run_first_epoch(struct stage *stage, struct pb_error *error)
{
    const double least = 0.25, begin = pb_clock();
    const enum pb_status status = run_epochs(stage, 1, error);
    const double seconds = fmax(pb_clock() - begin, 1e-6);
    stage->epochs_per_run = seconds < least ? (uint32_t)ceil(least / seconds) : 1;
    stage->data->first_epoch_seconds = (stage->data->decode_seconds + seconds) / pb_batches_per_epoch(stage->batches);
    return status;
}

static enum pb_status time_run(struct stage *stage, size_t run, struct pb_error *error)
{
    const uint32_t steps = stage->epochs_per_run * pb_batches_per_epoch(stage->batches);
    enum pb_status status = PB_OK;
    double begin = pb_clock();
    for (uint32_t n = 0; n < steps && status == PB_OK; n++)
        status = stage->spec->step_without(stage->spec->context, error);
    stage->without[run] = (pb_clock() - begin) / steps;
    if (status != PB_OK)
        return status;
    begin = pb_clock();
    status = run_epochs(stage, stage->epochs_per_run, error);
    stage->with[run] = (pb_clock() - begin) / steps;
    return status;
}

static enum pb_status time_runs(struct stage *stage, struct pb_error *error)
{
    struct pb_bench_data *data = stage->data;
    const size_t runs = stage->spec->runs;
    const double waited = pb_batches_waited(stage->batches), cpu = pb_batches_cpu(stage->batches);
    stage->with = pb_calloc(runs, sizeof *stage->with);
    stage->without = pb_calloc(runs, sizeof *stage->without);
    if (!stage->with || !stage->without)
        return pb_fail_memory(error, runs * sizeof *stage->with);
    for (size_t run = 0; run < runs; run++) {
        const enum pb_status status = time_run(stage, run, error);
        if (status != PB_OK)
            return status;
    }
    gsl_sort(stage->with, 1, runs);
    gsl_sort(stage->without, 1, runs);
    const double steps = (double)runs * stage->epochs_per_run * pb_batches_per_epoch(stage->batches);
    data->seconds = gsl_stats_median_from_sorted_data(stage->with, 1, runs);
    data->seconds_least = stage->with[0];
    data->seconds_most = stage->with[runs - 1];
    data->without_seconds = gsl_stats_median_from_sorted_data(stage->without, 1, runs);
    data->wait_seconds = (pb_batches_waited(stage->batches) - waited) / steps;
    data->cpu_seconds = (pb_batches_cpu(stage->batches) - cpu) / (steps * stage->spec->batch);
    return PB_OK;
}

static enum pb_status open_images(struct stage *stage, struct pb_error *error)
{
    const struct pb_bench_data_spec *spec = stage->spec;
    struct pb_bench_data *data = stage->data;
    set_preprocess(stage);
    const struct pb_bench_images_spec requested = {.registry = spec->registry,
                                                   .count = data->images,
                                                   .width = data->width,
                                                   .height = data->height,
                                                   .preprocess = &stage->preprocess,
                                                   .threads = spec->threads};
    const enum pb_status status = pb_bench_images_open(&requested, &stage->images, error);
    data->file_bytes = stage->images.file_bytes;
    data->cache_bytes = stage->images.cache_bytes;
    data->decode_seconds = stage->images.decode_seconds;
    return status;
}

static enum pb_status run_stage(struct stage *stage, struct pb_error *error)
{
    enum pb_status status = open_images(stage, error);
    if (status == PB_OK)
        status = open_batches(stage, error);
    if (status == PB_OK)
        status = run_first_epoch(stage, error);
    return status == PB_OK ? time_runs(stage, error) : status;
}

enum pb_status pb_bench_data_measure(const struct pb_bench_data_spec *spec, struct pb_bench_data *data,
                                     struct pb_error *error)
{
    struct pb_bench_data result = {
        .images = image_count(spec), .width = spec->wish.width, .height = spec->wish.height, .batch = spec->batch};
    struct stage stage = {.spec = spec, .data = &result};
    if (spec->classes < CLASSES)
        return pb_fail(error, PB_ERROR_INPUT, "bench: --data draws images of %d classes, the model has %" PRIu32,
                       CLASSES, spec->classes);
    const enum pb_status status = run_stage(&stage, error);
    pb_batches_free(&stage.batches);
    pb_bench_images_close(&stage.images);
    pb_free(stage.with);
    pb_free(stage.without);
    if (status == PB_OK)
        *data = result;
    return status;
}
