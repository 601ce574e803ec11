/* What is written reads back as it was, and is well formed whatever it holds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/xml.h"
#include "base/xml_writer.h"

static struct pb_xml end(struct pb_xml_writer *writer)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    struct pb_xml xml = {0};
    assert_int_equal(pb_xml_end(writer, &text, &error), PB_OK);
    assert_int_equal(pb_xml_parse("a.xml", text.data, text.length, &xml, &error), PB_OK);
    pb_text_free(&text);
    return xml;
}

static void expect(const xmlNode *node, const char *attribute, const char *value)
{
    const char *read = pb_xml_attribute(node, attribute);
    if (value == NULL)
        assert_null(read);
    else
        assert_string_equal(read, value);
}

static void expect_content(const xmlNode *node, const char *name, const char *value)
{
    struct pb_error error = {0};
    char *content = NULL;
    assert_string_equal(pb_xml_name(node), name);
    assert_int_equal(pb_xml_content(node, &content, &error), PB_OK);
    assert_string_equal(content, value);
    pb_free(content);
}

static void test_text_reads_back(void **state)
{
    (void)state;
    static const char value[] = "a<b>&\"c\" 'd' ]]> \t\n\r e é € 𝛄";
    struct pb_xml_writer writer;
    pb_xml_begin(&writer, "a", "urn:x");
    pb_xml_put(&writer, "n", value);
    pb_xml_put(&writer, "none", NULL);
    pb_xml_element(&writer, "b", value);
    pb_xml_element(&writer, "none", NULL);
    pb_xml_element(&writer, "empty", "");
    pb_xml_lines(&writer, "line", "one\n\nthree <3\n");
    pb_xml_lines(&writer, "line", NULL);
    struct pb_xml xml = end(&writer);
    const xmlNode *root = xmlDocGetRootElement(xml.doc), *child = pb_xml_first(root);
    assert_true(pb_xml_is(root, "urn:x", "a"));
    expect(root, "n", value);
    expect(root, "none", NULL);
    expect_content(child, "b", value);
    expect_content(child = pb_xml_next(child), "empty", "");
    expect_content(child = pb_xml_next(child), "line", "one");
    expect_content(child = pb_xml_next(child), "line", "");
    expect_content(child = pb_xml_next(child), "line", "three <3");
    assert_null(pb_xml_next(child));
    pb_xml_free(&xml);
}

/* Control characters, broken UTF-8, surrogates, what is no character. */
static void test_what_xml_cannot_hold_becomes_replacement_characters(void **state)
{
    (void)state;
    struct pb_xml_writer writer;
    pb_xml_begin(&writer, "a", "urn:x");
    pb_xml_put(&writer, "n", "\x01|\xff|\xc3|\xed\xa0\x80|\xef\xbf\xbe");
    struct pb_xml xml = end(&writer);
    expect(xmlDocGetRootElement(xml.doc), "n",
           "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
           "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    pb_xml_free(&xml);
}

static void test_numbers_are_written_as_schemas_have_them(void **state)
{
    (void)state;
    const double reals[] = {0.1, NAN, -INFINITY, 1e300};
    struct pb_xml_writer writer;
    pb_xml_begin(&writer, "a", "urn:x");
    pb_xml_put_count(&writer, "count", UINT64_MAX);
    pb_xml_put_real(&writer, "real", 0.1 + 0.2);
    pb_xml_put_real(&writer, "infinite", INFINITY);
    pb_xml_put_real(&writer, "unknown", NAN);
    pb_xml_put_flag(&writer, "yes", true);
    pb_xml_put_flag(&writer, "no", false);
    pb_xml_put_counts(&writer, "counts", (const uint32_t[]){0, UINT32_MAX}, 2);
    pb_xml_put_counts(&writer, "none", NULL, 0);
    pb_xml_open(&writer, "b");
    pb_xml_reals(&writer, reals, 4);
    struct pb_xml xml = end(&writer);
    const xmlNode *root = xmlDocGetRootElement(xml.doc);
    expect(root, "count", "18446744073709551615");
    expect(root, "real", "0.30000000000000004");
    expect(root, "infinite", "INF");
    expect(root, "unknown", NULL);
    expect(root, "yes", "true");
    expect(root, "no", NULL);
    expect(root, "counts", "0 4294967295");
    expect(root, "none", "");
    expect_content(pb_xml_first(root), "b", "0.1 NaN -INF 1e+300");
    pb_xml_free(&xml);
}

static void test_references_are_percent_encoded(void **state)
{
    (void)state;
    struct pb_xml_writer writer;
    pb_xml_begin(&writer, "a", "urn:x");
    pb_xml_put_uri(&writer, "to", "cells/", "a b%#?/é.xml");
    struct pb_xml xml = end(&writer);
    expect(xmlDocGetRootElement(xml.doc), "to", "cells/a%20b%25%23%3F%2F%C3%A9.xml");
    pb_xml_free(&xml);
}

/* A browser ignores the slash of <td/>, escapes nothing in a style sheet, and knows no end tag of <br>. */
static void test_a_page_is_what_a_browser_reads(void **state)
{
    (void)state;
    struct pb_xml_writer writer;
    struct pb_text text = {0};
    struct pb_error error = {0};
    pb_xml_begin_page(&writer, "en");
    pb_xml_open(&writer, "style");
    pb_xml_verbatim(&writer, "a > b { color: red }");
    pb_xml_close(&writer);
    pb_xml_open(&writer, "td");
    pb_xml_close(&writer);
    pb_xml_open(&writer, "p");
    pb_xml_put(&writer, "title", "\"<\xff");
    pb_xml_text(&writer, "</p> & é");
    pb_xml_open(&writer, "br");
    pb_xml_close_void(&writer);
    pb_xml_text(&writer, "b");
    pb_xml_close(&writer);
    assert_int_equal(pb_xml_end(&writer, &text, &error), PB_OK);
    assert_true(pb_starts_with(text.data, "<!DOCTYPE html>\n<html lang=\"en\">\n"));
    assert_true(pb_ends_with(text.data, "</html>\n"));
    assert_non_null(strstr(text.data, "<style>a > b { color: red }</style>"));
    assert_non_null(strstr(text.data, "<td></td>"));
    assert_non_null(strstr(text.data, "<p title=\"&quot;&lt;&#xFFFD;\">&lt;/p&gt; &amp; é"));
    assert_non_null(strstr(text.data, "<br/>"));
    pb_text_free(&text);
}

static void test_a_failed_allocation_fails_the_document(void **state)
{
    (void)state;
    struct pb_error error = {0};
    uint32_t failures = 0;
    for (long allowed = 0; allowed < 8; allowed++) {
        struct pb_xml_writer writer;
        struct pb_text text = {0};
        pb_memory_fail_after(allowed);
        pb_xml_begin(&writer, "a", "urn:x");
        pb_xml_put_uri(&writer, "to", "cells/", "x");
        pb_xml_lines(&writer, "line", "one\ntwo");
        const enum pb_status status = pb_xml_end(&writer, &text, &error);
        pb_memory_fail_after(-1);
        if (status != PB_OK) {
            assert_int_equal(status, PB_ERROR_MEMORY);
            failures++;
        }
        pb_text_free(&text);
    }
    assert_in_range(failures, 5, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_reads_back),
        cmocka_unit_test(test_what_xml_cannot_hold_becomes_replacement_characters),
        cmocka_unit_test(test_numbers_are_written_as_schemas_have_them),
        cmocka_unit_test(test_references_are_percent_encoded),
        cmocka_unit_test(test_a_page_is_what_a_browser_reads),
        cmocka_unit_test(test_a_failed_allocation_fails_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
