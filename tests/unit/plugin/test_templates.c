/* What scripts/new-plugin writes does what it says: each template is built, loaded and called by a small host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "plugin/host.h"
#include "plugin/options.h"
#include "plugin/registry.h"
#include "support/folder.h"
#include "support/task.h"

/* A language that templates are written in. */
struct language {
    const char *suffix, *compiler;
};
static const struct language languages[] = {{"c", "cc -std=c17"}, {"cc", "c++ -std=c++17"}};
static const struct language *language; /* of the group that runs */

/* A template as a plugin that has been created. */
struct built {
    struct pb_registry registry;
    const struct pb_loaded *loaded;
    struct pb_options options;
    struct pb_host_services services;
};

static void build(void **state, enum pb_plugin_kind kind, struct built *built)
{
    struct pb_error error = {0};
    const char *name = pb_kind_name(kind);
    const char *const folders[] = {*state, NULL};
    char *command = pb_format(
        "%s -Wall -Wextra -Werror -D_DEFAULT_SOURCE -fPIC -fvisibility=hidden -I%s/../harness/include "
        "-shared -Wl,-z,defs -o %s/%s.so %s/../scripts/templates/%s.%s -lm",
        language->compiler, PB_TEST_SOURCES, (const char *)*state, name, PB_TEST_SOURCES, name, language->suffix);
    assert_int_equal(system(command), 0);
    pb_free(command);
    assert_int_equal(setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1), 0);
    if (pb_registry_open(folders, &built->registry, &error) != PB_OK ||
        pb_registry_find(&built->registry, kind, "copy-me", NULL, &built->loaded, &error) != PB_OK ||
        pb_options_create(built->loaded->plugin, &built->options, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_host_init(&built->services, "copy-me", 1, 2);
}

static void tear_down(struct built *built)
{
    pb_options_free(&built->options);
    pb_registry_close(&built->registry);
}

static void test_the_criterion_scores_by_mean_magnitude_or_power(void **state)
{
    static const float weight[2 * 4] = {1, -2, 3, -4, 0.5f, 0, 0, -0.5f};
    const struct pb_layer_view layer = {.size = sizeof layer,
                                        .name = "conv",
                                        .channels = 2,
                                        .input_channels = 2,
                                        .kernel_height = 1,
                                        .kernel_width = 2,
                                        .weight = weight};
    struct built built;
    struct pb_error error = {0};
    double scores[2];
    void *self = NULL;
    build(state, PB_KIND_CRITERION, &built);
    const struct pb_criterion *criterion = built.loaded->plugin->criterion;
    assert_int_equal(criterion->create(&built.services.table, built.options.values, &self), PB_OK);
    assert_int_equal(criterion->score(self, &layer, scores), PB_OK);
    assert_true(scores[0] == 2.5 && scores[1] == 0.25);
    assert_int_equal(pb_options_set(&built.options, "power", "2", NULL, &error), PB_OK);
    assert_int_equal(criterion->score(self, &layer, scores), PB_OK);
    assert_true(scores[0] == 7.5 && scores[1] == 0.125);
    criterion->destroy(self);
    tear_down(&built);
}

/* What a schedule asks for, letter by letter; the verb called fail_at fails. */
struct course {
    char verbs[16];
    size_t count, fail_at;
    double target;
    uint32_t epochs[16];
};

static enum pb_status note(const struct pb_verbs *verbs, char verb)
{
    struct course *course = verbs->context;
    assert_true(course->count + 1 < sizeof course->verbs);
    course->verbs[course->count++] = verb;
    return course->count == course->fail_at ? PB_ERROR_RUN : PB_OK;
}

static enum pb_status train(const struct pb_verbs *verbs, const struct pb_train_spec *spec, pb_stage *stage)
{
    struct course *course = verbs->context;
    (void)stage;
    course->epochs[course->count] = spec->epochs;
    return note(verbs, 't');
}

static enum pb_status score(const struct pb_verbs *verbs, pb_stage *stage)
{
    (void)stage;
    return note(verbs, 's');
}

static enum pb_status prune(const struct pb_verbs *verbs, const struct pb_target *target, pb_stage *stage)
{
    struct course *course = verbs->context;
    (void)stage;
    course->target = target->amount;
    return note(verbs, 'p');
}

static enum pb_status recalibrate(const struct pb_verbs *verbs, uint32_t batches, pb_stage *stage)
{
    (void)batches;
    (void)stage;
    return note(verbs, 'r');
}

static void test_the_schedule_prunes_once_to_the_cells_own_target(void **state)
{
    struct test_task task;
    task_fill(&task, PB_MEASURE_CHANNELS, 2, (const double[]){0.2, 0.4}, (const uint32_t[]){3, 5, 7});
    struct built built;
    struct pb_error error = {0};
    void *self = NULL;
    build(state, PB_KIND_SCHEDULE, &built);
    const struct pb_schedule *schedule = built.loaded->plugin->schedule;
    assert_int_equal(schedule->create(&built.services.table, built.options.values, &self), PB_OK);
    static const char *const expected[] = {"tsprt", "t", "ts", "tsp", "tspr", "tsprt"};
    for (size_t fail_at = 0; fail_at <= 5; fail_at++) {
        struct course course = {.fail_at = fail_at};
        const struct pb_verbs verbs = {.size = sizeof verbs,
                                       .context = &course,
                                       .train = train,
                                       .score = score,
                                       .prune = prune,
                                       .recalibrate_bn = recalibrate};
        assert_int_equal(schedule->run(self, &verbs, &task.task), fail_at == 0 ? PB_OK : PB_ERROR_RUN);
        assert_string_equal(course.verbs, expected[fail_at]);
        if (fail_at == 0) {
            assert_true(course.epochs[0] == 3 && course.epochs[4] == 7);
            assert_true(course.target == 0.4);
        }
    }
    assert_int_equal(pb_options_set(&built.options, "recalibrate", "no", NULL, &error), PB_OK);
    struct course course = {0};
    const struct pb_verbs verbs = {.size = sizeof verbs,
                                   .context = &course,
                                   .train = train,
                                   .score = score,
                                   .prune = prune,
                                   .recalibrate_bn = recalibrate};
    assert_int_equal(schedule->run(self, &verbs, &task.task), PB_OK);
    assert_string_equal(course.verbs, "tspt");
    schedule->destroy(self);
    tear_down(&built);
}

static void test_the_backend_has_a_relu_of_its_own(void **state)
{
    enum { count = 100000 };
    struct built built;
    void *self = NULL;
    build(state, PB_KIND_BACKEND, &built);
    const struct pb_backend *backend = built.loaded->plugin->backend;
    float *values = pb_calloc(2 * count, sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < count; i++)
        values[i] = (float)(i - count / 2);
    struct pb_buffer *buffer;
    memcpy(&buffer, &values, sizeof buffer);
    assert_int_equal(backend->create(&built.services.table, built.options.values, &self), PB_OK);
    assert_string_equal(backend->describe(self), "copy-me 1.0.0");
    const struct pb_elementwise_arguments arguments = {
        .size = sizeof arguments, .count = count, .x = {buffer, 0}, .y = {buffer, count}};
    assert_int_equal(backend->relu_forward(self, &arguments), PB_OK);
    for (int i = 0; i < count; i++)
        assert_true(values[count + i] == (float)(i > count / 2 ? i - count / 2 : 0));
    backend->destroy(self);
    pb_free(values);
    tear_down(&built);
}

static void write_list(void **state, const char *text)
{
    struct pb_error error = {0};
    assert_int_equal(pb_file_write_atomic(folder_path(state, "images.txt"), text, strlen(text), &error), PB_OK);
}

static void assert_list_refused(void **state, struct built *built, const char *text, const char *message)
{
    struct pb_dataset_contents contents = {.size = sizeof contents};
    struct pb_error error = {0};
    void *self = NULL;
    write_list(state, text);
    const enum pb_status status =
        built->loaded->plugin->dataset->open(&built->services.table, NULL, *state, &self, &contents);
    assert_int_equal(pb_host_result(&built->services, status, &error), PB_ERROR_INPUT);
    if (strstr(error.text, message) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(self);
    assert_int_equal(contents.sample_count, 0);
}

static void test_the_dataset_reads_its_list_training_split_first(void **state)
{
    struct built built;
    struct pb_dataset_contents contents = {.size = sizeof contents};
    void *self = NULL;
    build(state, PB_KIND_DATASET, &built);
    const struct pb_dataset *dataset = built.loaded->plugin->dataset;
    write_list(state, "test wren b.jpg\r\n\ntrain sparrow with blank.jpg\ntrain wren a/c.jpg");
    assert_int_equal(dataset->open(&built.services.table, NULL, *state, &self, &contents), PB_OK);
    assert_int_equal(contents.class_count, 2);
    assert_string_equal(contents.class_names[0], "wren");
    assert_string_equal(contents.class_names[1], "sparrow");
    assert_int_equal(contents.sample_count, 3);
    const struct pb_sample *samples = contents.samples;
    assert_string_equal(samples[0].path, folder_path(state, "with blank.jpg"));
    assert_string_equal(samples[1].path, folder_path(state, "a/c.jpg"));
    assert_string_equal(samples[2].path, folder_path(state, "b.jpg"));
    assert_true(samples[0].label == 1 && samples[1].label == 0 && samples[2].label == 0);
    assert_true(samples[0].line == 3 && samples[1].line == 4 && samples[2].line == 1);
    assert_true(samples[1].split == PB_SPLIT_TRAIN && samples[2].split == PB_SPLIT_TEST);
    dataset->close(self);
    assert_list_refused(state, &built, "train wren a.jpg\nvalid wren b.jpg\n", "images.txt:2: split 'valid'");
    assert_list_refused(state, &built, "train wren\n", "images.txt:1: expected three fields");
    assert_list_refused(state, &built, "\n", "images.txt: lists no image");
    tear_down(&built);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_criterion_scores_by_mean_magnitude_or_power),
        TEST(test_the_schedule_prunes_once_to_the_cells_own_target),
        TEST(test_the_backend_has_a_relu_of_its_own),
        TEST(test_the_dataset_reads_its_list_training_split_first),
    };
    int failed = 0;
    for (language = languages; language < languages + sizeof languages / sizeof languages[0]; language++)
        failed += cmocka_run_group_tests_name(language->suffix, tests, NULL, NULL);
    return failed;
}
