/* The end of a run as one JSON object. */
#include "cli/run_json.h"

#include <math.h>
#include <string.h>

#include "cli/print_json.h"
#include "coordinator/child.h"
#include "results/json_values.h"

static json_t *cell_json(const struct pb_run_ended *cell)
{
    const struct pb_headline none = {NAN, NAN, NAN, NAN, NAN};
    const struct pb_headline *headline = strcmp(cell->status, "ok") == 0 ? &cell->headline : &none;
    return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "id", cell->id, "status", cell->status, "ran",
                     cell->ran, "top1_unpruned", pb_json_real(headline->before), "top1", pb_json_real(headline->after),
                     "macs_removed", pb_json_real(headline->macs_removed), "parameters_removed",
                     pb_json_real(headline->params_removed), "seconds", pb_json_real(headline->seconds), "message",
                     pb_json_text(cell->message));
}

enum pb_status pb_run_print_json(const char *out, const struct pb_run_summary *summary, int exit_code,
                                 struct pb_error *error)
{
    json_t *cells = json_array();
    bool good = cells != NULL;
    char signal[32] = "";
    uint32_t not_run = 0;
    for (uint32_t i = 0; good && i < summary->cell_count; i++) {
        const char *status = summary->cells[i].status;
        not_run += strcmp(status, "waiting") == 0 || strcmp(status, "left-out") == 0;
        good = json_array_append_new(cells, cell_json(&summary->cells[i])) == 0;
    }
    if (summary->signal)
        pb_signal_name(summary->signal, signal);
    json_t *whole =
        good ? json_pack("{s:o, s:i, s:s?, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "output", pb_json_text(out),
                         "exit_code", exit_code, "signal", signal[0] ? signal : NULL, "seconds", summary->seconds,
                         "done", (json_int_t)summary->done, "done_before", (json_int_t)summary->skipped, "failed",
                         (json_int_t)summary->failed, "blocked", (json_int_t)summary->blocked, "not_run",
                         (json_int_t)not_run, "without_latency", (json_int_t)summary->unmeasured, "cells", cells)
             : NULL;
    json_decref(cells);
    return pb_print_json(whole, error);
}
