/* A plugin of an older minor version, and one of a newer, in structs of the host's own size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <prunebench/criterion.h>

#include "plugin/own_copy.h"

/* What is behind a struct, as far as its owner states it, must not be read: valgrind and sanitizers would say so, and the
 * bytes here would show. */
enum { BEHIND = 0x5a };

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self, (void)layer, (void)scores;
    return PB_OK;
}

struct wide_option {
    struct pb_option option;
    uint64_t grown[3];
};
struct wide_criterion {
    struct pb_criterion criterion;
    uint64_t grown[3];
};
struct wide_plugin {
    struct pb_plugin plugin;
    uint64_t grown[3];
};

static void test_a_grown_plugin_is_read_as_far_as_the_host_knows_it(void **state)
{
    (void)state;
    const struct wide_option options[2] = {{.option = {.name = "first", .offset = 8}, .grown = {1, 2, 3}},
                                           {.option = {.name = "second", .offset = 16}, .grown = {4, 5, 6}}};
    const struct wide_criterion criterion = {.criterion = {.size = sizeof criterion, .score = score},
                                             .grown = {7, 8, 9}};
    const struct wide_plugin wide = {.plugin = {.size = sizeof wide,
                                                .kind = PB_KIND_CRITERION,
                                                .name = "grown",
                                                .options = &options[0].option,
                                                .option_count = 2,
                                                .option_stride = sizeof *options,
                                                .criterion = &criterion.criterion},
                                     .grown = {10, 11, 12}};
    const struct pb_plugin *own = NULL;
    struct pb_error error;
    assert_int_equal(pb_plugin_own_copy(&wide.plugin, &own, &error), PB_OK);
    assert_string_equal(own->name, "grown");
    assert_int_equal(own->option_stride, sizeof(struct pb_option));
    assert_string_equal(own->options[1].name, "second");
    assert_int_equal(own->options[1].offset, 16);
    assert_true(own->criterion->score == score);
    pb_plugin_own_free(own);
}

static void test_what_a_plugin_does_not_state_is_zero(void **state)
{
    (void)state;
    const size_t stated = offsetof(struct pb_criterion, destroy), options_size = offsetof(struct pb_option, choices);
    struct pb_criterion *criterion = malloc(sizeof *criterion);
    char *options = malloc(2 * sizeof(struct pb_option));
    assert_true(criterion && options);
    memset(criterion, BEHIND, sizeof *criterion);
    memset(options, BEHIND, 2 * sizeof(struct pb_option));
    criterion->size = stated;
    criterion->score = score;
    const char *const names[2] = {"first", "second"};
    for (size_t i = 0; i < 2; i++) /* rows that end before choices */
        memcpy(options + i * options_size, &names[i], sizeof names[i]);
    const struct pb_plugin plugin = {.size = offsetof(struct pb_plugin, schedule),
                                     .kind = PB_KIND_CRITERION,
                                     .options = (const struct pb_option *)(const void *)options,
                                     .option_count = 2,
                                     .option_stride = (uint32_t)options_size,
                                     .criterion = criterion,
                                     .dataset = (const struct pb_dataset *)(const void *)options};
    const struct pb_plugin *own = NULL;
    struct pb_error error;
    assert_int_equal(pb_plugin_own_copy(&plugin, &own, &error), PB_OK);
    assert_true(own->criterion->score == score);
    assert_null(own->criterion->destroy);
    assert_null(own->dataset);
    assert_string_equal(own->options[1].name, "second");
    assert_null(own->options[1].choices);
    assert_int_equal(own->options[1].offset, 0);
    pb_plugin_own_free(own);
    free(criterion);
    free(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_grown_plugin_is_read_as_far_as_the_host_knows_it),
        cmocka_unit_test(test_what_a_plugin_does_not_state_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
