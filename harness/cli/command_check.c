/* prunebench check: is a matrix right, what would it run, and what would that cost here? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/resources.h"
#include "base/array.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/progress.h"
#include "cli/command_check.h"
#include "cli/cli.h"
#include "coordinator/plan_process.h"
#include "prune/warnings.h"

static const struct pb_cli_option options[] = {
    {"json", 0, NULL, "print JSON"},
    {"diff", 0, "OUT",
     "print what 'run' would do in this folder of earlier results: which cells it runs anew and why, which stay, and "
     "which results no longer belong to the matrix; costs are not printed, and nothing is written"},
    {"threads", 0, "T", "threads that a cell would use (default: what the machine has)"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {"no-speed", 0, NULL, "do not measure how fast this machine trains, and print no times"},
    {NULL, 0, NULL, NULL},
};

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
        check->macs += cell->own_macs;
        check->seconds += cell->speed == PB_NO_SPEED ? 0 : (double)cell->own_macs / speed_of(check, cell);
        check->memory = cell->memory > check->memory ? cell->memory : check->memory;
        check->unknown += cell->macs == 0 && !cell->failure;
    }
    return PB_OK;
}

/* "1.23 T": three digits and a power of 1000. */
static void format_count(double count, char text[32])
{
    static const char *const powers[] = {"", " k", " M", " G", " T", " P", " E"};
    size_t power = 0;
    while (count >= 999.5 && power + 1 < sizeof powers / sizeof *powers) {
        count /= 1000;
        power++;
    }
    snprintf(text, 32, "%.*f%s", power == 0 || count >= 99.95 ? 0 : count >= 9.995 ? 1 : 2, count, powers[power]);
}

/* How long work of this cell takes: "3 min 20 s", with a star where the speed was measured on a busy machine, "?" where it
 * is not known, "" where times are not asked for. */
static void format_time(const struct check *check, const struct estimate *cell, double seconds, char text[40])
{
    char duration[32];
    text[0] = '\0';
    if (cell->speed == PB_NO_SPEED) {
        snprintf(text, 40, "%s", check->timed ? "?" : "");
        return;
    }
    pb_format_seconds(seconds, duration);
    snprintf(text, 40, "%s%s", duration, check->speeds.list[cell->speed].disturbed[0] ? " *" : "");
}

static void print_cell(const struct check *check, uint32_t index, int width)
{
    char macs[32], memory[32], seconds[40];
    const struct estimate *cell = &check->cells[index];
    const char *id = check->matrix->cells[index]->id;
    if (cell->macs == 0) {
        printf("%-*s  %8s  %9s  %s\n", width, id, "?", "?", cell->failure ? "cannot be planned" : "?");
        return;
    }
    format_count((double)cell->macs, macs);
    snprintf(memory, sizeof memory, "%.0f MiB", (double)cell->memory / 1048576);
    format_time(check, cell, cell->seconds, seconds);
    printf("%-*s  %8s  %9s%s%s%s\n", width, id, macs, memory, check->timed ? "  " : "", seconds,
           cell->open ? " and more" : "");
}

static void print_shared_stages(const struct check *check)
{
    char macs[32], seconds[40];
    bool any = false;
    const int width = check->timed ? 14 : 0;
    for (uint32_t i = 0; i < check->queue.stage_count; i++) {
        const struct pb_shared_stage *stage = &check->queue.stages[i];
        if (stage->users < 2)
            continue;
        if (!any)
            printf("\n%-14s  %5s  %8s  %-*s  %s\n", "shared stage", "cells", "MACs", width, check->timed ? "time" : "",
                   "first needed by");
        any = true;
        format_count((double)stage->macs, macs);
        format_time(check, &check->cells[stage->first], check->stage_seconds[i], seconds);
        printf("%-14s  %5u  %8s  %-*s  %s\n", stage->name, stage->users, macs, width, seconds,
               check->matrix->cells[stage->first]->id);
    }
}

/* Lines that were printed already. */
struct printed {
    char **lines;
    uint32_t count;
};

