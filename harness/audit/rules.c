/* Reading files of rules. */
#include "audit/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"
#include "results/schema.h"

enum { RULES_MAX_BYTES = 4 << 20 };

const char *const pb_audit_severities[] = {[PB_AUDIT_ERROR] = "error", [PB_AUDIT_WARNING] = "warning"};

void pb_audit_complain(void *complaint, xmlErrorPtr error)
{
    struct pb_audit_complaint *first = complaint;
    if (!error || first->text[0])
        return;
    first->out_of_memory = error->code == XML_ERR_NO_MEMORY || error->code == XML_XPATH_MEMORY_ERROR;
    snprintf(first->text, sizeof first->text, "%s", error->message ? error->message : "unknown error");
    first->text[strcspn(first->text, "\r\n")] = '\0';
}

enum pb_status pb_audit_refuse(const struct pb_audit_rule *rule, const struct pb_audit_expression *expression,
                               const struct pb_audit_complaint *complaint, struct pb_error *error)
{
    if (complaint->out_of_memory)
        return pb_fail_memory(error, 0);
    return pb_fail_at(error, PB_ERROR_INPUT, rule->file->path, expression->line,
                      "rule '%s': <%s> is not an XPath expression that can be evaluated: %s", rule->id,
                      expression->element, complaint->text[0] ? complaint->text : "unknown error");
}

static enum pb_status compile(const struct pb_audit_rule *rule, const xmlNode *node,
                              struct pb_audit_expression *expression, struct pb_error *error)
{
    struct pb_audit_complaint complaint = {0};
    char *text = NULL;
    expression->line = pb_xml_line(node);
    enum pb_status status = pb_xml_content(node, &text, error);
    if (status != PB_OK)
        return status;
    xmlXPathContext *context = xmlXPathNewContext(rule->file->doc);
    if (context) {
        context->error = pb_audit_complain;
        context->userData = &complaint;
        expression->compiled = xmlXPathCtxtCompile(context, (const xmlChar *)text);
        status = expression->compiled ? PB_OK : pb_audit_refuse(rule, expression, &complaint, error);
    } else {
        status = pb_fail_memory(error, sizeof *context);
    }
    xmlXPathFreeContext(context);
    pb_free(text);
    return status;
}

static void free_rule(struct pb_audit_rule *rule)
{
    pb_free(rule->id);
    pb_free(rule->message);
    pb_free(rule->reason);
    xmlXPathFreeCompExpr(rule->each.compiled);
    xmlXPathFreeCompExpr(rule->must.compiled);
    xmlXPathFreeCompExpr(rule->cells.compiled);
    xmlXPathFreeCompExpr(rule->found.compiled);
    *rule = (struct pb_audit_rule){0};
}

