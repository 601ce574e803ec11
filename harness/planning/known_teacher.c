/* The teachers' files of many cells, each read once. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/cost.h"
#include "planning/opened.h"
#include "settings/teacher.h"

static enum pb_status read_teacher(struct pb_known_teacher *known, struct pb_error *error)
{
    struct pb_network *network = NULL;
    enum pb_status status = pb_teacher_load(known->path, &network, &known->refusal);
    if (status == PB_OK)
        status = pb_graph_copy(network->graph, &known->graph, &known->refusal);
    if (status == PB_OK)
        known->macs = pb_graph_cost(known->graph).macs;
    pb_network_free(&network);
    if (status == PB_ERROR_MEMORY)
        *error = known->refusal;
    return status == PB_ERROR_MEMORY ? status : PB_OK;
}

static enum pb_status use_teacher(const struct pb_known_teacher *known, const struct pb_known_teacher **found,
                                  struct pb_error *error)
{
    if (known->refusal.status != PB_OK) {
        *error = known->refusal;
        return known->refusal.status;
    }
    *found = known;
    return PB_OK;
}

enum pb_status pb_find_teacher(struct pb_opened *opened, const char *path, const struct pb_known_teacher **found,
                               struct pb_error *error)
{
    *found = NULL;
    if (!path || !pb_file_exists(path))
        return PB_OK;
    for (size_t i = 0; i < opened->teacher_count; i++)
        if (strcmp(opened->teachers[i].path, path) == 0)
            return use_teacher(&opened->teachers[i], found, error);
    struct pb_known_teacher *grown =
        pb_realloc(opened->teachers, opened->teacher_count, opened->teacher_count + 1, sizeof *grown);
    if (!grown)
        return pb_fail_memory(error, (opened->teacher_count + 1) * sizeof *grown);
    opened->teachers = grown;
    struct pb_known_teacher added = {.path = pb_strdup(path)};
    const enum pb_status status = added.path ? read_teacher(&added, error) : pb_fail_memory(error, strlen(path) + 1);
    if (status != PB_OK) {
        pb_free(added.path);
        return status;
    }
    grown[opened->teacher_count] = added;
    return use_teacher(&grown[opened->teacher_count++], found, error);
}

void pb_known_teachers_free(struct pb_opened *opened)
{
    for (size_t i = 0; i < opened->teacher_count; i++) {
        pb_free(opened->teachers[i].path);
        pb_graph_free(&opened->teachers[i].graph);
    }
    pb_free(opened->teachers);
}