/* Prints a line unless it was printed before: many cells miss the same. */
static enum pb_status print_once(struct printed *printed, const char *line, size_t length, struct pb_error *error)
{
    for (uint32_t i = 0; i < printed->count; i++)
        if (strlen(printed->lines[i]) == length && memcmp(printed->lines[i], line, length) == 0)
            return PB_OK;
    char **grown = pb_array_room(printed->lines, printed->count, sizeof *grown, error);
    char *copy = grown ? pb_strndup(line, length) : NULL;
    if (grown)
        printed->lines = grown;
    if (!copy)
        return pb_fail_memory(error, length);
    grown[printed->count++] = copy;
    printf("not here: %s\n", copy);
    return PB_OK;
}

static enum pb_status print_lines(struct printed *printed, const char *lines, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (size_t length; *lines && status == PB_OK; lines += length, lines += *lines == '\n') {
        length = strcspn(lines, "\n");
        status = print_once(printed, lines, length, error);
    }
    return status;
}

/* What a ranking would compare that its criterion does not declare to compare. Each criterion once. */
static void print_rankings(const struct check *check)
{
    for (uint32_t i = 0; i < check->matrix->cell_count; i++) {
        const struct pb_cell_config *cell = check->matrix->cells[i];
        bool said = false;
        if (!cell->criterion.loaded ||
            !pb_ranking_compares_unlike(&cell->ranking, cell->criterion.loaded->plugin->criterion))
            continue;
        for (uint32_t j = 0; j < i && !said; j++)
            said = strcmp(check->matrix->cells[j]->criterion.label, cell->criterion.label) == 0 &&
                   pb_ranking_compares_unlike(&check->matrix->cells[j]->ranking,
                                              cell->criterion.loaded->plugin->criterion);
        if (!said)
            printf("warning: criterion '%s' (first cell '%s') has raw scores of unlike layers compared, and does "
                   "not declare that they compare across layers; set normalise=\"mean\" or scope=\"layer\"\n",
                   cell->criterion.label, cell->id);
    }
}

static enum pb_status print_missing(const struct check *check, struct pb_error *error)
{
    struct printed printed = {0};
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < check->matrix->cell_count && status == PB_OK; i++) {
        status = print_lines(&printed, check->cells[i].missing, error);
        if (status == PB_OK)
            status = print_lines(&printed, check->cells[i].backend_missing, error);
    }
    for (uint32_t i = 0; i < printed.count; i++)
        pb_free(printed.lines[i]);
    pb_free(printed.lines);
    return status;
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

static void print_memory(const struct check *check)
{
    const double needed = (double)check->memory / 1048576, machine = (double)check->machine_memory / 1048576;
    if (!check->memory || !check->machine_memory)
        return;
    if (check->memory <= check->machine_memory)
        printf("memory: the largest cell needs %.0f MiB of this machine's %.0f MiB: it fits\n", needed, machine);
    else
        printf("memory: the largest cell needs %.0f MiB, more than this machine's %.0f MiB: it does not fit; train "
               "smaller batches\n",
               needed, machine);
}

/* Those that are marked with a star say why. */
static void print_speeds(const struct pb_speeds *speeds)
{
    for (uint32_t i = 0; i < speeds->count; i++) {
        const struct pb_speed *speed = &speeds->list[i];
        char text[32];
        format_count(speed->macs_per_second, text);
        printf("measured: %s (%s): %s MAC/s training", speed->key, speed->backend, text);
        if (speed->measured[0])
            printf(", at %s", speed->measured);
        if (speed->disturbed[0])
            printf(" * busy: %s; the times may be too long", speed->disturbed);
        putchar('\n');
    }
}

