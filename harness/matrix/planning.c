/* Plans of all cells, made by a child process. */
#include "matrix/planning.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "matrix/worker.h"

#define SECONDS_PER_CELL 20.0 /* without a line from the child for so long, it hangs */

/* What the child has said so far. */
struct hearing {
    const struct pb_matrix *matrix;
    struct pb_queue *queue;
    struct pb_planned_stage *stages; /* of the cell that is being planned */
    uint32_t stage_count;
    uint32_t next; /* the first cell whose plan is not complete */
    double heard; /* when the last line came */
    enum pb_status status;
    struct pb_error *error;
};

/* Labels of schedules that end or hang the child. */
struct skipped {
    const char **labels;
    size_t count;
};

/* "stage KEY NAME MACS" */
static void hear_stage(struct hearing *hearing, const char *text)
{
    struct pb_planned_stage stage = {0};
    struct pb_planned_stage *grown =
        pb_realloc(hearing->stages, hearing->stage_count, (size_t)hearing->stage_count + 1, sizeof *grown);
    if (!grown) {
        hearing->status = pb_fail_memory(hearing->error, sizeof *grown);
        return;
    }
    hearing->stages = grown;
    if (sscanf(text, "%64s %47s %" SCNu64, stage.key, stage.name, &stage.macs) == 3) // NOLINT(cert-err34-c)
        grown[hearing->stage_count++] = stage;
}

static void hear(void *argument, char *line)
{
    struct hearing *hearing = argument;
    hearing->heard = pb_clock();
    if (hearing->status != PB_OK)
        return;
    if (pb_starts_with(line, "stage "))
        hear_stage(hearing, line + strlen("stage "));
    if (strcmp(line, "planned") != 0 || hearing->next == hearing->matrix->cell_count)
        return;
    for (uint32_t i = 0; i < hearing->stage_count && hearing->status == PB_OK; i++)
        hearing->status = pb_queue_add(hearing->queue, hearing->next, &hearing->stages[i], hearing->error);
    hearing->stage_count = 0;
    hearing->next++;
}

/* The child's command line; *words from pb_calloc, its strings the caller's. */
static enum pb_status make_words(const struct pb_planning *planning, const char *const *fixed, size_t fixed_count,
                                 const struct skipped *skipped, const char ***words, struct pb_error *error)
{
    size_t dirs = 0, count = 0;
    while (planning->plugin_dirs && planning->plugin_dirs[dirs])
        dirs++;
    const size_t limit = fixed_count + 2 * dirs + 2 * skipped->count + 1;
    const char **made = pb_calloc(limit, sizeof *made);
    if (!made)
        return pb_fail_memory(error, limit * sizeof *made);
    for (size_t i = 0; i < fixed_count; i++)
        made[count++] = fixed[i];
    for (size_t i = 0; i < dirs; i++) {
        made[count++] = "--plugin-dir";
        made[count++] = planning->plugin_dirs[i];
    }
    for (size_t i = 0; i < skipped->count; i++) {
        made[count++] = "--skip";
        made[count++] = skipped->labels[i];
    }
    *words = made;
    return PB_OK;
}

static enum pb_status run_child(const struct pb_planning *planning, bool costs, const struct skipped *skipped,
                                struct hearing *hearing)
{
    char first[16], threads[16];
    snprintf(first, sizeof first, "%u", hearing->next);
    snprintf(threads, sizeof threads, "%u", planning->threads);
    const char *const fixed[] = {"cell",
                                 planning->matrix_path,
                                 PB_WORKER_PIPE_OPTION,
                                 "-o",
                                 planning->out,
                                 "--threads",
                                 threads,
                                 "--plan",
                                 costs ? "costs" : "keys",
                                 "--first",
                                 first};
    const char **words = NULL;
    struct pb_worker child;
    char *log = pb_format("%s/logs/plan.log", planning->out);
    if (!log)
        return pb_fail_memory(hearing->error, strlen(planning->out));
    enum pb_status status = make_words(planning, fixed, sizeof fixed / sizeof *fixed, skipped, &words, hearing->error);
    if (status == PB_OK)
        status = pb_worker_start(&(struct pb_worker_spec){planning->program, words, log, planning->threads, 0, 0},
                                 &child, hearing->error);
    pb_free(words);
    pb_free(log);
    if (status != PB_OK)
        return status;
    hearing->heard = pb_clock();
    hearing->stage_count = 0;
    while (!pb_worker_attend(&child, hear, hearing)) {
        struct pollfd waiting = {.fd = child.pipe, .events = POLLIN};
        (void)poll(&waiting, 1, child.pipe < 0 ? 5 : 100);
        if (pb_clock() - hearing->heard > SECONDS_PER_CELL || hearing->status != PB_OK)
            pb_worker_end(&child, PB_WORKER_TIME_LIMIT, true);
    }
    return hearing->status;
}

