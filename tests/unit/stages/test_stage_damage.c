/* Damaged stages: found when they are acquired or read, set aside, and made again by one process. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "stages/stage.h"
#include "support/folder.h"
#include "support/graphs.h"

static const char KEY[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct made {
    struct pb_store store;
    char folder[512], network[600], facts[600], extra[600];
};

/* A stored stage with a network and an extra fact. */
static struct made make_stage(void **state)
{
    struct made made;
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("small", 4, 4, 3);
    graph_linear(graph, "fc", graph_relu(graph, "relu1", graph_conv(graph, "conv1", 0, 4)), 2);
    struct pb_network *network = network_of(graph, 3);
    json_t *facts = json_pack("{s:s, s:f}", "name", "base", "value", 0.25);
    pb_log_set_level(PB_LOG_ERROR);
    if (pb_store_open(*state, &made.store, &error) != PB_OK ||
        pb_store_put(&made.store, KEY, facts, network, &error) != PB_OK ||
        pb_store_put_extra(&made.store, KEY, "test", facts, &error) != PB_OK)
        fail_msg("%s", error.text);
    snprintf(made.folder, sizeof made.folder, "%s/%s", made.store.folder, KEY);
    snprintf(made.network, sizeof made.network, "%s/network.safetensors", made.folder);
    snprintf(made.facts, sizeof made.facts, "%s/stage.json", made.folder);
    snprintf(made.extra, sizeof made.extra, "%s/test.json", made.folder);
    json_decref(facts);
    pb_network_free(&network);
    return made;
}

static void flip(const char *path, off_t offset)
{
    char byte;
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte = (char)(byte ^ 1);
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    assert_int_equal(close(fd), 0);
}

static off_t length_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

static size_t set_aside_in(const char *folder, const char *name)
{
    struct pb_error error = {0};
    char **names = NULL, prefix[200];
    size_t count = 0, found = 0;
    snprintf(prefix, sizeof prefix, "%s.damaged-", name);
    assert_int_equal(pb_list_dir(folder, &names, &count, &error), PB_OK);
    for (size_t i = 0; i < count; i++)
        found += pb_starts_with(names[i], prefix);
    pb_names_free(&names, count);
    return found;
}

