/* Relevance of one value of a convolution, shared among its terms. */
#include "prune/relevance_window.h"

/* Values of a window that are contiguous in x and in w, none of them in the padding. */
struct run {
    uint32_t r, s; /* where the next one begins */
    size_t x, w, count;
};

static void set_run(const struct pb_relevance_window *window, struct run *run, uint32_t r, uint32_t s, uint32_t taps)
{
    const size_t row = (size_t)(window->top + (int64_t)r * window->conv->dilation[0]),
                 column = (size_t)(window->left + (int64_t)s * window->conv->dilation[1]);
    run->x = (row * window->in.width + column) * window->in.channels + window->first;
    run->w = ((size_t)r * window->conv->kernel[1] + s) * window->channels;
    run->count = (size_t)taps * window->channels;
}

static bool next_run(const struct pb_relevance_window *window, struct run *run)
{
    const struct pb_conv_attributes *conv = window->conv;
    while (run->r < conv->kernel[0]) {
        const uint32_t r = run->r, s = run->s;
        const int64_t row = window->top + (int64_t)r * conv->dilation[0],
                      column = window->left + (int64_t)s * conv->dilation[1];
        const bool outside = row < 0 || row >= window->in.height;
        if (window->whole_rows || outside || s + 1 == conv->kernel[1])
            *run = (struct run){.r = r + 1};
        else
            run->s = s + 1;
        if (outside)
            continue;
        if (window->whole_rows) {
            const int64_t first = window->left < 0 ? -window->left : 0, room = window->in.width - window->left,
                          last = room < conv->kernel[1] ? room : conv->kernel[1];
            if (first >= last)
                continue;
            set_run(window, run, r, (uint32_t)first, (uint32_t)(last - first));
            return true;
        }
        if (column < 0 || column >= window->in.width)
            continue;
        set_run(window, run, r, s, 1);
        return true;
    }
    return false;
}

void pb_relevance_share_window(const struct pb_relevance_window *window, const struct pb_relevance_sharing *sharing,
                               struct pb_relevance_filter filter, const float *x, const float *w, double relevance,
                               float *in)
{
    const bool positive = sharing->positive;
    double sum = 0;
    size_t n = 0;
    for (struct run run = {0}; next_run(window, &run); n += run.count)
        sum += pb_relevance_sum(x + run.x, w + run.w, run.count, filter.scale, positive);
    const struct pb_relevance_shares shares = pb_relevance_share(sharing, sum, filter.bias, n, relevance);
    for (struct run run = {0}; next_run(window, &run);)
        pb_relevance_add(x + run.x, w + run.w, run.count, filter.scale, positive, shares, in + run.x);
}
