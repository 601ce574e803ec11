/* Checksums of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/memory.h"

/* Worked out by the xxhsum program: `printf '' | xxhsum -H3`, `printf 'a network' | xxhsum -H3`. */
static void test_it_is_the_published_hash(void **state)
{
    (void)state;
    assert_true(pb_checksum(0, "", 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(pb_checksum(0, "a network", 9) == UINT64_C(0x70f370864fc9315f));
}

static void test_every_flipped_bit_changes_it(void **state)
{
    (void)state;
    unsigned char bytes[300] = {0};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(7 * i);
    const uint64_t good = pb_checksum(0, bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(pb_checksum(0, bytes, sizeof bytes) != good);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(pb_checksum(0, bytes, sizeof bytes) == good);
    assert_true(pb_checksum(0, bytes, sizeof bytes - 1) != good);
    assert_true(pb_checksum(1, bytes, sizeof bytes) != good);
}

static void test_parts_are_hashed_as_one(void **state)
{
    (void)state;
    static unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i);
    for (size_t cut = 0; cut <= sizeof bytes; cut += 499) {
        const struct pb_bytes parts[] = {{bytes, cut}, {NULL, 0}, {bytes + cut, sizeof bytes - cut}};
        assert_true(pb_checksum_parts(parts, 3) == pb_checksum(0, bytes, sizeof bytes));
    }
}

static void test_it_is_written_as_sixteen_digits(void **state)
{
    (void)state;
    char digits[PB_CHECKSUM_DIGITS + 1];
    pb_checksum_format(0xabc, digits);
    assert_string_equal(digits, "0000000000000abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_the_published_hash),
        cmocka_unit_test(test_every_flipped_bit_changes_it),
        cmocka_unit_test(test_parts_are_hashed_as_one),
        cmocka_unit_test(test_it_is_written_as_sixteen_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