static enum pb_status print_total(const struct check *check, struct pb_error *error)
{
    char macs[32], seconds[32];
    uint32_t shared = 0;
    bool disturbed = false;
    for (uint32_t i = 0; i < check->queue.stage_count; i++)
        shared += check->queue.stages[i].users > 1;
    format_count((double)check->macs, macs);
    pb_format_seconds(check->seconds, seconds);
    printf("\n%u cells, %u stages (%u shared), %s MACs", check->matrix->cell_count, check->queue.stage_count, shared,
           macs);
    for (uint32_t i = 0; i < check->speeds.count; i++)
        disturbed = disturbed || check->speeds.list[i].disturbed[0];
    if (check->timed)
        printf(", about %s%s here with %u threads", seconds, disturbed ? " *" : "", check->threads);
    putchar('\n');
    if (check->unknown)
        printf("%u cells are not counted: what they need is not here, or could not be looked at\n", check->unknown);
    print_speeds(&check->speeds);
    print_memory(check);
    print_rankings(check);
    return print_missing(check, error);
}

static enum pb_status print_text(const struct check *check, struct pb_error *error)
{
    int width = 4;
    for (uint32_t i = 0; i < check->matrix->cell_count; i++) {
        const int length = (int)strlen(check->matrix->cells[i]->id);
        width = length > width ? length : width;
    }
    printf("%-*s  %8s  %9s%s\n", width, "cell", "MACs", "memory", check->timed ? "  time alone" : "");
    for (uint32_t i = 0; i < check->matrix->cell_count; i++)
        print_cell(check, i, width);
    print_shared_stages(check);
    return print_total(check, error);
}

/* In a process of its own: a schedule may crash, hang or exit. */
static enum pb_status plan_cells(struct check *check, const struct pb_arguments *arguments, const char *program,
                                 struct pb_error *error)
{
    const char **files = NULL;
    enum pb_status status = pb_registry_asked_files(&check->registry, &files, error);
    if (status != PB_OK)
        return status;
    const struct pb_plan_process process = {
        .program = program, .matrix_path = arguments->words[0], .plugin_files = files, .threads = check->threads};
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

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    const char *diff = pb_argument(arguments, "diff");
    struct check check = {.timed = !diff && !pb_argument(arguments, "no-speed")};
    if (diff && !pb_is_dir(diff))
        return pb_fail_at(error, PB_ERROR_INPUT, diff, 0,
                          "there is no such folder; --diff takes one that 'prunebench run' made");
    enum pb_status status = pb_check_matrix(&check, arguments, error);
    const bool json = pb_argument(arguments, "json") != NULL;
    if (status == PB_OK && diff && (json || !arguments->quiet))
        status = pb_check_print_diff(&check, &(struct pb_diff_options){.out = diff, .json = json}, error);
    else if (status == PB_OK && json)
        status = pb_check_print_json(&check, error);
    else if (status == PB_OK && !arguments->quiet)
        status = print_text(&check, error);
    if (status == PB_OK)
        *exit_code = pb_check_print_failures(&check);
    pb_check_free(&check);
    return status;
}

const struct pb_command pb_command_check = {
    .name = "check",
    .usage = "MATRIX [--diff OUT] [--json] [--threads T] [--no-speed] [--plugin-dir DIR]…",
    .summary = "validate a matrix; list its cells and stages with what they cost",
    .details =
        "Reads the matrix, resolves every cell, and lists cells and shared stages with multiply-accumulates, the peak "
        "of\n"
        "resident memory of the cell's process (it makes all of its stages itself: one that finds some stored needs "
        "less)\n"
        "and the time that they would take on this machine. The speed is measured, briefly, and kept for later calls "
        "in\n"
        "$XDG_CACHE_HOME/prunebench (else ~/.cache/prunebench). Times are marked with a star, and the speed is not "
        "kept,\n"
        "when other processes were running meanwhile. Data sets or weights that are not here are reported; they are "
        "no\n"
        "error.\n\n"
        "Schedules run in a process of their own, which has 20 seconds for each cell (PRUNEBENCH_PLAN_SECONDS). Cells\n"
        "that cannot be planned are listed with the reason.\n\n"
        "--diff lists the cells that 'run' would run anew in OUT, with what has changed: a setting, the code of a "
        "plugin or of\n"
        "the program, images, labels or weights. Of what is run anew, stages that are stored are not computed "
        "again.\n\n"
        "Exit code: 0 every cell can be run; 1 a schedule crashed, hung or exited; 2 wrong usage or input.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
