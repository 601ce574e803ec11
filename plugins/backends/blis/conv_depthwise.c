/*
 * Depthwise convolutions: one filter per channel, so that vectors run over channels and every input is multiplied with few
 * weights. Both directions are one pass: outputs, in runs that have the same taps, gather what they read. An output row's
 * taps outside the image are left out, and those of its first and last outputs; all between go without tests.
 */
#include "blis_convolution.h"
#include "vector.h"

enum {
    BLOCK_FLOATS = 1 << 13, /* of output per task */
    MOMENT_TASKS_MIN = 32, /* fewer chunks of moments are not enough tasks */
};

/* Rows or columns of a pass. Forward, output o reads at tap t what is at o·stride + t·dilation − pad. */
struct axis {
    size_t in, out; /* of the pass: the gradient of the data reads the convolution's outputs */
    size_t kernel, stride, dilation, pad;
};

/*
 * Outputs that read through the same taps: number j, which is first + j·step, reads at the i-th of them what is at
 * begin + j·stride + i·dilation.
 */
struct phase {
    size_t first, step;
    ptrdiff_t begin;
    size_t in, stride, dilation;
    size_t taps, first_tap; /* their number, and which of the filter's is the first one */
    ptrdiff_t tap_step;
};

/* A convolution, or the gradient of its data. */
struct pass {
    const struct vector_kernels *vector;
    bool gradient;
    struct axis down, right;
    size_t channels, rows; /* rows: of output, N·H·W of them */
    const float *source, *filters; /* filters: taps × channels */
    struct tile_finish finish;
    float *out;
};

/* All outputs of a row have the same taps. */
static struct phase forward_phase(const struct axis *axis)
{
    return (struct phase){.step = 1,
                          .begin = -(ptrdiff_t)axis->pad,
                          .in = axis->in,
                          .stride = axis->stride,
                          .dilation = axis->dilation,
                          .taps = axis->kernel,
                          .tap_step = 1};
}

