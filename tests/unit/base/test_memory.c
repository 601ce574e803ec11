/* Allocation: zeroed, aligned, checked for overflow, and made to fail on demand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"

static void test_blocks_are_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t count = 0; count < 200; count += 13) {
        unsigned char *block = pb_calloc(count, 3);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % PB_ALIGNMENT, 0);
        for (size_t i = 0; i < count * 3; i++)
            assert_int_equal(block[i], 0);
        memset(block, 0xff, count * 3);
        pb_free(block);
    }
}

static void test_sizes_that_overflow_are_refused(void **state)
{
    size_t result = 17;
    (void)state;
    assert_null(pb_calloc(SIZE_MAX / 2, 3));
    assert_null(pb_calloc(SIZE_MAX, 1));
    assert_false(pb_multiply(SIZE_MAX, 2, &result));
    assert_false(pb_add(SIZE_MAX, 1, &result));
    assert_int_equal(result, 17);
    assert_true(pb_multiply(6, 7, &result));
    assert_int_equal(result, 42);
    assert_true(pb_add(SIZE_MAX - 1, 1, &result));
    assert_true(result == SIZE_MAX);
}

static void test_growing_keeps_the_old_and_zeroes_the_new(void **state)
{
    (void)state;
    uint32_t *numbers = pb_realloc(NULL, 0, 3, sizeof *numbers);
    assert_non_null(numbers);
    for (uint32_t i = 0; i < 3; i++)
        numbers[i] = i + 1;
    numbers = pb_realloc(numbers, 3, 100, sizeof *numbers);
    assert_non_null(numbers);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], i < 3 ? i + 1 : 0);
    uint32_t *shrunk = pb_realloc(numbers, 100, 2, sizeof *numbers);
    assert_non_null(shrunk);
    assert_int_equal(shrunk[1], 2);
    assert_null(pb_realloc(shrunk, 2, SIZE_MAX / 2, sizeof *shrunk));
    assert_int_equal(shrunk[0], 1); /* a failure leaves the block */
    pb_free(shrunk);
}

static void test_the_chosen_allocation_fails_and_only_that_one(void **state)
{
    (void)state;
    pb_memory_fail_after(1);
    void *first = pb_calloc(1, 1), *second = pb_calloc(1, 1), *third = pb_calloc(1, 1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    pb_free(first);
    pb_free(third);
    pb_memory_fail_after(0);
    pb_memory_fail_after(-1);
    void *block = pb_calloc(1, 1);
    assert_non_null(block);
    pb_free(block);
}

static void test_strings_are_copied_and_made(void **state)
{
    (void)state;
    char *copy = pb_strdup("filters");
    assert_string_equal(copy, "filters");
    pb_free(copy);
    copy = pb_strndup("filters", 3);
    assert_string_equal(copy, "fil");
    pb_free(copy);
    copy = pb_strndup("ab", 30);
    assert_string_equal(copy, "ab");
    pb_free(copy);
    copy = pb_format("%s-%03d", "conv", 7);
    assert_string_equal(copy, "conv-007");
    pb_free(copy);
    pb_memory_fail_after(0);
    assert_null(pb_format("%d", 1));
}

static void test_a_text_that_failed_to_grow_says_so_and_stays(void **state)
{
    struct pb_text text = {0};
    (void)state;
    pb_text_append(&text, "%s", "begun");
    pb_memory_fail_after(0);
    for (int i = 0; i < 100; i++)
        pb_text_append(&text, "%s", "more and more");
    assert_true(text.failed);
    assert_true(pb_starts_with(text.data, "begunmore and more"));
    assert_int_equal(text.length, strlen(text.data));
    pb_text_free(&text);
    assert_null(text.data);
    assert_false(text.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_zeroed_and_aligned),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_growing_keeps_the_old_and_zeroes_the_new),
        cmocka_unit_test(test_the_chosen_allocation_fails_and_only_that_one),
        cmocka_unit_test(test_strings_are_copied_and_made),
        cmocka_unit_test(test_a_text_that_failed_to_grow_says_so_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
