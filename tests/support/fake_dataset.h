/* A dataset plugin that gives back what a test put together: for tests of the host's side. */
#ifndef PB_TEST_FAKE_DATASET_H
#define PB_TEST_FAKE_DATASET_H

#include "plugin/registry.h"

#define FAKE_MAX_SAMPLES 512

/* Start it with fake_init. */
struct fake_dataset {
    const char *folder;
    uint32_t class_count, sample_count, crop_bottom;
    struct pb_sample samples[FAKE_MAX_SAMPLES];
    char *paths[FAKE_MAX_SAMPLES];
    struct pb_loaded loaded; /* what pb_data_open takes */
};

/* One at a time: the plugin's hooks find it through a static pointer. */
void fake_init(struct fake_dataset *fake, const char *folder, uint32_t class_count);
void fake_free(struct fake_dataset *fake);
/* Training samples before test samples. */
struct pb_sample *fake_add(struct fake_dataset *fake, const char *name, uint32_t label, enum pb_split split);
/* count images of width×height in split, labels in turn, named PREFIX0.jpg, …; the files are written. */
void fake_add_images(struct fake_dataset *fake, const char *prefix, uint32_t count, uint32_t width, uint32_t height,
                     enum pb_split split);

#endif