static size_t common_divisor(size_t a, size_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

/*
 * The gradient at o comes through the taps t for which o + pad − t·dilation is a multiple of stride. From the last of these to
 * the first, the places that they read ascend.
 */
static struct phase gradient_phase(const struct axis *axis, size_t first)
{
    const size_t common = common_divisor(axis->stride, axis->dilation), tap_step = axis->stride / common;
    struct phase phase = {.first = first,
                          .step = axis->stride,
                          .in = axis->in,
                          .stride = 1,
                          .dilation = axis->dilation / common,
                          .tap_step = -(ptrdiff_t)tap_step};
    size_t tap = 0;
    while (tap < tap_step && (first + axis->pad + tap * (axis->stride - 1) * axis->dilation) % axis->stride != 0)
        tap++;
    if (tap == tap_step || tap >= axis->kernel)
        return phase;
    phase.taps = ceil_divide(axis->kernel - tap, tap_step);
    phase.first_tap = tap + (phase.taps - 1) * tap_step;
    phase.begin =
        ((ptrdiff_t)(first + axis->pad) - (ptrdiff_t)(phase.first_tap * axis->dilation)) / (ptrdiff_t)axis->stride;
    return phase;
}

static size_t phase_count(const struct pass *pass, const struct axis *axis)
{
    return pass->gradient ? axis->stride : 1;
}

static struct phase phase_of(const struct pass *pass, const struct axis *axis, size_t index)
{
    return pass->gradient ? gradient_phase(axis, index) : forward_phase(axis);
}

/* The taps with which output j reads inside the image. */
static struct conv_span taps_inside(const struct phase *phase, size_t j)
{
    return conv_inside(phase->begin + (ptrdiff_t)(j * phase->stride), phase->dilation, phase->taps, phase->in);
}

/* The outputs [begin, end) all of whose taps are inside. */
static struct conv_span outputs_inside(const struct phase *phase, size_t begin, size_t end)
{
    const size_t last_tap = phase->taps ? (phase->taps - 1) * phase->dilation : 0;
    const struct conv_span first = conv_inside(phase->begin, phase->stride, end, phase->in),
                           last = conv_inside(phase->begin + (ptrdiff_t)last_tap, phase->stride, end, phase->in);
    const size_t from = at_most(at_least(begin, first.first), end);
    return (struct conv_span){from, at_least(from, last.end)};
}

/* A block of channels of an output row. */
struct row {
    const struct pass *pass;
    const float *source; /* the input row under the first tap that is inside the image */
    size_t taps, dilation; /* how many are inside, and the input rows from one to the next */
    const float *filters; /* at the first of them */
    ptrdiff_t tap_step;
    float *out;
    size_t channel, end;
};

/* Outputs of a phase, each with the same taps of it. */
static void run(const struct row *row, const struct phase *phase, struct conv_span outputs, struct conv_span taps)
{
    const struct pass *pass = row->pass;
    const size_t pixel = pass->channels;
    struct depthwise_run run = {.x = row->source,
                                .x_step = phase->stride * pixel,
                                .x_row = row->dilation * pass->right.in * pixel,
                                .x_column = phase->dilation * pixel,
                                .w = row->filters,
                                .w_row = row->tap_step * (ptrdiff_t)(pass->right.kernel * pixel),
                                .w_column = phase->tap_step * (ptrdiff_t)pixel,
                                .finish = pass->finish,
                                .y = row->out + (phase->first + outputs.first * phase->step) * pixel,
                                .y_step = phase->step * pixel,
                                .count = outputs.end - outputs.first,
                                .channel = row->channel,
                                .end = row->end};
    if (row->taps && taps.first < taps.end) {
        const size_t column =
            (size_t)(phase->begin + (ptrdiff_t)(outputs.first * phase->stride + taps.first * phase->dilation));
        const size_t tap = (size_t)((ptrdiff_t)phase->first_tap + (ptrdiff_t)taps.first * phase->tap_step);
        run.rows = row->taps;
        run.columns = taps.end - taps.first;
        run.x += column * pixel;
        run.w += tap * pixel;
    }
    pass->vector->depthwise(&run);
}

/* Outputs at the image's edge, with those taps that are inside. */
static void run_edge(const struct row *row, const struct phase *phase, size_t begin, size_t end)
{
    for (size_t j = begin; j < end; j++)
        run(row, phase, (struct conv_span){j, j + 1}, taps_inside(phase, j));
}

/* Those outputs of a phase that are in columns [begin, end) of the row. */
static void run_phase(const struct row *row, const struct phase *phase, size_t begin, size_t end)
{
    const size_t first = begin > phase->first ? ceil_divide(begin - phase->first, phase->step) : 0;
    const size_t behind = end > phase->first ? ceil_divide(end - phase->first, phase->step) : 0;
    const struct conv_span inside = outputs_inside(phase, first, behind);
    run_edge(row, phase, first, inside.first);
    if (inside.first < inside.end)
        run(row, phase, inside, (struct conv_span){0, phase->taps});
    run_edge(row, phase, inside.end, behind);
}

/* Columns [begin, end) of an output row; its channels in blocks whose filters stay in the first-level cache. */
static void run_row(const struct pass *pass, size_t image, size_t index, size_t begin, size_t end)
{
    const size_t phases = phase_count(pass, &pass->down), channels = pass->channels, j = index / phases;
    const struct phase down = phase_of(pass, &pass->down, index % phases);
    const struct conv_span taps = taps_inside(&down, j);
    struct row row = {.pass = pass,
                      .source = pass->source + image * pass->down.in * pass->right.in * channels,
                      .taps = taps.end - taps.first,
                      .dilation = down.dilation,
                      .filters = pass->filters,
                      .tap_step = down.tap_step,
                      .out = pass->out + (image * pass->down.out + index) * pass->right.out * channels};
    if (row.taps) {
        const size_t top = (size_t)(down.begin + (ptrdiff_t)(j * down.stride + taps.first * down.dilation));
        const size_t tap = (size_t)((ptrdiff_t)down.first_tap + (ptrdiff_t)taps.first * down.tap_step);
        row.source += top * pass->right.in * channels;
        row.filters += tap * pass->right.kernel * channels;
    }
    const size_t block = conv_depthwise_block(channels);
    for (row.channel = 0; row.channel < channels; row.channel += block) {
        row.end = at_most(channels, row.channel + block);
        for (size_t i = 0; i < phase_count(pass, &pass->right); i++) {
            const struct phase right = phase_of(pass, &pass->right, i);
            run_phase(&row, &right, begin, end);
        }
    }
}

/* Output positions [first, end), which may begin and end within a row. */
static void run_positions(const struct pass *pass, size_t first, size_t end)
{
    const size_t width = pass->right.out, height = pass->down.out;
    for (size_t row = first / width; row * width < end; row++) {
        const size_t begin = row * width;
        run_row(pass, row / height, row % height, first > begin ? first - begin : 0, at_most(width, end - begin));
    }
}

/* Whole rows of output per task. Shared out in order, so that a thread finds rows that two tasks read in its cache. */
static void run_all(const struct blis *self, const struct pass *pass)
{
    const size_t width = pass->right.out;
    const size_t block = at_least(1, BLOCK_FLOATS / (width * pass->channels)) * width;
    const size_t tasks = ceil_divide(pass->rows, block);
#pragma omp parallel for num_threads(self->threads) schedule(static) if (tasks > 1)
    for (size_t task = 0; task < tasks; task++)
        run_positions(pass, task * block, at_most(pass->rows, (task + 1) * block));
}

/* Moments are taken of every chunk while it is in cache. */
static void run_moments(const struct blis *self, const struct pass *pass, const struct conv_moments *moments)
{
#pragma omp parallel for num_threads(self->threads) schedule(static)
    for (size_t i = 0; i < moments->walk->chunks; i++) {
        const struct rows_chunk chunk = rows_chunk_of(moments->walk, i);
        run_positions(pass, chunk.first_row, chunk.first_row + chunk.rows);
        rows_moments(self, moments->walk, moments->space, i, pass->out);
    }
}

static size_t filter_floats(const struct blis *self, const struct geometry *g)
{
    (void)self;
    return g->taps * g->channels;
}

/* w: channels × taps. filters: taps × channels */
static void transform(const struct blis *self, const struct geometry *g, const float *w, float *filters)
{
    (void)self;
    for (size_t tap = 0; tap < g->taps; tap++) {
        for (size_t c = 0; c < g->channels; c++)
            filters[tap * g->channels + c] = w[c * g->taps + tap];
    }
}

static size_t workspace_floats(const struct blis *self, const struct geometry *g, bool training)
{
    return training ? at_least(filter_floats(self, g), depthwise_weights_workspace(g)) : 0;
}

static size_t forward(const struct blis *self, const struct geometry *g, const struct conv_call *call)
{
    const struct pass pass = {
        .vector = self->vector,
        .down = {g->height, g->out_height, g->kernel_height, g->stride_height, g->dilation_height, g->pad_height},
        .right = {g->width, g->out_width, g->kernel_width, g->stride_width, g->dilation_width, g->pad_width},
        .channels = g->channels,
        .rows = g->out_rows,
        .source = call->x,
        .filters = call->filters ? call->filters : call->workspace,
        .finish = call->finish,
        .out = call->y};
    if (!call->filters)
        transform(self, g, call->w, call->workspace);
    if (call->moments && call->moments->walk->chunks >= MOMENT_TASKS_MIN) {
        run_moments(self, &pass, call->moments);
        return call->moments->walk->chunks;
    }
    run_all(self, &pass);
    return 0;
}

static void backward_data(const struct blis *self, const struct geometry *g, const float *dy, const float *w, float *dx,
                          float *workspace)
{
    const struct pass pass = {
        .vector = self->vector,
        .gradient = true,
        .down = {g->out_height, g->height, g->kernel_height, g->stride_height, g->dilation_height, g->pad_height},
        .right = {g->out_width, g->width, g->kernel_width, g->stride_width, g->dilation_width, g->pad_width},
        .channels = g->channels,
        .rows = g->in_rows,
        .source = dy,
        .filters = workspace,
        .out = dx};
    transform(self, g, w, workspace);
    run_all(self, &pass);
}

bool conv_depthwise_fits(const struct geometry *g)
{
    return g->groups > 1 && g->groups == g->channels && g->groups == g->filters;
}

size_t conv_depthwise_block(size_t channels)
{
    enum { BLOCK = 128, VECTOR = 16 };
    return ceil_divide(ceil_divide(channels, ceil_divide(channels, BLOCK)), VECTOR) * VECTOR;
}

const struct conv_algorithm conv_depthwise = {
    .name = "depthwise",
    .workspace = workspace_floats,
    .filter_floats = filter_floats,
    .transform = transform,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = depthwise_backward_weights,
};
