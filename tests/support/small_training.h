/* A training of seconds: drawn images of a few classes, a narrow vgg11-bcnn. */
#ifndef PB_TEST_SMALL_TRAINING_H
#define PB_TEST_SMALL_TRAINING_H

#include "training/training.h"
#include "support/backends.h"
#include "support/fake_dataset.h"
#include "support/folder.h"

struct small_training {
    struct fake_dataset fake;
    struct backend backend;
    struct pb_data *data;
    struct pb_cache *cache;
    struct pb_cell_config config;
    struct pb_train_job job;
    struct pb_original original;
    struct pb_network *initial, *network;
    struct pb_lr lr;
    json_t *rows;
    void **state;
};

/* 36 images in batches of 9, a quarter of them to validate: three steps per epoch. state: of a folder_setup. */
void small_training_open(struct small_training *training, void **state, const struct pb_train_spec *spec,
                         bool batch_norm);
void small_training_close(struct small_training *training);
/* Trains a copy of the initial network with its partial state in a folder of this name; what was there is resumed. */
enum pb_status small_training_run(struct small_training *training, const char *partial, struct pb_error *error);

#endif
