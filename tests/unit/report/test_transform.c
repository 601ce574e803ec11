/* Stylesheets: escaping in every format, and no way out for a stylesheet of the user's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/transform.h"
#include "support/folder.h"

static void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

/* A neutral table whose texts mean something in every format. */
static const char TABLE[] =
    "<tables xmlns=\"urn:prunebench:tables:1\">\n"
    "<table name=\"other\"><caption>not this</caption><column name=\"a\" "
    "title=\"a\"/><row><cell>no</cell></row></table>\n"
    "<table name=\"t\" kind=\"results\"><caption>50 % of C&amp;A_B: {x} #1 $2 ~ ^ \\ | &lt;b&gt;</caption>"
    "<column name=\"place\" only=\"csv\"/><column name=\"label\" title=\"La*bel\"/>"
    "<column name=\"top1\" title=\"Top-1\" unit=\"%\" align=\"right\" spread=\"true\"/>"
    "<column name=\"words\" title=\"Words\" only=\"text\"/>"
    "<row kind=\"baseline\"><cell>here</cell><cell>say \"a, b\"</cell><cell value=\"0.84491\" sd=\"0.0012\" "
    "n=\"3\">84.5 ± "
    "0.1</cell><cell>w</cell></row>"
    "<row><cell>x,y</cell><cell>two\nlines</cell><cell>–</cell><cell>w</cell></row>"
    "<row><cell/><cell>bn-scale†</cell><cell value=\"0.5\" best=\"true\">50.0</cell><cell "
    "repeated=\"true\">w</cell></row>"
    "<note>a γ of −1 × 2</note></table></tables>";

static char *apply(const char *sheet_name)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_error error = {0};
    struct pb_xml xml = {0};
    struct pb_text text = {0};
    must(pb_xml_parse("table", TABLE, sizeof TABLE - 1, &xml, &error), &error);
    must(pb_stylesheet_open_own(sheet_name, &sheet, &error), &error);
    must(pb_stylesheet_apply(sheet, &xml, (const char *[]){"name", "t", NULL}, &text, &error), &error);
    pb_stylesheet_free(&sheet);
    pb_xml_free(&xml);
    assert_non_null(text.data);
    return text.data;
}

static void test_csv_quotes_as_rfc_4180_says(void **state)
{
    (void)state;
    char *csv = apply("table-csv.xsl");
    assert_string_equal(csv, "place,label,top1,top1_sd\r\n"
                             "here,\"say \"\"a, b\"\"\",0.84491,0.0012\r\n"
                             "\"x,y\",\"two\nlines\",,\r\n"
                             ",bn-scale†,0.5,\r\n");
    pb_free(csv);
}

static void test_latex_escapes_every_special_character(void **state)
{
    (void)state;
    char *latex = apply("table-latex.xsl");
    assert_non_null(strstr(latex, "\\caption{50 \\% of C\\&A\\_B: \\{x\\} \\#1 \\$2 \\textasciitilde{} "
                                  "\\textasciicircum{} \\textbackslash{} $|$ $<$b$>$}"));
    assert_non_null(strstr(latex,
                           "\\begin{tabular}{@{}lrl@{}}\n\\toprule\nLa*bel & Top-1 & Words \\\\\n & (\\%) &  \\\\\n"
                           "\\midrule\n"));
    assert_non_null(strstr(latex, "say ''a, b'' & 84.5 $\\pm$ 0.1 & w \\\\\n\\midrule\n"
                                  "two lines & -- & w \\\\\n"
                                  "bn-scale\\dag{} & \\textbf{50.0} &  \\\\\n\\bottomrule\n"));
    assert_non_null(strstr(latex, "a $\\gamma$ of $-$1 $\\times$ 2"));
    assert_null(strstr(latex, "here"));
    pb_free(latex);
}

static void test_markdown_keeps_bars_and_stars_apart_from_its_own(void **state)
{
    (void)state;
    char *markdown = apply("table-markdown.xsl");
    assert_non_null(strstr(markdown, "**50 % of C\\&A\\_B: {x} \\#1 $2 \\~ ^ \\\\ \\| \\<b\\>**\n\n"
                                     "| La\\*bel | Top-1 (%) | Words |\n| --- | ---: | --- |\n"
                                     "| say \"a, b\" | 84.5 ± 0.1 | w |\n"
                                     "| two lines | – | w |\n"
                                     "| bn-scale† | **50.0** | w |\n"));
    pb_free(markdown);
}

static void test_html_escapes_and_heads_its_rows(void **state)
{
    (void)state;
    char *html = apply("table-html.xsl");
    assert_non_null(strstr(html, "50 % of C&amp;A_B: {x} #1 $2 ~ ^ \\ | &lt;b&gt;</p>"));
    assert_non_null(strstr(html,
                           "<th scope=\"col\" data-column=\"label\">La*bel</th><th scope=\"col\" data-column=\"top1\" "
                           "class=\"right\">Top-1 <span class=\"unit\">%</span></th>"));
    assert_non_null(strstr(html, "<tr class=\"baseline\"><th scope=\"row\">say \"a, b\"</th><td class=\"right\" "
                                 "title=\"84.491 % ± 0.12 (n = 3)\">84.5<span class=\"sd\"> ± 0.1</span></td>"));
    assert_non_null(strstr(html, "<td class=\"right best\">50.0</td>"));
    assert_null(strstr(html, "not this"));
    pb_free(html);
}

