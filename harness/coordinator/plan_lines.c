/* A cell's plan as lines of text. */
#include "coordinator/plan_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
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
        pb_text_append(text, "stage %s %s %d %" PRIu32 " %" PRIu32 " %d %s %" PRIu64 " %" PRIu64 " %" PRIu32 "\n",
                       stage->key, stage->name, (int)stage->verb, stage->parent, stage->to, stage->provisional,
                       stage->arguments, stage->macs, stage->memory, stage->epochs);
    }
    pb_text_append(text, "cell %" PRIu64 " %" PRIu64 " %u %d\n", plan->macs, plan->memory, plan->classes, plan->open);
    if (plan->inputs[0])
        pb_text_append(text, "inputs %s\n", plan->inputs);
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
    int verb = 0, provisional = 0;
    // NOLINTNEXTLINE(cert-err34-c): the reader's own program wrote it
    if (sscanf(line, "%64s %47s %d %" SCNu32 " %" SCNu32 " %d %64s %" SCNu64 " %" SCNu64 " %" SCNu32, stage.key,
               stage.name, &verb, &stage.parent, &stage.to, &provisional, stage.arguments, &stage.macs, &stage.memory,
               &stage.epochs) != 10)
        return PB_OK;
    stage.verb = (enum pb_verb_kind)verb;
    stage.provisional = provisional != 0;
    struct pb_planned_stage *grown = pb_array_room(plan->stages, plan->stage_count, sizeof *grown, error);
    if (!grown)
        return PB_ERROR_MEMORY;
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
    else if (pb_starts_with(line, "inputs "))
        snprintf(plan->inputs, sizeof plan->inputs, "%s", rest);
    else if (pb_starts_with(line, "missing "))
        append_line(plan->missing, sizeof plan->missing, rest);
    else if (pb_starts_with(line, "backend "))
        append_line(plan->backend_missing, sizeof plan->backend_missing, rest);
    else if (pb_starts_with(line, "failed "))
        read_failure(rest, failure);
    return PB_OK;
}

static FILE *open_plans(const char *path)
{
    const int descriptor = pb_open_to_read(path, 0);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    if (descriptor >= 0 && !file)
        close(descriptor);
    return file;
}

/* The next line, without its end; false behind the last one. */
static bool next_line(FILE *file, char **line, size_t *size)
{
    const ssize_t length = getline(line, size, file);
    if (length <= 0)
        return false;
    if ((*line)[length - 1] == '\n')
        (*line)[length - 1] = '\0';
    return true;
}

static bool is_line_of(const char *line, const char *mark, const char *of)
{
    return pb_starts_with(line, mark) && strcmp(line + strlen(mark), of) == 0;
}

/* Leaves the file behind the line that names the cell. */
static enum pb_status find_plan(FILE *file, const char *path, size_t offset, const struct pb_plan_of *of,
                                struct pb_error *error)
{
    char *line = NULL;
    size_t size = 0;
    enum pb_status status = PB_OK;
    bool found = !of->matrix || (next_line(file, &line, &size) && is_line_of(line, PB_PLAN_MATRIX, of->matrix));
    if (found && fseeko(file, (off_t)offset, SEEK_SET) != 0)
        status = pb_fail_errno(error, "read '%s'", path);
    found = status == PB_OK && found && next_line(file, &line, &size) && is_line_of(line, PB_PLAN_ID, of->id);
    if (status == PB_OK && !found)
        status = pb_fail(error, PB_ERROR_STOPPED, "'%s' has no plan of cell '%s' at byte %zu: the run was planned anew",
                         path, of->id, offset);
    free(line);
    return status;
}

enum pb_status pb_plan_lines_read_file(const char *path, size_t offset, const struct pb_plan_of *of,
                                       struct pb_cell_plan *plan, struct pb_error *error)
{
    struct pb_cell_plan made = {0};
    struct pb_error failure = {0};
    char *line = NULL;
    size_t size = 0;
    bool whole = false;
    FILE *file = open_plans(path);
    if (!file)
        return pb_fail_errno(error, "read '%s'", path);
    enum pb_status status = find_plan(file, path, offset, of, error);
    while (status == PB_OK && !whole && next_line(file, &line, &size)) {
        whole = strcmp(line, PB_PLAN_END) == 0;
        if (!whole)
            status = pb_plan_lines_read(line, &made, &failure, error);
    }
    free(line);
    (void)fclose(file);
    if (status == PB_OK && !whole)
        status = pb_fail(error, PB_ERROR_INPUT, "'%s' holds no whole plan at byte %zu; 'prunebench run' writes it anew",
                         path, offset);
    if (status == PB_OK)
        *plan = made;
    else
        pb_cell_plan_free(&made);
    return status;
}

enum pb_status pb_plan_lines_find(const char *path, const char *id, bool *found, size_t *offset, struct pb_error *error)
{
    char *line = NULL;
    size_t size = 0, at = 0;
    FILE *file = open_plans(path);
    if (!file)
        return pb_fail_errno(error, "read '%s'", path);
    *found = false;
    for (ssize_t length; !*found && (length = getline(&line, &size, file)) > 0; at += (size_t)length) {
        const size_t words = strcspn(line, "\n");
        const size_t mark = strlen(PB_PLAN_ID);
        if (pb_starts_with(line, PB_PLAN_ID) && words - mark == strlen(id) &&
            memcmp(line + mark, id, words - mark) == 0) {
            *offset = at;
            *found = true;
        }
    }
    free(line);
    (void)fclose(file);
    return PB_OK;
}
