/* Streams: the numbers below were computed by an independent Python implementation of the cited algorithms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>

#include <cmocka.h>

#include "base/rng.h"

static void test_streams_are_fnv_splitmix_and_xoshiro(void **state)
{
    static const struct {
        uint64_t seed;
        const char *name;
        uint64_t numbers[3];
    } cases[] = {
        {0, "", {0x830084a7a61306ba, 0xb4a06c2f025f623a, 0x4b9739573e3681f2}},
        {1, "augment", {0xd33b9d0bcd0b4d27, 0x15631b62af89a650, 0xe0f59bf945212f4a}},
        {2, "augment", {0xd90770af071c1188, 0x9004f6bc77f1cf86, 0x5131b9d38287e5cb}},
        {1, "shuffle", {0x50d3b11ccc89dc7f, 0xca50cf9650b76ae5, 0x43075e2f08a6e101}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pb_rng rng;
        pb_rng_init(&rng, cases[i].seed, cases[i].name);
        for (int j = 0; j < 3; j++)
            assert_true(pb_rng_next(&rng) == cases[i].numbers[j]);
    }
}

static void test_normal_values_are_box_mullers(void **state)
{
    struct pb_rng rng;
    (void)state;
    pb_rng_init(&rng, 5, "normal");
    assert_true(fabs(pb_rng_normal(&rng) - -0.5447198656447971) < 1e-14);
    assert_true(fabs(pb_rng_normal(&rng) - 0.13392550458849334) < 1e-14);
    double sum = 0, squares = 0;
    const int count = 20000;
    for (int i = 0; i < count; i++) {
        const double value = pb_rng_normal(&rng);
        sum += value;
        squares += value * value;
    }
    /* Five standard errors: 1/√n and √(2/n). */
    assert_true(fabs(sum / count) < 5 / sqrt(count));
    assert_true(fabs(squares / count - 1) < 5 * sqrt(2.0 / count));
}

static void test_a_shuffle_is_fisher_yates_from_the_end(void **state)
{
    static const uint32_t expected[10] = {1, 3, 8, 5, 7, 6, 0, 4, 9, 2};
    uint32_t items[10];
    struct pb_rng rng;
    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        items[i] = i;
    pb_rng_init(&rng, 3, "shuffle");
    pb_rng_shuffle(&rng, items, 10);
    assert_memory_equal(items, expected, sizeof items);
    pb_rng_shuffle(&rng, items, 0);
    pb_rng_shuffle(&rng, items, 1);
    assert_memory_equal(items, expected, sizeof items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_are_fnv_splitmix_and_xoshiro),
        cmocka_unit_test(test_normal_values_are_box_mullers),
        cmocka_unit_test(test_a_shuffle_is_fisher_yates_from_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
