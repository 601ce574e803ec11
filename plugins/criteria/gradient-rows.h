/* Numbers of every layer that a criterion keeps from batch to batch. */
#ifndef PB_CRITERIA_GRADIENT_ROWS_H
#define PB_CRITERIA_GRADIENT_ROWS_H

#include <prunebench/criterion.h>

/* In the order of the layers; a layer's row appears when it is first asked for. */
struct gradient_rows {
    double **rows;
    uint32_t layers;
};

/* The layer's row of count numbers, zeros at first; NULL when memory is out. */
static inline double *gradient_row(const struct pb_host *host, struct gradient_rows *rows,
                                   const struct pb_layer_view *layer, size_t count)
{
    if (!rows->rows) {
        rows->rows = host->alloc(host, layer->layers * sizeof *rows->rows);
        if (!rows->rows)
            return NULL;
        rows->layers = layer->layers;
    }
    if (!rows->rows[layer->index])
        rows->rows[layer->index] = host->alloc(host, count * sizeof **rows->rows);
    return rows->rows[layer->index];
}

/* The next that asks for it gets a row of zeros. */
static inline void gradient_row_free(const struct pb_host *host, struct gradient_rows *rows,
                                     const struct pb_layer_view *layer)
{
    host->free(host, rows->rows[layer->index]);
    rows->rows[layer->index] = NULL;
}

static inline void gradient_rows_free(const struct pb_host *host, struct gradient_rows *rows)
{
    for (uint32_t i = 0; i < rows->layers; i++)
        host->free(host, rows->rows[i]);
    host->free(host, rows->rows);
}

#endif