static enum pb_status skip_schedule(const struct pb_cell_config *cell, struct skipped *skipped, struct pb_error *error)
{
    for (size_t i = 0; i < skipped->count; i++)
        if (strcmp(skipped->labels[i], cell->schedule.label) == 0)
            return pb_fail(error, PB_ERROR_RUN,
                           "the cells cannot be planned, and no schedule is to blame; see logs/plan.log");
    const char **grown = pb_realloc(skipped->labels, skipped->count, skipped->count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, sizeof *grown);
    grown[skipped->count++] = cell->schedule.label;
    skipped->labels = grown;
    pb_log(PB_LOG_WARNING, "schedule '%s' cannot be planned (see logs/plan.log); its cells share nothing with others",
           cell->schedule.label);
    return PB_OK;
}

enum pb_status pb_plan_cells(const struct pb_matrix *matrix, const struct pb_planning *planning, struct pb_queue *queue,
                             struct pb_error *error)
{
    struct hearing hearing = {.matrix = matrix, .queue = queue, .error = error};
    struct skipped skipped = {0};
    /* What crashes while costs are worked out may be a data set or a backend; keys need the schedule only. */
    enum pb_status status = run_child(planning, true, &skipped, &hearing);
    while (status == PB_OK && hearing.next < matrix->cell_count) {
        const uint32_t before = hearing.next;
        status = run_child(planning, false, &skipped, &hearing);
        if (status == PB_OK && hearing.next == before)
            status = skip_schedule(matrix->cells[before], &skipped, error);
    }
    pb_free(hearing.stages);
    pb_free(skipped.labels);
    return status;
}

static bool say(int descriptor, const struct pb_text *text)
{
    size_t said = 0;
    while (said < text->length) {
        const ssize_t wrote = write(descriptor, text->data + said, text->length - said);
        if (wrote <= 0)
            return false;
        said += (size_t)wrote;
    }
    return true;
}

static bool is_skipped(const struct pb_plan_child *child, const struct pb_cell_config *cell)
{
    for (size_t i = 0; child->skipped && child->skipped[i]; i++)
        if (strcmp(child->skipped[i], cell->schedule.label) == 0)
            return true;
    return false;
}

/* A cell that cannot be planned gets no stages: its failure belongs to the worker that will run it. */
static enum pb_status plan_one(struct pb_planner *planners[2], const struct pb_cell_config *cell,
                               struct pb_cell_plan *plan, struct pb_error *error)
{
    enum pb_status status = PB_ERROR_RUN;
    for (int i = 0; i < 2 && status != PB_OK; i++) {
        if (!planners[i])
            continue;
        status = pb_cell_plan(planners[i], cell, plan, error);
        if (status == PB_ERROR_MEMORY)
            return status;
        if (status != PB_OK)
            pb_log(PB_LOG_WARNING, "plan of cell '%s': %s", cell->id, error->text);
    }
    return PB_OK;
}

enum pb_status pb_plan_child(const struct pb_matrix *matrix, const struct pb_plan_child *child, struct pb_error *error)
{
    struct pb_planner *planners[2] = {NULL, NULL}; /* with costs, without */
    enum pb_status status = child->costs ? pb_planner_create(true, &planners[0], error) : PB_OK;
    if (status == PB_OK)
        status = pb_planner_create(false, &planners[1], error);
    for (uint32_t i = child->first; i < matrix->cell_count && status == PB_OK; i++) {
        struct pb_cell_plan plan = {0};
        struct pb_text text = {0};
        if (!is_skipped(child, matrix->cells[i]))
            status = plan_one(planners, matrix->cells[i], &plan, error);
        for (uint32_t j = 0; j < plan.stage_count; j++)
            pb_text_append(&text, "stage %s %s %" PRIu64 "\n", plan.stages[j].key, plan.stages[j].name,
                           plan.stages[j].macs);
        pb_text_append(&text, "planned\n");
        if (status == PB_OK && text.failed)
            status = pb_fail_memory(error, text.capacity);
        else if (status == PB_OK && !say(child->descriptor, &text))
            status = pb_fail_errno(error, "write the plan");
        pb_text_free(&text);
        pb_cell_plan_free(&plan);
    }
    pb_planner_free(&planners[0]);
    pb_planner_free(&planners[1]);
    return status;
}
