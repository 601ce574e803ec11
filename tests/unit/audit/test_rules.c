/* Files of rules: a team's own, and what is wrong with others, with file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/audit.h"
#include "audit/functions.h"
#include "audit/rule_fields.h"
#include "base/file.h"
#include "graph/op_table.h"
#include "plugin/backend_slots.h"
#include "support/folder.h"
#include "support/schema_in_tree.h"
#include "support/small_cells.h"

#define HEAD                                                                                                           \
    "<audit xmlns='urn:prunebench:audit:1' xmlns:pb='urn:prunebench:audit:1' xmlns:r='urn:prunebench:result:1' "       \
    "xmlns:run='urn:prunebench:run:1'>\n"
#define WORDS "<message>m</message>\n<reason>because</reason>\n</rule>\n"
#define RULE(id, about, rest) "<rule id='" id "' about='" about "' severity='error'>\n" rest WORDS

static enum pb_status read_text(void **state, const char *text, struct pb_audit_rules *rules, struct pb_error *error)
{
    must(pb_file_write_atomic(folder_path(state, "rules.xml"), text, strlen(text), error), error);
    return pb_audit_rules_read(folder_path(state, "rules.xml"), rules, error);
}

/* Reading the rules fails, and the message has the line and these words. */
static void assert_refused(void **state, const char *text, long line, const char *words)
{
    struct pb_error error = {0};
    struct pb_audit_rules rules = {0};
    char place[40];
    snprintf(place, sizeof place, "rules.xml:%ld: ", line);
    assert_int_equal(read_text(state, text, &rules, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, place) || !strstr(error.text, words))
        fail_msg("'%s' lacks '%s' or '%s'", error.text, place, words);
    pb_audit_rules_free(&rules);
}

static void test_what_is_no_file_of_rules_is_refused(void **state)
{
    assert_refused(state, "<audit xmlns='urn:prunebench:audit:1'>\n<rule", 2, "not well-formed");
    assert_refused(state, "<matrix/>", 1, "");
    assert_refused(state, "<audit/>", 1, "");
    assert_refused(state, HEAD "</audit>", 1, "");
    assert_refused(state, HEAD "<rule id='a' about='cells' severity='error'>\n" WORDS "</audit>", 2, "about");
    assert_refused(state, HEAD "<rule id='A b' about='cell' severity='error'>\n" WORDS "</audit>", 2, "id");
    assert_refused(state, HEAD RULE("a", "cell", "<for>/</for>\n") "</audit>", 4, "message");
    assert_refused(state, HEAD RULE("a", "cell", "<for>/</for>\n<must> </must>\n") "</audit>", 4, "must");
    assert_refused(state, "<!DOCTYPE audit>\n" HEAD "</audit>", 1, "DOCTYPE");
}

static void test_a_bad_expression_is_refused_with_its_line(void **state)
{
    assert_refused(state, HEAD RULE("a", "cell", "<for>/r:cell</for>\n<must>@id = </must>\n") "</audit>", 4,
                   "rule 'a': <must> is not an XPath expression");
    assert_refused(state, HEAD RULE("a", "cell", "<for>//[</for>\n<must>1</must>\n") "</audit>", 3,
                   "rule 'a': <for> is not an XPath expression");
}

static void test_two_rules_of_one_id_are_refused(void **state)
{
    assert_refused(state,
                   HEAD RULE("a", "cell", "<for>/</for>\n<must>1</must>\n")
                       RULE("a", "run", "<for>/</for>\n<must>1</must>\n") "</audit>",
                   8, "there is a rule 'a' in ");
}

/* Evaluating the only rule fails, at this line. */
static void assert_fails(void **state, const char *text, long line, const char *words)
{
    struct pb_error error = {0};
    struct pb_audit_rules rules = {0};
    struct pb_audit audit = {0};
    char place[40];
    snprintf(place, sizeof place, "rules.xml:%ld: ", line);
    must(read_text(state, text, &rules, &error), &error);
    assert_int_equal(pb_audit_folder(*state, &rules, &audit, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, place) || !strstr(error.text, words))
        fail_msg("'%s' lacks '%s' or '%s'", error.text, place, words);
    pb_audit_rules_free(&rules);
}

static void test_what_cannot_be_evaluated_is_refused_with_its_line(void **state)
{
    small_write_two_seeds(state);
    assert_fails(state, HEAD RULE("a", "cell", "<for>/r:cell</for>\n<must>sum-up(@id)</must>\n") "</audit>", 4,
                 "function sum-up not found");
    assert_fails(state, HEAD RULE("a", "cell", "<for>/x:cell</for>\n<must>1</must>\n") "</audit>", 3,
                 "rule 'a': <for>");
    assert_fails(state, HEAD RULE("a", "run", "<for>count(//*)</for>\n<must>1</must>\n") "</audit>", 3,
                 "must select nodes");
    assert_fails(state, HEAD RULE("a", "run", "<for>/*</for>\n<must>0</must>\n<cells>1</cells>\n") "</audit>", 5,
                 "must select nodes");
    assert_fails(state, HEAD RULE("a", "cell", "<for>/*</for>\n<must>pb:bits('a', 'b')</must>\n") "</audit>", 4,
                 "rule 'a': <must>");
}

/* The outcome of the only rule of a text. */
static struct pb_audit audit_text(void **state, const char *text, struct pb_audit_rules *rules)
{
    struct pb_error error = {0};
    struct pb_audit audit = {0};
    must(read_text(state, text, rules, &error), &error);
    must(pb_audit_folder(*state, rules, &audit, &error), &error);
    assert_int_equal(audit.count, 1);
    return audit;
}

