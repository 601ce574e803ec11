/* One run of a cell's schedule: created, let run over verbs, destroyed. */
#include "planning/schedule_run.h"

#include <stdio.h>

#include "planning/watched_verbs.h"

static enum pb_status create_schedule(const struct pb_cell_config *config, struct pb_host_services *host, void **self,
                                      struct pb_error *error)
{
    const struct pb_schedule *schedule = config->schedule.loaded->plugin->schedule;
    const void *given = NULL;
    enum pb_status status = pb_host_give_options(host, &config->schedule.options, &given, error);
    if (status != PB_OK)
        return status;
    pb_place_enter(host->name, "create");
    status = pb_host_result(host, schedule->create(&host->table, given, self), error);
    pb_place_leave();
    return status;
}

static void destroy_schedule(const struct pb_schedule *schedule, struct pb_host_services *host, void *self)
{
    if (!schedule->destroy || host->damaged)
        return;
    pb_place_enter(host->name, "destroy");
    schedule->destroy(self);
    pb_place_leave();
}

enum pb_status pb_schedule_execute(const struct pb_cell_config *config, const struct pb_verbs *verbs,
                                   const struct pb_error *verb_error, struct pb_error *error)
{
    const struct pb_schedule *schedule = config->schedule.loaded->plugin->schedule;
    char name[96];
    snprintf(name, sizeof name, "schedule '%.64s'", config->schedule.loaded->plugin->name);
    struct pb_host_services host;
    struct pb_watched_run run = {.host = &host, .verbs = verbs, .config = config};
    void *self = NULL;
    pb_host_init(&host, name, config->seed, config->threads);
    enum pb_status status = create_schedule(config, &host, &self, error);
    if (status == PB_OK) {
        status = pb_watched_run(&run, self, error);
        destroy_schedule(schedule, &host, self);
    }
    pb_watched_run_free(&run);
    pb_host_close(&host);
    if (verb_error->status != PB_OK && !host.damaged) {
        *error = *verb_error;
        return verb_error->status;
    }
    return status;
}
