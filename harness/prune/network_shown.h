/* The network as a criterion sees it: copied when it is asked for, and read-only until the criterion is destroyed. */
#ifndef PB_PRUNE_NETWORK_SHOWN_H
#define PB_PRUNE_NETWORK_SHOWN_H

#include "plugin/host.h"
#include "prune/consumers.h"
#include "prune/layers.h"
#include "prune/shown.h"

struct pb_network_copies;

/* What is to be shown; must outlive what is opened. */
struct pb_network_source {
    const struct pb_host_services *host; /* the criterion's: failures of its calls are left there */
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    const struct pb_prunable_layers *layers;
    uint32_t data; /* enum pb_criterion_data: what the criterion needs and uses */
};
PB_MUST_CHECK enum pb_status pb_network_show(const struct pb_network_source *source, struct pb_network_copies **copies,
                                             struct pb_error *error);
/* The view for the criterion. */
const struct pb_network_view *pb_network_view_of(const struct pb_network_copies *copies);
void pb_network_copies_free(struct pb_network_copies **copies);

#endif
