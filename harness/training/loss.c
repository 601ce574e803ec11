/* The loss of one step: cross entropy, distillation, penalties on the outputs. */
#include "training/loss.h"

#include <math.h>

#include "base/memory.h"
#include "training/penalty_instances.h"

struct pb_training_loss {
    const struct pb_train_spec *spec;
    const struct pb_teacher *teacher;
    struct pb_penalty_instances *penalties;
    uint32_t batch, classes;
    bool plain; /* cross entropy alone, which the engine computes */
    struct pb_engine *engine; /* the teacher's; NULL: there is none */
    float *taught; /* the teacher's logits */
    float *derivative; /* as the engine takes it */
    double *sums; /* batch×classes */
};

static enum pb_status open_teacher(struct pb_training_loss *terms, struct pb_device *device, struct pb_error *error)
{
    const struct pb_engine_options options = {.batch = terms->batch, .mode = PB_ENGINE_INFER};
    const size_t count = (size_t)terms->batch * terms->classes;
    if (terms->spec->distillation == PB_DISTILLATION_NONE)
        return PB_OK;
    terms->taught = pb_calloc(count, sizeof *terms->taught);
    return terms->taught ? pb_engine_create(device, terms->teacher->network, &options, &terms->engine, error)
                         : pb_fail_memory(error, count * sizeof *terms->taught);
}

enum pb_status pb_training_loss_open(const struct pb_train_spec *spec, struct pb_device *device,
                                     const struct pb_teacher *teacher, struct pb_penalty_instances *penalties,
                                     uint32_t batch, uint32_t classes, struct pb_training_loss **terms,
                                     struct pb_error *error)
{
    const size_t count = (size_t)batch * classes;
    struct pb_training_loss *made = pb_calloc(1, sizeof *made);
    if (!made)
        return pb_fail_memory(error, sizeof *made);
    *made = (struct pb_training_loss){
        .spec = spec, .teacher = teacher, .penalties = penalties, .batch = batch, .classes = classes};
    made->plain = spec->distillation == PB_DISTILLATION_NONE && !pb_penalty_instances_see_outputs(penalties);
    made->derivative = made->plain ? NULL : pb_calloc(count, sizeof *made->derivative);
    made->sums = made->plain ? NULL : pb_calloc(count, sizeof *made->sums);
    enum pb_status status = made->plain || (made->derivative && made->sums)
                                ? open_teacher(made, device, error)
                                : pb_fail_memory(error, count * sizeof *made->sums);
    if (status == PB_OK)
        *terms = made;
    else
        pb_training_loss_free(&made);
    return status;
}

void pb_training_loss_free(struct pb_training_loss **terms)
{
    struct pb_training_loss *freed = *terms;
    if (!freed)
        return;
    pb_engine_free(&freed->engine);
    pb_free(freed->taught);
    pb_free(freed->derivative);
    pb_free(freed->sums);
    pb_free(freed);
    *terms = NULL;
}

/* log Σ_k exp(x_k / T) */
static double log_sum(const float *x, uint32_t classes, double temperature)
{
    double top = x[0];
    for (uint32_t k = 1; k < classes; k++)
        top = fmax(top, x[k]);
    double sum = exp((x[0] - top) / temperature);
    for (uint32_t k = 1; k < classes; k++)
        sum += exp((x[k] - top) / temperature);
    return top / temperature + log(sum);
}

/* Adds weight times the cross entropy's derivative: softmax(z) − onehot. */
static double cross_entropy(const float *logits, uint32_t label, uint32_t classes, double weight, double *derivative)
{
    const double normaliser = log_sum(logits, classes, 1);
    for (uint32_t k = 0; k < classes; k++)
        derivative[k] += weight * (exp(logits[k] - normaliser) - (k == label));
    return weight * (normaliser - logits[label]);
}

/* With p the teacher's softened probabilities and q the network's: T²·Σ p·(log p − log q), whose derivative is T·(q − p). */
static double soft_targets(const float *logits, const float *teacher, uint32_t classes, double temperature,
                           double weight, double *derivative)
{
    const double own = log_sum(logits, classes, temperature), theirs = log_sum(teacher, classes, temperature);
    double divergence = 0;
    for (uint32_t k = 0; k < classes; k++) {
        const double log_p = teacher[k] / temperature - theirs, log_q = logits[k] / temperature - own;
        divergence += exp(log_p) * (log_p - log_q);
        derivative[k] += weight * temperature * (exp(log_q) - exp(log_p));
    }
    return weight * temperature * temperature * divergence;
}

