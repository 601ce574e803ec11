/* What 'check' found, for people. */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/progress.h"
#include "cli/command_check.h"
#include "prune/warnings.h"

void pb_check_format_count(double count, char text[32])
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
    pb_check_format_count((double)cell->macs, macs);
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
        pb_check_format_count((double)stage->macs, macs);
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
        if (check->cells[i].left_out || !cell->criterion.loaded ||
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
        pb_check_format_count(speed->macs_per_second, text);
        printf("measured: %s (%s): %s MAC/s training", speed->key, speed->backend, text);
        if (speed->measured[0])
            printf(", at %s", speed->measured);
        if (speed->disturbed[0])
            printf(" * busy: %s; the times may be too long", speed->disturbed);
        putchar('\n');
    }
}

enum pb_status pb_check_print_total(const struct check *check, struct pb_error *error)
{
    char macs[32], seconds[32];
    uint32_t shared = 0;
    for (uint32_t i = 0; i < check->queue.stage_count; i++)
        shared += check->queue.stages[i].users > 1;
    pb_check_format_count((double)check->macs, macs);
    pb_format_seconds(check->seconds, seconds);
    printf("\n%u cells, %u stages (%u shared), %s MACs", check->asked, check->queue.stage_count, shared, macs);
    if (check->timed)
        printf(", about %s%s here with %u threads", seconds, pb_check_is_disturbed(check) ? " *" : "", check->threads);
    putchar('\n');
    if (check->unknown)
        printf("%u cells are not counted: what they need is not here, or could not be looked at\n", check->unknown);
    print_speeds(&check->speeds);
    print_memory(check);
    print_rankings(check);
    return print_missing(check, error);
}

enum pb_status pb_check_print_text(const struct check *check, struct pb_error *error)
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
    return pb_check_print_total(check, error);
}
