/*
 * chip: a channel that depends on the others does not matter. score = the mean over all calibration images of ‖A‖_* − ‖A with row i
 * zeroed‖_*, where A holds the image's activations after ReLU, channels × positions, and ‖·‖_* is the sum of the singular values.
 * The paper compares channels within a layer. Released code rounds the differences to four decimals; here nothing is rounded.
 *
 * A is decomposed once per image. R(s) = det(A_i·A_iᵀ + s²)/det(A·Aᵀ + s²), A_i being A with row i zeroed, is s²·[(A·Aᵀ + s²)⁻¹]_ii by
 * Cramer's rule, so that R(s) = Σ_j w_j·s²/(σ_j² + s²) with the singular values σ_j of A and w_j = u_ij² of its left singular vectors.
 * From σ = (1/π)·∫₀^∞ log(1 + σ²/s²) ds the difference of the norms is
 *     −(1/π) · ∫₀^∞ log R(s) ds,
 * which the trapezoidal rule over log s gives to 1e-11: the integrand is analytic up to π/2 beside the axis. σ_j² are the eigenvalues
 * of A·Aᵀ or Aᵀ·A, whichever is smaller, n×n; those up to n·2⁻⁵⁰ of the largest are rounding, and count as zero. Scores are therefore
 * exact to about 1e-8 of the largest singular value, which is a tenth of the rounding of the float32 activations.
 */
#include <float.h>
#include <string.h>

#include "activation-layers.h"
#include "eigen.h"

/* log s = log σ₁ + (k − BELOW)/4, from 1e-13 to 7e10 times σ₁; from BELOW on, 1 − R is at most 1/2 and computed in place of R. */
enum { BELOW = 120, ABOVE = 100, NODES = BELOW + ABOVE + 1 };
static const double STEP = 0.25;

/* Where one image is computed; n = min(C, P). */
struct room {
    double *gram; /* n×n; then its eigenvectors, a row each */
    double *values, *work; /* n, 2n */
    double *weights; /* n×C: w_j of every channel */
    double *rest, *squares; /* C: the weight at σ = 0; ‖row i‖² */
    double *panel; /* POSITIONS×C */
    double *kernel; /* n×NODES: σ²/(σ² + s²) or s²/(σ² + s²) */
};
enum { POSITIONS = 4 };

static size_t shorter_side(const struct pb_layer_view *layer)
{
    return activation_places(layer) < layer->channels ? activation_places(layer) : layer->channels;
}

static size_t room_of(const struct pb_layer_view *layer)
{
    const size_t n = shorter_side(layer), channels = layer->channels;
    return n * n + 3 * n + n * channels + 2 * channels + POSITIONS * channels + n * NODES;
}

static struct room divide_room(double *room, size_t n, size_t channels)
{
    struct room parts = {.gram = room};
    parts.values = parts.gram + n * n;
    parts.work = parts.values + n;
    parts.weights = parts.work + 2 * n;
    parts.rest = parts.weights + n * channels;
    parts.squares = parts.rest + channels;
    parts.panel = parts.squares + channels;
    parts.kernel = parts.panel + POSITIONS * channels;
    return parts;
}

/* The lower triangle of A·Aᵀ, some positions at a time. image: P×C. */
static void multiply_channels(const float *image, size_t places, size_t channels, double *restrict panel,
                              double *restrict gram)
{
    memset(gram, 0, channels * channels * sizeof(*gram));
    for (size_t first = 0; first < places; first += POSITIONS) {
        for (size_t p = 0; p < POSITIONS; p++)
            for (size_t c = 0; c < channels; c++)
                panel[p * channels + c] = first + p < places ? (double)image[(first + p) * channels + c] : 0;
        const double *a = panel, *b = a + channels, *c = b + channels, *d = c + channels;
        for (size_t i = 0; i < channels; i++)
            for (size_t j = 0; j <= i; j++)
                gram[i * channels + j] += a[i] * a[j] + b[i] * b[j] + c[i] * c[j] + d[i] * d[j];
    }
}

/* The lower triangle of Aᵀ·A */
static void multiply_places(const float *image, size_t places, size_t channels, double *gram)
{
    for (size_t p = 0; p < places; p++)
        for (size_t q = 0; q <= p; q++) {
            double sum = 0;
            for (size_t c = 0; c < channels; c++)
                sum += (double)image[p * channels + c] * (double)image[q * channels + c];
            gram[p * places + q] = sum;
        }
}

/* Sets what is rounding to zero; returns the largest singular value. */
static double clear_rounding(size_t n, double *values)
{
    double largest = 0;
    for (size_t j = 0; j < n; j++)
        largest = fmax(largest, values[j]);
    for (size_t j = 0; j < n; j++)
        if (values[j] <= (double)n * 4 * DBL_EPSILON * largest)
            values[j] = 0;
    return sqrt(largest);
}

