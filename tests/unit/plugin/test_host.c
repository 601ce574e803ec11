/* The services as a plugin meets them: streams, messages, memory, parallel loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "plugin/host.h"

#undef fail /* cmocka's macro; here it is a service */

static void test_streams_depend_on_seed_plugin_and_name(void **state)
{
    struct pb_host_services services, other;
    struct pb_rng rng;
    (void)state;
    pb_host_init(&services, "criterion 'random'", 7, 2);
    const struct pb_host *host = &services.table;
    assert_int_equal(host->size, sizeof *host);
    assert_int_equal(host->threads, 2);
    assert_int_equal(host->seed, 7);
    host->rng_init(host, &rng, "scores");
    /* Of the independent Python implementation: the stream "scores" of the first number of 7's stream of that name. */
    assert_true(pb_rng_next(&rng) == 0x427fcf49a30b0788);
    assert_true(pb_rng_next(&rng) == 0x9d5cc8db82f5614d);
    host->rng_init(host, &rng, "other");
    assert_true(pb_rng_next(&rng) != 0x427fcf49a30b0788);
    pb_host_init(&other, "criterion 'other'", 7, 0);
    assert_int_equal(other.table.threads, 1);
    other.table.rng_init(&other.table, &rng, "scores");
    assert_true(pb_rng_next(&rng) != 0x427fcf49a30b0788);
}

static void test_a_failure_carries_the_plugins_name_and_message(void **state)
{
    struct pb_host_services services;
    struct pb_error error = {0};
    (void)state;
    pb_host_init(&services, "dataset 'birds'", 1, 1);
    const struct pb_host *host = &services.table;
    assert_int_equal(host->fail(host, PB_ERROR_INPUT, "%s:%d: no label", "images.txt", 3), PB_ERROR_INPUT);
    assert_int_equal(pb_host_result(&services, PB_ERROR_INPUT, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, "dataset 'birds': images.txt:3: no label");
    assert_int_equal(error.status, PB_ERROR_INPUT);
    /* The message has been used up. */
    assert_int_equal(pb_host_result(&services, PB_ERROR_RUN, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "dataset 'birds': failed with status 2 and left no message");
}

static void test_a_success_is_one_whatever_was_left_behind(void **state)
{
    struct pb_host_services services;
    struct pb_error error = {0};
    (void)state;
    pb_host_init(&services, "dataset 'birds'", 1, 1);
    (void)services.table.fail(&services.table, PB_ERROR_RUN, "tried something");
    assert_int_equal(pb_host_result(&services, PB_OK, &error), PB_OK);
    assert_int_equal(pb_host_result(&services, PB_ERROR_RUN, &error), PB_ERROR_RUN);
    assert_null(strstr(error.text, "tried something"));
    assert_int_equal(pb_host_result(&services, (enum pb_status)77, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "dataset 'birds': returned 77, which is no status");
}

static void test_memory_is_zeroed_aligned_and_its_lack_is_reported(void **state)
{
    struct pb_host_services services;
    struct pb_error error = {0};
    (void)state;
    pb_host_init(&services, "criterion 'x'", 1, 1);
    const struct pb_host *host = &services.table;
    unsigned char *memory = host->alloc(host, 100);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(memory[i], 0);
    host->free(host, memory);
    host->free(host, NULL);
    pb_memory_fail_after(0);
    assert_null(host->alloc(host, 123));
    assert_int_equal(pb_host_result(&services, PB_ERROR_MEMORY, &error), PB_ERROR_MEMORY);
    assert_string_equal(error.text, "criterion 'x': out of memory: 123 bytes were asked for");
    assert_true(host->clock(host) > 0);
}

/* How often each item was handled, and the chunk that began at it. */
struct seen {
    const struct pb_host *host;
    unsigned char items[1000];
    size_t ends[1000];
};

static void see(void *argument, size_t begin, size_t end)
{
    struct seen *seen = argument;
    for (size_t i = begin; i < end; i++)
        seen->items[i]++;
    seen->ends[begin] = end;
}

static void test_chunks_are_the_same_for_any_number_of_threads(void **state)
{
    static const size_t counts[] = {0, 1, 7, 64, 999, 1000}, chunks[] = {0, 1, 7, 64, 1000, 5000};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            static struct seen alone, together;
            struct pb_host_services one, three;
            memset(&alone, 0, sizeof alone);
            memset(&together, 0, sizeof together);
            pb_host_init(&one, "a", 1, 1);
            pb_host_init(&three, "b", 1, 3);
            one.table.parallel_for(&one.table, counts[i], chunks[j], see, &alone);
            three.table.parallel_for(&three.table, counts[i], chunks[j], see, &together);
            for (size_t item = 0; item < 1000; item++) {
                assert_int_equal(alone.items[item], item < counts[i]);
                assert_int_equal(together.items[item], item < counts[i]);
                assert_int_equal(alone.ends[item], together.ends[item]);
                const bool begins = item < counts[i] && (chunks[j] == 0 ? item == 0 : item % chunks[j] == 0);
                assert_int_equal(alone.ends[item] != 0, begins);
            }
        }
    }
}

static void fail_everywhere(void *argument, size_t begin, size_t end)
{
    const struct pb_host *host = argument;
    (void)host->fail(host, PB_ERROR_RUN, "items %zu to %zu", begin, end);
}

static void test_failing_on_many_threads_leaves_one_whole_message(void **state)
{
    struct pb_host_services services;
    struct pb_error error = {0};
    size_t begin, end;
    (void)state;
    pb_host_init(&services, "x", 1, 4);
    services.table.parallel_for(&services.table, 400, 10, fail_everywhere, &services.table);
    assert_int_equal(pb_host_result(&services, PB_ERROR_RUN, &error), PB_ERROR_RUN);
    assert_int_equal(sscanf(error.text, "x: items %zu to %zu", &begin, &end), 2);
    assert_int_equal(end, begin + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_depend_on_seed_plugin_and_name),
        cmocka_unit_test(test_a_failure_carries_the_plugins_name_and_message),
        cmocka_unit_test(test_a_success_is_one_whatever_was_left_behind),
        cmocka_unit_test(test_memory_is_zeroed_aligned_and_its_lack_is_reported),
        cmocka_unit_test(test_chunks_are_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_failing_on_many_threads_leaves_one_whole_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
