/* Plans and times every cell of a matrix. */
#include <stdio.h>
#include <string.h>

#include "base/machine.h"
#include "base/memory.h"
#include "base/resources.h"
#include "cli/command_check.h"
#include "coordinator/only.h"
#include "coordinator/plan_process.h"

void pb_check_free(struct check *check)
{
    for (uint32_t i = 0; check->cells && i < check->matrix->cell_count; i++)
        pb_free(check->cells[i].failure);
    pb_queue_free(&check->queue);
    pb_speeds_free(&check->speeds);
    pb_opened_free(&check->opened);
    pb_free(check->cells);
    pb_free(check->stage_seconds);
    pb_matrix_free(&check->matrix);
    pb_registry_close(&check->registry);
}

static enum pb_status note_failure(struct check *check, uint32_t index, const struct pb_error *failure,
                                   struct pb_error *error)
{
    check->cells[index].failure = pb_strdup(failure->text);
    if (check->worst != PB_ERROR_INPUT)
        check->worst = failure->status;
    return check->cells[index].failure ? PB_OK : pb_fail_memory(error, sizeof failure->text);
}

/* Takes one cell's plan from the process that plans. */
static enum pb_status on_plan(void *argument, uint32_t index, const struct pb_cell_plan *plan,
                              const struct pb_text *lines, const struct pb_error *failure, struct pb_error *error)
{
    (void)lines;
    struct check *check = argument;
    struct estimate *cell = &check->cells[index];
    uint64_t of_stages = 0;
    enum pb_status status = PB_OK;
    cell->left_out = !pb_only_names(check->only, check->matrix->cells[index]->id);
    if (cell->left_out)
        return PB_OK;
    check->asked++;
    if (!plan)
        return note_failure(check, index, failure, error);
    for (uint32_t i = 0; i < plan->stage_count && status == PB_OK; i++) {
        of_stages += plan->stages[i].macs;
        status = pb_queue_add(&check->queue, index, &plan->stages[i], error);
    }
    cell->macs = plan->macs;
    cell->own_macs = plan->macs - of_stages;
    cell->memory = plan->memory;
    cell->open = plan->open;
    memcpy(cell->inputs, plan->inputs, sizeof cell->inputs);
    memcpy(cell->missing, plan->missing, sizeof cell->missing);
    memcpy(cell->backend_missing, plan->backend_missing, sizeof cell->backend_missing);
    if (plan->macs > 0 && !plan->backend_missing[0])
        cell->classes = plan->classes;
    return status;
}

static double speed_of(const struct check *check, const struct estimate *cell)
{
    return cell->speed == PB_NO_SPEED ? 0 : check->speeds.list[cell->speed].macs_per_second;
}

/* Once the process that plans has ended: it would be one of those that disturb. */
static enum pb_status measure_speeds(struct check *check, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < check->matrix->cell_count; i++) {
        struct estimate *cell = &check->cells[i];
        cell->speed = PB_NO_SPEED;
        if (check->timed && cell->classes)
            status =
                pb_speed_of(&check->speeds, check->opened, check->matrix->cells[i], cell->classes, &cell->speed, error);
        if (status == PB_OK && cell->speed != PB_NO_SPEED)
            cell->seconds = (double)cell->macs / speed_of(check, cell);
    }
    return status;
}

struct pb_work pb_check_evaluations(const struct check *check, uint32_t cell)
{
    const struct estimate *estimate = &check->cells[cell];
    const double speed = speed_of(check, estimate);
    return (struct pb_work){estimate->own_macs, speed > 0 ? (double)estimate->own_macs / speed : 0};
}

bool pb_check_is_disturbed(const struct check *check)
{
    for (uint32_t i = 0; i < check->speeds.count; i++)
        if (check->speeds.list[i].disturbed[0])
            return true;
    return false;
}

