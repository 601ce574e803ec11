/* What scoring costs, of every criterion: per calibration image beside a pass forward and backward, and per layer. */
#ifndef PB_BENCH_BENCH_CRITERIA_H
#define PB_BENCH_BENCH_CRITERIA_H

#include "engine/device.h"
#include "graph/network.h"
#include "plugin/registry.h"

/* One criterion's scoring of channels, or of single weights. */
struct pb_criterion_cost {
    const char *name; /* the plugin's */
    bool weights;
    uint32_t images; /* that it looked at */
    double seconds; /* all in all, but for loading images */
    double image_seconds; /* of the passes over the calibration images, per image */
    double layer_seconds; /* of its hooks for the layer that took longest: batches and what comes behind them */
    const char *layer; /* that layer; NULL: there is none */
    struct pb_error refusal; /* why it does not score this network: its status is not PB_OK */
};

struct pb_bench_criteria {
    struct pb_criterion_cost *rows; /* in the registry's order, by name */
    size_t count;
    double pass_seconds; /* forward and backward, per image: the least of a few */
    bool processor_time; /* seconds are of processor time, not by the wall: there is one thread */
};

struct pb_bench_criteria_spec {
    const struct pb_registry *registry;
    const char *const *names; /* NULL-terminated; NULL: all criteria */
    struct pb_device *device;
    const struct pb_network *network;
    uint32_t batch, images; /* images: a multiple of batch */
    uint32_t threads;
    void (*progress)(const char *criterion); /* in front of each; may be NULL */
};

PB_MUST_CHECK enum pb_status pb_bench_criteria_measure(const struct pb_bench_criteria_spec *spec,
                                                       struct pb_bench_criteria *measured, struct pb_error *error);
void pb_bench_criteria_free(struct pb_bench_criteria *measured);

#endif
