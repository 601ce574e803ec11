/*
 * Depthwise convolutions, compiled once per instruction set. Before: KERNEL, the attributes of a kernel function; LANES
 * floats per vector, whose type is REGISTER; load_part and store_part. Vectors hold neighbouring channels of one pixel. Where
 * the taps of a kernel row are side by side, an input is loaded once for all outputs that read it. Every output is summed
 * tap by tap in the same order, whatever is computed with it.
 */
typedef float depthwise_vector __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t depthwise_mask __attribute__((vector_size(LANES * sizeof(int32_t))));

#undef INLINE
#define INLINE KERNEL inline __attribute__((always_inline))

enum {
    DEPTHWISE_OUTPUTS = 4, /* neighbours in a row that are computed together */
    DEPTHWISE_TAPS = 5, /* side by side, at most */
    DEPTHWISE_ROWS = 3, /* of the filters, whose gradients are summed together */
};

/* What a kernel is compiled for. */
struct depthwise_form {
    size_t outputs;
    size_t rows; /* of taps; for gradients of the filters alone */
    size_t columns, stride; /* taps side by side, and inputs from one output to the next; columns 0: any */
    size_t valid; /* channels of a vector that are there; LANES but for the narrowest arrays */
};

INLINE depthwise_vector depthwise_load(const float *source, size_t valid)
{
    return valid >= LANES ? *(const depthwise_vector *)source : (depthwise_vector)load_part(source, valid);
}

INLINE void depthwise_store(float *target, depthwise_vector vector, size_t valid)
{
    if (valid >= LANES)
        *(depthwise_vector *)target = vector;
    else
        store_part(target, (REGISTER)vector, valid);
}

/* Output i reads input i·stride + s at tap s. */
INLINE void depthwise_add_neighbours(const struct depthwise_form form, const struct depthwise_run *run, const float *x,
                                     const float *w, depthwise_vector *sums)
{
    depthwise_vector taps[DEPTHWISE_TAPS];
#pragma GCC unroll 8
    for (size_t s = 0; s < form.columns; s++)
        taps[s] = depthwise_load(w + (ptrdiff_t)s * run->w_column, form.valid);
#pragma GCC unroll 16
    for (size_t j = 0; j < (form.outputs - 1) * form.stride + form.columns; j++) {
        const depthwise_vector input = depthwise_load(x + j * run->x_column, form.valid);
#pragma GCC unroll 8
        for (size_t s = 0; s < form.columns; s++) {
            if (j >= s && (j - s) % form.stride == 0 && (j - s) / form.stride < form.outputs)
                sums[(j - s) / form.stride] += input * taps[s];
        }
    }
}

INLINE void depthwise_add_any(const struct depthwise_form form, const struct depthwise_run *run, const float *x,
                              const float *w, depthwise_vector *sums)
{
    for (size_t s = 0; s < run->columns; s++, x += run->x_column, w += run->w_column) {
        const depthwise_vector tap = depthwise_load(w, form.valid);
#pragma GCC unroll 8
        for (size_t i = 0; i < form.outputs; i++)
            sums[i] += depthwise_load(x + i * run->x_step, form.valid) * tap;
    }
}

INLINE depthwise_vector depthwise_select(depthwise_mask mask, depthwise_vector chosen, depthwise_vector other)
{
    return (depthwise_vector)(((depthwise_mask)other & ~mask) | ((depthwise_mask)chosen & mask));
}

INLINE void depthwise_finish(const struct depthwise_form form, const struct tile_finish *finish, size_t channel,
                             depthwise_vector *sums)
{
    const depthwise_vector scale = depthwise_load(finish->scale + channel, form.valid);
    const depthwise_vector offset = depthwise_load(finish->offset + channel, form.valid);
    const depthwise_vector floor = (depthwise_vector){0} + finish->floor;
    const depthwise_vector ceiling = (depthwise_vector){0} + finish->ceiling;
#pragma GCC unroll 8
    for (size_t i = 0; i < form.outputs; i++) {
        const depthwise_vector value = sums[i] * scale + offset;
        const depthwise_vector raised = depthwise_select(value < floor, floor, value);
        sums[i] = depthwise_select(raised > ceiling, ceiling, raised);
    }
}

