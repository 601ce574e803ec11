/* Photographs drawn for a benchmark. */
#include "bench/bench_images.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "drawing/drawing.h"

/* 200 kB for 1024×768 pixels, about what the photographs of FGVC-Aircraft take. */
enum { QUALITY = 95 };

static enum pb_status draw(const struct pb_bench_images_spec *spec, const struct pb_synth_place *drawn,
                           const char *folder, struct pb_error *error)
{
    struct pb_synth_options options;
    pb_synth_defaults(&options);
    options.classes = PB_BENCH_CLASSES;
    options.train_per_class = spec->count / PB_BENCH_CLASSES;
    options.test_per_class = 1;
    options.width = spec->width;
    options.height = spec->height;
    options.quality = QUALITY;
    options.threads = spec->threads;
    options.sets = drawn->name;
    options.quiet = true;
    return pb_synth(folder, &options, error);
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

static enum pb_status open_set(const struct pb_bench_images_spec *spec, const struct pb_synth_place *drawn,
                               struct pb_bench_images *images, struct pb_error *error)
{
    const struct pb_loaded *loaded;
    const struct pb_split_spec split = {.seed = 1};
    char *root = pb_path_join(images->folder, drawn->folder);
    if (!root)
        return pb_fail_memory(error, 64);
    enum pb_status status = pb_registry_find(spec->registry, PB_KIND_DATASET, drawn->name, "--data", &loaded, error);
    if (status == PB_OK)
        status = pb_options_create(loaded->plugin, &images->options, error);
    if (status == PB_OK)
        status = pb_data_open(loaded, &images->options, root, &split, &images->set, error);
    pb_free(root);
    return status;
}

static enum pb_status decode(const struct pb_bench_images_spec *spec, struct pb_bench_images *images,
                             struct pb_error *error)
{
    const double begin = pb_clock();
    char *folder = pb_path_join(images->folder, "cache");
    if (!folder)
        return pb_fail_memory(error, 64);
    const enum pb_status status =
        pb_cache_open(images->set, spec->preprocess, folder, spec->threads, &images->cache, error);
    images->decode_seconds = pb_clock() - begin;
    images->file_bytes = mean_file_bytes(images->set);
    images->cache_bytes = cache_bytes(folder);
    pb_free(folder);
    return status;
}

/* Files and cache are read or mapped by now: nothing is left behind, however the benchmark ends. */
static enum pb_status remove_folder(struct pb_bench_images *images, struct pb_error *error)
{
    if (!images->folder)
        return PB_OK;
    const enum pb_status status = pb_remove_tree(images->folder, error);
    pb_free(images->folder);
    images->folder = NULL;
    return status;
}

enum pb_status pb_bench_images_open(const struct pb_bench_images_spec *spec, struct pb_bench_images *images,
                                    struct pb_error *error)
{
    struct pb_synth_place drawn;
    enum pb_status status = pb_synth_first(&drawn, error);
    if (status == PB_OK)
        status = pb_make_temporary_dir("prunebench-bench", &images->folder, error);
    if (status == PB_OK)
        status = draw(spec, &drawn, images->folder, error);
    if (status == PB_OK)
        status = open_set(spec, &drawn, images, error);
    if (status == PB_OK)
        status = decode(spec, images, error);
    return status == PB_OK ? remove_folder(images, error) : status;
}

void pb_bench_images_close(struct pb_bench_images *images)
{
    pb_cache_close(&images->cache);
    pb_data_close(&images->set);
    pb_options_free(&images->options);
    (void)remove_folder(images, NULL); /* it exists only when something failed, which has been reported */
}
