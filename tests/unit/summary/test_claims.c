/* The report's verdicts on pruning by |γ|: they follow from the 95 % intervals, and say nothing where these decide nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "report/transform.h"

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

/* The table of claims of one section, 30 % of whose γ are near zero, with one row: its share removed and its interval. */
static char *claims_of(const char *amount, const char *interval)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_error error = {0};
    struct pb_xml xml = {0};
    struct pb_text summary = {0}, tables = {0};
    pb_text_append(
        &summary,
        "<summary xmlns='urn:prunebench:summary:1'><section id='birds' title='birds' dataset='birds'>"
        "<gamma near-zero='0.3'/><schedule label='one-shot' plugin='one-shot'>"
        "<row criterion='bn-scale' criterion-plugin='bn-scale' measure='channels' amount='%s' removed='%s' n='3'>"
        "<value name='top1-delta' stage='final' mean='0' %s/></row></schedule></section></summary>",
        amount, amount, interval);
    must(pb_xml_parse("summary", summary.data, summary.length, &xml, &error), &error);
    must(pb_stylesheet_open_study(PB_TEST_BUILD "/studies/thesis", "tables.xsl", &sheet, &error), &error);
    must(pb_stylesheet_apply(sheet, &xml, NULL, &tables, &error), &error);
    pb_stylesheet_free(&sheet);
    pb_xml_free(&xml);
    pb_text_free(&summary);
    char *from = tables.data ? strstr(tables.data, "name=\"claims.pruning\"") : NULL;
    assert_non_null(from);
    char *end = strstr(from, "</table>");
    assert_non_null(end);
    char *table = pb_strndup(from, (size_t)(end - from));
    assert_non_null(table);
    pb_text_free(&tables);
    return table;
}

/* raised and lost are the last cells of the row but one for n; white space between cells is the stylesheet's. */
static void expect(const char *amount, const char *interval, const char *raised, const char *lost)
{
    const char *const verdicts[] = {raised, lost, "3"};
    char *table = claims_of(amount, interval);
    const char *at = strstr(table, "</row>");
    assert_non_null(at);
    for (size_t i = 3; i-- > 0;) {
        char cell[64];
        snprintf(cell, sizeof cell, "<cell>%s</cell>", verdicts[i]);
        while (at > table && strncmp(at, "<cell", 5) != 0)
            at--;
        if (strncmp(at, cell, strlen(cell)) != 0)
            fail_msg("%s removed, %s: not %s but %.60s", amount, interval, cell, at);
        at--;
    }
    pb_free(table);
}

static void test_moderate_pruning_raises_only_where_the_interval_is_above_zero(void **state)
{
    (void)state;
    expect("0.4", "low='0.001' high='0.02'", "raised", "–");
    expect("0.4", "low='-0.03' high='-0.001'", "lowered", "–");
    expect("0.4", "low='-0.001' high='0.02'", "not distinguished", "–");
    expect("0.6", "low='0.001' high='0.02'", "–", "–"); /* not moderate */
    expect("0.4", "", "one seed decides nothing", "–");
}

static void test_nothing_is_lost_only_below_the_near_zero_share_and_within_two_points(void **state)
{
    (void)state;
    expect("0.2", "low='-0.019' high='0.01'", "not distinguished", "nothing lost");
    expect("0.2", "low='-0.021' high='0.01'", "not distinguished", "not decided");
    expect("0.2", "low='-0.05' high='-0.01'", "lowered", "lost");
    expect("0.2", "", "one seed decides nothing", "one seed decides nothing");
    expect("0.3", "low='-0.019' high='0.01'", "not distinguished", "–"); /* not below the share */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moderate_pruning_raises_only_where_the_interval_is_above_zero),
        cmocka_unit_test(test_nothing_is_lost_only_below_the_near_zero_share_and_within_two_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
