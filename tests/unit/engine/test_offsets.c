/* Offsets by lifetime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "engine/layout.h"

static size_t place(struct pb_storage *storages, uint32_t count)
{
    size_t floats = 0;
    struct pb_error error = {0};
    assert_int_equal(pb_arena_place(storages, count, &floats, &error), PB_OK);
    return floats;
}

static void test_storages_that_live_one_after_the_other_share_memory(void **state)
{
    (void)state;
    struct pb_storage chain[] = {{.floats = 64, .first = 0, .last = 1},
                                 {.floats = 32, .first = 1, .last = 2},
                                 {.floats = 64, .first = 2, .last = 3}};
    assert_int_equal(place(chain, 3), 96);
    assert_int_equal(chain[0].offset, chain[2].offset);
}

static void test_offsets_are_whole_cache_lines(void **state)
{
    (void)state;
    struct pb_storage odd[] = {{.floats = 1, .last = 9}, {.floats = 17, .last = 9}, {.floats = 5, .last = 9}};
    assert_int_equal(place(odd, 3), 32 + 16 + 16);
    for (int i = 0; i < 3; i++)
        assert_int_equal(odd[i].offset % 16, 0);
}

static void test_storages_that_live_together_never_overlap(void **state)
{
    (void)state;
    struct pb_rng rng;
    pb_rng_init(&rng, 1, "arena");
    for (int round = 0; round < 200; round++) {
        struct pb_storage storages[40];
        for (uint32_t i = 0; i < 40; i++) {
            const uint32_t first = pb_rng_below(&rng, 30);
            storages[i] = (struct pb_storage){
                .floats = 1 + pb_rng_below(&rng, 200), .first = first, .last = first + pb_rng_below(&rng, 8)};
        }
        const size_t floats = place(storages, 40);
        for (uint32_t i = 0; i < 40; i++) {
            const struct pb_storage *a = &storages[i];
            assert_true(a->offset + a->floats <= floats);
            for (uint32_t k = 0; k < i; k++) {
                const struct pb_storage *b = &storages[k];
                const bool together = a->first <= b->last && b->first <= a->last;
                const bool apart = a->offset + a->floats <= b->offset || b->offset + b->floats <= a->offset;
                assert_true(apart || !together);
            }
        }
    }
}

static void test_sizes_beyond_the_address_space_are_refused(void **state)
{
    (void)state;
    struct pb_storage huge[] = {{.floats = SIZE_MAX / 8}, {.floats = SIZE_MAX / 8}};
    size_t floats = 7;
    struct pb_error error = {0};
    assert_int_equal(pb_arena_place(huge, 2, &floats, &error), PB_ERROR_INPUT);
    assert_int_equal(floats, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storages_that_live_one_after_the_other_share_memory),
        cmocka_unit_test(test_offsets_are_whole_cache_lines),
        cmocka_unit_test(test_storages_that_live_together_never_overlap),
        cmocka_unit_test(test_sizes_beyond_the_address_space_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
