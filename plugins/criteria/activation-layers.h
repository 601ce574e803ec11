/* What criteria of activations share: sums for the channels of every layer, and the work on single images. */
#ifndef PB_CRITERIA_ACTIVATION_LAYERS_H
#define PB_CRITERIA_ACTIVATION_LAYERS_H

#include <math.h>
#include <stdbool.h>

#include <prunebench/criterion.h>

/* The sums of one layer appear with its first batch. */
struct activation_layer {
    double *sums; /* channels × whatever the criterion adds up */
    uint64_t images; /* that are in them */
};

struct activation_layers {
    const struct pb_host *host;
    struct activation_layer *layers;
    uint32_t count;
};

/* sums_per_channel: how many numbers the criterion keeps of each. NULL when memory is out. */
static inline struct activation_layer *activation_layer_of(struct activation_layers *all,
                                                           const struct pb_layer_view *layer, size_t sums_per_channel)
{
    const struct pb_host *host = all->host;
    if (!all->layers) {
        all->layers = host->alloc(host, layer->layers * sizeof(*all->layers));
        if (!all->layers)
            return NULL;
        all->count = layer->layers;
    }
    struct activation_layer *own = &all->layers[layer->index];
    if (!own->sums)
        own->sums = host->alloc(host, layer->channels * sums_per_channel * sizeof(*own->sums));
    return own->sums ? own : NULL;
}

static inline void activation_layers_free(struct activation_layers *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        all->host->free(all->host, all->layers[i].sums);
    all->host->free(all->host, all->layers);
}

static inline size_t activation_places(const struct pb_layer_view *layer)
{
    return (size_t)layer->activation_height * layer->activation_width;
}

/* Of one image: H×W×K. results: one for each channel. false: the numbers do not converge. */
typedef bool activation_image_function(const void *criterion, const struct pb_layer_view *layer, const float *image,
                                       double *room, double *results);

/* The images of one batch, and what computes on them. */
struct activation_images {
    const struct pb_layer_view *layer;
    activation_image_function *compute;
    const void *criterion;
    size_t room; /* how many numbers of its own each thread works in */
    size_t workers;
    double *rooms, *results; /* workers × room; N×K */
    bool *failed; /* N */
};

/* Worker w has images w, w + workers, …: which thread computes an image does not change its results. */
static inline void activation_work(void *argument, size_t begin, size_t end)
{
    const struct activation_images *images = argument;
    const struct pb_layer_view *layer = images->layer;
    const size_t values = activation_places(layer) * layer->channels;
    for (size_t worker = begin; worker < end; worker++)
        for (size_t n = worker; n < layer->batch; n += images->workers)
            images->failed[n] =
                !images->compute(images->criterion, layer, layer->activation + n * values,
                                 images->rooms + worker * images->room, images->results + n * layer->channels);
}

static inline enum pb_status activation_add_results(const struct activation_images *images, const struct pb_host *host,
                                                    struct activation_layer *own)
{
    const struct pb_layer_view *layer = images->layer;
    for (uint32_t n = 0; n < layer->batch; n++) {
        if (images->failed[n])
            return host->fail(host, PB_ERROR_RUN,
                              "layer '%s': the eigenvalues of image %u of calibration batch %u do not converge",
                              layer->name, (unsigned)n, (unsigned)layer->batch_index);
        for (uint32_t c = 0; c < layer->channels; c++)
            own->sums[c] += images->results[(size_t)n * layer->channels + c];
    }
    own->images += layer->batch;
    return PB_OK;
}

/* Adds what compute gives for each image of the batch to the layer's sums, in the order of the images. */
static inline enum pb_status activation_observe_images(struct activation_layers *all, const struct pb_layer_view *layer,
                                                       activation_image_function *compute, const void *criterion,
                                                       size_t room)
{
    const struct pb_host *host = all->host;
    struct activation_layer *own = activation_layer_of(all, layer, 1);
    enum pb_status status = PB_ERROR_MEMORY;
    if (!own)
        return status;
    struct activation_images images = {
        .layer = layer, .compute = compute, .criterion = criterion, .room = room, .workers = host->threads};
    images.rooms = host->alloc(host, images.workers * room * sizeof(*images.rooms));
    images.results = host->alloc(host, (size_t)layer->batch * layer->channels * sizeof(*images.results));
    images.failed = host->alloc(host, layer->batch * sizeof(*images.failed));
    if (images.rooms && images.results && images.failed) {
        host->parallel_for(host, images.workers, 1, activation_work, &images);
        status = activation_add_results(&images, host, own);
    }
    host->free(host, images.rooms);
    host->free(host, images.results);
    host->free(host, images.failed);
    return status;
}

/* The mean over the images of every batch. */
static inline enum pb_status activation_mean_over_images(struct activation_layers *all,
                                                         const struct pb_layer_view *layer, double *scores)
{
    const struct activation_layer *own = activation_layer_of(all, layer, 1);
    if (!own)
        return PB_ERROR_MEMORY;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = own->sums[c] / (double)own->images;
    return PB_OK;
}

#endif
