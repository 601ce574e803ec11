/* The store: a stage is complete or absent, and one process makes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "stages/stage.h"
#include "support/folder.h"
#include "support/graphs.h"

static const char KEY[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct pb_network *small_network(void)
{
    struct pb_graph *graph = graph_begin("small", 4, 4, 3);
    const uint32_t conv = graph_conv(graph, "conv1", 0, 4);
    const uint32_t relu = graph_relu(graph, "relu1", conv);
    graph_linear(graph, "fc", relu, 2);
    return network_of(graph, 3);
}

static void test_what_is_put_is_found_again_bit_for_bit(void **state)
{
    struct pb_store store;
    struct pb_error error;
    struct pb_network *network = small_network(), *read = NULL;
    json_t *facts = json_pack("{s:s, s:f}", "name", "base", "value", 0.1), *found = NULL;
    bool complete = true;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_false(pb_store_has(&store, KEY));
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_false(complete);
    assert_int_equal(pb_store_put(&store, KEY, facts, network, &error), PB_OK);
    assert_true(pb_store_has(&store, KEY));
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_true(complete);
    assert_int_equal(pb_store_facts(&store, KEY, &found, &error), PB_OK);
    assert_true(json_equal(facts, found));
    assert_int_equal(pb_store_network(&store, KEY, &read, &error), PB_OK);
    const size_t bytes = network->graph->value_count * sizeof(float);
    assert_memory_equal(read->values, network->values, bytes);
    assert_memory_equal(read->velocity, network->velocity, bytes);
    json_decref(facts);
    json_decref(found);
    pb_network_free(&network);
    pb_network_free(&read);
    pb_store_close(&store);
}

/* Killed between the two steps of dropping, the network is still there: it is dropped all the same. */
static void test_a_dropped_network_is_gone_and_its_stage_complete_until_it_is_put_again(void **state)
{
    struct pb_store store;
    struct pb_error error;
    struct pb_network *network = small_network(), *read = network;
    json_t *facts = json_pack("{s:s}", "name", "prune"), *found = NULL;
    bool complete = false;
    char path[512];
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pb_store_drop_network(&store, KEY, &error), PB_OK); /* there is no such stage */
    assert_false(pb_store_has(&store, KEY));
    assert_int_equal(pb_store_put(&store, KEY, facts, network, &error), PB_OK);
    assert_int_equal(pb_store_drop_network(&store, KEY, &error), PB_OK);
    snprintf(path, sizeof path, "%s/%s/network.safetensors", store.folder, KEY);
    assert_false(pb_file_exists(path));
    assert_int_equal(pb_store_network(&store, KEY, &read, &error), PB_OK);
    assert_null(read);
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_true(complete);
    assert_int_equal(pb_store_facts(&store, KEY, &found, &error), PB_OK);
    assert_true(json_equal(facts, found));
    assert_int_equal(pb_store_put_network(&store, KEY, network, &error), PB_OK);
    assert_int_equal(pb_store_network(&store, KEY, &read, &error), PB_OK);
    assert_memory_equal(read->values, network->values, network->graph->value_count * sizeof(float));
    assert_int_equal(pb_store_put_extra(&store, KEY, "dropped", facts, &error), PB_OK);
    pb_network_free(&read);
    assert_int_equal(pb_store_network(&store, KEY, &read, &error), PB_OK);
    assert_null(read);
    json_decref(facts);
    json_decref(found);
    pb_network_free(&network);
    pb_store_close(&store);
}

static void test_a_stage_without_its_facts_counts_as_absent(void **state)
{
    struct pb_store store;
    struct pb_error error;
    bool complete = true;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", store.folder, KEY);
    assert_int_equal(pb_make_dirs(folder, &error), PB_OK);
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_false(complete);
    pb_store_close(&store);
}

static void test_extra_facts_are_absent_until_put(void **state)
{
    struct pb_store store;
    struct pb_error error;
    json_t *facts = json_pack("{s:i}", "images", 5), *found = facts;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pb_store_put(&store, KEY, facts, NULL, &error), PB_OK);
    assert_int_equal(pb_store_extra(&store, KEY, "test", &found, &error), PB_OK);
    assert_null(found);
    assert_int_equal(pb_store_put_extra(&store, KEY, "test", facts, &error), PB_OK);
    assert_int_equal(pb_store_extra(&store, KEY, "test", &found, &error), PB_OK);
    assert_true(json_equal(facts, found));
    json_decref(facts);
    json_decref(found);
    pb_store_close(&store);
}

static void test_damaged_facts_name_file_and_line(void **state)
{
    struct pb_store store;
    struct pb_error error;
    json_t *found = NULL, *facts = json_object();
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pb_store_put(&store, KEY, facts, NULL, &error), PB_OK);
    char path[512];
    snprintf(path, sizeof path, "%s/%s/stage.json", store.folder, KEY);
    assert_int_equal(pb_file_write_atomic(path, "{\n \"name\": ", 11, &error), PB_OK);
    assert_int_equal(pb_store_facts(&store, KEY, &found, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "stage.json:2"));
    json_decref(facts);
    pb_store_close(&store);
}

