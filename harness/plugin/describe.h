/* Words for what the SDK writes as numbers. */
#ifndef PB_PLUGIN_DESCRIBE_H
#define PB_PLUGIN_DESCRIBE_H

#include <stdint.h>

struct pb_bit_name {
    uint32_t bit;
    const char *name;
};
/* Each ends with a NULL name. */
extern const struct pb_bit_name pb_data_names[]; /* enum pb_criterion_data */
extern const struct pb_bit_name pb_trait_names[]; /* enum pb_criterion_traits */

const char *pb_scope_name(uint32_t scope); /* "layer" */
const char *pb_coupling_name(uint32_t coupling); /* "sum" */
const char *pb_normalise_name(uint32_t normalise); /* "lamp" */

#endif
