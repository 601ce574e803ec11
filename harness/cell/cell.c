/* One cell from start to end. */
#include "cell/cell.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/memory.h"
#include "cell/findings.h"
#include "cell/contact_sheets.h"
#include "experiment/drop.h"
#include "experiment/session_open.h"
#include "planning/schedule_run.h"

enum { REPAIRS = 3 }; /* times that a cell begins again because of damaged files */

/* The stage that other cells cannot have either; NULL where the schedule itself ended the cell, between two stages. */
static const struct pb_planned_stage *failed_stage(const struct pb_session *session, bool opened)
{
    const struct pb_cell_plan *plan = session->plan;
    const bool at_stage = !opened || session->making > session->done;
    return at_stage && session->done < plan->stage_count ? &plan->stages[session->done] : NULL;
}

/* What tells a later run whose result this is: its settings and inputs, the last stage when all went well, else the one that
 * failed. */
static enum pb_status add_identity(const struct pb_session *session, bool ok, const struct pb_planned_stage *failed,
                                   struct pb_record *record, struct pb_error *error)
{
    const struct pb_cell_plan *plan = session->plan, *given = session->options->plan;
    char digest[65], inputs[65] = "";
    if (given)
        memcpy(inputs, given->inputs, sizeof inputs);
    else if (session->chain.root[0])
        pb_inputs_digest(&session->chain.inputs, inputs);
    enum pb_status status = pb_cell_digest(session->config, inputs, digest, error);
    if (status == PB_OK)
        status = pb_record_provenance(record, PB_KEY_CONFIG, digest, error);
    if (status == PB_OK)
        status = pb_record_provenance(record, PB_KEY_INPUTS, inputs, error);
    if (status == PB_OK && ok && !plan->open)
        status =
            pb_record_provenance(record, PB_KEY_LAST_STAGE, session->chain.links[plan->stage_count - 1].key, error);
    if (status == PB_OK && failed && failed->key[0])
        status = pb_record_provenance(record, PB_KEY_FAILED_STAGE, failed->key, error);
    return status;
}

/* *damaged: something stored that it needed was; beginning again repairs that. */
static enum pb_status run_session(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                                  struct pb_record *record, bool *damaged, struct pb_error *error)
{
    struct pb_session session;
    struct pb_verbs verbs;
    enum pb_status status = pb_session_open(&session, config, options, error);
    const bool opened = status == PB_OK;
    if (status == PB_OK)
        status = pb_provenance(&session, record, error);
    if (status == PB_OK) {
        pb_session_verbs(&session, &verbs);
        status = pb_schedule_execute(config, &verbs, &session.error, error);
    }
    if (status == PB_OK)
        status = pb_session_finish(&session, error);
    if (status == PB_OK)
        status = pb_findings(&session, record, error);
    if (status == PB_OK)
        status = pb_session_samples(&session, record, error);
    if (status == PB_OK)
        status = pb_drop_private_stages(&session, error);
    struct pb_error naming = {0};
    const struct pb_planned_stage *failed = status == PB_OK ? NULL : failed_stage(&session, opened);
    if (add_identity(&session, status == PB_OK, failed, record, &naming) != PB_OK && status == PB_OK) {
        *error = naming;
        status = naming.status;
    }
    *damaged = status != PB_OK && status != PB_ERROR_STOPPED && pb_session_is_damaged(&session);
    pb_session_close(&session);
    return status;
}

static enum pb_status finish_record(double began, struct pb_record *record, struct pb_error *error)
{
    char seconds[32];
    record->peak_rss_bytes = pb_peak_resident_bytes();
    snprintf(seconds, sizeof seconds, "%.3f", pb_clock() - began);
    return pb_record_provenance(record, "seconds", seconds, error);
}

static enum pb_status run_once(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                               struct pb_record *record, bool *damaged, struct pb_error *error)
{
    *damaged = false;
    const enum pb_status status = pb_cell_describe(config, record, error);
    return status == PB_OK ? run_session(config, options, record, damaged, error) : status;
}

enum pb_status pb_cell_run(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                           struct pb_record *record, struct pb_error *error)
{
    const double began = pb_clock();
    struct pb_error recording = {0};
    bool damaged = false;
    enum pb_status status = run_once(config, options, record, &damaged, error);
    /* All that is not damaged is stored by now, so that the way back to here is short. */
    for (unsigned again = 0; status != PB_OK && damaged && again < REPAIRS; again++) {
        pb_log(PB_LOG_WARNING, "%s; the cell begins again, with what is stored", error->text);
        pb_record_free(record);
        pb_record_init(record);
        status = run_once(config, options, record, &damaged, error);
    }
    if (status != PB_OK && damaged)
        (void)pb_fail_context(error, "stored files were damaged again after %d repairs, check the disk", REPAIRS);
    if (status == PB_OK)
        return finish_record(began, record, error);
    if (status == PB_ERROR_STOPPED)
        return status;
    record->status = PB_CELL_FAILED;
    if (pb_record_text(&record->message, error->text, &recording) != PB_OK ||
        finish_record(began, record, &recording) != PB_OK)
        return pb_fail_context(error, "%s, after", recording.text);
    return status;
}
