/* A benchmark with data: photographs drawn for it go through the whole pipeline, from JPEG to batches. */
#include "bench/bench_data.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "data/data.h"
#include "plugin/options.h"
#include "synth/synth.h"

enum { CLASSES = PB_BENCH_DATA_CLASSES, LEAST_IMAGES = 64, MOST_IMAGES = 256, BATCHES = 8 };
/* 200 kB for 1024×768 pixels, about what the photographs of FGVC-Aircraft take. */
enum { QUALITY = 95 };

/* All that is open. */
struct stage {
    const struct pb_bench_data_spec *spec;
    struct pb_bench_data *data;
    char *folder; /* of files and cache, until both are in memory */
    struct pb_options options;
    struct pb_preprocess preprocess;
    struct pb_data *set;
    struct pb_cache *cache;
    struct pb_batches *batches;
    uint32_t epoch; /* the next */
    uint32_t epochs_per_run;
    double *with, *without; /* seconds per step of every run */
};

/* Whole batches, and as many images of every class. */
static uint32_t image_count(const struct pb_bench_data_spec *spec)
{
    const uint32_t unit = spec->batch % CLASSES ? spec->batch * CLASSES : spec->batch;
    uint32_t wanted = spec->wish.images;
    if (wanted == 0) {
        wanted = BATCHES * spec->batch;
        wanted = wanted < LEAST_IMAGES ? LEAST_IMAGES : wanted > MOST_IMAGES ? MOST_IMAGES : wanted;
    }
    return (wanted + unit - 1) / unit * unit;
}

static enum pb_status draw(struct stage *stage, struct pb_error *error)
{
    const struct pb_bench_data_spec *spec = stage->spec;
    struct pb_synth_options options;
    pb_synth_defaults(&options);
    options.classes = CLASSES;
    options.train_per_class = stage->data->images / CLASSES;
    options.test_per_class = 1;
    options.width = spec->wish.width;
    options.height = spec->wish.height;
    options.quality = QUALITY;
    options.threads = spec->threads;
    options.sets = pb_synth_first().name;
    options.quiet = true;
    return pb_synth(stage->folder, &options, error);
}

static double mean_file_bytes(const struct pb_data *set)
{
    struct stat info;
    double sum = 0;
    for (uint32_t i = 0; i < set->contents.sample_count; i++)
        if (stat(set->contents.samples[i].path, &info) == 0)
            sum += (double)info.st_size;
    return sum / set->contents.sample_count;
}

/* Bytes of the one cache file. */
static uint64_t cache_bytes(const char *folder)
{
    char **names = NULL;
    size_t count = 0;
    uint64_t bytes = 0;
    if (pb_list_dir(folder, &names, &count, NULL) != PB_OK)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        char *path = pb_path_join(folder, names[i]);
        if (path && stat(path, &info) == 0)
            bytes += (uint64_t)info.st_size;
        pb_free(path);
    }
    pb_names_free(&names, count);
    return bytes;
}

static enum pb_status open_set(struct stage *stage, struct pb_error *error)
{
    const struct pb_loaded *loaded;
    const struct pb_split_spec split = {.seed = 1};
    const struct pb_synth_place drawn = pb_synth_first();
    char *root = pb_path_join(stage->folder, drawn.folder);
    if (!root)
        return pb_fail_memory(error, 64);
    enum pb_status status =
        pb_registry_find(stage->spec->registry, PB_KIND_DATASET, drawn.name, "--data", &loaded, error);
    if (status == PB_OK)
        status = pb_options_create(loaded->plugin, &stage->options, error);
    if (status == PB_OK)
        status = pb_data_open(loaded, &stage->options, root, &split, &stage->set, error);
    pb_free(root);
    return status;
}

/* The thesis's preprocessing and augmentation. */
static void set_preprocess(struct stage *stage)
{
    pb_preprocess_default(&stage->preprocess);
    stage->preprocess.image_size = stage->spec->image_size;
    stage->preprocess.flip = 0.5;
    stage->preprocess.rotate = 15;
}

static enum pb_status decode(struct stage *stage, struct pb_error *error)
{
    const double begin = pb_clock();
    char *folder = pb_path_join(stage->folder, "cache");
    if (!folder)
        return pb_fail_memory(error, 64);
    set_preprocess(stage);
    const enum pb_status status =
        pb_cache_open(stage->set, &stage->preprocess, folder, stage->spec->threads, &stage->cache, error);
    stage->data->decode_seconds = pb_clock() - begin;
    stage->data->file_bytes = mean_file_bytes(stage->set);
    stage->data->cache_bytes = cache_bytes(folder);
    pb_free(folder);
    return status;
}

/* Files and cache are read or mapped by now: nothing is left behind, however the benchmark ends. */
static enum pb_status remove_folder(struct stage *stage, struct pb_error *error)
{
    if (!stage->folder)
        return PB_OK;
    const enum pb_status status = pb_remove_tree(stage->folder, error);
    pb_free(stage->folder);
    stage->folder = NULL;
    return status;
}

static enum pb_status open_batches(struct stage *stage, struct pb_error *error)
{
    const struct pb_batches_spec spec = {.samples = stage->set->train,
                                         .sample_count = stage->set->train_count,
                                         .batch = stage->spec->batch,
                                         .training = stage->spec->training,
                                         .seed = 1,
                                         .threads = stage->spec->threads};
    return pb_batches_create(stage->cache, &stage->preprocess, &spec, &stage->batches, error);
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

static enum pb_status run_stage(struct stage *stage, struct pb_error *error)
{
    enum pb_status status = pb_make_temporary_dir("prunebench-bench", &stage->folder, error);
    if (status == PB_OK)
        status = draw(stage, error);
    if (status == PB_OK)
        status = open_set(stage, error);
    if (status == PB_OK)
        status = decode(stage, error);
    if (status == PB_OK)
        status = remove_folder(stage, error);
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
    pb_cache_close(&stage.cache);
    pb_data_close(&stage.set);
    pb_options_free(&stage.options);
    (void)remove_folder(&stage, NULL); /* there only when something failed, and that is told */
    pb_free(stage.with);
    pb_free(stage.without);
    if (status == PB_OK)
        *data = result;
    return status;
}
