/* What 'check' found, as one JSON object. */
#include <stdio.h>

#include "cli/command_check.h"

#include <jansson.h>

/* Null where no speed was measured. */
static json_t *seconds_json(const struct check *check, double seconds)
{
    return check->timed ? json_real(seconds) : json_null();
}

static json_t *cell_json(const struct check *check, uint32_t index)
{
    const struct estimate *cell = &check->cells[index];
    json_t *stages = json_array();
    bool good = stages != NULL;
    for (uint32_t i = 0; good && i < check->queue.path_length[index]; i++)
        good = json_array_append_new(stages, json_string(check->queue.stages[check->queue.path[index][i]].key)) == 0;
    json_t *row =
        good ? json_pack("{s:s, s:I, s:I, s:o, s:s, s:s, s:b, s:s?, s:O}", "id", check->matrix->cells[index]->id,
                         "macs", (json_int_t)cell->macs, "memory_bytes", (json_int_t)cell->memory, "seconds",
                         seconds_json(check, cell->seconds), "missing", cell->missing, "backend_missing",
                         cell->backend_missing, "adaptive", cell->open, "failure", cell->failure, "stages", stages)
             : NULL;
    json_decref(stages);
    return row;
}

static json_t *stage_json(const struct check *check, uint32_t index)
{
    const struct pb_shared_stage *stage = &check->queue.stages[index];
    return json_pack("{s:s, s:b, s:s, s:I, s:I, s:o}", "key", stage->key, "provisional", stage->provisional, "name",
                     stage->name, "cells", (json_int_t)stage->users, "macs", (json_int_t)stage->macs, "seconds",
                     seconds_json(check, check->stage_seconds[index]));
}

json_t *pb_check_speeds_json(const struct pb_speeds *speeds)
{
    json_t *rows = json_array();
    bool good = rows != NULL;
    for (uint32_t i = 0; good && i < speeds->count; i++) {
        const struct pb_speed *speed = &speeds->list[i];
        good = json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:s?, s:s?}", "for", speed->key, "backend",
                                                     speed->backend, "macs_per_second", speed->macs_per_second,
                                                     "measured", speed->measured[0] ? speed->measured : NULL, "busy",
                                                     speed->disturbed[0] ? speed->disturbed : NULL)) == 0;
    }
    if (good)
        return rows;
    json_decref(rows);
    return NULL;
}

enum pb_status pb_check_print_json(const struct check *check, struct pb_error *error)
{
    json_t *cells = json_array(), *stages = json_array(), *speeds = pb_check_speeds_json(&check->speeds), *whole = NULL;
    bool good = cells && stages && speeds;
    for (uint32_t i = 0; good && i < check->matrix->cell_count; i++)
        good = json_array_append_new(cells, cell_json(check, i)) == 0;
    for (uint32_t i = 0; good && i < check->queue.stage_count; i++)
        good = json_array_append_new(stages, stage_json(check, i)) == 0;
    if (good)
        whole = json_pack("{s:s, s:O, s:O, s:O, s:{s:I, s:I, s:I, s:I, s:I, s:o, s:I}}", "matrix", check->matrix->name,
                          "cells", cells, "stages", stages, "speeds", speeds, "total", "cells",
                          (json_int_t)check->matrix->cell_count, "stages", (json_int_t)check->queue.stage_count, "macs",
                          (json_int_t)check->macs, "memory_bytes", (json_int_t)check->memory, "machine_memory_bytes",
                          (json_int_t)check->machine_memory, "seconds", seconds_json(check, check->seconds), "threads",
                          (json_int_t)check->threads);
    good = whole && json_dumpf(whole, stdout, JSON_INDENT(2)) == 0;
    if (good)
        putchar('\n');
    json_decref(whole);
    json_decref(cells);
    json_decref(stages);
    json_decref(speeds);
    return good ? PB_OK : pb_fail_memory(error, check->matrix->cell_count * sizeof(json_t));
}
