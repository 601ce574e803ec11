/* What is wrong with a matrix is said with file, line and a way out. */
#include "support/matrix_text.h"

static void test_unknown_names_get_a_suggestion(void **state)
{
    assert_refused(state, HEAD "<trainig lr='1'/>" TAIL,
                   "m.xml:9: <matrix>: unknown element <trainig>; did you mean <training>?");
    assert_refused(
        state, HEAD "<training learning='1'/>" TAIL,
        "m.xml:9: <training>: unknown attribute 'learning'; known are: epochs, lr, lr-policy, lr-factor, "
        "lr-patience, lr-threshold, lr-min, warmup, early-stop, momentum, nesterov, weight-decay, head-epochs, "
        "head-lr, batch, evaluate-batch, selection, validation");
    assert_refused(state, HEAD "\n<training epoch='1'/>" TAIL,
                   "m.xml:10: <training>: unknown attribute 'epoch'; did you mean 'epochs'?");
    assert_refused(state, HEAD "<override dataset='cars'>\n\n<trainin/></override>" TAIL,
                   "m.xml:11: <override>: unknown element <trainin>; did you mean <training>?");
    assert_refused(state, HEAD "<override datset='cars'/>" TAIL,
                   "m.xml:9: <override>: unknown attribute 'datset'; did you mean 'dataset'?");
    assert_refused(state, HEAD "<override dataset='carz'/>" TAIL,
                   "m.xml:9: <override>: unknown dataset 'carz'; did you mean 'cars'?");
    assert_refused(state, HEAD "<exclude target='0.3'/>" TAIL,
                   "m.xml:9: <exclude>: unknown target '0.3'; the matrix has: r20, r40");
    assert_refused(state, HEAD "<training lr-policy='plateu'/>" TAIL,
                   "m.xml:9: <training>: lr-policy='plateu' is not known; did you mean 'plateau'?");
    assert_refused(state, HEAD "<model name='vgg16bcnn'/>" TAIL,
                   "m.xml:9: unknown model 'vgg16bcnn'; did you mean 'vgg16-bcnn'?");
    assert_refused(state, HEAD "<targets measure='mac'>0.5</targets>" TAIL,
                   "m.xml:9: <targets>: unknown measure 'mac'; did you mean 'macs'?");
}

static void test_a_teacher_that_would_not_teach_is_refused(void **state)
{
    assert_refused(
        state, HEAD "<training/>\n<retraining teacher='t.safetensors'/>" TAIL,
        "m.xml:10: <retraining> teacher='t.safetensors' teaches nothing without distillation; add "
        "distillation=\"soft-targets\" or \"logits\", or say distillation=\"none\" where it is not to teach");
    assert_refused(state,
                   HEAD "<retraining distillation='logits' teacher='a.safetensors'/>\n"
                        "<override target='0.4'><retraining teacher='b.safetensors'/></override>" TAIL,
                   "m.xml:10: <retraining> teacher='b.safetensors' and teacher='a.safetensors' are for targets of one "
                   "cell, which has one teacher file; name the same for every target, or make a matrix for each");
}

static void test_unknown_plugins_and_options_get_a_suggestion(void **state)
{
    assert_refused(state, HEAD "<criterion plugin='tailor'/>" TAIL,
                   "m.xml:9: unknown criterion 'tailor'; did you mean 'taylor'?");
    assert_refused(state, HEAD "<criterion plugin='taylor'>\n<option name='grnad' value='1'/></criterion>" TAIL,
                   "m.xml:10: criterion 'taylor': unknown option 'grnad'; did you mean 'grad'?");
    assert_refused(state,
                   HEAD "<criterion plugin='taylor'/><override criterion='taylor'><criterion>\n"
                        "<option name='share' value='7'/></criterion></override>" TAIL,
                   "m.xml:10: criterion 'taylor': option 'share': 7 is out of range; it must be from 0 to 1");
    assert_refused(state, HEAD "<criterion plugin='taylor'>\n<opton name='grad' value='1'/></criterion>" TAIL,
                   "m.xml:10: <criterion>: unknown element <opton>; did you mean <option>?");
    assert_refused(state, HEAD "<criterion plugin='taylor'>\n<option name='grad'/></criterion>" TAIL,
                   "m.xml:10: <option>: attribute 'value' is missing");
}

static void test_a_value_of_an_earlier_version_is_refused_with_what_to_write(void **state)
{
    assert_refused(state, HEAD "<ranking scope='layer'\ncount='thesis'/>" TAIL,
                   "m.xml:10: <ranking>: count='thesis' is of an earlier version; write count=\"threshold\"");
}

