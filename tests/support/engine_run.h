/* A small network on an engine, with a batch; every helper fails the test on an error. */
#ifndef TESTS_SUPPORT_ENGINE_RUN_H
#define TESTS_SUPPORT_ENGINE_RUN_H

#include "engine/engine.h"
#include "support/small_networks.h"

#define RUN_BATCH 5

struct run {
    struct pb_device *device;
    struct pb_network *network;
    struct pb_engine *engine;
    float *images;
    uint32_t *labels;
    struct pb_error error;
};

/* Dropout of 0.5 where the network has one. */
struct run run_create(enum small_network kind, enum pb_engine_mode mode, uint32_t threads);
void run_free(struct run *run);

double run_backward(struct run *run, float *logits);
void run_step(struct run *run, const struct pb_step *how);
void run_store(struct run *run); /* the engine's values into network */
void run_evaluate(struct run *run, uint32_t count, float *logits);
struct pb_network *run_copy_of(const struct pb_network *network);

/* Every hyper-parameter different from 0. */
extern const struct pb_step plain_step;

#endif
