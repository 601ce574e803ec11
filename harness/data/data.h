/* An opened data set: samples, train/validation/test, the decoded cache, batches. */
#ifndef PB_DATA_DATA_H
#define PB_DATA_DATA_H

#include <prunebench/dataset.h>

#include "data/split.h"
#include "plugin/host.h"
#include "plugin/options.h"
#include "plugin/registry.h"

/* How images become network inputs. Every field is part of a stage's key (pb_preprocess_text). */
struct pb_preprocess {
    uint32_t image_size; /* network input, square */
    bool short_side; /* false: both sides resized to image_size; true: short side to resize_to, then a crop */
    uint32_t resize_to; /* short_side only; 0: image_size */
    bool crop_box; /* crop to the annotated box first */
    double mean[3], std[3]; /* of values scaled to 0 … 1; default 0.5 */
    /* Training only. */
    double flip; /* probability of a horizontal flip */
    double rotate; /* degrees: uniform in ±rotate, before the resize, corners black */
};
void pb_preprocess_default(struct pb_preprocess *preprocess);
/* One canonical line with every field; the decoded cache depends on a prefix of it, stage keys on all. From pb_calloc. */
char *pb_preprocess_text(const struct pb_preprocess *preprocess);

/* samples are the data set's, untouched; a root without more than 1 % of its images is refused at once. */
struct pb_data {
    struct pb_host_services host;
    const struct pb_loaded *loaded;
    void *self;
    struct pb_dataset_contents contents;
    struct pb_sample
        *own_samples; /* what contents.samples points to, where the plugin's structs are of another size; else NULL */
    /* Indices into contents.samples; images that could not be used are left out. */
    uint32_t *train, *validation, *test;
    uint32_t train_count, validation_count, test_count;
    char fingerprint[65]; /* of classes, labels, boxes and the images themselves (fingerprint.h); no path */
};

PB_MUST_CHECK enum pb_status pb_data_open(const struct pb_loaded *loaded, const struct pb_options *options,
                                          const char *root, const struct pb_split_spec *split, struct pb_data **data,
                                          struct pb_error *error);
void pb_data_close(struct pb_data **data);

/*
 * The decoded cache: every image decoded, banner and box cropped, and reduced (antialiased) to at most twice the target
 * size, as uint8 RGB, in one file below folder that several processes map. Built by whoever takes its
 * lock first (others wait), under a temporary name. A file that is damaged is set aside and built again. Bad images are logged with file and line and listed; more than 1 % of them is
 * PB_ERROR_INPUT. threads: decoders. The samples left out go from data's train, validation and test lists. data must
 * outlive the cache, and the cache its batches.
 */
struct pb_cache;
PB_MUST_CHECK enum pb_status pb_cache_open(struct pb_data *data, const struct pb_preprocess *preprocess,
                                           const char *folder, uint32_t threads, struct pb_cache **cache,
                                           struct pb_error *error);
void pb_cache_close(struct pb_cache **cache);
uint32_t pb_cache_skipped(const struct pb_cache *cache); /* images left out */
/* An image of it was damaged on the disk: the file has been set aside, and opening the cache again builds it anew. */
bool pb_cache_is_damaged(const struct pb_cache *cache);

/* Batches of a list of samples, prefetched by threads of its own. */
struct pb_batch {
    const float *images; /* count×S×S×3, normalised */
    const uint32_t *labels; /* count */
    const uint32_t *samples; /* count: index into contents.samples */
    uint32_t count;
};
struct pb_batches_spec {
    const uint32_t *samples; /* copied */
    uint32_t sample_count;
    uint32_t batch;
    bool training; /* shuffled and augmented afresh every epoch; the last partial batch is dropped */
    uint64_t seed; /* with epoch and position, decides order and augmentation, whatever the threads do */
    uint32_t threads; /* prefetching threads, at least 1 */
};
struct pb_batches;
PB_MUST_CHECK enum pb_status pb_batches_create(struct pb_cache *cache, const struct pb_preprocess *preprocess,
                                               const struct pb_batches_spec *spec, struct pb_batches **batches,
                                               struct pb_error *error);
/* Begins an epoch (any number, in any order: epoch 7 of a resumed run is epoch 7). */
PB_MUST_CHECK enum pb_status pb_batches_start(struct pb_batches *batches, uint32_t epoch, struct pb_error *error);
/* The same, with the epoch's batches before first left out. */
PB_MUST_CHECK enum pb_status pb_batches_start_at(struct pb_batches *batches, uint32_t epoch, uint32_t first,
                                                 struct pb_error *error);
/* The next batch, valid until the next call; count 0 behind the last. */
PB_MUST_CHECK enum pb_status pb_batches_next(struct pb_batches *batches, struct pb_batch *batch,
                                             struct pb_error *error);
uint32_t pb_batches_per_epoch(const struct pb_batches *batches);
/* Seconds that pb_batches_next waited for data since create. */
double pb_batches_waited(const struct pb_batches *batches);
/* Seconds of processor time that the prefetching threads took since create. */
double pb_batches_cpu(struct pb_batches *batches);
void pb_batches_free(struct pb_batches **batches);
/* What batches of square images of a size hold, in bytes, without the lists of samples; SIZE_MAX where that cannot be. */
size_t pb_batches_bytes(uint32_t image_size, uint32_t batch, uint32_t threads);

#endif
