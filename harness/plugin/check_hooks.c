/* The hooks that the SDK headers call required, kind by kind. */
#include <stddef.h>

#include <prunebench/backend.h>
#include <prunebench/dataset.h>
#include <prunebench/penalty.h>
#include <prunebench/schedule.h>

#include "plugin/acceptance.h"
#include "plugin/backend_slots.h"
#include "plugin/criterion_data.h"
#include "plugin/options.h"

/* Bytes up to and with a member: how much of the operations ABI 2.0 has. */
#define SIZE_WITH(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

/* A hook's name, and whether it is there. */
struct hook {
    const char *name;
    bool present;
};
#define HOOK(operations, member)                                                                                       \
    {                                                                                                                  \
#member, (operations)->member != NULL                                                                          \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static enum pb_status require(const struct hook *hooks, size_t count, struct pb_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!hooks[i].present)
            return pb_fail(error, PB_ERROR_INPUT, "its required hook '%s' is missing", hooks[i].name);
    }
    return PB_OK;
}

static enum pb_status require_size(size_t stated, size_t needed, struct pb_error *error)
{
    if (stated < needed)
        return pb_fail(error, PB_ERROR_INPUT, "its operations state %zu bytes; ABI %d.0 has %zu", stated, PB_ABI_MAJOR,
                       needed);
    return PB_OK;
}

