/* The schema of matrix documents: it is what the tables say, and takes and refuses what their columns mean. */
#include "matrix/matrix_schema.h"
#include "results/schema.h"
#include "support/matrix_text.h"
#include "support/schema_in_tree.h"

static void test_the_schema_in_the_tree_is_the_tables(void **state)
{
    (void)state;
    assert_schema_in_tree("matrix", pb_matrix_schema);
}

static struct pb_xml_schema *open_schema(void)
{
    struct pb_xml_schema *schema = NULL;
    struct pb_error error = {0};
    if (pb_xml_schema_open(PB_TEST_SOURCES "/../harness/schema/matrix-1.xsd", &schema, &error) != PB_OK)
        fail_msg("%s", error.text);
    return schema;
}

static enum pb_status validate(const struct pb_xml_schema *schema, const char *inside, struct pb_error *error)
{
    struct pb_xml xml = {0};
    char *text = pb_format("%s%s%s", HEAD, inside, TAIL);
    assert_non_null(text);
    enum pb_status status = pb_xml_parse("m.xml", text, strlen(text), &xml, error);
    if (status == PB_OK)
        status = pb_xml_validate(&xml, schema, error);
    pb_xml_free(&xml);
    pb_free(text);
    return status;
}

static void test_it_takes_what_documents_may_have(void **state)
{
    (void)state;
    static const char *const taken[] = {
        "",
        "<seeds>1 2</seeds><targets measure='weights'>0.5</targets>",
        "<training lr='0.1' evaluate-batch='batch'/><latency runs='0'/><limits time='15m' memory='none'/>",
        "<criterion plugin='x' label='a+b_c-1' scope='layer'><option name='n' value=''/></criterion>",
        "<penalty plugin='x' lambda='0'/><variant label='v'><penalty label='x' lambda='1e-3'/></variant>",
        "<override seed='1'><model image-size='64'/><dataset root='d'><option name='n' "
        "value='1'/></dataset></override>",
        "<exclude target='0.4' dataset='birds cars'/><compare variant='a' with='b' equal-within='0.5'/>",
        "<pretraining label='l' plugin='p' root='r' seed='7'><training epochs='1'/><option name='n' "
        "value='1'/></pretraining>",
        "<report reference='thesis'/><sparsity lambda='1e-4' lambda-last='lambda'/>",
    };
    struct pb_xml_schema *schema = open_schema();
    struct pb_error error = {0};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (validate(schema, taken[i], &error) != PB_OK)
            fail_msg("%s: %s", taken[i], error.text);
    pb_xml_schema_free(&schema);
}

static void test_it_refuses_what_no_document_may_have(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "<trainig/>",
        "<seeds/>",
        "<targets measure='layers'>0.5</targets>",
        "<training lr='0'/>",
        "<training epochs='0'/>",
        "<training epochs='1.5'/>",
        "<training evaluate-batch='Batch'/>",
        "<training lr-factor='1'/>",
        "<training><option name='n' value='1'/></training>",
        "<limits time='15 minutes'/>",
        "<criterion label='x'/>",
        "<criterion plugin='x' label='a.b'/>",
        "<criterion plugin='x' scope='network'/>",
        "<criterion plugin='x'><option name='n'/></criterion>",
        "<model name='vgg16'><option name='n' value='1'/></model>",
        "<penalty plugin='x'/>",
        "<penalty plugin='x' lambda='-1'/>",
        "<variant/>",
        "<variant label='v'><penalty lambda='1'/></variant>",
        "<variant label='v'><penalty label='x' plugin='x'/></variant>",
        "<variant label='v'><criterion plugin='x'/></variant>",
        "<variant label='v'><seeds>1</seeds></variant>",
        "<override dataset=''/>",
        "<exclude dataset='birds'><training/></exclude>",
        "<compare variant='a' equal-within='1'/>",
        "<compare variant='a' with='b' equal-within='0'/>",
        "<compare variant='a' with='b' equal-within='100.5'/>",
        "<pretraining label='l'/>",
        "<pretraining label='l' plugin='p' seed='-1'/>",
        "<pretraining label='l' plugin='p'><retraining/></pretraining>",
        "<option name='n' value='1'/>",
        "stray",
    };
    struct pb_xml_schema *schema = open_schema();
    struct pb_error error = {0};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (validate(schema, refused[i], &error) != PB_ERROR_INPUT)
            fail_msg("taken: %s", refused[i]);
    pb_xml_schema_free(&schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_schema_in_the_tree_is_the_tables),
        cmocka_unit_test(test_it_takes_what_documents_may_have),
        cmocka_unit_test(test_it_refuses_what_no_document_may_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