static void test_a_teams_own_rule(void **state)
{
    struct pb_audit_rules rules = {0};
    small_write_two_seeds(state);
    struct pb_audit audit = audit_text(
        state,
        HEAD RULE("accurate", "cell",
                  "<for>//r:accuracy[@stage = 'retrained'][@split = 'test']</for>\n<must>@top1 &gt; 0.66</must>\n"
                  "<cells>/r:cell/r:config/r:option[@name = 'criterion']/@value</cells>\n"
                  "<found>concat('&lt;script&gt; ', @top1)</found>\n") "</audit>",
        &rules);
    assert_int_equal(audit.outcomes[0].checked, 4);
    assert_int_equal(audit.outcomes[0].break_count, 2);
    assert_string_equal(audit.outcomes[0].breaks[0].cells[0], "random");
    assert_string_equal(audit.outcomes[0].breaks[0].found, "<script> 0.6");
    assert_string_equal(rules.list[0].reason, "because");
    pb_audit_free(&audit);
    pb_audit_rules_free(&rules);
}

static void test_blanks_are_joined_in_words_and_kept_in_expressions(void **state)
{
    struct pb_audit_rules rules = {0};
    small_write_two_seeds(state);
    struct pb_audit audit = audit_text(state,
                                       HEAD "<rule id='a' about='run' severity='warning'>\n<for>/*</for>\n"
                                            "<must>string-length('a  b') = 4</must>\n"
                                            "<message> two\n\t lines </message><reason>a  <!-- -->  b</reason>\n"
                                            "</rule>\n</audit>",
                                       &rules);
    assert_int_equal(pb_audit_verdict_of(&audit.outcomes[0]), PB_AUDIT_PASSED);
    assert_int_equal(rules.list[0].severity, PB_AUDIT_WARNING);
    assert_string_equal(rules.list[0].message, "two lines");
    assert_string_equal(rules.list[0].reason, "a b");
    pb_audit_free(&audit);
    pb_audit_rules_free(&rules);
}

static void test_the_schema_in_the_tree_is_the_tables(void **state)
{
    (void)state;
    assert_schema_in_tree("audit", pb_audit_schema);
}

static void test_a_rule_that_finds_nothing_is_not_applicable(void **state)
{
    struct pb_audit_rules rules = {0};
    small_write_two_seeds(state);
    struct pb_audit audit =
        audit_text(state, HEAD RULE("masks", "cell", "<for>//r:masking</for>\n<must>0</must>\n") "</audit>", &rules);
    assert_int_equal(pb_audit_verdict_of(&audit.outcomes[0]), PB_AUDIT_NOT_APPLICABLE);
    assert_int_equal(pb_audit_count(&audit, PB_AUDIT_ERROR, PB_AUDIT_NOT_APPLICABLE), 1);
    pb_audit_free(&audit);
    pb_audit_rules_free(&rules);
}

static void test_functions_count_bytes_and_bits_of_base64(void **state)
{
    struct pb_audit_rules rules = {0};
    small_write_two_seeds(state);
    struct pb_audit audit = audit_text(
        state,
        HEAD RULE("functions", "run",
                  "<for>/run:run</for>\n<must>pb:bytes('/wEA') = 3 and pb:bits('/wEA') = 9 and pb:bytes('') = 0 and "
                  "string(pb:bits('?')) = 'NaN' and pb:used-fallbacks('', 'x') = '' and "
                  "pb:used-fallbacks('conv_forward', 'x') = 'unknown' and "
                  "pb:used-fallbacks('conv_forward relu_forward', '{&quot;op&quot; : &quot;relu&quot;, "
                  "&quot;name&quot;: &quot;conv2d&quot;}') = "
                  "'relu_forward'</must>\n") "</audit>",
        &rules);
    assert_int_equal(pb_audit_verdict_of(&audit.outcomes[0]), PB_AUDIT_PASSED);
    pb_audit_free(&audit);
    pb_audit_rules_free(&rules);
}

/* Else a network that is timed with the host's operator would pass. */
static void test_every_operator_names_the_slot_that_computes_it(void **state)
{
#define NAME(slot) #slot,
    static const char *const slots[] = {PB_CONVOLUTION_SLOTS(NAME) PB_SINGLE_SLOTS(NAME) PB_LATER_SLOTS(NAME)};
    (void)state;
    for (enum pb_op op = 0; op < PB_OP_COUNT; op++) {
        const char *slot = pb_graph_operator(op)->slot;
        const bool computes = op != PB_OP_INPUT && op != PB_OP_DROPOUT; /* which does nothing when a network infers */
        bool known = false;
        assert_true(computes == (slot != NULL));
        for (size_t i = 0; slot && i < sizeof slots / sizeof *slots; i++)
            known = known || strcmp(slots[i], slot) == 0;
        assert_true(known == computes);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_is_no_file_of_rules_is_refused),
        CASE(test_a_bad_expression_is_refused_with_its_line),
        CASE(test_two_rules_of_one_id_are_refused),
        CASE(test_what_cannot_be_evaluated_is_refused_with_its_line),
        CASE(test_a_teams_own_rule),
        CASE(test_blanks_are_joined_in_words_and_kept_in_expressions),
        cmocka_unit_test(test_the_schema_in_the_tree_is_the_tables),
        CASE(test_a_rule_that_finds_nothing_is_not_applicable),
        CASE(test_functions_count_bytes_and_bits_of_base64),
        cmocka_unit_test(test_every_operator_names_the_slot_that_computes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
