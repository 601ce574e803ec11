/* The suite's loss and optimiser. */
#include "support/operator_tools.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct row {
    uint32_t classes, label, batch;
};

static void cross_entropy(const void *context, const double *logits, double *loss)
{
    const struct row *row = context;
    double largest = logits[0], total = 0;
    for (uint32_t c = 0; c < row->classes; c++)
        largest = logits[c] > largest ? logits[c] : largest;
    for (uint32_t c = 0; c < row->classes; c++)
        total += exp(logits[c] - largest);
    *loss = log(total) + largest - logits[row->label];
}

static void check_loss(struct operator_test *test, uint32_t batch, uint32_t classes, double range)
{
    snprintf(test->subject, sizeof test->subject, "softmax cross-entropy %ux%u, logits to %g", batch, classes, range);
    const size_t count = (size_t)batch * classes;
    struct tensor logits = tensor_random(test, count, -range, range), losses = tensor_output(test, batch),
                  gradient = tensor_output(test, count);
    double *expected = doubles(batch), *slopes = doubles(count);
    uint32_t *labels = calloc(batch, sizeof *labels);
    for (uint32_t n = 0; labels && n < batch; n++) {
        labels[n] = pb_rng_below(&test->rng, classes);
        const struct row row = {.classes = classes, .label = labels[n], .batch = batch};
        double *values = logits.values + (size_t)n * classes;
        const double share = 1 / (double)batch;
        cross_entropy(&row, values, &expected[n]);
        const struct differences differences = {
            .function = cross_entropy, .context = &row, .inputs = classes, .outputs = 1, .step = 1e-5};
        numeric_gradient(&differences, values, &share, slopes + (size_t)n * classes);
    }
    OPERATE(test, softmax_cross_entropy,
            ARGUMENTS(loss, .batch = batch, .classes = classes, .logits = tensor_view(&logits), .labels = labels,
                      .losses = tensor_view(&losses)));
    tensor_expect(test, &losses, "losses", expected, range * 1e-2);
    OPERATE(test, softmax_cross_entropy,
            ARGUMENTS(loss, .batch = batch, .classes = classes, .logits = tensor_view(&logits), .labels = labels,
                      .losses = tensor_view(&losses), .dlogits = tensor_view(&gradient)));
    tensor_expect(test, &losses, "losses", expected, range * 1e-2);
    tensor_expect(test, &gradient, "dlogits", slopes, 1 / (double)batch);
    tensor_unchanged(test, &logits, "logits");
    tensor_set(test, &logits, count - 1, NAN);
    expected[batch - 1] = NAN;
    OPERATE(test, softmax_cross_entropy,
            ARGUMENTS(loss, .batch = batch, .classes = classes, .logits = tensor_view(&logits), .labels = labels,
                      .losses = tensor_view(&losses)));
    tensor_expect(test, &losses, "losses with a NaN", expected, range * 1e-2);
    tensor_free(test, &logits);
    tensor_free(test, &losses);
    tensor_free(test, &gradient);
    free(expected);
    free(slopes);
    free(labels);
}

/* PyTorch's SGD, one step after another. */
static void check_steps(struct operator_test *test, size_t count, const struct pb_sgd_arguments *sgd)
{
    struct pb_sgd_arguments arguments = *sgd;
    snprintf(test->subject, sizeof test->subject, "SGD over %zu, momentum %g, decay %g, l1 %g%s", count, sgd->momentum,
             sgd->weight_decay, sgd->l1, sgd->nesterov ? ", Nesterov" : "");
    struct tensor weight = tensor_random(test, count, -1, 1), velocity = tensor_random(test, count, -1, 1),
                  gradient = tensor_random(test, count, -1, 1);
    tensor_set(test, &weight, 0, 0);
    arguments.size = sizeof arguments;
    arguments.count = count;
    arguments.gradient = tensor_view(&gradient);
    arguments.velocity = tensor_view(&velocity);
    arguments.weight = tensor_view(&weight);
    for (int step = 0; step < 2; step++) {
        for (size_t i = 0; i < count; i++) {
            double *w = &weight.values[i], *v = &velocity.values[i];
            const double sign = *w > 0 ? 1 : *w < 0 ? -1 : 0;
            const double g = gradient.values[i] + sgd->l1 * sign + sgd->weight_decay * *w;
            *v = sgd->momentum * *v + g;
            *w -= sgd->lr * (sgd->nesterov ? g + sgd->momentum * *v : *v);
        }
        OPERATE(test, sgd_step, &arguments);
        tensor_expect(test, &weight, "weight", weight.values, 0);
        tensor_expect(test, &velocity, "velocity", velocity.values, 0);
        tensor_unchanged(test, &gradient, "gradient");
    }
    tensor_free(test, &weight);
    tensor_free(test, &velocity);
    tensor_free(test, &gradient);
}

void suite_learning(struct operator_test *test)
{
    check_loss(test, 1, 1, 1);
    check_loss(test, 1, 5, 3);
    check_loss(test, 3, 7, 1);
    check_loss(test, 48, 100, 10);
    check_loss(test, 2, 10, 1000); /* exp overflows without the largest taken out */
    const struct pb_sgd_arguments plain = {.lr = 0.1}, heavy = {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-2},
                                  nesterov = {
                                      .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-5, .l1 = 1e-2, .nesterov = true};
    check_steps(test, 1, &nesterov);
    check_steps(test, 77, &plain);
    check_steps(test, 1000, &heavy);
    check_steps(test, 40000, &nesterov);
}
