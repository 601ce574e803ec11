/* The least-squares repair of a layer that lost inputs. */
#ifndef PB_CRITERIA_CONSUMER_REPAIR_H
#define PB_CRITERIA_CONSUMER_REPAIR_H

#include <prunebench/criterion.h>

#include "linear.h"

enum { REPAIR_ROWS = 10 };

/* A row for the options of a criterion whose struct has a double `damping`. */
#define DAMPING_OPTION(options)                                                                                        \
    {                                                                                                                  \
        .name = "damping", .help = "of the repair, as a share of the mean diagonal of its normal equations; 0: none",  \
        .type = PB_OPTION_REAL, .default_text = "1e-6", .min = 0, .max = 1e6, .offset = offsetof(options, damping)     \
    }

static inline size_t repair_width(const struct pb_repair_view *layer)
{
    return (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
}

static inline enum pb_status repair_check(const struct pb_host *host, const struct pb_repair_view *layer)
{
    const size_t inputs = layer->rows * repair_width(layer), outputs = (size_t)layer->rows * layer->outputs;
    bool finite = true;
    for (size_t i = 0; i < inputs; i++)
        finite = finite && isfinite(layer->inputs[i]);
    for (size_t i = 0; i < outputs; i++)
        finite = finite && isfinite(layer->outputs_before[i]);
    return finite ? PB_OK
                  : host->fail(host, PB_ERROR_RUN,
                               "layer '%s' reads or gave values that are not finite; the network has diverged, so "
                               "train it with a lower learning rate",
                               layer->name);
}

static inline enum pb_status repair_refuse(const struct pb_host *host, const struct pb_repair_view *layer,
                                           const struct linear_rows *rows, double damping)
{
    return host->fail(host, PB_ERROR_RUN,
                      "layer '%s': %zu equations do not determine %zu unknowns with damping %g; set a larger damping, "
                      "or calibrate on more images",
                      layer->name, rows->rows, rows->width, damping);
}

/* What layer and bias give less what the layer gave before, at one row of one output, with the sign of what is missing. */
static inline double repair_missing(const struct pb_repair_view *layer, const float *weight, const float *bias,
                                    size_t row, size_t output)
{
    const size_t width = repair_width(layer);
    const float *x = layer->inputs + row * width, *w = weight + output * width;
    double sum = (double)layer->outputs_before[row * layer->outputs + output] - (bias ? (double)bias[output] : 0);
    for (size_t k = 0; k < width; k++)
        sum -= (double)w[k] * (double)x[k];
    return sum;
}

/* One filter after the other, by any thread. */
struct repair_filters {
    const struct pb_repair_view *layer;
    const struct linear_rows *rows;
    float *weight;
    const float *bias;
    double *missing, *change; /* M × rows, M × R·S·C */
};

static inline void repair_some(void *argument, size_t begin, size_t end)
{
    const struct repair_filters *filters = argument;
    const size_t rows = filters->rows->rows, width = filters->rows->width;
    for (size_t m = begin; m < end; m++) {
        double *missing = filters->missing + m * rows, *change = filters->change + m * width;
        float *weight = filters->weight + m * width;
        for (size_t n = 0; n < rows; n++)
            missing[n] = repair_missing(filters->layer, filters->weight, filters->bias, n, m);
        linear_fit(filters->rows, missing, change);
        for (size_t k = 0; k < width; k++)
            weight[k] = (float)((double)weight[k] + change[k]);
    }
}

/* x, system and work of rows, which are NULL at first; repair_close frees them, after a failure too. */
static inline enum pb_status repair_open(const struct pb_host *host, struct linear_rows *rows, double *x)
{
    const size_t n = linear_unknowns(rows->rows, rows->width);
    rows->x = x;
    rows->system = host->alloc(host, n * n * sizeof *rows->system);
    rows->work = host->alloc(host, linear_work(rows->rows, rows->width) * sizeof *rows->work);
    return x && rows->system && rows->work ? PB_OK : PB_ERROR_MEMORY;
}

static inline void repair_close(const struct pb_host *host, struct linear_rows *rows)
{
    host->free(host, (void *)(uintptr_t)rows->x);
    host->free(host, rows->system);
    host->free(host, rows->work);
}

/*
 * The change of all weights that minimises ‖outputs_before − (W + change)·inputs − bias‖² + λ·‖change‖² over the rows, with
 * λ = damping · the mean of the squared inputs' sums. A layer that reads zeros alone stays as it is.
 */
static inline enum pb_status repair_least_squares(const struct pb_host *host, const struct pb_repair_view *layer,
                                                  double damping, float *weight, const float *bias)
{
    struct linear_rows rows = {.rows = layer->rows, .width = repair_width(layer)};
    struct repair_filters filters = {.layer = layer, .rows = &rows, .weight = weight, .bias = bias};
    double *x = host->alloc(host, rows.rows * rows.width * sizeof *x);
    filters.missing = host->alloc(host, layer->outputs * rows.rows * sizeof *filters.missing);
    filters.change = host->alloc(host, layer->outputs * rows.width * sizeof *filters.change);
    enum pb_status status = repair_open(host, &rows, x);
    if (status == PB_OK && (!filters.missing || !filters.change))
        status = PB_ERROR_MEMORY;
    if (status == PB_OK)
        status = repair_check(host, layer);
    for (size_t i = 0; i < rows.rows * rows.width && status == PB_OK; i++)
        x[i] = (double)layer->inputs[i];
    if (status == PB_OK && linear_squares(&rows) > 0) {
        if (linear_prepare(&rows, damping))
            host->parallel_for(host, layer->outputs, 1, repair_some, &filters);
        else
            status = repair_refuse(host, layer, &rows, damping);
    }
    repair_close(host, &rows);
    host->free(host, filters.missing);
    host->free(host, filters.change);
    return status;
}

#endif
