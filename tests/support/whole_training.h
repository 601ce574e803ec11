/* A whole training on made images: opened, run with its partial state in a folder, closed. */
#ifndef SUPPORT_WHOLE_TRAINING_H
#define SUPPORT_WHOLE_TRAINING_H

#include "training/training.h"
#include "support/backends.h"
#include "support/fake_dataset.h"
#include "support/small_cells.h"

enum { CLASSES = 3, TRAINING = 36, TESTING = 6, BATCH = 9 };

struct training {
    struct fake_dataset fake;
    struct backend backend;
    struct pb_data *data;
    struct pb_cache *cache;
    struct pb_cell_config config;
    struct pb_train_job job;
    struct pb_network *initial, *network;
    struct pb_lr lr;
    json_t *rows;
    uint32_t stop_at; /* SIGTERM is sent while this epoch runs; 0: none, 1: the first */
    const char *keep; /* a copy of the partial folder before each epoch, as KEEP-<epoch>; NULL: none */
    void **state;
};

/* vgg11-bcnn at a sixteenth of its width; the job trains it as spec says. */
void open_training(struct training *training, void **state, const struct pb_train_spec *spec);
void close_training(struct training *training);
/* Trains a copy of the initial network with its partial state in a folder of this name. */
void run_training(struct training *training, const char *partial);
/* The same, where it fails. */
enum pb_status try_training(struct training *training, const char *partial, struct pb_error *error);
/* Trains training->network as it is, from training->lr on, with its partial state in a folder of this name. */
enum pb_status continue_training(struct training *training, const char *partial, struct pb_error *error);
/* A number of an epoch's row. */
double row_value(const struct training *training, size_t row, const char *key);

#endif
