/* Words for what the SDK writes as numbers. */
#ifndef PB_PLUGIN_DESCRIBE_H
#define PB_PLUGIN_DESCRIBE_H

#include <stdint.h>

struct pb_need_name {
    uint32_t bit; /* enum pb_criterion_needs */
    const char *name;
};
extern const struct pb_need_name pb_need_names[]; /* ends with a NULL name */

const char *pb_coupling_name(uint32_t coupling); /* "sum" */
const char *pb_normalise_name(uint32_t normalise); /* "lamp" */

#endif
