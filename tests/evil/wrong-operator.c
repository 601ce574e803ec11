/* A backend with one operator of its own, which is wrong in the way that its option says. */
#include <stdint.h>

#include <prunebench/backend.h>

enum fault { LEAKS, OVERRUNS, CHANGES_INPUT, LEAVES_A_VALUE, REFUSES };
static const char *const fault_names[] = {"leaks", "overruns", "changes-input", "leaves-a-value", "refuses", NULL};

struct options {
    int32_t fault;
};
static const struct pb_option option_table[] = {{.name = "fault",
                                                 .help = "what relu_forward does wrong",
                                                 .type = PB_OPTION_ENUM,
                                                 .default_text = "leaks",
                                                 .choices = fault_names,
                                                 .offset = offsetof(struct options, fault)}};

struct instance {
    const struct pb_host *host;
    enum fault fault;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct instance *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct instance){host, (enum fault)((const struct options *)given)->fault};
    *self = made;
    return PB_OK;
}

static void destroy(void *opaque)
{
    struct instance *self = opaque;
    self->host->free(self->host, self);
}

static const char *describe(void *self)
{
    (void)self;
    return "wrong-operator";
}

static enum pb_status relu_forward(void *opaque, const struct pb_elementwise_arguments *args)
{
    const struct instance *self = opaque;
    float *x = pb_host_pointer(args->x), *y = pb_host_pointer(args->y);
    if (self->fault == REFUSES)
        return self->host->fail(self->host, PB_ERROR_RUN, "no ReLU today");
    for (size_t i = 0; i < args->count; i++)
        y[i] = x[i] < 0 ? (self->fault == LEAKS ? 1e-3f * x[i] : 0) : x[i];
    if (self->fault == OVERRUNS)
        y[args->count] = 0;
    if (self->fault == CHANGES_INPUT)
        x[0] = 7;
    if (self->fault == LEAVES_A_VALUE)
        y[0] = (float)(0.0 / 0.0);
    return PB_OK;
}

static const struct pb_backend backend = {.size = sizeof backend,
                                          .on_host = true,
                                          .create = create,
                                          .destroy = destroy,
                                          .describe = describe,
                                          .relu_forward = relu_forward};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_BACKEND),
                                        .name = "wrong-operator",
                                        .summary = "computes one operator wrongly",
                                        .version = "1.0.0",
                                        .options = option_table,
                                        .option_count = 1,
                                        .option_stride = sizeof(struct pb_option),
                                        .options_size = sizeof(struct options),
                                        .backend = &backend};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
