/* A backend whose operators end the process each in another way, or never return. */
#include <stdint.h>
#include <stdlib.h>

#include <prunebench/backend.h>

struct options {
    bool creates;
};
static const struct pb_option option_table[] = {{.name = "creates",
                                                 .help = "whether the backend can be created",
                                                 .type = PB_OPTION_BOOL,
                                                 .default_text = "true",
                                                 .offset = offsetof(struct options, creates)}};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    (void)self;
    if (!((const struct options *)given)->creates)
        abort();
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
    abort();
}

static const char *describe(void *self)
{
    (void)self;
    return "ending-operators";
}

static enum pb_status crash(void *self, const struct pb_elementwise_arguments *args)
{
    volatile uintptr_t nowhere = 64; /* not 0, which a sanitizer would notice before the processor does */
    (void)self;
    *(volatile int *)nowhere = (int)args->count;
    return PB_OK;
}

static enum pb_status leave(void *self, const struct pb_elementwise_arguments *args)
{
    (void)self;
    (void)args;
    exit(0);
}

static enum pb_status hang(void *self, const struct pb_elementwise_arguments *args)
{
    volatile size_t steps = 0;
    (void)self;
    while (args->count > 0)
        steps++;
    return PB_OK;
}

static const struct pb_backend backend = {.size = sizeof backend,
                                          .on_host = true,
                                          .create = create,
                                          .destroy = destroy,
                                          .describe = describe,
                                          .relu_forward = crash,
                                          .relu6_forward = leave,
                                          .add_forward = hang};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_BACKEND),
                                        .name = "ending-operators",
                                        .summary = "ends the process in three operators and in destroy",
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