static void test_values_out_of_range_are_refused(void **state)
{
    assert_refused(state, HEAD "<training lr='0'/>" TAIL,
                   "m.xml:9: <training>: lr='0' is not a number above 0 and up to 1000");
    assert_refused(state, HEAD "<training epochs='many'/>" TAIL,
                   "m.xml:9: <training>: epochs='many' is not a whole number from 1 to 1000000");
    assert_refused(state, HEAD "<training momentum='1'/>" TAIL,
                   "m.xml:9: <training>: momentum='1' is not a number from 0 and below 1");
    assert_refused(state, HEAD "<training nesterov='maybe'/>" TAIL,
                   "m.xml:9: <training>: nesterov='maybe' is neither 'true' nor 'false'");
    assert_refused(state, HEAD "<limits time='soon'/>" TAIL,
                   "m.xml:9: <limits>: time='soon' is not a time like 90, 15m, 2h or 1d, or 'none'");
    assert_refused(
        state, HEAD "<preprocess mean='0.1 0.2'/>" TAIL,
        "m.xml:9: <preprocess>: mean='0.1 0.2' is not one number, three (red, green, blue) or 'imagenet' from "
        "0 to 1");
    assert_refused(
        state, HEAD "<preprocess std='imagnet'/>" TAIL,
        "m.xml:9: <preprocess>: std='imagnet' is not one number, three (red, green, blue) or 'imagenet' above 0 "
        "and up to 1");
    assert_refused(state, HEAD "<targets measure='macs'>0.5 1</targets>" TAIL,
                   "m.xml:9: <targets>: '1' is not a share above 0 and below 1 (0.4 removes 40 %)");
    assert_refused(
        state, HEAD "<targets measure='threshold'>0.5 0</targets>" TAIL,
        "m.xml:9: <targets>: '0' is not a number above 0 and up to 1e9 (measure=\"threshold\" compares scores "
        "with it)");
    assert_refused(state, HEAD "<targets>0.3</targets>" TAIL,
                   "m.xml:9: <targets>: 0.3 is not above 0.4 before it; list them ascending");
    assert_refused(state, HEAD "<seeds>1 2 1</seeds>" TAIL, "m.xml:9: <seeds>: 1 is listed twice");
    assert_refused(state, HEAD "<seeds>-1</seeds>" TAIL, "m.xml:9: <seeds>: '-1' is not a whole number from 0 up");
    assert_refused(state, HEAD "<seeds> </seeds>" TAIL, "m.xml:9: <seeds> is empty");
}

static void test_a_tie_names_both_lines_and_the_cell(void **state)
{
    assert_refused(
        state,
        HEAD "<override dataset='cars'><training lr='0.1'/></override>\n"
             "<override schedule='one-shot'><training lr='0.2'/></override>" TAIL,
        "m.xml:10: <training> lr='0.2' contradicts <training> lr='0.1' on line 9 for cell "
        "'cars.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1', and both name equally many axes; let one of them name "
        "one axis more");
    assert_refused(
        state,
        HEAD "<criterion plugin='taylor'/>"
             "<override criterion='taylor'><criterion><option name='grad' value='1'/></criterion></override>\n"
             "<override dataset='birds'><criterion><option name='grad' value='0'/></criterion></override>"
             "<exclude criterion='bn-scale'/>" TAIL,
        "m.xml:10: criterion option grad='0' contradicts criterion option grad='1' on line 9 for cell "
        "'birds.vgg11-bcnn.taylor.one-shot.blis.r20.s1', and both name equally many axes; let one of them name "
        "one axis more");
}

static void test_equal_values_and_ties_below_a_winner_are_no_ties(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<override dataset='cars'><training lr='0.1' batch='4'/></override>"
                                "<override schedule='one-shot'><training lr='0.2' batch='4'/></override>"
                                "<override schedule='one-shot' dataset='cars'><training lr='0.3'/></override>" TAIL);
    assert_true(cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1")->training.lr == 0.3);
    pb_matrix_free(&matrix);
}

static void test_labels_must_be_unique_and_safe(void **state)
{
    assert_refused(state, HEAD "<dataset plugin='cars' root='other'/>" TAIL,
                   "m.xml:9: dataset 'cars' is on line 4 already; give one of them another label=\"…\"");
    assert_refused(state, HEAD "<criterion plugin='random' label='../x'/>" TAIL,
                   "m.xml:9: <criterion>: label '../x' may hold only letters, digits, '-', '_' and '+', at most 64 of "
                   "them");
    assert_refused(state, HEAD "<variant/>" TAIL, "m.xml:9: <variant>: attribute 'label' is missing");
}

