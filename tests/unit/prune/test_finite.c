/* A value that is not finite is found wherever it is, by one thread or several. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "prune/finite.h"

enum { CHANNELS = 5, COUNT = 3 * 65536 + 1 };

static void test_each_place_is_looked_at(void **state)
{
    (void)state;
    const size_t places[] = {0, 65535, 65536, 2 * 65536 + 7, COUNT - 1};
    const float wrong[] = {NAN, INFINITY, -INFINITY};
    float *values = pb_calloc(COUNT, sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < COUNT; i++)
        values[i] = i % 2 ? 3.4e38F : -1e-45F; /* the largest and the smallest exponents of what is finite */
    for (uint32_t threads = 0; threads <= 3; threads++) {
        const struct pb_shown_values shown = {
            .values = values, .count = COUNT, .run = 1, .channels = CHANNELS, .threads = threads};
        struct pb_error error = {0};
        assert_int_equal(pb_check_finite("conv1", "the activation", shown, &error), PB_OK);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
                char channel[64];
                const float before = values[places[i]];
                values[places[i]] = wrong[w];
                assert_int_equal(pb_check_finite("conv1", "the activation", shown, &error), PB_ERROR_RUN);
                (void)snprintf(channel, sizeof channel, "layer 'conv1', channel %zu: a value of the activation",
                               places[i] % CHANNELS);
                assert_non_null(strstr(error.text, channel));
                values[places[i]] = before;
            }
    }
    pb_free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_place_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