static double equal_logits(const float *logits, const float *teacher, uint32_t classes, double weight,
                           double *derivative)
{
    double sum = 0;
    for (uint32_t k = 0; k < classes; k++) {
        const double difference = (double)logits[k] - teacher[k];
        sum += difference * difference;
        derivative[k] += weight * difference;
    }
    return weight * sum / 2;
}

double pb_image_loss(const struct pb_train_spec *spec, const float *logits, const float *teacher, uint32_t label,
                     uint32_t classes, double *derivative)
{
    const double weight = teacher ? spec->teacher_weight : 0;
    for (uint32_t k = 0; k < classes; k++)
        derivative[k] = 0;
    const double labelled = cross_entropy(logits, label, classes, 1 - weight, derivative);
    if (!teacher)
        return labelled;
    return labelled + (spec->distillation == PB_DISTILLATION_LOGITS
                           ? equal_logits(logits, teacher, classes, weight, derivative)
                           : soft_targets(logits, teacher, classes, spec->teacher_temperature, weight, derivative));
}

static enum pb_status check_teacher(const struct pb_training_loss *terms, struct pb_error *error)
{
    for (size_t i = 0; i < (size_t)terms->batch * terms->classes; i++)
        if (!isfinite(terms->taught[i]))
            return pb_fail(
                error, PB_ERROR_RUN,
                "the teacher, %s '%s', gives image %zu of a batch the output %g for class %zu; what it teaches must "
                "be finite",
                terms->teacher->file ? "file" : "stage",
                terms->teacher->file ? terms->teacher->file : terms->teacher->name, i / terms->classes,
                (double)terms->taught[i], i % terms->classes);
    return PB_OK;
}

static enum pb_status ask_teacher(struct pb_training_loss *terms, const struct pb_batch *batch, struct pb_error *error)
{
    if (!terms->engine)
        return PB_OK;
    const enum pb_status status = pb_engine_forward(terms->engine, batch->images, terms->batch, terms->taught, error);
    return status == PB_OK ? check_teacher(terms, error) : pb_fail_context(error, "teacher '%s'", terms->teacher->name);
}

/* The mean over the batch, and its derivatives in sums. */
static double mean_loss(const struct pb_training_loss *terms, const struct pb_batch *batch, const float *logits)
{
    const uint32_t classes = terms->classes;
    double sum = 0;
    for (uint32_t n = 0; n < terms->batch; n++) {
        const size_t first = (size_t)n * classes;
        sum += pb_image_loss(terms->spec, logits + first, terms->engine ? terms->taught + first : NULL,
                             batch->labels[n], classes, terms->sums + first);
    }
    for (size_t i = 0; i < (size_t)terms->batch * classes; i++)
        terms->sums[i] /= terms->batch;
    return sum / terms->batch;
}

enum pb_status pb_training_loss_backward(struct pb_training_loss *terms, struct pb_engine *engine,
                                         const struct pb_batch *batch, uint32_t epoch, uint64_t step, double *loss,
                                         float *logits, struct pb_error *error)
{
    if (terms->plain)
        return pb_engine_backward(engine, batch->images, batch->labels, loss, logits, error);
    enum pb_status status = ask_teacher(terms, batch, error);
    if (status == PB_OK)
        status = pb_engine_forward_training(engine, batch->images, logits, error);
    if (status != PB_OK)
        return status;
    const struct pb_outputs_view outputs = {.size = sizeof outputs,
                                            .batch = terms->batch,
                                            .classes = terms->classes,
                                            .logits = logits,
                                            .labels = batch->labels,
                                            .epoch = epoch,
                                            .step = step};
    double mean = mean_loss(terms, batch, logits);
    if (isfinite(mean)) /* else the training has diverged, which is not the penalties' doing */
        status = pb_penalty_instances_outputs(terms->penalties, &outputs, &mean, terms->sums, error);
    if (status != PB_OK)
        return status;
    for (size_t i = 0; i < (size_t)terms->batch * terms->classes; i++)
        terms->derivative[i] = (float)terms->sums[i];
    *loss = mean;
    return pb_engine_backward_from(engine, terms->derivative, error);
}
