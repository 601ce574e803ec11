/* Key/value metadata of checkpoints. */
#include <string.h>

#include "base/memory.h"
#include "graph/checkpoint.h"

const char *pb_metadata_get(const struct pb_metadata *metadata, const char *key)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (!strcmp(metadata->keys[i], key))
            return metadata->values[i];
    return NULL;
}

static enum pb_status replace(struct pb_metadata *metadata, size_t at, char *value)
{
    pb_free(metadata->values[at]);
    metadata->values[at] = value;
    return PB_OK;
}

enum pb_status pb_metadata_set(struct pb_metadata *metadata, const char *key, const char *value, struct pb_error *error)
{
    const size_t count = metadata->count;
    char *value_copy = pb_strdup(value);
    if (!value_copy)
        return pb_fail_memory(error, strlen(value) + 1);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(metadata->keys[i], key))
            return replace(metadata, i, value_copy);
    char *key_copy = pb_strdup(key);
    char **keys = pb_realloc(metadata->keys, count, count + 1, sizeof(*keys));
    if (keys)
        metadata->keys = keys;
    char **values = keys ? pb_realloc(metadata->values, count, count + 1, sizeof(*values)) : NULL;
    if (values)
        metadata->values = values;
    if (!key_copy || !keys || !values) {
        pb_free(key_copy);
        pb_free(value_copy);
        return pb_fail_memory(error, (count + 1) * sizeof(*keys));
    }
    keys[count] = key_copy;
    values[count] = value_copy;
    metadata->count++;
    return PB_OK;
}

void pb_metadata_free(struct pb_metadata *metadata)
{
    for (size_t i = 0; i < metadata->count; i++) {
        pb_free(metadata->keys[i]);
        pb_free(metadata->values[i]);
    }
    pb_free(metadata->keys);
    pb_free(metadata->values);
    memset(metadata, 0, sizeof(*metadata));
}
