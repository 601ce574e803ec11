/* Names that are only known when they are asked for: plugins, models, cells. */
#include <string.h>

#include "base/memory.h"
#include "cli/completion.h"
#include "graph/models.h"
#include "matrix/matrix.h"
#include "plugin/registry.h"
#include "results/cell_list.h"

static const struct {
    const char *what, *kind;
    uint32_t number;
} kinds[] = {
    {"criteria", "criterion", PB_KIND_CRITERION}, {"schedules", "schedule", PB_KIND_SCHEDULE},
    {"backends", "backend", PB_KIND_BACKEND},     {"datasets", "dataset", PB_KIND_DATASET},
    {"penalties", "penalty", PB_KIND_PENALTY},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* what: one of kinds, or "plugins" for all, as 'plugins describe' names them. */
static enum pb_status append_plugins(const char *what, struct pb_text *text, struct pb_error *error)
{
    struct pb_registry registry;
    const enum pb_status status = pb_registry_open(NULL, &registry, error);
    if (status != PB_OK)
        return status;
    for (size_t i = 0; i < registry.count; i++)
        for (size_t k = 0; k < KINDS; k++) {
            const struct pb_plugin *plugin = registry.plugins[i].plugin;
            if (plugin->kind != kinds[k].number)
                continue;
            if (strcmp(what, "plugins") == 0)
                pb_text_append(text, "%s/%s\n", kinds[k].kind, plugin->name);
            else if (strcmp(what, kinds[k].what) == 0)
                pb_text_append(text, "%s\n", plugin->name);
        }
    pb_registry_close(&registry);
    return PB_OK;
}

static enum pb_status append_cells(const char *out, struct pb_text *text, struct pb_error *error)
{
    struct pb_cell_list list = {0};
    const enum pb_status status = pb_cell_list_read(out, &list, error);
    for (uint32_t i = 0; status == PB_OK && i < list.count; i++)
        pb_text_append(text, "%s\n", list.cells[i].id);
    pb_cell_list_free(&list);
    return status;
}

static enum pb_status append_matrix_cells(const char *path, struct pb_text *text, struct pb_error *error)
{
    struct pb_registry registry = {0};
    struct pb_matrix *matrix = NULL;
    enum pb_status status = pb_registry_open(NULL, &registry, error);
    if (status == PB_OK)
        status = pb_matrix_read(path, &registry, &matrix, error);
    for (uint32_t i = 0; status == PB_OK && i < matrix->cell_count; i++)
        pb_text_append(text, "%s\n", matrix->cells[i]->id);
    pb_matrix_free(&matrix);
    pb_registry_close(&registry);
    return status;
}

static void append_topics(struct pb_text *text)
{
    for (const struct pb_command *const *command = pb_commands; *command; command++)
        pb_text_append(text, "%s\n", (*command)->name);
    pb_text_append(text, "matrix\ncatalogue\n");
}

static void append_models(struct pb_text *text)
{
    const struct pb_model_row *row;
    for (uint32_t i = 0; (row = pb_model_at(i)); i++)
        pb_text_append(text, "%s\n", row->name);
}

enum pb_status pb_complete_values(const char *what, const char *word, struct pb_error *error)
{
    struct pb_text text = {0};
    enum pb_status status = PB_OK;
    bool plugins = strcmp(what, "plugins") == 0;
    for (size_t k = 0; k < KINDS; k++)
        plugins = plugins || strcmp(what, kinds[k].what) == 0;
    if (plugins)
        status = append_plugins(what, &text, error);
    else if (strcmp(what, "models") == 0)
        append_models(&text);
    else if (strcmp(what, "topics") == 0)
        append_topics(&text);
    else if (strcmp(what, "cells") == 0 && word)
        status = append_cells(word, &text, error);
    else if (strcmp(what, "matrix-cells") == 0 && word)
        status = append_matrix_cells(word, &text, error);
    else
        status =
            pb_fail(error, PB_ERROR_INPUT,
                    "--complete takes plugins, criteria, schedules, backends, datasets, penalties, models, topics, "
                    "'cells OUT' or 'matrix-cells MATRIX'");
    if (status == PB_OK)
        return pb_print_text(&text, error);
    pb_text_free(&text);
    return status;
}
