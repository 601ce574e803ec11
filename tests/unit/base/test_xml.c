/* Reading XML: what is refused, where it is wrong, and what is left as it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/xml.h"
#include "support/folder.h"

static struct pb_xml parse(const char *text)
{
    struct pb_xml xml = {0};
    struct pb_error error = {0};
    if (pb_xml_parse("a.xml", text, strlen(text), &xml, &error) != PB_OK)
        fail_msg("%s", error.text);
    return xml;
}

static void assert_refused(const char *text, const char *message)
{
    struct pb_xml xml = {0};
    struct pb_error error = {0};
    assert_int_equal(pb_xml_parse("a.xml", text, strlen(text), &xml, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text, message);
    assert_null(xml.doc);
}

static void test_what_is_not_well_formed_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused("", "a.xml: the file is empty; an XML document was expected");
    assert_refused("<a>\n<b></a>", "a.xml:2: not well-formed XML: Opening and ending tag mismatch: b line 2 and a");
    assert_refused("<a>\n\n<b>", "a.xml:3: not well-formed XML: Premature end of data in tag b line 3");
    assert_refused("<a x='1' x='2'/>", "a.xml:1: not well-formed XML: Attribute x redefined");
    assert_refused("<p:a/>", "a.xml:1: not well-formed XML: Namespace prefix p on a is not defined");
    assert_refused("<a>\n&unknown;</a>", "a.xml:2: not well-formed XML: Entity 'unknown' not defined");
}

static void test_a_doctype_is_refused_before_anything_in_it_is_read(void **state)
{
    (void)state;
    assert_refused("<!DOCTYPE a>\n<a/>", "a.xml:1: a DOCTYPE is not accepted; remove it");
    assert_refused("<!-- -->\n<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
                   "a.xml:2: a DOCTYPE is not accepted; remove it");
    assert_refused("<!DOCTYPE a [<!ENTITY b 'bbbb'><!ENTITY c '&b;&b;&b;&b;'>]><a x='&c;'/>",
                   "a.xml:1: a DOCTYPE is not accepted; remove it");
}

static void test_lines_are_true_beyond_what_libxml2_keeps(void **state)
{
    (void)state;
    struct pb_text text = {0};
    pb_text_append(&text, "<a>");
    for (int i = 1; i < 100000; i++)
        pb_text_append(&text, "\n");
    pb_text_append(&text, "<b/><c\n d='1'/></a>");
    struct pb_xml xml = parse(text.data);
    const xmlNode *b = pb_xml_first(xmlDocGetRootElement(xml.doc));
    assert_int_equal(pb_xml_line(b), 100000);
    assert_int_equal(pb_xml_line((const xmlNode *)pb_xml_next(b)->properties), 100001);
    pb_xml_free(&xml);
    pb_text_free(&text);
}

static void test_files_beyond_the_limit_are_refused(void **state)
{
    struct pb_xml xml = {0};
    struct pb_error error = {0};
    const char *path = folder_path(state, "a.xml");
    assert_int_equal(pb_file_write_atomic(path, "<a>123456</a>", 13, &error), PB_OK);
    assert_int_equal(pb_xml_read(path, 12, &xml, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_xml_read(path, 13, &xml, &error), PB_OK);
    pb_xml_free(&xml);
}

/* libxml2 by itself reads 10 MB. */
static void test_a_large_document_is_read_to_its_end(void **state)
{
    static const size_t LENGTH = 11000000;
    struct pb_text text = {0};
    (void)state;
    pb_text_append(&text, "<a>");
    while (text.length < LENGTH)
        pb_text_append(&text, "<b x='%0500d'/>\n", 0);
    pb_text_append(&text, "<last/></a>");
    assert_false(text.failed);
    struct pb_xml xml = parse(text.data);
    assert_string_equal(pb_xml_name(xmlGetLastChild(xmlDocGetRootElement(xml.doc))), "last");
    pb_xml_free(&xml);
    pb_text_free(&text);
}

static void test_elements_attributes_and_text_are_found(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_xml xml =
        parse("<a xmlns='urn:x' xmlns:y='urn:y' y:n='other' n='1 &lt; 2 &#38; 3'> t <!-- c -->u <b/><y:b/></a>");
    const xmlNode *root = xmlDocGetRootElement(xml.doc), *b = pb_xml_first(root);
    char *content = NULL;
    assert_true(pb_xml_is(root, "urn:x", "a"));
    assert_string_equal(pb_xml_attribute(root, "n"), "1 < 2 & 3");
    assert_null(pb_xml_attribute(root, "m"));
    assert_int_equal(pb_xml_content(root, &content, &error), PB_OK);
    assert_string_equal(content, " t u ");
    assert_true(pb_xml_is(b, "urn:x", "b"));
    assert_false(pb_xml_is(pb_xml_next(b), "urn:x", "b"));
    assert_null(pb_xml_next(pb_xml_next(b)));
    pb_free(content);
    pb_xml_free(&xml);
}

static void test_a_schema_names_file_line_and_violation(void **state)
{
    static const char schema_text[] =
        "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:x' elementFormDefault='qualified'>"
        "<xs:element name='a'><xs:complexType><xs:attribute name='n' type='xs:int'/></xs:complexType></xs:element>"
        "</xs:schema>";
    struct pb_error error = {0};
    struct pb_xml_schema *schema = NULL;
    const char *path = folder_path(state, "x.xsd");
    assert_int_equal(pb_file_write_atomic(path, schema_text, strlen(schema_text), &error), PB_OK);
    assert_int_equal(pb_xml_schema_open(path, &schema, &error), PB_OK);
    struct pb_xml good = parse("<a xmlns='urn:x' n='4'/>"), bad = parse("\n<a xmlns='urn:x' n='four'/>");
    assert_int_equal(pb_xml_validate(&good, schema, &error), PB_OK);
    assert_int_equal(pb_xml_validate(&bad, schema, &error), PB_ERROR_INPUT);
    assert_string_equal(error.text,
                        "a.xml:2: Element 'a', attribute 'n': 'four' is not a valid value of the atomic type "
                        "'xs:int'");
    pb_xml_free(&good);
    pb_xml_free(&bad);
    pb_xml_schema_free(&schema);
    assert_int_equal(pb_file_write_atomic(path, "<not-a-schema/>", 15, &error), PB_OK);
    assert_int_equal(pb_xml_schema_open(path, &schema, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "x.xsd: not a usable schema: "));
    assert_null(schema);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_not_well_formed_is_refused_with_its_line),
        TEST(test_a_doctype_is_refused_before_anything_in_it_is_read),
        TEST(test_lines_are_true_beyond_what_libxml2_keeps),
        TEST(test_files_beyond_the_limit_are_refused),
        TEST(test_a_large_document_is_read_to_its_end),
        TEST(test_elements_attributes_and_text_are_found),
        TEST(test_a_schema_names_file_line_and_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
