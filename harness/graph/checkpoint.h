/* Networks in safetensors files that describe themselves. */
#ifndef PB_GRAPH_CHECKPOINT_H
#define PB_GRAPH_CHECKPOINT_H

#include "base/text.h"
#include "graph/network.h"

/* Extra key/value metadata (keys unique). Strings from pb_calloc. */
struct pb_metadata {
    char **keys, **values;
    size_t count;
};
PB_MUST_CHECK enum pb_status pb_metadata_set(struct pb_metadata *metadata, const char *key, const char *value,
                                             struct pb_error *error);
const char *pb_metadata_get(const struct pb_metadata *metadata, const char *key); /* NULL when absent */
void pb_metadata_free(struct pb_metadata *metadata);

/* Atomic. Holds graph, widths, origins, values, masks, a checksum and, where with_velocity, momentum; loads without the
 * matrix. */
PB_MUST_CHECK enum pb_status pb_checkpoint_save(const char *path, const struct pb_network *network, bool with_velocity,
                                                const struct pb_metadata *metadata, struct pb_error *error);
/* A file that is missing, damaged or no regular file is PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_checkpoint_load(const char *path, struct pb_network **network,
                                                struct pb_metadata *metadata, struct pb_error *error);
/* Whether the file has the bytes that it was written with; without making a network of them. */
PB_MUST_CHECK enum pb_status pb_checkpoint_check(const char *path, struct pb_error *error);

#endif
