/* Why a stored result is not the cell's own, where its settings are the same: what it works on, or code, has changed. */
#include "support/matrix_text.h"

#include "base/version.h"
#include "coordinator/rerun.h"

/* A document of the matrix's first cell. */
struct stored {
    struct pb_matrix *matrix;
    struct pb_record record;
};

static void must_be_ok(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

static struct stored begin(void **state)
{
    struct pb_error error = {0};
    struct stored stored = {.matrix = read_matrix(state, HEAD TAIL)};
    pb_record_init(&stored.record);
    must_be_ok(pb_cell_describe(stored.matrix->cells[0], &stored.record, &error), &error);
    return stored;
}

static void add(struct stored *stored, const char *key, const char *value)
{
    struct pb_error error = {0};
    must_be_ok(pb_record_provenance(&stored->record, key, value, &error), &error);
}

static void assert_why(const struct stored *stored, const char *inputs, const char *expected)
{
    struct pb_error error = {0};
    char *why = NULL;
    bool baseline = true;
    must_be_ok(pb_rerun_why(stored->matrix->cells[0], inputs, &stored->record, &why, &baseline, &error), &error);
    assert_string_equal(why, expected);
    assert_false(baseline);
    pb_free(why);
}

static void end(struct stored *stored)
{
    pb_record_free(&stored->record);
    pb_matrix_free(&stored->matrix);
}

static void test_the_plugin_whose_code_has_changed_is_named(void **state)
{
    static const struct {
        const char *key, *same, *other, *expected;
    } kinds[] = {{"dataset-plugin", "birds 1.0.0 sha256:00", "birds 1.0.0 sha256:11",
                  "the code of the dataset plugin 'birds' has changed"},
                 {"criterion-plugin", "bn-scale 1.0.0 sha256:00", "bn-scale 1.0.0 sha256:11",
                  "the code of the criterion plugin 'bn-scale' has changed"},
                 {"schedule-plugin", "one-shot 1.0.0 sha256:00", "one-shot 1.0.0 sha256:11",
                  "the code of the schedule plugin 'one-shot' has changed"},
                 {"backend-plugin", "blis 1.0.0 sha256:00", "blis 1.0.0 sha256:11",
                  "the code of the backend plugin 'blis' has changed"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct stored stored = begin(state);
        add(&stored, kinds[i].key, kinds[i].same);
        assert_why(&stored, "", "the code of a plugin or of prunebench has changed");
        add(&stored, kinds[i].key, kinds[i].other);
        assert_why(&stored, "", kinds[i].expected);
        end(&stored);
    }
}

static void test_the_programs_own_code_is_named(void **state)
{
    struct stored stored = begin(state);
    add(&stored, "numerics", pb_numerics);
    assert_why(&stored, "", "the code of a plugin or of prunebench has changed");
    add(&stored, "numerics", "another digest");
    assert_why(&stored, "", "prunebench's own code that decides numbers has changed");
    end(&stored);
}

static void test_what_the_cell_works_on_is_named_before_code(void **state)
{
    struct stored stored = begin(state);
    add(&stored, "numerics", "another digest");
    add(&stored, PB_KEY_INPUTS, "images");
    assert_why(&stored, "images", "prunebench's own code that decides numbers has changed");
    assert_why(&stored, "other images", "its images, labels, pretrained weights or teacher have changed");
    end(&stored);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_plugin_whose_code_has_changed_is_named),
        TEST(test_the_programs_own_code_is_named),
        TEST(test_what_the_cell_works_on_is_named_before_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