/* A vector of channels of a few outputs. */
INLINE void depthwise_tile(const struct depthwise_form form, const struct depthwise_run *run, size_t output,
                           size_t channel)
{
    const struct tile_finish *finish = &run->finish;
    const bool starts = !finish->scale && finish->offset;
    const depthwise_vector start =
        starts ? depthwise_load(finish->offset + channel, form.valid) : (depthwise_vector){0};
    const float *x = run->x + output * run->x_step + channel, *w = run->w + channel;
    depthwise_vector sums[DEPTHWISE_OUTPUTS];
#pragma GCC unroll 8
    for (size_t i = 0; i < form.outputs; i++)
        sums[i] = start;
    for (size_t r = 0; r < run->rows; r++, x += run->x_row, w += run->w_row) {
        if (form.columns)
            depthwise_add_neighbours(form, run, x, w, sums);
        else
            depthwise_add_any(form, run, x, w, sums);
    }
    if (finish->scale)
        depthwise_finish(form, finish, channel, sums);
    float *y = run->y + output * run->y_step + channel;
#pragma GCC unroll 8
    for (size_t i = 0; i < form.outputs; i++)
        depthwise_store(y + i * run->y_step, sums[i], form.valid);
}

/* The last vector ends with the last channel: what it shares with the one before it is computed twice. */
INLINE void depthwise_channels(const struct depthwise_form form, const struct depthwise_run *run, size_t output)
{
    for (size_t channel = run->channel; channel < run->end; channel += LANES)
        depthwise_tile(form, run, output, channel + LANES <= run->end ? channel : run->end - LANES);
}

/* … and so does the last tile with the last output. */
INLINE void depthwise_outputs(size_t columns, size_t stride, const struct depthwise_run *run)
{
    const struct depthwise_form one = {.outputs = 1, .columns = columns, .stride = stride, .valid = LANES};
    const struct depthwise_form few = {
        .outputs = DEPTHWISE_OUTPUTS, .columns = columns, .stride = stride, .valid = LANES};
    if (run->count < DEPTHWISE_OUTPUTS) {
        for (size_t i = 0; i < run->count; i++)
            depthwise_channels(one, run, i);
        return;
    }
    const size_t last = run->count - DEPTHWISE_OUTPUTS;
    for (size_t i = 0; i < run->count; i += DEPTHWISE_OUTPUTS)
        depthwise_channels(few, run, i < last ? i : last);
}

KERNEL void depthwise(const struct depthwise_run *run)
{
    const bool next = run->x_step == run->x_column, second = run->x_step == 2 * run->x_column;
    if (run->end < LANES) {
        const struct depthwise_form narrow = {.outputs = 1, .valid = run->end};
        for (size_t i = 0; i < run->count; i++)
            depthwise_tile(narrow, run, i, 0);
    } else if (run->columns == 3 && next) {
        depthwise_outputs(3, 1, run);
    } else if (run->columns == 3 && second) {
        depthwise_outputs(3, 2, run);
    } else if (run->columns == 5 && next) {
        depthwise_outputs(5, 1, run);
    } else if (run->columns == 5 && second) {
        depthwise_outputs(5, 2, run);
    } else {
        depthwise_outputs(0, 0, run);
    }
}

/* Sums of a gradient: one per tap, or of a single tap one per output of a tile, so that none waits for another. */
typedef depthwise_vector depthwise_sums[DEPTHWISE_ROWS][DEPTHWISE_TAPS];

/* Outputs from q on whose taps are all inside the image. */
INLINE void depthwise_add_tile(const struct depthwise_form form, const struct depthwise_band *band,
                               const struct depthwise_line *line, size_t q, size_t channel, depthwise_sums sums)
{
    const float *corner = line->x + (ptrdiff_t)(q * band->stride) * (ptrdiff_t)band->pixel +
                          band->left * (ptrdiff_t)band->pixel + (ptrdiff_t)channel;
    depthwise_vector dy[DEPTHWISE_OUTPUTS];
#pragma GCC unroll 8
    for (size_t i = 0; i < DEPTHWISE_OUTPUTS; i++)
        dy[i] = depthwise_load(line->dy + (q + i) * band->pixel + channel, form.valid);
#pragma GCC unroll 4
    for (size_t k = 0; k < form.rows; k++) {
        if (band->row + k < line->first || band->row + k >= line->end)
            continue;
        const float *x = corner + (band->row + k - line->first) * band->x_row;
        if (form.columns == 1) {
#pragma GCC unroll 8
            for (size_t i = 0; i < DEPTHWISE_OUTPUTS; i++)
                sums[k][i] += depthwise_load(x + i * band->stride * band->pixel, form.valid) * dy[i];
            continue;
        }
#pragma GCC unroll 16
        for (size_t j = 0; j < (DEPTHWISE_OUTPUTS - 1) * form.stride + form.columns; j++) {
            const depthwise_vector input = depthwise_load(x + j * band->pixel, form.valid);
#pragma GCC unroll 8
            for (size_t s = 0; s < form.columns; s++) {
                if (j >= s && (j - s) % form.stride == 0 && (j - s) / form.stride < DEPTHWISE_OUTPUTS)
                    sums[k][s] += input * dy[(j - s) / form.stride];
            }
        }
    }
}

