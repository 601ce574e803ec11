/* The keys that begin with what a cell works on, against SHA-256 over text that is written here. */
#include "support/matrix_text.h"

#include "base/sha256.h"
#include "base/text.h"
#include "base/version.h"
#include "planning/inputs.h"
#include "settings/settings.h"
#include "stages/stage_format.h"

static const struct pb_inputs inputs = {
    .data = "images", .pretraining_data = "pictures", .weights = "weights", .backend = "skx"};

/* Two cells of a matrix; the first is pretrained as the second is. */
struct fixture {
    struct pb_matrix *matrix;
    struct pb_cell_config config;
};

static struct fixture begin(void **state)
{
    struct fixture fixture = {.matrix = read_matrix(state, HEAD TAIL)};
    fixture.config = *fixture.matrix->cells[0];
    fixture.config.seed = 7;
    fixture.config.pretraining = fixture.matrix->cells[1];
    return fixture;
}

static void assert_key_of(struct pb_text *text, const char *key)
{
    char expected[65];
    assert_false(text->failed);
    pb_sha256_of(text->data, text->length, expected);
    assert_string_equal(key, expected);
    pb_text_free(text);
}

static void append_backend(const struct pb_cell_config *config, struct pb_text *text)
{
    const struct pb_settings_sink sink = pb_settings_into(text);
    pb_text_append(text, "kernels=skx\n");
    pb_settings_choice(&sink, "backend", &config->backend, true);
}

static void test_the_first_key_has_the_digest_of_what_computes(void **state)
{
    struct pb_error error = {0};
    struct pb_text text = {0};
    char key[65];
    struct fixture fixture = begin(state);
    const struct pb_settings_sink sink = pb_settings_into(&text);
    assert_int_equal(pb_inputs_root_key(&inputs, &fixture.config, "before", key, &error), PB_OK);
    pb_text_append(&text, "prunebench stage " PB_STAGE_FORMAT "\nnumerics=%s\nseed=7\n", pb_numerics);
    pb_text_append(&text, "data=images\nweights=weights\npretraining=before\n");
    pb_settings_model(&sink, &fixture.config);
    pb_settings_data(&sink, &fixture.config);
    append_backend(&fixture.config, &text);
    assert_key_of(&text, key);
    pb_matrix_free(&fixture.matrix);
}

static void test_the_pretrainings_key_has_it_too(void **state)
{
    struct pb_error error = {0};
    struct pb_text text = {0};
    char key[65];
    struct fixture fixture = begin(state);
    const struct pb_settings_sink sink = pb_settings_into(&text);
    assert_int_equal(pb_inputs_pretraining_key(&inputs, &fixture.config, key, &error), PB_OK);
    pb_text_append(&text, "prunebench stage " PB_STAGE_FORMAT "\nnumerics=%s\n", pb_numerics);
    pb_text_append(&text, "pretraining\ndata=pictures\n");
    pb_settings_pretraining(&sink, fixture.config.pretraining);
    append_backend(&fixture.config, &text);
    assert_key_of(&text, key);
    pb_matrix_free(&fixture.matrix);
}

static void root_key_of(const struct pb_cell_config *config, char key[65])
{
    struct pb_error error = {0};
    assert_int_equal(pb_inputs_root_key(&inputs, config, "before", key, &error), PB_OK);
}

/* A size that is the head's default is the same whether it is given or not. */
static void test_another_head_or_size_of_it_is_another_key(void **state)
{
    struct fixture fixture = begin(state);
    struct pb_cell_config *config = &fixture.config;
    char own[65], pooled[65], sketched[65], same[65], smaller[65];
    root_key_of(config, own);
    config->model.head.choice = PB_HEAD_GAP;
    root_key_of(config, pooled);
    config->model.head.choice = PB_HEAD_TENSOR_SKETCH;
    root_key_of(config, sketched);
    config->model.head.dimension = pb_head_row(PB_HEAD_TENSOR_SKETCH)->dimension;
    root_key_of(config, same);
    config->model.head.dimension = 512;
    root_key_of(config, smaller);
    assert_string_not_equal(own, pooled);
    assert_string_not_equal(pooled, sketched);
    assert_string_equal(sketched, same);
    assert_string_not_equal(sketched, smaller);
    pb_matrix_free(&fixture.matrix);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_key_has_the_digest_of_what_computes),
        TEST(test_the_pretrainings_key_has_it_too),
        TEST(test_another_head_or_size_of_it_is_another_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