/* Every stage once, at the speed of the first cell that needs it. */
static enum pb_status add_up(struct check *check, struct pb_error *error)
{
    check->stage_seconds = pb_calloc(check->queue.stage_count + 1, sizeof *check->stage_seconds);
    if (!check->stage_seconds)
        return pb_fail_memory(error, check->queue.stage_count * sizeof *check->stage_seconds);
    for (uint32_t i = 0; i < check->queue.stage_count; i++) {
        const struct pb_shared_stage *stage = &check->queue.stages[i];
        const double speed = speed_of(check, &check->cells[stage->first]);
        check->stage_seconds[i] = speed > 0 ? (double)stage->macs / speed : 0;
        check->macs += stage->macs;
        check->seconds += check->stage_seconds[i];
    }
    for (uint32_t i = 0; i < check->matrix->cell_count; i++) {
        const struct estimate *cell = &check->cells[i];
        const struct pb_work evaluations = pb_check_evaluations(check, i);
        check->macs += evaluations.macs;
        check->seconds += evaluations.seconds;
        check->memory = cell->memory > check->memory ? cell->memory : check->memory;
        check->unknown += cell->macs == 0 && !cell->failure && !cell->left_out;
    }
    return PB_OK;
}

/* In a process of its own: a schedule may crash, hang or exit. */
static enum pb_status plan_cells(struct check *check, const struct pb_arguments *arguments, const char *program,
                                 struct pb_error *error)
{
    const char **files = NULL;
    enum pb_status status = pb_registry_asked_files(&check->registry, &files, error);
    if (status != PB_OK)
        return status;
    const struct pb_plan_process process = {.program = program,
                                            .matrix_path = arguments->words[0],
                                            .plugin_files = files,
                                            .threads = check->threads,
                                            .costs_of = check->only};
    for (uint32_t i = 0; i < check->matrix->cell_count; i++)
        check->matrix->cells[i]->threads = check->threads;
    status = pb_plans_request(check->matrix, &process, on_plan, check, error);
    pb_free(files);
    return status;
}

enum pb_status pb_check_matrix(struct check *check, const struct pb_arguments *arguments, struct pb_error *error)
{
    size_t threads = pb_machine_threads();
    uint64_t available = 0;
    char *program = NULL;
    pb_memory(&check->machine_memory, &available);
    enum pb_status status = pb_argument_size(arguments, "threads", 1, 4096, &threads, error);
    if (status == PB_OK)
        status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &check->registry, error);
    if (status == PB_OK)
        status = pb_matrix_read(arguments->words[0], &check->registry, &check->matrix, error);
    if (status == PB_OK)
        status = pb_only_check(check->only, check->matrix, error);
    if (status == PB_OK)
        status = pb_queue_create(check->matrix->cell_count, &check->queue, error);
    if (status == PB_OK)
        status = pb_opened_create(pb_resident_bytes(), &check->opened, error);
    if (status == PB_OK)
        status = pb_program_path(&program, error);
    if (status != PB_OK)
        return status;
    check->threads = (uint32_t)threads;
    check->cells = pb_calloc(check->matrix->cell_count, sizeof *check->cells);
    if (check->cells)
        status = plan_cells(check, arguments, program, error);
    else
        status = pb_fail_memory(error, check->matrix->cell_count * sizeof *check->cells);
    pb_free(program);
    if (status == PB_OK)
        status = measure_speeds(check, error);
    return status == PB_OK ? add_up(check, error) : status;
}

/* Every reason once, with the first cell that has it and how many more do. */
int pb_check_print_failures(const struct check *check)
{
    fflush(stdout);
    const uint32_t count = check->matrix->cell_count;
    for (uint32_t i = 0; i < count; i++) {
        const char *failure = check->cells[i].failure;
        uint32_t before = 0, behind = 0;
        if (!failure)
            continue;
        while (before < i && (!check->cells[before].failure || strcmp(check->cells[before].failure, failure) != 0))
            before++;
        if (before < i)
            continue;
        for (uint32_t j = i + 1; j < count; j++)
            behind += check->cells[j].failure && strcmp(check->cells[j].failure, failure) == 0;
        fprintf(stderr, "prunebench: cell '%s': %s", check->matrix->cells[i]->id, failure);
        if (behind)
            fprintf(stderr, " (and %u more cell%s)", behind, behind == 1 ? "" : "s");
        fputc('\n', stderr);
    }
    return pb_exit_code(check->worst);
}
