/*
 * batch-confusion: λ·mean over the batch of Σ_k p_k², with p the softmax of the outputs: it keeps a fine-grained classifier from being
 * certain of one class. By logit k the derivative of Σ_c p_c² is 2·p_k·(p_k − Σ_c p_c²).
 *
 * The paper trains with (1 − τ)·cross entropy + τ·R, τ = 0.5; λ = τ/(1 − τ) gives the same up to the factor 1 − τ of the learning rate.
 * Its norm of the batch's matrix of probabilities is here the squared Frobenius norm divided by the batch; the nuclear norm is another
 * of its variants.
 */
#include <math.h>

#include <prunebench/penalty.h>

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    (void)self;
    (void)index;
    return NULL;
}

/* Of one image; derivative holds its probabilities in between. */
static double confusion(const float *logits, uint32_t classes, double share, double *derivative)
{
    double top = logits[0], sum = 0, squares = 0;
    for (uint32_t k = 1; k < classes; k++)
        top = fmax(top, logits[k]);
    for (uint32_t k = 0; k < classes; k++)
        sum += derivative[k] = exp(logits[k] - top);
    for (uint32_t k = 0; k < classes; k++) {
        derivative[k] /= sum;
        squares += derivative[k] * derivative[k];
    }
    for (uint32_t k = 0; k < classes; k++)
        derivative[k] = share * 2 * derivative[k] * (derivative[k] - squares);
    return share * squares;
}

static enum pb_status outputs(void *self, const struct pb_outputs_view *view, double *value, double *derivative)
{
    (void)self;
    *value = 0;
    for (uint32_t n = 0; n < view->batch; n++) {
        const size_t first = (size_t)n * view->classes;
        *value += confusion(view->logits + first, view->classes, 1.0 / view->batch, derivative + first);
    }
    return PB_OK;
}

static const struct pb_penalty penalty = {
    .size = sizeof(struct pb_penalty), .create = create, .term = term, .outputs = outputs};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_PENALTY),
    .name = "batch-confusion",
    .summary = "keeps predictions from being certain: the mean of the squared probabilities",
    .version = "1.0.0",
    .reference = "Hsu et al., Fine-grained Visual Recognition with Batch Confusion Norm, 2019",
    .penalty = &penalty,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