/* What it states of gradients and rows, and the hooks that belong to them. */
static enum pb_status check_gradients(const struct pb_criterion *criterion, uint32_t data, struct pb_error *error)
{
    const bool products = (data & PB_DATA_HESSIAN_PRODUCTS) != 0;
    const bool given = criterion->objective == PB_OBJECTIVE_GIVEN;
    if (criterion->objective > PB_OBJECTIVE_GIVEN)
        return pb_fail(error, PB_ERROR_INPUT, "its objective %u is unknown", criterion->objective);
    if (given && criterion->objective_grad == NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "its required hook 'objective_grad' is missing (its objective is PB_OBJECTIVE_GIVEN)");
    if (!given && criterion->objective_grad != NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has the hook 'objective_grad', but its objective is not PB_OBJECTIVE_GIVEN");
    if ((data & PB_DATA_CONSUMER_ROWS) != 0 && criterion->consumer_rows == 0)
        return pb_fail(error, PB_ERROR_INPUT, "it looks at rows of consumers, but its consumer_rows is 0");
    if ((data & PB_DATA_CONSUMER_GRADIENTS) != 0 && (data & PB_DATA_CONSUMER_ROWS) == 0)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it looks at gradients of consumers' rows, but not at the rows (PB_DATA_CONSUMER_ROWS)");
    if (products && criterion->observe_product == NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "its required hook 'observe_product' is missing (it asks for Hessian products)");
    if (!products &&
        (criterion->observe_product != NULL || criterion->direction != NULL || criterion->products != NULL))
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has a hook of Hessian products, but neither needs nor uses PB_DATA_HESSIAN_PRODUCTS");
    if (products && !(criterion->hessian_step > 0 && criterion->hessian_step <= 1))
        return pb_fail(error, PB_ERROR_INPUT, "its hessian_step is %g; it must be above 0 and at most 1",
                       criterion->hessian_step);
    return PB_OK;
}

static enum pb_status check_relevance(const struct pb_criterion *criterion, uint32_t data, struct pb_error *error)
{
    const bool asks = (data & PB_DATA_RELEVANCE) != 0;
    if (asks && criterion->relevance_rule == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "its required hook 'relevance_rule' is missing (it asks for relevance)");
    if (!asks && criterion->relevance_rule != NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has the hook 'relevance_rule', but neither needs nor uses PB_DATA_RELEVANCE");
    return PB_OK;
}

static enum pb_status check_descent(const struct pb_criterion *criterion, uint32_t data, struct pb_error *error)
{
    if (criterion->descent == NULL)
        return PB_OK;
    if ((data & PB_DATA_GRADIENTS) == 0)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has the hook 'descent', but neither needs nor uses PB_DATA_GRADIENTS");
    if ((data & (PB_DATA_ACCUMULATED | PB_DATA_RELEVANCE)) != 0)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has the hook 'descent', so the network differs from batch to batch; it cannot ask for "
                       "relevance or for what is computed over all batches");
    return PB_OK;
}

static enum pb_status check_criterion(const struct pb_criterion *criterion, struct pb_error *error)
{
    const uint32_t traits = PB_TRAIT_RANDOM | PB_TRAIT_SCALES | PB_TRAIT_COMPARABLE;
    const enum pb_status status = require_size(criterion->size, SIZE_WITH(struct pb_criterion, descent), error);
    if (status != PB_OK)
        return status;
    const uint32_t data = pb_criterion_asks(criterion);
    const struct hook hooks[] = {HOOK(criterion, create)};
    if ((data & ~(uint32_t)PB_DATA_KNOWN) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "it needs or uses something unknown: bits 0x%x",
                       data & ~(uint32_t)PB_DATA_KNOWN);
    if ((criterion->traits & ~traits) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "its traits are unknown: bits 0x%x", criterion->traits & ~traits);
    if (criterion->coupling > PB_COUPLE_MAX)
        return pb_fail(error, PB_ERROR_INPUT, "its coupling %u is unknown", criterion->coupling);
    if (criterion->normalise > PB_NORMALISE_LAMP)
        return pb_fail(error, PB_ERROR_INPUT, "its normalisation %u is unknown", criterion->normalise);
    if (criterion->scope > PB_SCOPE_LAYER)
        return pb_fail(error, PB_ERROR_INPUT, "its scope %u is unknown", criterion->scope);
    if ((data & PB_DATA_OBSERVED) != 0 && criterion->observe == NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "its required hook 'observe' is missing (it looks at gradients, activations or labels)");
    if ((data & PB_DATA_OBSERVED) == 0 && criterion->observe != NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has the hook 'observe', but neither needs nor uses gradients, activations or labels");
    if (criterion->score == NULL && criterion->select == NULL && criterion->score_weights == NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "its required hook 'score' is missing (only 'select' or 'score_weights' can take its place)");
    if (criterion->score != NULL && criterion->select != NULL)
        return pb_fail(error, PB_ERROR_INPUT, "it has both 'score' and 'select'; which of them chooses must be clear");
    if (criterion->select != NULL && criterion->scope != PB_SCOPE_LAYER)
        return pb_fail(error, PB_ERROR_INPUT,
                       "it has 'select', which chooses within each layer; its scope must be PB_SCOPE_LAYER");
    if (criterion->repair != NULL && criterion->repair_rows == 0)
        return pb_fail(error, PB_ERROR_INPUT, "it has the hook 'repair', but its repair_rows is 0");
    if (criterion->repair_weights != NULL && criterion->score_weights == NULL)
        return pb_fail(error, PB_ERROR_INPUT, "it has the hook 'repair_weights', but not 'score_weights'");
    enum pb_status computed = check_gradients(criterion, data, error);
    if (computed == PB_OK)
        computed = check_relevance(criterion, data, error);
    if (computed == PB_OK)
        computed = check_descent(criterion, data, error);
    return computed ? computed : require(hooks, COUNT_OF(hooks), error);
}

static enum pb_status check_schedule(const struct pb_schedule *schedule, struct pb_error *error)
{
    const enum pb_status status = require_size(schedule->size, SIZE_WITH(struct pb_schedule, trains_only), error);
    if (status != PB_OK)
        return status;
    const struct hook hooks[] = {HOOK(schedule, create), HOOK(schedule, run)};
    return require(hooks, COUNT_OF(hooks), error);
}

static enum pb_status check_dataset(const struct pb_dataset *dataset, struct pb_error *error)
{
    const enum pb_status status = require_size(dataset->size, SIZE_WITH(struct pb_dataset, official_test), error);
    if (status != PB_OK)
        return status;
    const struct hook hooks[] = {HOOK(dataset, open), HOOK(dataset, close)};
    return require(hooks, COUNT_OF(hooks), error);
}

static enum pb_status check_penalty(const struct pb_penalty *penalty, struct pb_error *error)
{
    const uint32_t shown = PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_CONSUMERS;
    const enum pb_status status = require_size(penalty->size, SIZE_WITH(struct pb_penalty, destroy), error);
    if (status != PB_OK)
        return status;
    if (penalty->data & ~shown)
        return pb_fail(error, PB_ERROR_INPUT,
                       "its data 0x%x is not of the network's parameters alone; a penalty sees weights, norms and "
                       "consumers",
                       penalty->data);
    const struct hook hooks[] = {HOOK(penalty, create), HOOK(penalty, term)};
    return require(hooks, COUNT_OF(hooks), error);
}

/* Hooks that mean something only together: all there, or (where that is allowed) none. */
static enum pb_status check_group(const struct hook *hooks, size_t count, bool required, const char *what,
                                  struct pb_error *error)
{
    const char *missing = NULL;
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        present += hooks[i].present;
        if (!hooks[i].present && missing == NULL)
            missing = hooks[i].name;
    }
    if (missing == NULL || (present == 0 && !required))
        return PB_OK;
    if (required)
        return pb_fail(error, PB_ERROR_INPUT, "its required hook '%s' is missing (its buffers are not on the host)",
                       missing);
    return pb_fail(error, PB_ERROR_INPUT, "its hook '%s' is missing: %s are given together or not at all", missing,
                   what);
}

#define BACKEND_HOOK(slot) HOOK(b, slot),

static enum pb_status check_operators(const struct pb_backend *b, struct pb_error *error)
{
    const struct hook operators[] = {PB_SINGLE_SLOTS(BACKEND_HOOK)};
    enum pb_status status = b->on_host ? PB_OK : check_group(operators, COUNT_OF(operators), true, "operators", error);
#define CHECK_ADDED(SLOTS, operator_name)                                                                              \
    if (status == PB_OK && !b->on_host) {                                                                              \
        const struct hook added[] = {SLOTS(BACKEND_HOOK)};                                                             \
        status = check_group(added, COUNT_OF(added), false, "the slots of " operator_name, error);                     \
    }
    PB_LATER_GROUPS(CHECK_ADDED)
    return status;
}

static enum pb_status check_backend(const struct pb_backend *b, struct pb_error *error)
{
    enum pb_status status = require_size(b->size, SIZE_WITH(struct pb_backend, operator_memory), error);
    if (status != PB_OK)
        return status;
    const struct hook hooks[] = {HOOK(b, create), HOOK(b, destroy), HOOK(b, describe)};
    const struct hook memory[] = {PB_MEMORY_SLOTS(BACKEND_HOOK)};
    const struct hook convolution[] = {PB_CONVOLUTION_SLOTS(BACKEND_HOOK)};
    status = require(hooks, COUNT_OF(hooks), error);
    if (status == PB_OK)
        status = check_group(memory, COUNT_OF(memory), !b->on_host, "the hooks for memory", error);
    if (status == PB_OK)
        status = check_group(convolution, COUNT_OF(convolution), !b->on_host, "the hooks for convolution", error);
    if (status == PB_OK)
        status = check_operators(b, error);
    return status;
}

/* Exactly the operations of its own kind. */
static enum pb_status check_kind(const struct pb_plugin *plugin, struct pb_error *error)
{
    const struct {
        enum pb_plugin_kind kind;
        bool present;
    } operations[] = {
        {PB_KIND_CRITERION, plugin->criterion != NULL}, {PB_KIND_SCHEDULE, plugin->schedule != NULL},
        {PB_KIND_BACKEND, plugin->backend != NULL},     {PB_KIND_DATASET, plugin->dataset != NULL},
        {PB_KIND_PENALTY, plugin->penalty != NULL},
    };
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        const bool own = operations[i].kind == plugin->kind;
        if (own && !operations[i].present)
            return pb_fail(error, PB_ERROR_INPUT, "its operations are missing: member '%s' is NULL",
                           pb_kind_name(operations[i].kind));
        if (!own && operations[i].present)
            return pb_fail(error, PB_ERROR_INPUT, "it is a %s, but has the operations of a %s",
                           pb_kind_name((enum pb_plugin_kind)plugin->kind), pb_kind_name(operations[i].kind));
    }
    return PB_OK;
}

enum pb_status pb_check_hooks(const struct pb_plugin *plugin, struct pb_error *error)
{
    const enum pb_status status = check_kind(plugin, error);
    if (status != PB_OK)
        return status;
    switch ((enum pb_plugin_kind)plugin->kind) {
    case PB_KIND_CRITERION:
        return check_criterion(plugin->criterion, error);
    case PB_KIND_SCHEDULE:
        return check_schedule(plugin->schedule, error);
    case PB_KIND_BACKEND:
        return check_backend(plugin->backend, error);
    case PB_KIND_DATASET:
        return check_dataset(plugin->dataset, error);
    case PB_KIND_PENALTY:
        return check_penalty(plugin->penalty, error);
    }
    return PB_OK; /* check_abi has refused every other kind */
}
