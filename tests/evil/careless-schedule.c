/* A schedule that does what it must not, named by the option `does`. */
#include <stdlib.h>
#include <string.h>

#include <prunebench/schedule.h>

struct careless_options {
    int32_t does;
};
enum { WRITE_ROUNDS, WRITE_TASK, ALLOC_BEHIND, NULL_SPEC, SEGFAULTS };
static const char *const choices[] = {"write-rounds", "write-task", "alloc-behind", "null-spec", "segfaults", NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "what it does",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "write-rounds",
                                            .choices = choices,
                                            .offset = offsetof(struct careless_options, does)}};

struct state {
    const struct pb_host *host;
    int32_t does;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct state *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct state){host, ((const struct careless_options *)given)->does};
    *self = made;
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    state->host->free(state->host, state);
}

static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct state *state = self;
    volatile uintptr_t nowhere = 72;
    unsigned char *memory;
    switch (state->does) {
    case WRITE_ROUNDS:
        memset((void *)(uintptr_t)task->round(task, 0), 0, 1);
        break;
    case WRITE_TASK:
        memset((void *)(uintptr_t)task, 0, 1);
        break;
    case ALLOC_BEHIND:
        memory = state->host->alloc(state->host, 10);
        if (memory)
            memory[12] = 1;
        break;
    case NULL_SPEC:
        return verbs->train(verbs, NULL, NULL);
    default:
        *(volatile int *)nowhere = 1;
    }
    return PB_OK;
}

static const struct pb_schedule schedule = {.size = sizeof schedule, .create = create, .run = run, .destroy = destroy};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
                                        .name = "careless",
                                        .summary = "does what its option names",
                                        .version = "1.0.0",
                                        .options = options,
                                        .option_count = 1,
                                        .option_stride = sizeof(struct pb_option),
                                        .options_size = sizeof(struct careless_options),
                                        .schedule = &schedule};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
