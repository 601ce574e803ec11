/* A measurement of latencies that SIGTERM ends between two networks: what was measured is kept. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/stop.h"
#include "cell/cell.h"
#include "graph/graph_json.h"
#include "support/built_plugin.h"
#include "support/folder.h"
#include "support/small_networks.h"

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

/* A record of a cell with these networks, of which none is measured yet. */
static struct pb_record record_of(const enum small_network *kinds, size_t count)
{
    struct pb_error error = {0};
    struct pb_record record;
    pb_record_init(&record);
    for (size_t i = 0; i < count; i++) {
        struct pb_network *network = small_network(kinds[i], 0);
        char *graph = NULL;
        must(pb_graph_to_json(network->graph, &graph, &error), &error);
        const struct pb_cost_record row = {.stage = (char *)(uintptr_t)small_network_name(kinds[i]), .graph = graph};
        must(pb_record_cost(&record, &row, &error), &error);
        pb_free(graph);
        pb_network_free(&network);
    }
    return record;
}

static void test_networks_that_were_measured_are_kept_and_no_other_is_begun(void **state)
{
    static const enum small_network kinds[] = {SMALL_BILINEAR, SMALL_FLAT};
    const struct pb_loaded loaded = {
        .plugin = built_plugin("backend-reference", "reference"), .file = "test", .sha256 = "00"};
    const struct pb_cell_config config = {
        .id = "a-cell", .backend = {.label = "reference", .loaded = &loaded}, .latency_runs = 1, .latency_batch = 1};
    struct pb_error error = {0};
    struct pb_record first = record_of(kinds, 1), both = record_of(kinds, 2);
    must(pb_stop_watch(0, &error), &error);
    must(pb_cell_latency(&config, *state, 1, &first, &error), &error);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(pb_cell_latency(&config, *state, 1, &both, &error), PB_ERROR_STOPPED);
    assert_int_equal(both.latency_count, 1);
    assert_true(both.latencies[0].median_ms == first.latencies[0].median_ms);
    pb_record_free(&first);
    pb_record_free(&both);
    both = record_of(kinds, 2);
    must(pb_stop_watch(0, &error), &error);
    must(pb_cell_latency(&config, *state, 1, &both, &error), &error);
    assert_int_equal(both.latency_count, 2);
    pb_record_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_networks_that_were_measured_are_kept_and_no_other_is_begun, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