static void test_what_must_be_there_is_asked_for(void **state)
{
    assert_refused(state, "<matrix xmlns='urn:prunebench:matrix:1' name='t'><model name='vgg11-bcnn'/></matrix>",
                   "m.xml:1: the matrix has no <dataset>; add at least one");
    assert_refused(state, "<matrix xmlns='urn:prunebench:matrix:1'/>",
                   "m.xml:1: <matrix>: attribute 'name' is missing");
    assert_refused(
        state, HEAD "<dataset plugin='aircraft'/>" TAIL,
        "m.xml:9: <dataset>: attribute 'root' is missing; it says which folder has the images of dataset 'aircraft'");
    assert_refused(state, HEAD "<training/>\n<training/>" TAIL,
                   "m.xml:10: <training> is on line 9 already; there can be one only");
    assert_refused(
        state, HEAD "<override><training/></override>" TAIL,
        "m.xml:9: <override> names no axis; say which cells it is for, like dataset=\"…\" or target=\"0.4\"");
    assert_refused(state, HEAD "<exclude dataset='cars birds'/>" TAIL,
                   "m.xml: no cell is left: the matrix's <exclude> elements leave nothing to run");
    assert_refused(state, HEAD "<override variant='x'/>" TAIL, "m.xml:9: <override>: the matrix has no <variant>");
}

static void test_what_is_not_a_matrix_is_refused(void **state)
{
    assert_refused(state, "", "m.xml: the file is empty; an XML document was expected");
    assert_refused(state, "epochs = 3\n", "m.xml:1: not well-formed XML: Start tag expected, '<' not found");
    assert_refused(state, HEAD, "m.xml:9: not well-formed XML: Premature end of data in tag matrix line 1");
    assert_refused(state, "<html/>",
                   "m.xml:1: not a matrix: it must begin with <matrix xmlns=\"urn:prunebench:matrix:1\" name=\"…\">");
    assert_refused(state, "<matrix name='t'/>",
                   "m.xml:1: not a matrix: it must begin with <matrix xmlns=\"urn:prunebench:matrix:1\" name=\"…\">");
    assert_refused(state,
                   "<?xml version='1.0'?>\n<!DOCTYPE matrix [<!ENTITY e '9'>]>\n"
                   "<matrix xmlns='urn:prunebench:matrix:1' name='&e;'/>",
                   "m.xml:2: a DOCTYPE is not accepted; remove it");
    assert_refused(state, HEAD "stray" TAIL,
                   "m.xml:1: Element 'matrix': Character content other than whitespace is not allowed because the "
                   "content type is 'element-only'");
}

/* libxml2's own line field ends at 65535. */
static void test_lines_far_down_are_named_rightly(void **state)
{
    struct pb_text text = {0};
    pb_text_append(&text, "%s", HEAD);
    for (int i = 9; i < 70000; i++)
        pb_text_append(&text, "\n");
    pb_text_append(&text, "<training epoch='1'/>%s", TAIL);
    assert_refused(state, text.data, "m.xml:70000: <training>: unknown attribute 'epoch'; did you mean 'epochs'?");
    pb_text_free(&text);
}

static void test_a_penalty_on_batch_norms_that_are_not_there_is_refused(void **state)
{
    assert_refused(state,
                   HEAD "<override model='vgg11-bcnn'><model batch-norm='false'/><sparsity lambda='0'\n"
                        "lambda-last='1e-3'/></override>" TAIL,
                   "m.xml:10: <sparsity> lambda-last='1e-3' penalises the γ of batch norms, and model 'vgg11-bcnn' has "
                   "none (batch-norm='false'); add <override model=\"vgg11-bcnn\"><sparsity lambda=\"0\"/></override>, "
                   "and give lambda-last to models with batch norm only");
}

static void test_an_allocation_beside_what_contradicts_it_is_refused(void **state)
{
    assert_refused(state, HEAD "<ranking scope='global'/>\n<criterion plugin='random' allocation='erk'/>" TAIL,
                   "m.xml:10: allocation=\"erk\" decides what each layer loses, and scope=\"global\" (line 9) lets the "
                   "scores decide it; leave one of them out, or set scope=\"layer\" beside the allocation");
    assert_refused(state, HEAD "<ranking allocation='uniform'\ncount='threshold'/>" TAIL,
                   "m.xml:10: allocation=\"uniform\" counts exactly; leave out count=\"threshold\" (line 10)");
    assert_refused(state, HEAD "<ranking allocation='uniform+'/>" TAIL,
                   "m.xml:9: <ranking>: allocation='uniform+' is not known; did you mean 'uniform'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unknown_names_get_a_suggestion, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_unknown_plugins_and_options_get_a_suggestion, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_value_of_an_earlier_version_is_refused_with_what_to_write, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_values_out_of_range_are_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_tie_names_both_lines_and_the_cell, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_equal_values_and_ties_below_a_winner_are_no_ties, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_labels_must_be_unique_and_safe, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_what_must_be_there_is_asked_for, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_a_matrix_is_refused, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_lines_far_down_are_named_rightly, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_an_allocation_beside_what_contradicts_it_is_refused, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_penalty_on_batch_norms_that_are_not_there_is_refused, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_teacher_that_would_not_teach_is_refused, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