/* The child takes the stage and dies without giving it back. */
static void test_an_owner_that_died_holds_nothing(void **state)
{
    struct pb_store store;
    struct pb_error error;
    bool complete = true;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    const pid_t child = fork();
    if (child == 0) {
        bool mine = true;
        _exit(pb_store_acquire(&store, KEY, &mine, &error) == PB_OK && !mine ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_false(complete);
    pb_store_close(&store);
}

/* The child holds the stage, finishes it a little later; the waiter then finds it complete. */
static void test_a_waiter_gets_what_the_owner_made(void **state)
{
    struct pb_store store;
    struct pb_error error;
    int ready[2];
    char byte;
    bool complete = false;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        bool mine = true;
        json_t *facts = json_object();
        bool good = pb_store_acquire(&store, KEY, &mine, &error) == PB_OK && !mine;
        good = write(ready[1], "x", 1) == 1 && good;
        usleep(100 * 1000);
        good = pb_store_put(&store, KEY, facts, NULL, &error) == PB_OK && good;
        _exit(good ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_true(complete);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    close(ready[0]);
    close(ready[1]);
    pb_store_close(&store);
}

/* As when a lease was lost: of two complete results the first one stays, and the second must be the same but for measured times. */
static void test_a_second_result_must_be_the_same(void **state)
{
    struct pb_store store;
    struct pb_error error = {0};
    struct pb_network *network = small_network(), *stored = NULL;
    json_t *facts = json_pack("{s:f, s:[{s:f, s:f}]}", "scoring_seconds", 1.0, "epochs", "loss", 0.5, "seconds", 2.0);
    json_t *again = json_pack("{s:f, s:[{s:f, s:f}]}", "scoring_seconds", 3.0, "epochs", "loss", 0.5, "seconds", 4.0);
    json_t *other = json_pack("{s:f, s:[{s:f, s:f}]}", "scoring_seconds", 1.0, "epochs", "loss", 0.6, "seconds", 2.0);
    json_t *found = NULL;
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pb_store_put(&store, KEY, facts, network, &error), PB_OK);
    assert_int_equal(pb_store_put(&store, KEY, again, network, &error), PB_OK);
    assert_int_equal(pb_store_put(&store, KEY, other, network, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "stage.json"));
    const float value = network->values[0];
    network->values[0] += 1;
    assert_int_equal(pb_store_put(&store, KEY, again, network, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "network.safetensors"));
    assert_int_equal(pb_store_facts(&store, KEY, &found, &error), PB_OK);
    assert_true(json_equal(facts, found));
    assert_int_equal(pb_store_network(&store, KEY, &stored, &error), PB_OK);
    assert_true(stored->values[0] == value);
    assert_int_equal(pb_list_dir(folder_path(state, "stages"), &names, &count, &error), PB_OK);
    for (size_t i = 0; i < count; i++)
        assert_null(strstr(names[i], ".new-"));
    pb_names_free(&names, count);
    json_decref(facts);
    json_decref(again);
    json_decref(other);
    json_decref(found);
    pb_network_free(&network);
    pb_network_free(&stored);
    pb_store_close(&store);
}

/* The owner gives up: the waiter makes the stage. */
static void test_a_waiter_gets_a_stage_that_its_owner_gave_back(void **state)
{
    struct pb_store store;
    struct pb_error error;
    int ready[2];
    char byte;
    bool complete = true;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        bool mine = true;
        bool good = pb_store_acquire(&store, KEY, &mine, &error) == PB_OK && !mine;
        good = write(ready[1], "x", 1) == 1 && good;
        usleep(100 * 1000);
        pb_store_release(&store);
        _exit(good ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(pb_store_acquire(&store, KEY, &complete, &error), PB_OK);
    assert_false(complete);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_non_null(store.lease);
    close(ready[0]);
    close(ready[1]);
    pb_store_close(&store);
}

/* Whoever holds the lock may be reading it, or computing it again. */
static void test_a_network_that_another_process_works_on_is_not_dropped(void **state)
{
    struct pb_store store;
    struct pb_error error;
    struct pb_network *network = small_network(), *read_back = NULL;
    json_t *facts = json_object();
    int ready[2], done[2];
    char byte;
    assert_int_equal(pb_store_open(*state, &store, &error), PB_OK);
    assert_int_equal(pb_store_put(&store, KEY, facts, network, &error), PB_OK);
    assert_true(pipe(ready) == 0 && pipe(done) == 0);
    const pid_t child = fork();
    if (child == 0) {
        struct pb_lease *lease = NULL;
        close(done[1]); /* else a failed test would leave it waiting */
        bool good = pb_store_lock(&store, KEY, &lease, &error) == PB_OK;
        good = write(ready[1], "x", 1) == 1 && good;
        good = read(done[0], &byte, 1) == 1 && good;
        _exit(good ? 0 : 1);
    }
    int code = -1;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(pb_store_drop_network(&store, KEY, &error), PB_OK);
    assert_int_equal(pb_store_network(&store, KEY, &read_back, &error), PB_OK);
    assert_non_null(read_back);
    pb_network_free(&read_back);
    assert_int_equal(write(done[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assert_int_equal(pb_store_drop_network(&store, KEY, &error), PB_OK);
    assert_int_equal(pb_store_network(&store, KEY, &read_back, &error), PB_OK);
    assert_null(read_back);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(done[i]);
    }
    json_decref(facts);
    pb_network_free(&network);
    pb_store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_put_is_found_again_bit_for_bit, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_dropped_network_is_gone_and_its_stage_complete_until_it_is_put_again,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_stage_without_its_facts_counts_as_absent, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_extra_facts_are_absent_until_put, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_facts_name_file_and_line, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_an_owner_that_died_holds_nothing, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_second_result_must_be_the_same, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_waiter_gets_what_the_owner_made, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_waiter_gets_a_stage_that_its_owner_gave_back, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_network_that_another_process_works_on_is_not_dropped, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