/* A stylesheet around body, opened and applied to <a/>. */
static enum pb_status run_user_sheet(void **state, const char *body, struct pb_text *text, struct pb_error *error)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_xml xml = {0};
    const char *path = folder_path(state, "user.xsl");
    char *source = pb_format("<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" "
                             "xmlns:exsl=\"http://exslt.org/common\" extension-element-prefixes=\"exsl\">\n%s\n"
                             "</xsl:stylesheet>\n",
                             body);
    assert_non_null(source);
    must(pb_file_write_atomic(path, source, strlen(source), error), error);
    pb_free(source);
    must(pb_xml_parse("a", "<a/>", 4, &xml, error), error);
    enum pb_status status = pb_stylesheet_open(path, &sheet, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, &xml, NULL, text, error);
    pb_stylesheet_free(&sheet);
    pb_xml_free(&xml);
    return status;
}

static void test_a_stylesheet_of_the_users_runs(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    must(run_user_sheet(state,
                        "<xsl:output method=\"text\"/><xsl:template match=\"/\"><xsl:value-of select=\"name(*)\"/>"
                        "</xsl:template>",
                        &text, &error),
         &error);
    assert_string_equal(text.data, "a");
    pb_text_free(&text);
}

static void test_a_stylesheet_cannot_write_files(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    const char *victim = folder_path(state, "victim");
    char *body =
        pb_format("<xsl:template match=\"/\"><exsl:document href=\"%s\"><x/></exsl:document></xsl:template>", victim);
    assert_non_null(body);
    assert_int_equal(run_user_sheet(state, body, &text, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "user.xsl"));
    assert_false(pb_file_exists(victim));
    pb_free(body);
    pb_text_free(&text);
}

static void test_a_stylesheet_cannot_reach_the_network(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    assert_int_equal(
        run_user_sheet(state,
                       "<xsl:template match=\"/\"><xsl:copy-of select=\"document('http://127.0.0.1:9/x.xml')\"/>"
                       "</xsl:template>",
                       &text, &error),
        PB_ERROR_INPUT);
    pb_text_free(&text);
    assert_int_equal(run_user_sheet(state, "<xsl:import href=\"http://127.0.0.1:9/x.xsl\"/>", &text, &error),
                     PB_ERROR_INPUT);
    pb_text_free(&text);
}

static void test_a_broken_stylesheet_is_named_with_what_is_wrong(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    assert_int_equal(
        run_user_sheet(state, "<xsl:template match=\"/\"><xsl:value-of select=\"1 +\"/></xsl:template>", &text, &error),
        PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "user.xsl"));
    assert_int_equal(run_user_sheet(state, "<xsl:template", &text, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "user.xsl:"));
    assert_int_equal(
        run_user_sheet(state,
                       "<xsl:template match=\"/\"><xsl:message terminate=\"yes\">no such thing</xsl:message>"
                       "</xsl:template>",
                       &text, &error),
        PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "no such thing"));
    pb_text_free(&text);
}

static void test_no_text_is_a_comment_in_an_attribute_of_html(void **state)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    must(run_user_sheet(state,
                        "<xsl:output method=\"html\"/><xsl:template match=\"/\"><p><b title=\"x &lt;!--&quot; "
                        "onclick='a' &lt;!--&lt;/p&gt;--&gt;\">&lt;!--&quot;</b></p></xsl:template>",
                        &text, &error),
         &error);
    assert_string_equal(text.data, "<p><b title=\"x \u2039!--&quot; onclick='a' \u2039!--&lt;/p&gt;--&gt;\">"
                                   "&lt;!--\"</b></p>\n");
    pb_text_free(&text);
}

static void test_documents_that_a_stylesheet_reads_have_no_doctype_either(void **state)
{
    static const char BOMB[] = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    struct pb_text text = {0};
    struct pb_error error = {0};
    const char *path = folder_path(state, "bomb.xml");
    must(pb_file_write_atomic(path, BOMB, sizeof BOMB - 1, &error), &error);
    char *body = pb_format("<xsl:template match=\"/\"><xsl:copy-of select=\"document('%s')\"/></xsl:template>", path);
    assert_non_null(body);
    enum pb_status status = run_user_sheet(state, body, &text, &error);
    assert_true(status != PB_OK || text.data == NULL || strchr(text.data, 'c') == NULL);
    pb_free(body);
    pb_text_free(&text);
}

int main(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_csv_quotes_as_rfc_4180_says),
        TEST(test_latex_escapes_every_special_character),
        TEST(test_markdown_keeps_bars_and_stars_apart_from_its_own),
        TEST(test_html_escapes_and_heads_its_rows),
        TEST(test_no_text_is_a_comment_in_an_attribute_of_html),
        TEST(test_a_stylesheet_of_the_users_runs),
        TEST(test_a_stylesheet_cannot_write_files),
        TEST(test_a_stylesheet_cannot_reach_the_network),
        TEST(test_a_broken_stylesheet_is_named_with_what_is_wrong),
        TEST(test_documents_that_a_stylesheet_reads_have_no_doctype_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
