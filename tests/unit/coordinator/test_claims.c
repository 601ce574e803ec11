/* Claims of cells and marks of those that have ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "coordinator/claims.h"
#include "support/folder.h"
#include "support/held_lease.h"

static const char MATRIX[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char OTHER[] = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static struct pb_claims open_claims(void **state, const char *matrix)
{
    struct pb_error error = {0};
    struct pb_claims claims;
    must(pb_claims_open(folder_path(state, "out"), matrix, &claims, &error), &error);
    return claims;
}

static struct pb_lease *take(const struct pb_claims *claims, const char *id)
{
    struct pb_error error = {0};
    struct pb_lease *lease = NULL;
    must(pb_claims_take(claims, id, &lease, &error), &error);
    return lease;
}

static void mark(const struct pb_claims *claims, const char *id, bool ok)
{
    struct pb_error error = {0};
    must(pb_claims_mark(claims, id, ok, &error), &error);
}

/* Every entry of a listing, "ID+" for a cell that is ok, "ID-" for one that is not, "ID?" for one that is claimed. */
struct listing {
    char text[400];
    unsigned count;
};

static void on_entry(void *argument, const char *id, enum pb_claim_kind kind)
{
    struct listing *listing = argument;
    const size_t length = strlen(listing->text);
    const char signs[] = {[PB_CLAIM_HELD] = '?', [PB_CLAIM_OK] = '+', [PB_CLAIM_FAILED] = '-'};
    (void)snprintf(listing->text + length, sizeof listing->text - length, " %s%c ", id, signs[kind]);
    listing->count++;
}

static struct listing list(const struct pb_claims *claims, size_t *entries)
{
    struct pb_error error = {0};
    struct listing listing = {0};
    must(pb_claims_list(claims, on_entry, &listing, entries, &error), &error);
    return listing;
}

static void put(void **state, const char *name)
{
    struct pb_error error = {0};
    must(pb_file_write_atomic(folder_path(state, name), "x", 1, &error), &error);
}

static void test_a_claim_is_one_file_until_it_is_given_back(void **state)
{
    struct pb_claims claims = open_claims(state, MATRIX);
    struct pb_lease *claim = take(&claims, "a.r10");
    assert_non_null(claim);
    assert_true(pb_file_exists(folder_path(state, "out/queue/a.r10.claim")));
    const struct listing held = list(&claims, NULL);
    assert_string_equal(held.text, " a.r10? ");
    pb_lease_give(&claim);
    assert_false(pb_file_exists(folder_path(state, "out/queue/a.r10.claim")));
    assert_int_equal(list(&claims, NULL).count, 0);
    pb_claims_close(&claims);
}

static void test_a_cell_that_another_process_has_is_not_taken_before_that_ends(void **state)
{
    struct pb_claims claims = open_claims(state, MATRIX);
    struct pb_error error = {0};
    struct pb_lease_watch watch = {0};
    bool free = true;
    const pid_t holder = start_holder(folder_path(state, "out/queue/a.claim"));
    assert_null(take(&claims, "a"));
    must(pb_claims_look(&claims, "a", &watch, &free, &error), &error);
    assert_false(free);
    struct pb_lease *other = take(&claims, "b"); /* one cell's claim is no other's */
    assert_non_null(other);
    pb_lease_give(&other);
    kill_process(holder);
    must(pb_claims_look(&claims, "a", &watch, &free, &error), &error);
    assert_true(free);
    struct pb_lease *claim = take(&claims, "a");
    assert_non_null(claim);
    pb_lease_give(&claim);
    pb_claims_close(&claims);
}

static void test_marks_count_for_the_matrix_that_they_were_made_under(void **state)
{
    struct pb_claims claims = open_claims(state, MATRIX), others = open_claims(state, OTHER);
    size_t entries = 0;
    mark(&claims, "a", true);
    mark(&claims, "b.c", false);
    mark(&claims, "b.c", false); /* twice is once */
    mark(&others, "d", true);
    const struct listing listing = list(&claims, &entries);
    assert_int_equal(listing.count, 2);
    assert_non_null(strstr(listing.text, " a+ "));
    assert_non_null(strstr(listing.text, " b.c- "));
    assert_int_equal(entries, 3);
    assert_true(pb_claims_is_marked(&claims, "a"));
    assert_true(pb_claims_is_marked(&claims, "b.c"));
    assert_false(pb_claims_is_marked(&claims, "d"));
    assert_string_equal(list(&others, NULL).text, " d+ ");
    pb_claims_close(&claims);
    pb_claims_close(&others);
}

static void test_temporary_names_are_neither_claims_nor_marks(void **state)
{
    struct pb_claims claims = open_claims(state, MATRIX);
    size_t entries = 0;
    put(state, "out/queue/a.claim.abcdef-01234567-12-89abcdef.tmp");
    put(state, "out/queue/.a.0123456789ab.ok.abcdef-01234567-12-89abcdef.tmp");
    put(state, "out/queue/a.ok");
    assert_int_equal(list(&claims, &entries).count, 0);
    assert_int_equal(entries, 3);
    pb_claims_close(&claims);
}

static void test_clearing_removes_the_marks_of_other_lists_and_no_claim(void **state)
{
    struct pb_error error = {0};
    struct pb_claims claims = open_claims(state, MATRIX), others = open_claims(state, OTHER);
    size_t entries = 0;
    mark(&claims, "a", true);
    mark(&others, "a", false);
    struct pb_lease *claim = take(&claims, "b");
    must(pb_claims_clear(&claims, &error), &error);
    const struct listing listing = list(&claims, &entries);
    assert_int_equal(listing.count, 2);
    assert_non_null(strstr(listing.text, " a+ "));
    assert_non_null(strstr(listing.text, " b? "));
    assert_int_equal(entries, 2); /* that of the other list is gone */
    assert_null(take(&others, "b")); /* a claim is one for all lists: they write one document */
    pb_lease_give(&claim);
    pb_claims_close(&claims);
    pb_claims_close(&others);
}

static void test_marks_that_cannot_be_read_or_written_are_errors_that_name_them(void **state)
{
    struct pb_error error = {0};
    struct pb_claims claims = open_claims(state, MATRIX);
    struct listing listing = {0};
    must(pb_remove_tree(folder_path(state, "out/queue"), &error), &error);
    assert_int_equal(pb_claims_mark(&claims, "a", true, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "out/queue/a.0123456789ab.ok"));
    assert_int_not_equal(pb_claims_list(&claims, on_entry, &listing, NULL, &error), PB_OK);
    assert_non_null(strstr(error.text, "out/queue"));
    pb_claims_close(&claims);
    put(state, "file");
    assert_int_not_equal(pb_claims_open(folder_path(state, "file"), MATRIX, &claims, &error), PB_OK);
    assert_non_null(strstr(error.text, "/file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_claim_is_one_file_until_it_is_given_back),
        TEST(test_a_cell_that_another_process_has_is_not_taken_before_that_ends),
        TEST(test_marks_count_for_the_matrix_that_they_were_made_under),
        TEST(test_temporary_names_are_neither_claims_nor_marks),
        TEST(test_clearing_removes_the_marks_of_other_lists_and_no_claim),
        TEST(test_marks_that_cannot_be_read_or_written_are_errors_that_name_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
