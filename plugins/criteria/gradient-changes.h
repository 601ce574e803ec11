/* First-order changes of the loss without a channel's output. */
#ifndef PB_CRITERIA_GRADIENT_CHANGES_H
#define PB_CRITERIA_GRADIENT_CHANGES_H

#include <prunebench/criterion.h>

/* What add_output_changes reads, as needs and uses. */
enum {
    OUTPUT_CHANGES_NEED = PB_DATA_CONVOLVED | PB_DATA_CONVOLVED_GRADIENTS,
    OUTPUT_CHANGES_USE = PB_DATA_NORMALISED | PB_DATA_NORMALISED_GRADIENTS,
};

/* Adds Σ_pq (values − bias)·∂L_n/∂values of example n to each channel's change. values, gradients: N×P×Q×K; bias: K, or NULL. */
static inline void add_changes(const struct pb_layer_view *layer, size_t n, const float *values, const float *gradients,
                               const float *bias, double *changes)
{
    const size_t channels = layer->channels, positions = (size_t)layer->output_height * layer->output_width;
    for (size_t i = n * positions; i < (n + 1) * positions; i++)
        for (size_t c = 0; c < channels; c++) { /* the gradient is that of the batch's mean */
            const double value = (double)values[i * channels + c] - (bias ? (double)bias[c] : 0);
            changes[c] += layer->batch * value * (double)gradients[i * channels + c];
        }
}

/* Of the layer's own output: the norm's, the convolution's where it has none. It is the derivative by a factor on γ and β. */
static inline void add_output_changes(const struct pb_layer_view *layer, size_t n, double *changes)
{
    const bool norm = layer->normalised != NULL;
    add_changes(layer, n, norm ? layer->normalised : layer->convolved,
                norm ? layer->normalised_grad : layer->convolved_grad, NULL, changes);
}

#endif
