/* The channels that a criterion with `select` chooses itself: how many go of each group is known before. */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "prune/criterion_run.h"
#include "prune/observe.h"

/* Room for the indices, which the plugin writes. */
static enum pb_status call_select(struct pb_criterion_run *run, uint32_t group, uint32_t remove,
                                  struct pb_guarded *room, const uint32_t **removed)
{
    uint32_t *indices = pb_guarded_open(room, "removed", remove, sizeof *indices);
    if (!indices)
        return pb_fail_memory(run->error, remove * sizeof *indices);
    memset(indices, 0xff, remove * sizeof *indices); /* one that is not written is out of range */
    const char *name = run->network->graph->nodes[run->groups->groups[group].producers[0]].name;
    pb_place_enter_layer(run->host.name, "select", name, 0, 0);
    enum pb_status status = run->criterion->select(run->self, pb_network_view_of(run->copies), group, remove, indices);
    status = pb_host_result(&run->host, status, run->error);
    size_t distance = 0;
    if (status == PB_OK && pb_guarded_check(room, &distance) != PB_OVERSTEP_NONE)
        status = pb_fail(run->error, PB_ERROR_RUN,
                         "%s wrote beside 'removed' of group '%s', which has room for %" PRIu32 " indices",
                         run->host.name, name, remove);
    pb_place_leave();
    *removed = indices;
    return status;
}

/* The masked channels go, and of those that were selected the first ones that make up the number. */
static void put_masked_first(const bool *masked, uint32_t channels, const uint32_t *removed, uint32_t remove,
                             bool *keep)
{
    uint32_t left = remove;
    for (uint32_t c = 0; c < channels; c++) {
        keep[c] = masked[c] || left == 0;
        left -= !keep[c];
    }
    for (uint32_t i = 0; i < remove && left > 0; i++) {
        left -= keep[removed[i]];
        keep[removed[i]] = false;
    }
}

static enum pb_status take_out(const struct pb_criterion_run *run, uint32_t group, uint32_t remove,
                               const uint32_t *removed, bool *keep)
{
    const struct pb_channel_group *described = &run->groups->groups[group];
    const char *name = run->network->graph->nodes[described->producers[0]].name;
    for (uint32_t c = 0; c < described->channels; c++)
        keep[c] = true;
    for (uint32_t i = 0; i < remove; i++) {
        if (removed[i] >= described->channels)
            return pb_fail(run->error, PB_ERROR_RUN,
                           "criterion '%s' selected channel %" PRIu32 " of group '%s', which has %" PRIu32 " channels",
                           run->name, removed[i], name, described->channels);
        if (!keep[removed[i]])
            return pb_fail(run->error, PB_ERROR_RUN, "criterion '%s' selected channel %" PRIu32 " of group '%s' twice",
                           run->name, removed[i], name);
        keep[removed[i]] = false;
    }
    return PB_OK;
}

enum pb_status pb_select_channels(const struct pb_loaded *criterion, const struct pb_options *options,
                                  const struct pb_network *network, const struct pb_channel_groups *groups,
                                  const struct pb_calibration *calibration, const struct pb_keep *masked,
                                  struct pb_pruning *pruning, struct pb_error *error)
{
    struct pb_criterion_run run;
    struct pb_guarded room = {0};
    enum pb_status status = pb_criterion_open(&run, criterion, options, network, groups, calibration, error);
    if (status == PB_OK)
        status = pb_criterion_observe(&run);
    for (uint32_t g = 0; g < groups->count && status == PB_OK; g++) {
        const uint32_t remove = pruning->layers[g].before - pruning->layers[g].after;
        const uint32_t *removed = NULL;
        if (remove == 0)
            continue;
        const double began = pb_criterion_clock(&run);
        status = call_select(&run, g, remove, &room, &removed);
        if (pb_criterion_times(&run))
            pb_criterion_times(&run)->nodes[groups->groups[g].producers[0]].after += pb_criterion_clock(&run) - began;
        if (status == PB_OK)
            status = take_out(&run, g, remove, removed, pruning->keep.keep[g]);
        if (status == PB_OK && masked)
            put_masked_first(masked->keep[g], groups->groups[g].channels, removed, remove, pruning->keep.keep[g]);
    }
    status = pb_criterion_close(&run, status);
    pb_guarded_free(&room);
    return status;
}
