/* Memory from alloc: what a plugin writes beside it is found when it is given back, and after every hook. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/place.h"
#include "plugin/host.h"

/* One after the other; what was damaged is not freed, and stays in its own. */
static struct pb_host_services instances[8], *services = instances;
static volatile size_t zero; /* the compiler must not know better */

static const struct pb_host *start(void)
{
    services++;
    pb_host_init(services, "criterion 'x'", 1, 2);
    pb_place->verdict[0] = '\0';
    return &services->table;
}

static void assert_damaged(const char *message)
{
    struct pb_error error = {0};
    assert_int_equal(pb_host_result(services, PB_OK, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, message);
    assert_string_equal(pb_place->verdict, message);
    assert_true(services->damaged);
}

static void test_memory_within_its_bounds_is_fine(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 100000};
    const struct pb_host *host = start();
    struct pb_error error = {0};
    unsigned char *memory[6];
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        memory[i] = host->alloc(host, sizes[i]);
        assert_non_null(memory[i]);
        assert_int_equal((uintptr_t)memory[i] % 64, 0);
        memset(memory[i], 0xff, sizes[i]);
        assert_int_equal(pb_host_result(services, PB_OK, &error), PB_OK);
    }
    static const size_t order[] = {3, 0, 5, 1, 4, 2}; /* first, last and middle of the list */
    for (size_t i = 0; i < 6; i++) {
        host->free(host, memory[order[i]]);
        assert_int_equal(pb_host_result(services, PB_OK, &error), PB_OK);
    }
    assert_null(services->blocks);
    assert_null(host->alloc(host, SIZE_MAX));
    assert_null(host->alloc(host, SIZE_MAX - 100));
}

static void test_a_write_past_the_end_is_found_after_the_hook(void **state)
{
    const struct pb_host *host = start();
    (void)state;
    unsigned char *memory = host->alloc(host, 100), *other = host->alloc(host, 8);
    assert_non_null(memory);
    assert_non_null(other);
    memory[103 + zero] = 0;
    pb_place_enter_layer(services->name, "score", "conv1", 0, 0);
    assert_damaged("criterion 'x' wrote past the end of memory from host->alloc: at offset 103 of its 100 bytes, in "
                   "score, layer 'conv1'");
    pb_place_leave();
    host->free(host, other);
}

static void test_a_write_past_the_end_is_found_when_given_back(void **state)
{
    const struct pb_host *host = start();
    (void)state;
    unsigned char *memory = host->alloc(host, 64);
    assert_non_null(memory);
    memory[64 + zero] = 1;
    host->free(host, memory);
    assert_damaged("criterion 'x' wrote past the end of memory from host->alloc: at offset 64 of its 64 bytes");
}

static void test_a_write_before_the_beginning_is_found(void **state)
{
    const struct pb_host *host = start();
    (void)state;
    unsigned char *memory = host->alloc(host, 64);
    assert_non_null(memory);
    *(memory - 64 + zero) = 1;
    assert_damaged("criterion 'x' wrote before the beginning of memory from host->alloc (64 bytes)");
}

static void test_what_is_freed_twice_is_found(void **state)
{
    const struct pb_host *host = start();
    static _Alignas(64) unsigned char own[512];
    (void)state;
    host->free(host, own + 256);
    assert_damaged("criterion 'x' gave host->free what is not from host->alloc, or gave it twice");
}

static void take_and_give(void *argument, size_t begin, size_t end)
{
    const struct pb_host *host = argument;
    for (size_t i = begin; i < end; i++)
        host->free(host, host->alloc(host, i));
}

static void test_threads_may_allocate(void **state)
{
    const struct pb_host *host = start();
    struct pb_error error = {0};
    (void)state;
    host->parallel_for(host, 2000, 10, take_and_give, &services->table);
    assert_int_equal(pb_host_result(services, PB_OK, &error), PB_OK);
    assert_null(services->blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_within_its_bounds_is_fine),
        cmocka_unit_test(test_a_write_past_the_end_is_found_after_the_hook),
        cmocka_unit_test(test_a_write_past_the_end_is_found_when_given_back),
        cmocka_unit_test(test_a_write_before_the_beginning_is_found),
        cmocka_unit_test(test_what_is_freed_twice_is_found),
        cmocka_unit_test(test_threads_may_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
