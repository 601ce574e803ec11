/* The host's services as plugins see them. */
#ifndef PB_PLUGIN_HOST_H
#define PB_PLUGIN_HOST_H

#include <prunebench/host.h>

#include "base/guard.h"
#include "plugin/options.h"

struct pb_host_block;

/* A service table with its state. Lives as long as the plugin instance it was given to, and at one address. */
struct pb_host_services {
    struct pb_host table;
    char name[96]; /* "criterion 'taylor-gate'": in front of its log lines and messages */
    char draw[32]; /* added to the name in front of its random streams: another draw of each; "" the first */
    struct pb_error error; /* what the plugin's fail left */
    struct pb_host_block *blocks; /* what alloc gave and free has not got back */
    bool damaged; /* the plugin wrote beside such memory: nothing of its may be trusted any more, destroy included */
    struct pb_guarded options;
};

/* rng streams are derived from seed, name, draw and the stream's name. */
void pb_host_init(struct pb_host_services *services, const char *name, uint64_t seed, uint32_t threads);

/* The resolved options as create gets them, NULL where there are none: a copy that the plugin cannot change. */
PB_MUST_CHECK enum pb_status pb_host_give_options(struct pb_host_services *services, const struct pb_options *options,
                                                  const void **given, struct pb_error *error);
/* After destroy. */
void pb_host_close(struct pb_host_services *services);

/* The plugin's failure as ours: its message with the plugin's name in front, or a stand-in when it left none.
 * status PB_OK returns PB_OK, unless the plugin has written beside memory from alloc. A status outside enum pb_status becomes PB_ERROR_RUN. */
enum pb_status pb_host_result(struct pb_host_services *services, enum pb_status status, struct pb_error *error);

#endif
