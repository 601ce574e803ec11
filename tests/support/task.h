/* A task for a schedule that is run without a cell: it trains and retrains for given epochs. */
#ifndef PB_TEST_TASK_H
#define PB_TEST_TASK_H

#include <prunebench/schedule.h>

enum { TASK_ROUNDS = 4 };
struct test_task {
    struct pb_schedule_task task; /* for the schedule */
    struct pb_train_spec training, retrainings[TASK_ROUNDS];
    struct pb_target targets[TASK_ROUNDS];
    struct pb_round rounds[TASK_ROUNDS];
};
/* epochs[0]: of the training; epochs[i + 1]: of the retraining behind amounts[i]. */
void task_fill(struct test_task *task, uint32_t measure, uint32_t rounds, const double *amounts,
               const uint32_t *epochs);
/* For a verb table: gives one of four copies, in turns. */
struct pb_train_spec *task_copy_spec(const struct pb_verbs *verbs, const struct pb_train_spec *from);

#endif
