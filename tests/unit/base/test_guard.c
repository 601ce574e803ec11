/* Arrays that foreign code is shown: what it does to them, and beside them, is found and noted for another process. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
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

/* A limit on files is not one on memory: the disk may be nearly full. */
static void test_no_file_is_needed(void **state)
{
    struct pb_guarded array = {0};
    struct rlimit before;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){0, before.rlim_max}), 0);
    float *values = pb_guarded_open(&array, "values", 100000, sizeof *values);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(values);
    values[99999] = 1;
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
        signal(SIGSEGV, SIG_DFL); /* cmocka has a handler of its own, which would continue with the tests */
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

static void test_what_the_host_writes_is_shown_and_cannot_be_written_there(void **state)
{
    struct pb_guarded array = {0};
    (void)state;
    for (size_t count = 50000; count >= 50; count /= 10) { /* the largest layer first, then others in its room */
        float *written = pb_guarded_show(&array, "activation", count, sizeof *written);
        assert_non_null(written);
        for (size_t i = 0; i < count; i++)
            written[i] = (float)i;
        const float *shown = (const float *)(const void *)array.start;
        assert_ptr_not_equal(shown, written);
        for (size_t i = 0; i < count; i++)
            assert_true(shown[i] == (float)i);
        const struct pb_fault fault = fault_of(array.start + 40, true);
        assert_int_equal(fault.overstep, PB_OVERSTEP_INSIDE);
        assert_string_equal(fault.array, "activation");
        assert_int_equal(fault.distance, 40);
    }
    pb_guarded_free(&array);
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

static unsigned char *address_of(const struct pb_guarded_part *part, size_t offset)
{
    return (unsigned char *)(uintptr_t)part->shown + offset;
}

static void test_a_fault_in_shared_pages_names_its_part(void **state)
{
    struct pb_guarded array = {0};
    struct pb_guarded_part parts[] = {
        {.name = "task", .bytes = 100}, {.name = "rounds", .bytes = 64}, {.name = "targets", .bytes = 9000}};
    (void)state;
    for (int i = 0; i < 2; i++) { /* made anew in the same pages */
        assert_true(pb_guarded_show_parts(&array, parts, 3));
        assert_ptr_equal((const unsigned char *)parts[1].shown, (const unsigned char *)parts[0].shown + 128);
        assert_ptr_equal((const unsigned char *)parts[2].shown, (const unsigned char *)parts[1].shown + 64);
        for (size_t k = 0; k < 3; k++) {
            const unsigned char *shown = parts[k].shown;
            assert_true(shown[0] == 0 && shown[parts[k].bytes - 1] == 0);
            memset(parts[k].written, (int)k + 1, parts[k].bytes);
            assert_true(shown[0] == k + 1 && shown[parts[k].bytes - 1] == k + 1);
        }
    }
    struct pb_fault fault = fault_of(address_of(&parts[0], 99), true);
    assert_int_equal(fault.overstep, PB_OVERSTEP_INSIDE);
    assert_string_equal(fault.array, "task");
    fault = fault_of(address_of(&parts[0], 127), true);
    assert_int_equal(fault.overstep, PB_OVERSTEP_BEHIND);
    assert_string_equal(fault.array, "task");
    assert_int_equal(fault.distance, 27);
    fault = fault_of(address_of(&parts[1], 0), true);
    assert_string_equal(fault.array, "rounds");
    assert_int_equal(fault.bytes, 64);
    fault = fault_of(address_of(&parts[2], 8999), true);
    assert_string_equal(fault.array, "targets");
    /* Fewer pages: those before them are closed to all. */
    assert_non_null(pb_guarded_open(&array, "few", 16, 1));
    fault = fault_of(address_of(&parts[0], 0), false);
    assert_int_equal(fault.overstep, PB_OVERSTEP_BEFORE);
    assert_string_equal(fault.array, "few");
    pb_guarded_free(&array);
    parts[0].bytes = SIZE_MAX - 8;
    assert_false(pb_guarded_show_parts(&array, parts, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_array_holds_its_values_and_can_be_used_for_others),
        cmocka_unit_test(test_a_copy_is_a_copy),
        cmocka_unit_test(test_writes_beside_an_open_array_are_found),
        cmocka_unit_test(test_no_file_is_needed),
        cmocka_unit_test(test_what_the_host_writes_is_shown_and_cannot_be_written_there),
        cmocka_unit_test(test_a_fault_is_noted_by_array_and_offset),
        cmocka_unit_test(test_a_fault_in_shared_pages_names_its_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