/* The stage is to be made again, by this process, and what was there is kept. */
static void assert_set_aside(struct made *made)
{
    struct pb_error error = {0};
    bool complete = true;
    if (pb_store_acquire(&made->store, KEY, &complete, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_false(complete);
    assert_non_null(made->store.lease);
    assert_false(pb_file_exists(made->folder));
    assert_int_equal(set_aside_in(made->store.folder, KEY), 1);
    pb_store_close(&made->store);
}

static void test_a_flipped_bit_in_any_place_of_the_facts_sets_the_stage_aside(void **state)
{
    struct pb_error error = {0};
    struct made made = make_stage(state);
    const off_t length = length_of(made.facts);
    for (off_t i = 0; i < length; i++) {
        json_t *facts = NULL;
        flip(made.facts, i);
        if (pb_store_facts(&made.store, KEY, &facts, &error) != PB_ERROR_INPUT)
            fail_msg("byte %ld can change without a word", (long)i);
        flip(made.facts, i);
    }
    flip(made.facts, length / 2);
    assert_set_aside(&made);
}

static void test_a_damaged_cut_or_missing_network_sets_the_stage_aside(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct made made = make_stage(state);
        if (how == 0)
            flip(made.network, length_of(made.network) - 5);
        else if (how == 1)
            assert_int_equal(truncate(made.network, 100), 0);
        else
            assert_int_equal(unlink(made.network), 0);
        assert_set_aside(&made);
    }
}

static void test_a_stage_without_its_facts_is_set_aside(void **state)
{
    struct made made = make_stage(state);
    assert_int_equal(unlink(made.facts), 0);
    assert_set_aside(&made);
}

static void test_a_file_a_pipe_and_a_link_in_a_stages_place_are_set_aside(void **state)
{
    struct pb_error error = {0};
    for (int how = 0; how < 3; how++) {
        struct made made = make_stage(state);
        assert_int_equal(pb_store_remove(&made.store, KEY, &error), PB_OK);
        if (how == 0)
            assert_int_equal(pb_file_write_atomic(made.folder, "x", 1, &error), PB_OK);
        else if (how == 1)
            assert_int_equal(mkfifo(made.folder, 0666), 0);
        else
            assert_int_equal(symlink("/dev/zero", made.folder), 0);
        assert_set_aside(&made);
    }
}

static void test_a_sound_stage_is_left_alone(void **state)
{
    struct pb_error error = {0};
    struct stat before, after;
    struct made made = make_stage(state);
    bool complete = false;
    assert_int_equal(stat(made.network, &before), 0);
    assert_int_equal(pb_store_acquire(&made.store, KEY, &complete, &error), PB_OK);
    assert_true(complete);
    assert_int_equal(stat(made.network, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_false(made.store.damaged);
    pb_store_close(&made.store);
}

/* After it was acquired: who reads it learns that the cell must begin again. */
static void test_damage_between_acquiring_and_reading_is_noted(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct pb_error error = {0};
        struct pb_network *network = NULL;
        struct made made = make_stage(state);
        assert_int_equal(pb_store_network(&made.store, KEY, &network, &error), PB_OK);
        assert_false(made.store.damaged);
        pb_network_free(&network);
        if (how == 0)
            flip(made.network, length_of(made.network) - 5);
        else if (how == 1) /* another process has set it aside */
            assert_int_equal(pb_store_remove(&made.store, KEY, &error), PB_OK);
        else
            assert_true(unlink(made.network) == 0 && mkfifo(made.network, 0666) == 0);
        assert_int_equal(pb_store_network(&made.store, KEY, &network, &error), PB_ERROR_INPUT);
        assert_non_null(strstr(error.text, "network.safetensors"));
        assert_true(made.store.damaged);
        assert_int_equal(pb_store_remove(&made.store, KEY, &error), PB_OK);
        pb_store_close(&made.store);
    }
}

static void test_a_fact_added_to_a_stage_that_is_gone_is_noted(void **state)
{
    struct pb_error error = {0};
    struct made made = make_stage(state);
    json_t *facts = json_object();
    assert_int_equal(pb_store_remove(&made.store, KEY, &error), PB_OK);
    assert_int_equal(pb_store_put_extra(&made.store, KEY, "test", facts, &error), PB_ERROR_RUN);
    assert_true(made.store.damaged);
    json_decref(facts);
    pb_store_close(&made.store);
}

static void test_a_damaged_extra_fact_is_set_aside_and_counts_as_absent(void **state)
{
    struct pb_error error = {0};
    struct made made = make_stage(state);
    json_t *facts = NULL;
    bool complete = false;
    assert_int_equal(pb_store_extra(&made.store, KEY, "test", &facts, &error), PB_OK);
    assert_non_null(facts);
    json_decref(facts);
    flip(made.extra, length_of(made.extra) / 2);
    assert_int_equal(pb_store_extra(&made.store, KEY, "test", &facts, &error), PB_OK);
    assert_null(facts);
    assert_int_equal(set_aside_in(made.folder, "test.json"), 1);
    assert_int_equal(pb_store_acquire(&made.store, KEY, &complete, &error), PB_OK);
    assert_true(complete); /* the stage itself is sound */
    pb_store_close(&made.store);
}

static void test_what_is_no_folder_where_a_training_keeps_its_state_is_set_aside(void **state)
{
    struct pb_error error = {0};
    struct made made = make_stage(state);
    char path[600], *folder = NULL;
    snprintf(path, sizeof path, "%s.partial", made.folder);
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_int_equal(pb_store_partial(&made.store, KEY, &folder, &error), PB_OK);
    assert_string_equal(folder, path);
    assert_true(pb_is_dir(path));
    pb_free(folder);
    pb_store_close(&made.store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_flipped_bit_in_any_place_of_the_facts_sets_the_stage_aside),
        TEST(test_a_damaged_cut_or_missing_network_sets_the_stage_aside),
        TEST(test_a_stage_without_its_facts_is_set_aside),
        TEST(test_a_file_a_pipe_and_a_link_in_a_stages_place_are_set_aside),
        TEST(test_a_sound_stage_is_left_alone),
        TEST(test_damage_between_acquiring_and_reading_is_noted),
        TEST(test_a_fact_added_to_a_stage_that_is_gone_is_noted),
        TEST(test_a_damaged_extra_fact_is_set_aside_and_counts_as_absent),
        TEST(test_what_is_no_folder_where_a_training_keeps_its_state_is_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
