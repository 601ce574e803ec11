/* Fuzzes the reader of stored networks: safetensors, metadata, graph and origins of channels. What is read can be written, and
 * then reads the same. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz/folder.h"
#include "graph/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void write_and_read(const struct pb_network *network, const struct pb_metadata *metadata)
{
    struct pb_error error;
    struct pb_network *again = NULL;
    char *path = pb_strdup(fuzz_put("again.safetensors", "", 0));
    if (path == NULL || pb_checkpoint_save(path, network, true, metadata, &error) != PB_OK ||
        pb_checkpoint_load(path, &again, NULL, &error) != PB_OK)
        abort();
    if (again->graph->parameter_count != network->graph->parameter_count ||
        again->group_count != network->group_count ||
        memcmp(again->original_widths, network->original_widths,
               network->group_count * sizeof *network->original_widths) != 0)
        abort();
    pb_network_free(&again);
    pb_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_error error;
    struct pb_network *network = NULL;
    struct pb_metadata metadata = {0};
    if (pb_checkpoint_load(fuzz_put_safetensors("network.safetensors", bytes, length), &network, &metadata, &error) !=
        PB_OK)
        return 0;
    write_and_read(network, &metadata);
    pb_network_free(&network);
    pb_metadata_free(&metadata);
    return 0;
}
