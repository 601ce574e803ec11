/* One cell from start to end. */
#include "experiment/cell.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "experiment/findings.h"
#include "experiment/samples.h"
#include "experiment/session.h"

/* Stages that no other cell needs go, but for the last one that holds a network: the cell's product. */
static enum pb_status drop_private_stages(struct pb_session *session, struct pb_error *error)
{
    const struct pb_chain *chain = &session->chain;
    struct pb_planner *planner = NULL;
    struct pb_cell_plan plan = {0};
    enum pb_status status = pb_planner_create(false, &planner, error);
    if (status == PB_OK)
        status = pb_cell_plan(planner, session->config, &plan, error);
    for (uint32_t i = 0; status == PB_OK && i + 1 < chain->count && i < plan.stage_count; i++) {
        bool shared = false;
        for (size_t s = 0; s < session->options->shared_count && !shared; s++)
            shared = strcmp(session->options->shared[s], plan.stages[i].key) == 0;
        if (!shared)
            status = pb_store_remove(&session->store, chain->links[i].key, error);
    }
    pb_cell_plan_free(&plan);
    pb_planner_free(&planner);
    return status;
}

static enum pb_status run_session(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                                  struct pb_record *record, struct pb_error *error)
{
    struct pb_session session;
    struct pb_verbs verbs;
    enum pb_status status = pb_session_open(&session, config, options, error);
    if (status == PB_OK)
        status = pb_provenance(config, session.device, &session.weights, record, error);
    if (status == PB_OK) {
        pb_session_verbs(&session, &verbs);
        status = pb_schedule_execute(config, &verbs, &session.error, error);
    }
    if (status == PB_OK)
        status = pb_findings(&session, record, error);
    if (status == PB_OK)
        status = pb_session_samples(&session, record, error);
    if (status == PB_OK && !options->keep_all && !config->keep_stages)
        status = drop_private_stages(&session, error);
    pb_session_close(&session);
    return status;
}

static enum pb_status finish_record(double began, struct pb_record *record, struct pb_error *error)
{
    char seconds[32];
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    record->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    snprintf(seconds, sizeof seconds, "%.3f", pb_clock() - began);
    return pb_record_provenance(record, "seconds", seconds, error);
}

enum pb_status pb_cell_run(const struct pb_cell_config *config, const struct pb_cell_run_options *options,
                           struct pb_record *record, struct pb_error *error)
{
    const double began = pb_clock();
    struct pb_error recording = {0};
    enum pb_status status = pb_cell_describe(config, record, error);
    if (status == PB_OK)
        status = run_session(config, options, record, error);
    if (status == PB_OK)
        return finish_record(began, record, error);
    record->status = PB_CELL_FAILED;
    if (pb_record_text(&record->message, error->text, &recording) != PB_OK ||
        finish_record(began, record, &recording) != PB_OK)
        return pb_fail_context(error, "%s, after", recording.text);
    return status;
}
