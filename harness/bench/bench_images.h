/* Photographs drawn for a benchmark: JPEG files in a temporary folder, opened as a data set and decoded. */
#ifndef PB_BENCH_BENCH_IMAGES_H
#define PB_BENCH_BENCH_IMAGES_H

#include "data/data.h"
#include "plugin/registry.h"

enum { PB_BENCH_CLASSES = 2 };

struct pb_bench_images_spec {
    const struct pb_registry *registry;
    uint32_t count; /* to train on, a multiple of PB_BENCH_CLASSES */
    uint32_t width, height; /* of every JPEG */
    const struct pb_preprocess *preprocess;
    uint32_t threads;
};

/* Zero before, and after close. */
struct pb_bench_images {
    char *folder; /* of files and cache, until both are in memory */
    struct pb_options options;
    struct pb_data *set;
    struct pb_cache *cache;
    double file_bytes; /* of one JPEG, in the mean */
    uint64_t cache_bytes; /* of the decoded cache, which is a file that is mapped */
    double decode_seconds; /* of all images */
};

/* On failure, too, close frees what there is. */
PB_MUST_CHECK enum pb_status pb_bench_images_open(const struct pb_bench_images_spec *spec,
                                                  struct pb_bench_images *images, struct pb_error *error);
void pb_bench_images_close(struct pb_bench_images *images);

#endif
