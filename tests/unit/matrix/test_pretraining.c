/* <pretraining>: a training of its own that models start from, and what is wrong with one. */
#include "support/matrix_text.h"

#include "cell/cell.h"
#include "planning/chain.h"

#define BEGIN                                                                                                          \
    "<matrix xmlns=\"urn:prunebench:matrix:1\" name=\"t\">\n"                                                          \
    "  <dataset plugin=\"birds\" root=\"b\"/>\n"                                                                       \
    "  <dataset plugin=\"cars\" root=\"c\"/>\n"                                                                        \
    "  <criterion plugin=\"bn-scale\"/>\n"                                                                             \
    "  <schedule plugin=\"one-shot\"/>\n"                                                                              \
    "  <targets>0.2 0.4</targets>\n"                                                                                   \
    "  <training epochs=\"5\" lr=\"0.5\" momentum=\"0.8\"/>\n"
#define OTHERS "<pretraining label='others' plugin='aircraft' root='o'><training epochs='9'/></pretraining>\n"

static void test_models_start_from_a_pretraining_that_no_override_changes(void **state)
{
    struct pb_matrix *matrix = read_matrix(
        state, BEGIN OTHERS "<seeds>4</seeds><augment rotate='3'/>"
                            "<model name='vgg11-bcnn' image-size='32' widths='1 2 3 4 5 6 7 8' pretraining='others'/>"
                            "<model name='vgg11-bcnn' label='fresh' image-size='32'/>"
                            "<override model='vgg11-bcnn'><training epochs='7' lr='0.1'/></override>" TAIL);
    assert_int_equal(matrix->cell_count, 8);
    const struct pb_cell_config *c = cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s4"),
                                *before = c->pretraining;
    assert_non_null(before);
    assert_int_equal(c->training.epochs, 7);
    assert_int_equal(before->training.epochs, 9); /* its own */
    assert_true(before->training.lr == 0.5 && before->training.momentum == 0.8); /* the matrix's */
    assert_true(before->training.lambda[PB_PENALTY_NORMS] == 0 &&
                before->training.lambda[PB_PENALTY_LAST_NORM] == 0); /* nothing will be pruned */
    assert_true(before->preprocess.rotate == 3);
    assert_string_equal(before->dataset_root, "o");
    assert_string_equal(before->dataset.label, "others");
    assert_int_equal(before->seed, 4);
    assert_int_equal(before->model.widths.count, 8);
    assert_int_equal(before->model.widths.list[7].channels, 8);
    assert_int_equal(before->preprocess.image_size, 32);
    assert_null(cell(matrix, "birds.fresh.bn-scale.one-shot.blis.r20.s4")->pretraining);
    pb_matrix_free(&matrix);
}

static void test_a_pretraining_may_have_a_seed_a_head_and_a_penalty_of_its_own(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, BEGIN "<pretraining label='others' plugin='aircraft' root='o' model='vgg11-gap' seed='11'>"
                                 "<sparsity lambda='1e-3'/></pretraining><seeds>4 5</seeds>"
                                 "<model name='vgg11-bcnn' image-size='32' pretraining='others'/>" TAIL);
    for (uint32_t i = 0; i < matrix->cell_count; i++) {
        const struct pb_cell_config *before = matrix->cells[i]->pretraining;
        assert_int_equal(before->seed, 11);
        assert_string_equal(before->model.name, "vgg11-gap");
        assert_true(before->training.lambda[PB_PENALTY_NORMS] == 1e-3 &&
                    before->training.lambda[PB_PENALTY_LAST_NORM] == 1e-3);
        assert_string_equal(matrix->cells[i]->model.name, "vgg11-bcnn");
    }
    pb_matrix_free(&matrix);
}

