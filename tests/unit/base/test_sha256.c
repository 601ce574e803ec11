/* SHA-256 against FIPS 180-4's examples and, around the block's edges, Python's hashlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "support/folder.h"

static void assert_hash(const char *data, size_t length, const char *expected)
{
    char hex[65];
    pb_sha256_of(data, length, hex);
    assert_string_equal(hex, expected);
}

static void test_the_standards_examples(void **state)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    (void)state;
    assert_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hash(two_blocks, strlen(two_blocks), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void test_a_million_letters_in_uneven_pieces(void **state)
{
    static char letters[1000];
    struct pb_sha256 hash;
    char hex[65];
    size_t left = 1000000, piece = 1;
    (void)state;
    memset(letters, 'a', sizeof letters);
    pb_sha256_init(&hash);
    while (left > 0) {
        const size_t taken = piece < left ? piece : left;
        pb_sha256_update(&hash, letters, taken);
        left -= taken;
        piece = (piece * 7 + 3) % 1000;
    }
    pb_sha256_finish(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_lengths_around_the_block(void **state)
{
    static const struct {
        size_t length;
        const char *hex;
    } cases[] = {
        {1, "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5"},
        {55, "e7313d333c272e639f790978283f9eb392e843d0f29b7016828bb1daa4aac70b"},
        {56, "4324d65f3c103567f5589c710bc08f8523f929a9272e3af36fc968e52abc6c27"},
        {57, "35df609437dcfea3279283ab79fd554e2bf78f8f7ae2de532d8ee300b09e8f73"},
        {63, "81c80242132f230c3bd41b3e63bbcff16107339549214a99614ff26664625055"},
        {64, "39e3d7b6b5d075d37d053ad89b24b41bef4f3c29760c84447cab3f3be1882241"},
        {65, "aacca6ff74fdbb296d165a45cecfa04e5127bc008770fbbdd48006f2d2fae95e"},
        {119, "9ce7368e4daf32341631b492e80359dc9f594b48453cd0dd5bf0b19279cc177e"},
        {120, "7836b787757e95e58b3ca5aec90b1b004e8deba1e50e9675af9cabf1a13a04b5"},
        {128, "d2742f1f4ac6bb7ca2b239ee18402ba8b3f9f8e652d2a72973c2b9ba11c08cf6"},
        {1000, "1e9bc38cbf860b9ec31918b065f9b52476c549a782e0e7990bed8ce3868d2371"},
    };
    char data[1000];
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(unsigned char)((i * 7 + 3) % 256);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_hash(data, cases[i].length, cases[i].hex);
}

static void test_a_files_hash_is_its_contents_hash(void **state)
{
    struct pb_error error = {0};
    char hex[65] = "untouched";
    const char *path = folder_path(state, "abc");
    assert_int_not_equal(pb_sha256_file(path, hex, &error), PB_OK);
    assert_string_equal(hex, "untouched");
    assert_non_null(strstr(error.text, path));
    assert_int_equal(pb_file_write_atomic(path, "abc", 3, &error), PB_OK);
    assert_int_equal(pb_sha256_file(path, hex, &error), PB_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_standards_examples),
        cmocka_unit_test(test_a_million_letters_in_uneven_pieces),
        cmocka_unit_test(test_lengths_around_the_block),
        cmocka_unit_test_setup_teardown(test_a_files_hash_is_its_contents_hash, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
