/* A schedule whose retraining learns from a stage of its choice: named by the option `from`. */
#include <stdio.h>

#include <prunebench/schedule.h>

struct teaching_options {
    int32_t from;
};
enum { HALFWAY, UNTRAINED, LATER, TOO_HEAVY, SWAPPED };
static const char *const choices[] = {"halfway", "untrained", "later", "too-heavy", "swapped", NULL};
static const struct pb_option options[] = {{.name = "from",
                                            .help = "the teacher",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "halfway",
                                            .choices = choices,
                                            .offset = offsetof(struct teaching_options, from)}};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    (void)host;
    *self = (void *)(uintptr_t)given;
    return PB_OK;
}

/* Exchanges the teacher's file with another. */
static enum pb_status swap_files(void)
{
    return rename("teacher.safetensors", "swap") == 0 && rename("other.safetensors", "teacher.safetensors") == 0 &&
                   rename("swap", "other.safetensors") == 0
               ? PB_OK
               : PB_ERROR_RUN;
}

/* The pruned network learns from one that was trained for one epoch more than itself. */
static enum pb_status run(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    const struct teaching_options *chosen = self;
    const struct pb_round *last = task->round(task, task->round_count - 1);
    struct pb_train_spec *brief = verbs->copy_spec(verbs, task->training);
    struct pb_train_spec *taught = verbs->copy_spec(verbs, last->retraining);
    pb_stage teacher = 0;
    if (!brief || !taught)
        return PB_ERROR_MEMORY;
    brief->epochs = 1;
    enum pb_status status = verbs->train(verbs, brief, &teacher);
    if (status == PB_OK)
        status = verbs->score(verbs, NULL);
    if (status == PB_OK)
        status = verbs->prune(verbs, last->target, NULL);
    taught->distillation = PB_DISTILLATION_LOGITS;
    taught->teacher_weight = chosen->from == TOO_HEAVY ? 2 : 0.5;
    taught->teacher = chosen->from == UNTRAINED ? 0 : chosen->from == LATER ? 77 : teacher;
    if (status == PB_OK && chosen->from == SWAPPED) {
        taught->teacher = PB_STAGE_TEACHER_FILE;
        status = swap_files();
    }
    return status == PB_OK ? verbs->train(verbs, taught, NULL) : status;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct pb_schedule schedule = {
    .size = sizeof(struct pb_schedule), .create = create, .run = run, .destroy = destroy};
static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),           .name = "teaches",
    .summary = "retrains with a teacher",         .version = "1.0.0",
    PB_OPTIONS(options, struct teaching_options), .schedule = &schedule,
};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
