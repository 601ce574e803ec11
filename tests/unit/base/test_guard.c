/* Arrays that foreign code is shown: what it does to them, and beside them, is found and noted for another process. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/guard.h"

static void test_an_array_holds_its_values_and_can_be_used_for_others(void **state)
{
    static const size_t sizes[] = {3, 1000, 1, 0, 100000, 16};
    struct pb_guarded array = {0};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t distance;
        float *values = pb_guarded_open(&array, "values", sizes[i], sizeof(float));
        assert_non_null(values);
        assert_int_equal((uintptr_t)values % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            values[k] = (float)k;
        assert_int_equal(pb_guarded_check(&array, &distance), PB_OVERSTEP_NONE);
        pb_guarded_close(&array);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_true(values[k] == (float)k);
    }
    pb_guarded_free(&array);
    assert_null(pb_guarded_open(&array, "values", SIZE_MAX / 2, 4));
    assert_null(pb_guarded_open(&array, "values", SIZE_MAX, 1));
    pb_guarded_free(&array);
}

static void test_a_copy_is_a_copy(void **state)
{
    static const char text[] = "conv3_2";
    struct pb_guarded array = {0};
    (void)state;
    const char *copy = pb_guarded_copy(&array, "name", text, sizeof text, 1);
    assert_ptr_not_equal(copy, text);
    assert_string_equal(copy, text);
    pb_guarded_free(&array);
}

static void test_writes_beside_an_open_array_are_found(void **state)
{
    struct pb_guarded array = {0};
    size_t distance = 0;
    (void)state;
    unsigned char *bytes = pb_guarded_open(&array, "scores", 100, 1);
    assert_non_null(bytes);
    bytes[100] = 0;
    assert_int_equal(pb_guarded_check(&array, &distance), PB_OVERSTEP_BEHIND);
    assert_int_equal(distance, 0);
    bytes = pb_guarded_open(&array, "scores", 100, 1);
    assert_non_null(bytes);
    bytes[127] = 0; /* the last before the page without access */
    assert_int_equal(pb_guarded_check(&array, &distance), PB_OVERSTEP_BEHIND);
    assert_int_equal(distance, 27);
    bytes = pb_guarded_open(&array, "scores", 100, 1);
    assert_non_null(bytes);
    *(bytes - 9) = 0;
    assert_int_equal(pb_guarded_check(&array, &distance), PB_OVERSTEP_BEFORE);
    assert_int_equal(distance, 9);
    pb_guarded_free(&array);
}

/* What a child that touches an address notes of it. */
static struct pb_fault fault_of(unsigned char *address, bool writes)
{
    struct pb_place *notes = NULL;
    struct pb_error error = {0};
    int descriptor = -1, end;
    assert_int_equal(pb_place_create(&notes, &descriptor, &error), PB_OK);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* cmocka has a handler of its own, which would go on with the tests */
        if (pb_place_share(descriptor, &error) != PB_OK || pb_fault_watch(&error) != PB_OK)
            _exit(7);
        if (writes)
            *(volatile unsigned char *)address = 1;
        else
            (void)*(volatile unsigned char *)address;
        _exit(0);
    }
    close(descriptor);
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGSEGV);
    const struct pb_fault fault = notes->fault;
    pb_place_destroy(&notes);
    return fault;
}

static void test_a_fault_is_noted_by_array_and_offset(void **state)
{
    struct pb_guarded gamma = {0}, beta = {0};
    static const float values[40] = {1};
    (void)state;
    const float *copy = pb_guarded_copy(&gamma, "gamma", values, 40, sizeof *values);
    const float *other = pb_guarded_copy(&beta, "beta", values, 16, sizeof *values);
    assert_non_null(copy);
    assert_non_null(other);
    struct pb_fault fault = fault_of((unsigned char *)(uintptr_t)copy + 9, true);
    assert_int_equal(fault.signal, SIGSEGV);
    assert_int_equal(fault.overstep, PB_OVERSTEP_INSIDE);
    assert_string_equal(fault.array, "gamma");
    assert_int_equal(fault.distance, 9);
    assert_int_equal(fault.bytes, 160);
    fault = fault_of((unsigned char *)(uintptr_t)other + 64, false);
    assert_int_equal(fault.overstep, PB_OVERSTEP_BEHIND);
    assert_string_equal(fault.array, "beta");
    assert_int_equal(fault.distance, 0);
#if defined(__x86_64__)
    assert_int_equal(fault.access, PB_ACCESS_READ);
#endif
    fault = fault_of((unsigned char *)(uintptr_t)copy - 5000, false);
    assert_int_equal(fault.overstep, PB_OVERSTEP_BEFORE);
    assert_int_equal(fault.distance, 5000);
    pb_guarded_free(&gamma);
    pb_guarded_free(&beta);
    fault = fault_of((unsigned char *)(uintptr_t)80, true);
    assert_int_equal(fault.overstep, PB_OVERSTEP_NONE);
    assert_true(fault.has_address && fault.address == 80);
#if defined(__x86_64__)
    assert_int_equal(fault.access, PB_ACCESS_WRITE);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_array_holds_its_values_and_can_be_used_for_others),
        cmocka_unit_test(test_a_copy_is_a_copy),
        cmocka_unit_test(test_writes_beside_an_open_array_are_found),
        cmocka_unit_test(test_a_fault_is_noted_by_array_and_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