/* From eigenvectors of A·Aᵀ: they are u_j. */
static void set_weights_by_channels(const struct room *room, size_t channels)
{
    for (size_t i = 0; i < channels * channels; i++)
        room->weights[i] = room->gram[i] * room->gram[i];
    for (size_t i = 0; i < channels; i++)
        room->rest[i] = 0;
}

/* From eigenvectors v_j of Aᵀ·A: u_ij = (a_i·v_j)/σ_j. What is missing of Σ_j u_ij² = 1 belongs to σ = 0. */
static void set_weights_by_places(const struct room *room, const float *image, size_t places, size_t channels)
{
    memset(room->weights, 0, places * channels * sizeof(*room->weights));
    for (size_t i = 0; i < channels; i++)
        room->rest[i] = 1;
    for (size_t j = 0; j < places; j++) {
        double *w = room->weights + j * channels;
        for (size_t p = 0; p < places && room->values[j] > 0; p++)
            for (size_t i = 0; i < channels; i++)
                w[i] += room->gram[j * places + p] * (double)image[p * channels + i];
        for (size_t i = 0; i < channels && room->values[j] > 0; i++) {
            w[i] *= w[i] / room->values[j];
            room->rest[i] -= w[i];
        }
    }
    for (size_t i = 0; i < channels; i++)
        room->rest[i] = fmax(room->rest[i], 0);
}

static double node(double largest, int k)
{
    return largest * exp(STEP * (k - BELOW));
}

static void fill_kernel(const struct room *room, size_t n, double largest)
{
    for (size_t j = 0; j < n; j++)
        for (int k = 0; k < NODES; k++) {
            const double square = node(largest, k) * node(largest, k);
            room->kernel[j * NODES + (size_t)k] = (k < BELOW ? square : room->values[j]) / (room->values[j] + square);
        }
}

/* −(1/π) · ∫ log R(s) · s d(log s) for channel i */
static double integrate(const struct room *room, size_t n, size_t channels, size_t i, double largest)
{
    double sums[NODES], integral = 0; /* R, and 1 − R */
    for (int k = 0; k < NODES; k++)
        sums[k] = k < BELOW ? room->rest[i] : 0;
    for (size_t j = 0; j < n; j++) {
        const double w = room->weights[j * channels + i], *kernel = room->kernel + j * NODES;
        for (int k = 0; k < NODES; k++)
            sums[k] += w * kernel[k];
    }
    for (int k = 0; k < NODES; k++)
        integral -= (k < BELOW ? log(sums[k]) : log1p(-sums[k])) * node(largest, k);
    return integral * STEP / acos(-1);
}

static bool score_image(const void *criterion, const struct pb_layer_view *layer, const float *image, double *numbers,
                        double *scores)
{
    const size_t places = activation_places(layer), channels = layer->channels, n = shorter_side(layer);
    const struct room room = divide_room(numbers, n, channels);
    (void)criterion;
    if (n == channels)
        multiply_channels(image, places, channels, room.panel, room.gram);
    else
        multiply_places(image, places, channels, room.gram);
    if (!eigen_symmetric(n, room.gram, room.values, room.work))
        return false;
    const double largest = clear_rounding(n, room.values);
    if (n == channels)
        set_weights_by_channels(&room, channels);
    else
        set_weights_by_places(&room, image, places, channels);
    fill_kernel(&room, n, largest);
    memset(room.squares, 0, channels * sizeof(*room.squares));
    for (size_t p = 0; p < places; p++)
        for (size_t i = 0; i < channels; i++)
            room.squares[i] += (double)image[p * channels + i] * (double)image[p * channels + i];
    for (size_t i = 0; i < channels; i++)
        scores[i] = room.squares[i] > 0 ? integrate(&room, n, channels, i, largest) : 0;
    return true;
}

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    struct activation_layers *all = host->alloc(host, sizeof(*all));
    (void)options;
    if (!all)
        return PB_ERROR_MEMORY;
    all->host = host;
    *self = all;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    return activation_observe_images(self, layer, score_image, NULL, room_of(layer));
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    return activation_mean_over_images(self, layer, scores);
}

static void destroy(void *self)
{
    struct activation_layers *all = self;
    activation_layers_free(all);
    all->host->free(all->host, all);
}

static const struct pb_criterion criterion = {
    .size = sizeof(struct pb_criterion),
    .needs = PB_DATA_ACTIVATIONS,
    .scope = PB_SCOPE_LAYER,
    .coupling = PB_COUPLE_SUM,
    .normalise =
        PB_NORMALISE_MEAN, /* the scale of activations and the number of positions differ from layer to layer */
    .create = create,
    .observe = observe,
    .score = score,
    .destroy = destroy,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_CRITERION),
    .name = "chip",
    .summary =
        "what a channel adds to the nuclear norm of the layer's activations after ReLU, averaged over the images",
    .version = "1.0.0",
    .reference = "Y. Sui et al., CHIP: CHannel Independence-based Pruning for Compact Neural Networks, 2021, "
                 "arXiv:2110.13981",
    .reference_code = "The authors' code rounds the values to four decimals, so that channels tie.",
    .criterion = &criterion,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
