/* The suite's loss and optimiser. */
#include "suite/suite_run.h"

#include <math.h>
#include <stdio.h>

struct row {
    uint32_t classes, label, batch;
};

static void cross_entropy(const void *context, const double *logits, double *loss)
{
    const struct row *row = context;
    double largest = logits[0];
    for (uint32_t c = 0; c < row->classes; c++)
        largest = logits[c] > largest ? logits[c] : largest;
    double total = exp(logits[0] - largest);
    for (uint32_t c = 1; c < row->classes; c++)
        total += exp(logits[c] - largest);
    *loss = log(total) + largest - logits[row->label];
}

struct loss_case {
    uint32_t batch, classes;
    double range;
};

static void check_loss(struct pb_suite *run, const void *case_of)
{
    const struct loss_case *asked = case_of;
    const uint32_t batch = asked->batch, classes = asked->classes;
    const double range = asked->range;
    snprintf(run->subject, sizeof run->subject, "softmax cross-entropy %ux%u, logits to %g", batch, classes, range);
    const size_t count = (size_t)batch * classes;
    struct pb_array logits = pb_array_random(run, count, -range, range), losses = pb_array_output(run, batch),
                    gradient = pb_array_output(run, count);
    double *expected = pb_suite_doubles(run, batch), *slopes = pb_suite_doubles(run, count);
    uint32_t *labels = pb_suite_memory(run, batch * sizeof *labels);
    for (uint32_t n = 0; n < batch; n++) {
        labels[n] = pb_rng_below(&run->rng, classes);
        const struct row row = {.classes = classes, .label = labels[n], .batch = batch};
        double *values = logits.values + (size_t)n * classes;
        const double share = 1 / (double)batch;
        cross_entropy(&row, values, &expected[n]);
        const struct pb_differences differences = {
            .function = cross_entropy, .context = &row, .inputs = classes, .outputs = 1, .step = 1e-5};
        pb_numeric_gradient(run, &differences, values, &share, slopes + (size_t)n * classes);
    }
    OPERATE(run, softmax_cross_entropy,
            ARGUMENTS(loss, .batch = batch, .classes = classes, .logits = pb_array_view(&logits), .labels = labels,
                      .losses = pb_array_view(&losses)));
    pb_array_expect(run, &losses, "losses", expected, range * 1e-2);
    OPERATE(run, softmax_cross_entropy,
            ARGUMENTS(loss, .batch = batch, .classes = classes, .logits = pb_array_view(&logits), .labels = labels,
                      .losses = pb_array_view(&losses), .dlogits = pb_array_view(&gradient)));
    pb_array_expect(run, &losses, "losses", expected, range * 1e-2);
    pb_array_expect(run, &gradient, "dlogits", slopes, 1 / (double)batch);
    pb_array_unchanged(run, &logits, "logits");
    pb_array_set(run, &logits, count - 1, NAN);
    expected[batch - 1] = NAN;
    OPERATE(run, softmax_cross_entropy,
            ARGUMENTS(loss, .batch = batch, .classes = classes, .logits = pb_array_view(&logits), .labels = labels,
                      .losses = pb_array_view(&losses)));
    pb_array_expect(run, &losses, "losses with a NaN", expected, range * 1e-2);
}

/* PyTorch's SGD, one step after another. */
/* case_of: the arguments, but for what belongs to the arrays. */
static void check_steps(struct pb_suite *run, const void *case_of)
{
    const struct pb_sgd_arguments *sgd = case_of;
    const size_t count = sgd->count;
    struct pb_sgd_arguments arguments = *sgd;
    snprintf(run->subject, sizeof run->subject, "SGD over %zu, momentum %g, decay %g%s", count, sgd->momentum,
             sgd->weight_decay, sgd->nesterov ? ", Nesterov" : "");
    struct pb_array weight = pb_array_random(run, count, -1, 1), velocity = pb_array_random(run, count, -1, 1),
                    gradient = pb_array_random(run, count, -1, 1);
    pb_array_set(run, &weight, 0, 0);
    arguments.size = sizeof arguments;
    arguments.gradient = pb_array_view(&gradient);
    arguments.velocity = pb_array_view(&velocity);
    arguments.weight = pb_array_view(&weight);
    for (int step = 0; step < 2; step++) {
        for (size_t i = 0; i < count; i++) {
            double *w = &weight.values[i], *v = &velocity.values[i];
            const double g = gradient.values[i] + sgd->weight_decay * *w;
            *v = sgd->momentum * *v + g;
            *w -= sgd->lr * (sgd->nesterov ? g + sgd->momentum * *v : *v);
        }
        OPERATE(run, sgd_step, &arguments);
        pb_array_expect(run, &weight, "weight", weight.values, 0);
        pb_array_expect(run, &velocity, "velocity", velocity.values, 0);
        pb_array_unchanged(run, &gradient, "gradient");
    }
}

void pb_suite_learning(struct pb_suite *run)
{
    static const struct loss_case losses[] = {
        {1, 1, 1}, {1, 5, 3}, {3, 7, 1}, {48, 100, 10}, {2, 10, 1000} /* exp overflows without the largest taken out */
    };
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
        pb_suite_case_run(run, check_loss, &losses[i]);
    static const struct pb_sgd_arguments steps[] = {
        {.count = 1, .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-5, .nesterov = true},
        {.count = 77, .lr = 0.1},
        {.count = 1000, .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-2},
        {.count = 40000, .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-5, .nesterov = true},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        pb_suite_case_run(run, check_steps, &steps[i]);
}