/* One output, some of whose taps may be outside. */
INLINE void depthwise_add_output(const struct depthwise_form form, const struct depthwise_band *band,
                                 const struct depthwise_line *line, size_t q, size_t channel, depthwise_sums sums)
{
    const depthwise_vector dy = depthwise_load(line->dy + q * band->pixel + channel, form.valid);
    const size_t column = q * band->stride + (size_t)band->left; /* wraps when negative: too large */
#pragma GCC unroll 4
    for (size_t k = 0; k < form.rows; k++) {
        if (band->row + k < line->first || band->row + k >= line->end)
            continue;
        const float *x = line->x + (band->row + k - line->first) * band->x_row + channel;
#pragma GCC unroll 8
        for (size_t s = 0; s < form.columns; s++) {
            if (column + s < band->width)
                sums[k][s] += depthwise_load(x + (column + s) * band->pixel, form.valid) * dy;
        }
    }
}

/* dw += the sums, but for the first `skip` channels. */
INLINE void depthwise_add_sum(float *dw, depthwise_vector sum, size_t skip, size_t valid)
{
    if (!skip) {
        depthwise_store(dw, depthwise_load(dw, valid) + sum, valid);
        return;
    }
    float values[LANES];
    memcpy(values, &sum, sizeof values);
    for (size_t lane = skip; lane < LANES; lane++)
        dw[lane] += values[lane];
}

/* All lines, for a vector of channels. */
INLINE void depthwise_add_lines(const struct depthwise_form form, const struct depthwise_band *band, size_t channel,
                                size_t skip)
{
    depthwise_sums sums = {{{0}}};
    for (size_t i = 0; i < band->line_count; i++) {
        const struct depthwise_line *line = &band->lines[i];
        size_t q = 0;
        for (; q < band->first; q++)
            depthwise_add_output(form, band, line, q, channel, sums);
        for (; q + DEPTHWISE_OUTPUTS <= band->end; q += DEPTHWISE_OUTPUTS)
            depthwise_add_tile(form, band, line, q, channel, sums);
        for (; q < band->out_width; q++)
            depthwise_add_output(form, band, line, q, channel, sums);
    }
    if (form.columns == 1)
        sums[0][0] = (sums[0][0] + sums[0][1]) + (sums[0][2] + sums[0][3]);
#pragma GCC unroll 4
    for (size_t k = 0; k < form.rows; k++) {
#pragma GCC unroll 8
        for (size_t s = 0; s < form.columns; s++)
            depthwise_add_sum(band->dw + k * band->dw_row + s * band->pixel + channel, sums[k][s], skip, form.valid);
    }
}

INLINE void depthwise_add_band(size_t rows, size_t columns, size_t stride, const struct depthwise_band *band)
{
    const struct depthwise_form whole = {.rows = rows, .columns = columns, .stride = stride, .valid = LANES};
    for (size_t channel = band->channel; channel < band->channel_end; channel += LANES) {
        const size_t at = channel + LANES <= band->channel_end ? channel : band->channel_end - LANES;
        depthwise_add_lines(whole, band, at, channel - at);
    }
}

KERNEL void depthwise_gradient(const struct depthwise_band *band)
{
    const struct depthwise_form narrow = {.rows = 1, .columns = 1, .stride = band->stride, .valid = band->channel_end};
    if (band->channel_end < LANES)
        depthwise_add_lines(narrow, band, 0, 0);
    else if (band->rows == 3 && band->stride == 1)
        depthwise_add_band(3, 3, 1, band);
    else if (band->rows == 3)
        depthwise_add_band(3, 3, 2, band);
    else if (band->columns == 5 && band->stride == 1)
        depthwise_add_band(1, 5, 1, band);
    else if (band->columns == 5)
        depthwise_add_band(1, 5, 2, band);
    else
        depthwise_add_band(1, 1, band->stride, band);
}