/* The first link's key. */
static char *first_key(const struct pb_cell_config *config, const char *name)
{
    struct pb_chain chain = {0};
    struct pb_error error = {0};
    struct pb_inputs inputs;
    if (pb_chain_start(&chain, config, &error) != PB_OK || pb_inputs_unknown(config, &inputs, &error) != PB_OK ||
        pb_chain_set_inputs(&chain, &inputs, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_string_equal(chain.links[0].name, name);
    char *key = pb_strdup(chain.links[0].key);
    pb_chain_free(&chain);
    return key;
}

static void test_cells_of_all_data_sets_share_the_stage_that_a_pretraining_adds(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, BEGIN "<pretraining label='others' plugin='aircraft' root='o' seed='1'/><seeds>4 5</seeds>"
                                 "<model name='vgg11-bcnn' image-size='32' pretraining='others'/>"
                                 "<model name='vgg11-bcnn' label='wide' image-size='32' width-multiplier='2' "
                                 "pretraining='others'/>" TAIL);
    char *key = first_key(cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s4"), "pretrain");
    char *other = first_key(cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.r40.s5"), "pretrain");
    char *wide = first_key(cell(matrix, "birds.wide.bn-scale.one-shot.blis.r20.s4"), "pretrain");
    assert_string_equal(key, other);
    assert_string_not_equal(key, wide);
    pb_free(key);
    pb_free(other);
    pb_free(wide);
    pb_matrix_free(&matrix);
}

#define MODEL "<model name='vgg11-bcnn' pretraining='others'/>\n"

static void test_a_reference_to_nothing_names_what_there_is(void **state)
{
    assert_refused(state, BEGIN OTHERS "<model name='vgg11-bcnn' pretraining='other'/>" TAIL,
                   "m.xml:9: <model> pretraining='other': there is no <pretraining> of that label; the matrix has: "
                   "others");
    assert_refused(state, BEGIN MODEL TAIL,
                   "m.xml:8: <model> pretraining='others': there is no <pretraining> of that label; the matrix has: "
                   "none");
    assert_refused(state,
                   BEGIN OTHERS "<model name='vgg11-bcnn' pretraining='others' pretrained='w.safetensors'/>" TAIL,
                   "m.xml:9: <model> has pretraining='others' and pretrained='w.safetensors'; a trunk starts from one "
                   "of them");
}

static void test_what_a_pretraining_must_have_and_may_not_is_said(void **state)
{
    assert_refused(state, BEGIN "<pretraining plugin='aircraft' root='o'/>" MODEL TAIL,
                   "m.xml:8: <pretraining>: attribute 'label' is missing");
    assert_refused(state, BEGIN "<pretraining label='others' root='o'/>" MODEL TAIL,
                   "m.xml:8: <pretraining>: attribute 'plugin' is missing");
    assert_refused(state, BEGIN "<pretraining label='others' plugin='aircraft'/>" MODEL TAIL,
                   "m.xml:8: <pretraining>: attribute 'root' is missing; it says which folder has its images");
    assert_refused(state, BEGIN OTHERS OTHERS MODEL TAIL,
                   "m.xml:9: pretraining 'others' is on line 8 already; give one of them another label");
    assert_refused(state, BEGIN "<pretraining label='others' plugin='aircraft' root='o' seed='-1'/>" MODEL TAIL,
                   "m.xml:8: <pretraining>: seed='-1' is not a whole number from 0 up");
    assert_refused(state, BEGIN "<pretraining label='others' plugin='aircraft' root='o' model='vgg11-bcn'/>" MODEL TAIL,
                   "m.xml:8: unknown model 'vgg11-bcn'; did you mean 'vgg11-bcnn'?");
    assert_refused(
        state,
        BEGIN "<pretraining label='others' plugin='aircraft' root='o'><latency runs='1'/></pretraining>" MODEL TAIL,
        "m.xml:8: <pretraining>: unknown element <latency>; known are: training, sparsity, augment, "
        "preprocess, option");
    assert_refused(state,
                   BEGIN
                   "<pretraining label='others' plugin='aircraft' root='o'><sparsity lambda='1'/></pretraining>"
                   "<sparsity lambda='0'/>\n<model name='vgg11-bcnn' batch-norm='false' pretraining='others'/>" TAIL,
                   "m.xml:8: <pretraining>: its <sparsity> penalises the γ of batch norms, and model 'vgg11-bcnn' has "
                   "none (batch-norm='false')");
}

int main(void)
{
#define TEST_IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(test_models_start_from_a_pretraining_that_no_override_changes),
        TEST_IN_FOLDER(test_a_pretraining_may_have_a_seed_a_head_and_a_penalty_of_its_own),
        TEST_IN_FOLDER(test_cells_of_all_data_sets_share_the_stage_that_a_pretraining_adds),
        TEST_IN_FOLDER(test_a_reference_to_nothing_names_what_there_is),
        TEST_IN_FOLDER(test_what_a_pretraining_must_have_and_may_not_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
