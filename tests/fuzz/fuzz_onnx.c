/* Fuzzes the reader of ONNX files, with weights in the file or beside it. What is read is a network: its channels can be found, and it
 * can be stored and comes back. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz/folder.h"
#include "graph/checkpoint.h"
#include "onnx/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void store(const struct pb_network *network)
{
    struct pb_error error;
    struct pb_network *again = NULL;
    struct pb_channel_groups groups = {0};
    const char *path = fuzz_put("network.safetensors", "", 0);
    if (pb_channel_groups_find(network->graph, &groups, &error) != PB_OK ||
        pb_checkpoint_save(path, network, false, NULL, &error) != PB_OK ||
        pb_checkpoint_load(path, &again, NULL, &error) != PB_OK)
        abort();
    if (again->graph->parameter_count != network->graph->parameter_count ||
        memcmp(&again->graph->parts, &network->graph->parts, sizeof network->graph->parts) != 0 ||
        memcmp(again->values, network->values, network->graph->value_count * sizeof *network->values) != 0)
        abort();
    pb_channel_groups_free(&groups);
    pb_network_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char beside[4096];
    struct pb_error error;
    struct pb_onnx_report report = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    (void)fuzz_put("w.bin", beside, sizeof beside);
    const char *path = fuzz_put("model.onnx", bytes, length);
    const enum pb_status built = pb_onnx_read_graph(path, &graph, NULL, &error);
    if (pb_onnx_read(path, &network, &report, &error) == PB_OK) {
        if (built != PB_OK || graph->node_count != network->graph->node_count)
            abort();
        store(network);
    }
    pb_onnx_report_free(&report);
    pb_network_free(&network);
    pb_graph_free(&graph);
    return 0;
}
