/* BLIS's kernel sets by CPU flags: the table, without the CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The table belongs to the plugin alone; nothing but this test is linked with it. */
#include "../../../plugins/backends/blis/kernel_set.c"

static const struct cpu_flags old = {0};
static const struct cpu_flags core2 = {.ssse3 = true};
static const struct cpu_flags sandy_bridge = {.ssse3 = true, .avx = true};
static const struct cpu_flags haswell = {.ssse3 = true, .avx = true, .avx2 = true, .fma = true};
static const struct cpu_flags skylake_server = {.ssse3 = true, .avx = true, .avx2 = true, .fma = true, .avx512 = true};
static const struct cpu_flags zen = {.ssse3 = true, .avx = true, .avx2 = true, .fma = true, .amd = true};
static const struct cpu_flags zen3 = {.ssse3 = true, .avx = true, .avx2 = true, .fma = true, .vaes = true, .amd = true};
static const struct cpu_flags zen5 = {
    .ssse3 = true, .avx = true, .avx2 = true, .fma = true, .avx512 = true, .vaes = true, .amd = true};
static const struct cpu_flags sapphire_rapids = {
    .ssse3 = true, .avx = true, .avx2 = true, .fma = true, .avx512 = true, .amx = true, .vaes = true};
/* VIA and early hypervisors: AVX2 without FMA. */
static const struct cpu_flags no_fma = {.ssse3 = true, .avx = true, .avx2 = true};

static void test_the_best_set_is_the_newest_that_the_cpu_has(void **state)
{
    (void)state;
    assert_int_equal(kernel_set_best(&old), KERNELS_GENERIC);
    assert_int_equal(kernel_set_best(&core2), KERNELS_PENRYN);
    assert_int_equal(kernel_set_best(&sandy_bridge), KERNELS_SANDYBRIDGE);
    assert_int_equal(kernel_set_best(&haswell), KERNELS_HASWELL);
    assert_int_equal(kernel_set_best(&skylake_server), KERNELS_SKX);
    assert_int_equal(kernel_set_best(&zen), KERNELS_ZEN);
    assert_int_equal(kernel_set_best(&zen3), KERNELS_ZEN3);
    assert_int_equal(kernel_set_best(&zen5), KERNELS_SKX);
    assert_int_equal(kernel_set_best(&sapphire_rapids), KERNELS_AMX);
    assert_int_equal(kernel_set_best(&no_fma), KERNELS_SANDYBRIDGE);
}

static void test_a_cpu_with_avx2_and_fma_never_runs_generic_kernels(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 16; bits++) {
        const struct cpu_flags cpu = {.ssse3 = bits & 1,
                                      .avx = true,
                                      .avx2 = true,
                                      .fma = true,
                                      .avx512 = bits & 2,
                                      .vaes = bits & 4,
                                      .amd = bits & 8};
        assert_int_not_equal(kernel_set_best(&cpu), KERNELS_GENERIC);
        assert_int_not_equal(kernel_set_best(&cpu), KERNELS_AUTO);
        assert_null(kernel_set_lacks(kernel_set_best(&cpu), &cpu));
    }
}

static void test_a_set_that_the_cpu_cannot_run_says_what_is_missing(void **state)
{
    (void)state;
    assert_string_equal(kernel_set_lacks(KERNELS_SKX, &haswell), "AVX-512 (F, CD, BW, DQ, VL)");
    assert_string_equal(kernel_set_lacks(KERNELS_AMX, &skylake_server), "AMX for bfloat16, granted by the system");
    assert_string_equal(kernel_set_lacks(KERNELS_HASWELL, &no_fma), "AVX2 and FMA");
    assert_string_equal(kernel_set_lacks(KERNELS_ZEN3, &sandy_bridge), "AVX2 and FMA");
    assert_string_equal(kernel_set_lacks(KERNELS_SANDYBRIDGE, &core2), "AVX");
    assert_string_equal(kernel_set_lacks(KERNELS_PENRYN, &old), "SSSE3");
    assert_null(kernel_set_lacks(KERNELS_GENERIC, &old));
    assert_null(kernel_set_lacks(KERNELS_HASWELL, &zen));
}

static void test_our_own_vector_code_needs_no_more_than_the_set(void **state)
{
    (void)state;
    assert_int_equal(kernel_set_isa(KERNELS_AMX), VECTOR_AVX512);
    assert_int_equal(kernel_set_isa(KERNELS_SKX), VECTOR_AVX512);
    assert_int_equal(kernel_set_isa(KERNELS_HASWELL), VECTOR_AVX2);
    assert_int_equal(kernel_set_isa(KERNELS_ZEN), VECTOR_AVX2);
    assert_int_equal(kernel_set_isa(KERNELS_SANDYBRIDGE), VECTOR_SSE2);
    assert_int_equal(kernel_set_isa(KERNELS_GENERIC), VECTOR_SSE2);
}

static void test_every_set_has_a_name(void **state)
{
    (void)state;
    for (int set = 0; set < KERNELS_COUNT; set++)
        assert_non_null(kernel_set_names[set]);
    assert_null(kernel_set_names[KERNELS_COUNT]);
    assert_string_equal(kernel_set_names[KERNELS_AMX], "amx");
    assert_string_equal(kernel_set_names[KERNELS_SKX], "skx");
    assert_string_equal(kernel_set_names[KERNELS_GENERIC], "generic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_best_set_is_the_newest_that_the_cpu_has),
        cmocka_unit_test(test_a_cpu_with_avx2_and_fma_never_runs_generic_kernels),
        cmocka_unit_test(test_a_set_that_the_cpu_cannot_run_says_what_is_missing),
        cmocka_unit_test(test_our_own_vector_code_needs_no_more_than_the_set),
        cmocka_unit_test(test_every_set_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
