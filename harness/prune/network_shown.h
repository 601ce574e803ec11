/* The network as a criterion sees it: copied when it is asked for, and read-only until the criterion is destroyed. */
#ifndef PB_PRUNE_NETWORK_SHOWN_H
#define PB_PRUNE_NETWORK_SHOWN_H

#include "plugin/host.h"
#include "prune/consumers.h"
#include "prune/layers.h"
#include "prune/observed_rows.h"
#include "prune/shown.h"

struct pb_network_copies;

/* What is to be shown; must outlive what is opened. */
struct pb_network_source {
    const struct pb_host_services *host; /* the criterion's: failures of its calls are left there */
    const struct pb_network *network;
    const struct pb_channel_groups *groups;
    const struct pb_prunable_layers *layers;
    uint32_t data; /* enum pb_criterion_data: what the criterion needs and uses */
    struct pb_observed_rows *rows; /* NULL where none are asked for */
    const float
        *mean_gradients; /* of all parameters; NULL until they are accumulated, and where they are not asked for */
    const double *flow; /* of all parameters; NULL where it is not asked for */
};
PB_MUST_CHECK enum pb_status pb_network_show(const struct pb_network_source *source, struct pb_network_copies **copies,
                                             struct pb_error *error);
/* Those of the network's groups, in the order of the view's. */
const struct pb_consumers *pb_network_consumers_of(const struct pb_network_copies *copies);
/* The view for the criterion. */
const struct pb_network_view *pb_network_view_of(const struct pb_network_copies *copies);
void pb_network_copies_free(struct pb_network_copies **copies);

#endif
