/* The peak of resident memory: of the process, and of a piece of its work. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/machine.h"
#include "base/memory.h"

enum { MIB = 1 << 20 };

/* So many bytes, each page of them written to, and given back. */
static void hold(size_t bytes)
{
    volatile char *memory = pb_calloc(bytes, 1);
    assert_non_null(memory);
    for (size_t at = 0; at < bytes; at += 1024)
        memory[at] = 1;
    pb_free((void *)(uintptr_t)memory);
}

static double growth_of(size_t bytes)
{
    pb_peak_begin();
    hold(bytes);
    return pb_peak_growth();
}

static void test_a_piece_of_work_has_a_peak_of_its_own(void **state)
{
    (void)state;
    hold(192 * (size_t)MIB);
    const double growth = growth_of(64 * (size_t)MIB);
    if (isnan(growth))
        skip();
    assert_in_range((size_t)growth, 62 * (size_t)MIB, 80 * (size_t)MIB);
    assert_in_range((size_t)growth_of(16 * (size_t)MIB), 14 * (size_t)MIB, 32 * (size_t)MIB);
}

static void test_the_peak_of_the_process_outlives_those_of_its_pieces(void **state)
{
    (void)state;
    hold(256 * (size_t)MIB);
    const uint64_t before = pb_peak_resident_bytes();
    assert_true(before >= 250 * (uint64_t)MIB);
    growth_of(MIB);
    growth_of(MIB);
    assert_true(pb_peak_resident_bytes() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_piece_of_work_has_a_peak_of_its_own),
        cmocka_unit_test(test_the_peak_of_the_process_outlives_those_of_its_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
