/* A task for a schedule that is run without a cell. */
#include "support/task.h"

static const struct pb_round *get_round(const struct pb_schedule_task *task, uint32_t index)
{
    return &((const struct test_task *)(const void *)task)->rounds[index];
}

void task_fill(struct test_task *task, uint32_t measure, uint32_t rounds, const double *amounts, const uint32_t *epochs)
{
    *task = (struct test_task){.training = {.size = sizeof task->training, .epochs = epochs[0]}};
    task->task = (struct pb_schedule_task){
        .size = sizeof task->task, .training = &task->training, .round_count = rounds, .round = get_round};
    for (uint32_t i = 0; i < rounds; i++) {
        task->retrainings[i] = (struct pb_train_spec){.size = sizeof task->training, .epochs = epochs[i + 1]};
        task->targets[i] =
            (struct pb_target){.size = sizeof task->targets[i], .measure = measure, .amount = amounts[i]};
        task->rounds[i] = (struct pb_round){
            .size = sizeof task->rounds[i], .target = &task->targets[i], .retraining = &task->retrainings[i]};
    }
}

struct pb_train_spec *task_copy_spec(const struct pb_verbs *verbs, const struct pb_train_spec *from)
{
    static struct pb_train_spec copies[4];
    static unsigned next;
    (void)verbs;
    struct pb_train_spec *copy = &copies[next++ % 4];
    *copy = *from;
    return copy;
}
