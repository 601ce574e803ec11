/* A cell's plan as lines of text. */
#include "coordinator/plan_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* "missing TEXT" for every line of the text. */
static void write_lines(struct pb_text *text, const char *word, const char *lines)
{
    for (size_t length; *lines; lines += length, lines += *lines == '\n') {
        length = strcspn(lines, "\n");
        pb_text_append(text, "%s %.*s\n", word, (int)length, lines);
    }
}

void pb_plan_lines_write(const struct pb_cell_plan *plan, struct pb_text *text)
{
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const struct pb_planned_stage *stage = &plan->stages[i];
        pb_text_append(text, "stage %s %s %d %" PRIu64 " %" PRIu64 "\n", stage->key, stage->name, (int)stage->verb,
                       stage->macs, stage->memory);
    }
    pb_text_append(text, "cell %" PRIu64 " %" PRIu64 " %u %d\n", plan->macs, plan->memory, plan->classes, plan->open);
    write_lines(text, "missing", plan->missing);
    write_lines(text, "backend", plan->backend_missing);
}

void pb_plan_lines_write_failure(const struct pb_error *failure, struct pb_text *text)
{
    pb_text_append(text, "failed %d ", (int)failure->status);
    for (const char *c = failure->text; *c; c++)
        pb_text_append_bytes(text, *c == '\n' ? " " : c, 1);
    pb_text_append(text, "\n");
}

static enum pb_status read_stage(const char *line, struct pb_cell_plan *plan, struct pb_error *error)
{
    struct pb_planned_stage stage = {0};
    int verb = 0;
    // NOLINTNEXTLINE(cert-err34-c): the parent reads what its own child wrote
    if (sscanf(line, "%64s %47s %d %" SCNu64 " %" SCNu64, stage.key, stage.name, &verb, &stage.macs, &stage.memory) !=
        5)
        return PB_OK;
    stage.verb = (enum pb_verb_kind)verb;
    struct pb_planned_stage *grown =
        pb_realloc(plan->stages, plan->stage_count, (size_t)plan->stage_count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, sizeof *grown);
    plan->stages = grown;
    grown[plan->stage_count++] = stage;
    return PB_OK;
}

static void read_cell(const char *line, struct pb_cell_plan *plan)
{
    int open = 0;
    // NOLINTNEXTLINE(cert-err34-c)
    if (sscanf(line, "%" SCNu64 " %" SCNu64 " %u %d", &plan->macs, &plan->memory, &plan->classes, &open) == 4)
        plan->open = open != 0;
}

/* Appends a line to text, which holds so many bytes. */
static void append_line(char *text, size_t size, const char *line)
{
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length ? "\n" : "", line);
}

static void read_failure(const char *line, struct pb_error *failure)
{
    int status = 0, used = 0;
    if (sscanf(line, "%d %n", &status, &used) == 1 && used > 0) // NOLINT(cert-err34-c)
        (void)pb_fail(failure, status == PB_ERROR_INPUT ? PB_ERROR_INPUT : PB_ERROR_RUN, "%s", line + used);
}

enum pb_status pb_plan_lines_read(const char *line, struct pb_cell_plan *plan, struct pb_error *failure,
                                  struct pb_error *error)
{
    const char *rest = strchr(line, ' ');
    rest = rest ? rest + 1 : "";
    if (pb_starts_with(line, "stage "))
        return read_stage(rest, plan, error);
    if (pb_starts_with(line, "cell "))
        read_cell(rest, plan);
    else if (pb_starts_with(line, "missing "))
        append_line(plan->missing, sizeof plan->missing, rest);
    else if (pb_starts_with(line, "backend "))
        append_line(plan->backend_missing, sizeof plan->backend_missing, rest);
    else if (pb_starts_with(line, "failed "))
        read_failure(rest, failure);
    return PB_OK;
}
