/* A dataset plugin reads the annotation files of an official layout. The host decodes the images. */
#ifndef PRUNEBENCH_DATASET_H
#define PRUNEBENCH_DATASET_H

#include <prunebench/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

enum pb_split { PB_SPLIT_TRAIN = 0, PB_SPLIT_TEST = 1 };

/* One image. Strings are the plugin's and live until close. */
struct pb_sample {
    const char *path; /* of the image file: absolute, or relative to the current folder; never NULL */
    const char *source; /* annotation file that lists it, or the folder where it lies, for messages */
    uint32_t line; /* 1-based line (or record) in source; 0 where source is a folder */
    uint32_t label; /* 0 … class_count − 1 */
    uint32_t split; /* enum pb_split: the official one */
    float box[4]; /* x, y, width, height in pixels, 0-based; width 0 where there is none */
};

/* What open found. Arrays and strings are the plugin's and live until close. */
struct pb_dataset_contents {
    size_t size; /* bytes of this struct that the host knows; the plugin writes no further */
    uint32_t class_count;
    const char *const *class_names; /* class_count */
    uint32_t sample_count;
    const struct pb_sample *samples; /* in the order of the annotation files; training split first */
    size_t sample_stride; /* sizeof(struct pb_sample); the plugin sets it */
    uint32_t crop_bottom; /* pixel rows to cut off every image before anything else (a banner) */
};

struct pb_dataset {
    size_t size; /* sizeof(struct pb_dataset) */

    /*
     * Required. Reads the layout below root (a folder). A missing file, a malformed line, a label out
     * of range: fail with "file:line: what is wrong; what to do" and PB_ERROR_INPUT. Image files are not opened.
     * On success *self is the plugin's until close, and contents is filled.
     */
    enum pb_status (*open)(const struct pb_host *host, const void *options, const char *root, void **self,
                           struct pb_dataset_contents *contents);

    /* Required. */
    void (*close)(void *self);

    /* How many classes and images the data set has where it was published, to plan for before it is there; 0: not known. */
    uint32_t official_classes, official_train, official_test;
};

#ifdef __cplusplus
}
#endif
#endif
