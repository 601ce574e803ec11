/* The penalties of one training as plugins. */
#include "training/penalty_instances.h"

#include <math.h>
#include <stdio.h>

#include "base/place_text.h"
#include "training/norm_penalties.h"

static enum pb_status create_instance(const struct pb_train_job *job, struct pb_penalty_instances *instances,
                                      const struct pb_penalty *table, const char *label,
                                      const struct pb_options *options, double lambda, struct pb_error *error)
{
    struct pb_penalty_instance *instance = &instances->list[instances->count++];
    const void *given = NULL;
    instance->table = table;
    instance->lambda = lambda;
    snprintf(instance->name, sizeof instance->name, "penalty '%.64s'", label);
    pb_host_init(&instance->host, instance->name, job->seed, job->config->threads);
    enum pb_status status = options ? pb_host_give_options(&instance->host, options, &given, error) : PB_OK;
    if (status != PB_OK)
        return status;
    pb_place_enter(instance->host.name, "create");
    status = pb_host_result(&instance->host, table->create(&instance->host.table, given, &instance->self), error);
    pb_place_leave();
    return status;
}

enum pb_status pb_penalty_instances_create(const struct pb_train_job *job, struct pb_penalty_instances *instances,
                                           struct pb_error *error)
{
    const struct pb_train_spec *spec = job->spec;
    const struct pb_cell_config *config = job->config;
    static const struct {
        const struct pb_penalty *table;
        const char *label;
    } own[PB_PENALTY_PLUGINS] = {[PB_PENALTY_NORMS] = {&pb_norm_penalty, "lambda"},
                                 [PB_PENALTY_LAST_NORM] = {&pb_last_norm_penalty, "lambda-last"}};
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < spec->penalty_count && status == PB_OK; i++) {
        if (!(spec->lambda[i] > 0))
            continue;
        if (i < PB_PENALTY_PLUGINS) {
            status = create_instance(job, instances, own[i].table, own[i].label, NULL, spec->lambda[i], error);
            continue;
        }
        const struct pb_choice *choice = &config->penalties[i - PB_PENALTY_PLUGINS];
        status = create_instance(job, instances, choice->loaded->plugin->penalty, choice->label, &choice->options,
                                 spec->lambda[i], error);
    }
    return status;
}

enum pb_status pb_penalty_instances_destroy(struct pb_penalty_instances *instances, enum pb_status status,
                                            struct pb_error *error)
{
    for (uint32_t i = 0; i < instances->count; i++) {
        struct pb_penalty_instance *instance = &instances->list[i];
        struct pb_error late = {0};
        if (instance->table->destroy && instance->self && !instance->host.damaged) {
            pb_place_enter(instance->host.name, "destroy");
            instance->table->destroy(instance->self);
            const enum pb_status destroyed = pb_host_result(&instance->host, PB_OK, &late);
            pb_place_leave();
            if (status == PB_OK && destroyed != PB_OK) {
                *error = late;
                status = destroyed;
            }
        }
        pb_host_close(&instance->host);
    }
    pb_guarded_free(&instances->view);
    pb_guarded_free(&instances->logits);
    pb_guarded_free(&instances->labels);
    pb_guarded_free(&instances->derivative);
    instances->count = 0;
    return status;
}

bool pb_penalty_instances_see_outputs(const struct pb_penalty_instances *instances)
{
    bool see = false;
    for (uint32_t i = 0; i < instances->count; i++)
        see = see || instances->list[i].table->outputs;
    return see;
}

static enum pb_status check_outputs(const struct pb_penalty_instance *instance, const struct pb_outputs_view *outputs,
                                    double value, const double *derivative, struct pb_error *error)
{
    if (!isfinite(value))
        return pb_fail(error, PB_ERROR_RUN, "%s gave the outputs of step %llu the value %g; it must be finite",
                       instance->name, (unsigned long long)outputs->step, value);
    for (uint32_t n = 0; n < outputs->batch; n++)
        for (uint32_t k = 0; k < outputs->classes; k++)
            if (!isfinite(derivative[(size_t)n * outputs->classes + k]))
                return pb_fail(error, PB_ERROR_RUN,
                               "%s gave image %u, class %u of step %llu the derivative %g; it must be finite",
                               instance->name, n, k, (unsigned long long)outputs->step,
                               derivative[(size_t)n * outputs->classes + k]);
    return PB_OK;
}

static enum pb_status ask(struct pb_penalty_instances *instances, struct pb_penalty_instance *instance,
                          struct pb_outputs_view view, double *value, const double **derivative, struct pb_error *error)
{
    const size_t count = (size_t)view.batch * view.classes;
    double *written = pb_guarded_open(&instances->derivative, "derivative", count, sizeof *written);
    view.lambda = instance->lambda;
    view.logits = pb_guarded_copy(&instances->logits, "logits", view.logits, count, sizeof *view.logits);
    view.labels = pb_guarded_copy(&instances->labels, "labels", view.labels, view.batch, sizeof *view.labels);
    const struct pb_outputs_view *shown = pb_guarded_copy(&instances->view, "outputs", &view, 1, sizeof view);
    if (!written || !view.logits || !view.labels || !shown)
        return pb_fail_memory(error, count * sizeof *written);
    for (size_t i = 0; i < count; i++)
        written[i] = NAN;
    *value = NAN;
    pb_place_enter(instance->host.name, "outputs");
    enum pb_status status =
        pb_host_result(&instance->host, instance->table->outputs(instance->self, shown, value, written), error);
    if (status == PB_OK)
        status = pb_place_check_beside(&instances->derivative, "a batch has as many derivatives as logits", error);
    pb_place_leave();
    *derivative = written;
    return status == PB_OK ? check_outputs(instance, &view, *value, written, error) : status;
}

enum pb_status pb_penalty_instances_outputs(struct pb_penalty_instances *instances,
                                            const struct pb_outputs_view *outputs, double *loss, double *derivative,
                                            struct pb_error *error)
{
    const size_t count = (size_t)outputs->batch * outputs->classes;
    for (uint32_t i = 0; i < instances->count; i++) {
        struct pb_penalty_instance *instance = &instances->list[i];
        const double *own = NULL;
        double value = 0;
        if (!instance->table->outputs)
            continue;
        const enum pb_status status = ask(instances, instance, *outputs, &value, &own, error);
        if (status != PB_OK)
            return status;
        *loss += instance->lambda * value;
        for (size_t k = 0; k < count; k++)
            derivative[k] += instance->lambda * own[k];
    }
    return PB_OK;
}
