/* A cell's record as JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "results/fields_json.h"
#include "results/record_fields.h"
#include "support/full_record.h"

/* "accuracy/0/top1". */
static json_t *at(json_t *whole, const char *path)
{
    char name[64];
    for (size_t length; whole && *path; path += length + (path[length] == '/')) {
        length = strcspn(path, "/");
        assert_true(length < sizeof name);
        memcpy(name, path, length);
        name[length] = '\0';
        whole = json_is_array(whole) ? json_array_get(whole, (size_t)(name[0] - '0')) : json_object_get(whole, name);
    }
    return whole;
}

static void test_every_kind_of_member_is_there(void **state)
{
    (void)state;
    struct pb_record record;
    full_record(&record);
    json_t *whole = pb_fields_json(&pb_record_fields, &record);
    assert_non_null(whole);
    assert_string_equal(json_string_value(at(whole, "id")), record.id);
    assert_string_equal(json_string_value(at(whole, "status")), "timed-out");
    assert_string_equal(json_string_value(at(whole, "failure/message")), record.message);
    assert_string_equal(json_string_value(at(whole, "failure/signal")), "SIGKILL");
    assert_string_equal(json_string_value(at(whole, "config/a.b")), record.config[0].value);
    assert_string_equal(json_string_value(at(whole, "provenance/host")), "second");
    assert_true(json_real_value(at(whole, "cost/0/params")) ==
                18446744073709551616.0); /* no JSON integer is so large */
    assert_int_equal(json_integer_value(at(whole, "cost/0/nonzero-macs")), INT64_C(1) << 41);
    assert_int_equal(json_integer_value(at(whole, "cost/0/widths/2")), UINT32_MAX);
    assert_true(json_real_value(at(whole, "accuracy/0/top1")) == 0.1 + 0.2);
    assert_null(at(whole, "accuracy/0/top5")); /* not known */
    assert_true(json_is_null(at(whole, "accuracy/0/loss"))); /* infinite */
    assert_true(json_is_true(at(whole, "latency/0/noisy")));
    assert_int_equal(json_integer_value(at(whole, "epoch/0/n")), 7);
    assert_int_equal(json_integer_value(at(whole, "data/train-per-class/1")), 7);
    assert_int_equal(json_array_size(at(whole, "pruning")), record.pruning_count);
    assert_int_equal(json_array_size(at(whole, "trial")), record.trial_count);
    assert_int_equal(json_integer_value(at(whole, "memory/peak-rss-bytes")), INT64_C(1) << 40);
    char *text = json_dumps(whole, 0);
    assert_non_null(text);
    free(text);
    json_decref(whole);
    pb_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_kind_of_member_is_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