/* Text as a paragraph: every run of blanks and line ends becomes one blank. */
static void join_lines(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        const bool blank = strchr(" \t\r\n", *from) != NULL;
        if (!blank)
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    if (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static enum pb_status read_paragraph(const xmlNode *node, char **text, struct pb_error *error)
{
    const enum pb_status status = pb_xml_content(node, text, error);
    if (status == PB_OK)
        join_lines(*text);
    return status;
}

/* One of the rule's elements, whose names and order the schema has checked. */
static enum pb_status read_part(const xmlNode *node, struct pb_audit_rule *rule, struct pb_error *error)
{
    struct pb_audit_expression *const expressions[] = {&rule->each, &rule->must, &rule->cells, &rule->found};
    const char *name = pb_xml_name(node);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++)
        if (strcmp(name, expressions[i]->element) == 0)
            return compile(rule, node, expressions[i], error);
    return read_paragraph(node, strcmp(name, "message") == 0 ? &rule->message : &rule->reason, error);
}

static enum pb_status check_id(const struct pb_audit_rules *rules, const struct pb_audit_rule *rule,
                               struct pb_error *error)
{
    for (uint32_t i = 0; i < rules->count; i++)
        if (strcmp(rules->list[i].id, rule->id) == 0)
            return pb_xml_fail(rule->file, rule->node, error,
                               "there is a rule '%s' in '%s', line %ld, too; give this one another id", rule->id,
                               rules->list[i].file->path, pb_xml_line(rules->list[i].node));
    return PB_OK;
}

static enum pb_status read_rule(const struct pb_xml *file, const xmlNode *node, struct pb_audit_rules *rules,
                                struct pb_error *error)
{
    struct pb_audit_rule *list = pb_array_room(rules->list, rules->count, sizeof *list, error);
    if (!list)
        return PB_ERROR_MEMORY;
    rules->list = list;
    const char *id = pb_xml_attribute(node, "id"), *severity = pb_xml_attribute(node, "severity"),
               *subject = pb_xml_attribute(node, "about");
    struct pb_audit_rule rule = {
        .id = pb_strdup(id ? id : ""),
        .severity = severity && strcmp(severity, "warning") == 0 ? PB_AUDIT_WARNING : PB_AUDIT_ERROR,
        .subject = subject && strcmp(subject, "run") == 0 ? PB_AUDIT_RUN : PB_AUDIT_CELL,
        .file = file,
        .node = node,
        .each = {.element = "for"},
        .must = {.element = "must"},
        .cells = {.element = "cells"},
        .found = {.element = "found"},
    };
    enum pb_status status = rule.id ? check_id(rules, &rule, error) : pb_fail_memory(error, 1);
    for (const xmlNode *part = pb_xml_first(node); part && status == PB_OK; part = pb_xml_next(part))
        status = read_part(part, &rule, error);
    if (status == PB_OK)
        list[rules->count++] = rule;
    else
        free_rule(&rule);
    return status;
}

/* Reads and checks a file, and keeps it: the rules point into it. */
static enum pb_status keep_file(const char *path, struct pb_audit_rules *rules, const struct pb_xml **file,
                                struct pb_error *error)
{
    struct pb_xml_schema *schema = NULL;
    struct pb_xml **files = pb_array_room(rules->files, rules->file_count, sizeof *files, error);
    if (!files)
        return PB_ERROR_MEMORY;
    rules->files = files;
    struct pb_xml *made = pb_calloc(1, sizeof *made);
    if (!made)
        return pb_fail_memory(error, sizeof *made);
    enum pb_status status = pb_xml_read(path, RULES_MAX_BYTES, made, error);
    if (status == PB_OK)
        status = pb_schema_open(PB_AUDIT_SCHEMA, &schema, error);
    if (status == PB_OK)
        status = pb_xml_validate(made, schema, error);
    pb_xml_schema_free(&schema);
    if (status == PB_OK) {
        *file = files[rules->file_count++] = made;
    } else {
        pb_xml_free(made);
        pb_free(made);
    }
    return status;
}

enum pb_status pb_audit_rules_read(const char *path, struct pb_audit_rules *rules, struct pb_error *error)
{
    const struct pb_xml *file = NULL;
    enum pb_status status = keep_file(path, rules, &file, error);
    if (status != PB_OK)
        return status;
    const xmlNode *node = pb_xml_first(xmlDocGetRootElement(file->doc));
    for (; node && status == PB_OK; node = pb_xml_next(node))
        status = read_rule(file, node, rules, error);
    return status;
}

enum pb_status pb_audit_rules_own(struct pb_audit_rules *rules, struct pb_error *error)
{
    char *folder = NULL;
    enum pb_status status = pb_resource_dir("reports", &folder, error);
    if (status != PB_OK)
        return status;
    char *path = pb_path_join(folder, "audit.xml");
    status = path ? pb_audit_rules_read(path, rules, error) : pb_fail_memory(error, strlen(folder));
    pb_free(path);
    pb_free(folder);
    return status;
}

void pb_audit_rules_free(struct pb_audit_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++)
        free_rule(&rules->list[i]);
    for (uint32_t i = 0; i < rules->file_count; i++) {
        pb_xml_free(rules->files[i]);
        pb_free(rules->files[i]);
    }
    pb_free(rules->list);
    pb_free(rules->files);
    *rules = (struct pb_audit_rules){0};
}
