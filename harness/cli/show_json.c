/* One cell of a run as JSON. */
#include <string.h>

#include "cli/print_json.h"
#include "cli/shown_cell.h"
#include "results/fields_json.h"
#include "results/json_values.h"
#include "results/record_fields.h"

static json_t *stages_json(const struct pb_shown_cell *cell)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < cell->plan.stage_count; i++) {
        const struct pb_planned_stage *stage = &cell->plan.stages[i];
        good = json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b}", "name", stage->name, "key", stage->key,
                                                     "provisional", stage->provisional, "stored",
                                                     pb_shown_cell_stored(cell, stage))) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

enum pb_status pb_shown_cell_print_json(const struct pb_shown_cell *cell, struct pb_error *error)
{
    json_t *result = cell->has_record ? pb_fields_json(&pb_record_fields, &cell->record) : json_null();
    json_t *whole = json_pack("{s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "id", pb_json_text(cell->id),
                              "state", pb_shown_cell_state(cell), "in_matrix", cell->listed, "of_this_matrix",
                              cell->own, "running", pb_json_text(cell->running), "document",
                              pb_json_text(cell->has_record ? cell->document : NULL), "log", pb_json_text(cell->log),
                              "result", result, "stages", stages_json(cell), "log_end", pb_json_text(cell->log_end));
    return pb_print_json(whole, error);
}
