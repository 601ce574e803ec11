/* Functions for rules that XPath cannot express. */
#include "audit/functions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <libxml/xpathInternals.h>

#include "audit/rule.h"
#include "base/base64.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/op_table.h"

/* Bytes and their bits that are 1; false where text is not base64. */
static bool count_bits(const xmlChar *text, size_t *bytes, size_t *bits)
{
    struct pb_error ignored = {0};
    uint8_t *read = NULL;
    if (pb_base64_read((const char *)text, &read, bytes, &ignored) != PB_OK)
        return false;
    *bits = 0;
    for (size_t i = 0; i < *bytes; i++)
        *bits += (size_t)__builtin_popcount(read[i]);
    pb_free(read);
    return true;
}

/* A function's only arguments, which are strings; false where there are more or fewer, and the evaluation has failed. */
static bool pop_strings(xmlXPathParserContext *parser, int given, xmlChar **strings, int count)
{
    if (given != count) {
        xmlXPathSetArityError(parser);
        return false;
    }
    for (int i = count; i-- > 0;)
        strings[i] = xmlXPathPopString(parser);
    for (int i = 0; i < count; i++)
        if (parser->error != XPATH_EXPRESSION_OK || !strings[i]) {
            for (int k = 0; k < count; k++)
                xmlFree(strings[k]);
            return false;
        }
    return true;
}

static void call_count(xmlXPathParserContext *parser, int arguments, bool of_bits)
{
    xmlChar *text = NULL;
    size_t bytes = 0, bits = 0;
    if (!pop_strings(parser, arguments, &text, 1))
        return;
    const bool known = count_bits(text, &bytes, &bits);
    xmlFree(text);
    xmlXPathReturnNumber(parser, !known ? (double)NAN : of_bits ? (double)bits : (double)bytes);
}

static void call_bytes(xmlXPathParserContext *parser, int arguments)
{
    call_count(parser, arguments, false);
}

static void call_bits(xmlXPathParserContext *parser, int arguments)
{
    call_count(parser, arguments, true);
}

/* Whether the bytes are this word, and no more. */
static bool is_word(const char *word, const char *bytes, size_t length)
{
    return strlen(word) == length && strncmp(word, bytes, length) == 0;
}

/*
 * Which operators a network has; false where the text names none. Only the members called op are looked for: a string of JSON cannot hold
 * "op" with its quotes, for they are escaped there.
 */
static bool find_used(const char *graph, bool used[PB_OP_COUNT])
{
    static const char MEMBER[] = "\"op\"";
    bool any = false;
    for (const char *at = strstr(graph, MEMBER); at; at = strstr(at, MEMBER)) {
        at += strlen(MEMBER);
        at += strspn(at, " \t\r\n:");
        if (*at != '"')
            continue;
        const size_t length = strcspn(++at, "\"");
        any = true;
        for (enum pb_op op = 0; op < PB_OP_COUNT; op++)
            used[op] = used[op] || is_word(pb_op_name(op), at, length);
    }
    return any;
}

/* Of the names those of slots that these operators call when they infer. */
static void append_used(const bool used[PB_OP_COUNT], const char *names, struct pb_text *text)
{
    for (size_t length; *names; names += length, names += strspn(names, " ")) {
        length = strcspn(names, " ");
        for (enum pb_op op = 0; op < PB_OP_COUNT; op++) {
            const char *slot = pb_graph_operator(op)->slot;
            if (used[op] && slot && is_word(slot, names, length))
                pb_text_append(text, "%s%s", text->length ? " " : "", slot);
        }
    }
}

static void call_used_fallbacks(xmlXPathParserContext *parser, int arguments)
{
    xmlChar *strings[2] = {0};
    bool used[PB_OP_COUNT] = {0};
    struct pb_text text = {0};
    if (!pop_strings(parser, arguments, strings, 2))
        return;
    const char *names = (const char *)strings[0], *graph = (const char *)strings[1];
    if (*names && find_used(graph, used))
        append_used(used, names, &text);
    else if (*names)
        pb_text_append(&text, "unknown");
    if (text.failed) {
        xmlXPathSetError(parser, XPATH_MEMORY_ERROR);
    } else {
        xmlXPathReturnString(parser, xmlStrdup((const xmlChar *)(text.data ? text.data : "")));
    }
    pb_text_free(&text);
    xmlFree(strings[0]);
    xmlFree(strings[1]);
}

enum pb_status pb_audit_functions(xmlXPathContext *context, struct pb_error *error)
{
    static const struct {
        const char *name;
        xmlXPathFunction call;
    } FUNCTIONS[] = {{"bytes", call_bytes}, {"bits", call_bits}, {"used-fallbacks", call_used_fallbacks}};
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        if (xmlXPathRegisterFuncNS(context, (const xmlChar *)FUNCTIONS[i].name, (const xmlChar *)PB_AUDIT_NAMESPACE,
                                   FUNCTIONS[i].call) != 0)
            return pb_fail_memory(error, 0);
    return PB_OK;
}
