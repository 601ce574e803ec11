/* Reading files of rules. */
#include "audit/rules.h"

#include <stdio.h>
#include <string.h>

#include "audit/rule_fields.h"
#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/resources.h"
#include "results/schema.h"

enum { RULES_MAX_BYTES = 4 << 20 };

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
    return pb_xml_fail(rule->file, expression->node, error,
                       "rule '%s': <%s> is not an XPath expression that can be evaluated: %s", rule->id,
                       pb_xml_name(expression->node), complaint->text[0] ? complaint->text : "unknown error");
}

static enum pb_status compile(const struct pb_audit_rule *rule, struct pb_audit_expression *expression,
                              struct pb_error *error)
{
    struct pb_audit_complaint complaint = {0};
    char *text = NULL;
    if (!expression->node)
        return PB_OK;
    enum pb_status status = pb_xml_content(expression->node, &text, error);
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

static enum pb_status check_id(const struct pb_audit_rules *rules, const struct pb_audit_rule *rule,
                               struct pb_error *error)
{
    for (const struct pb_audit_rule *other = rules->list; other < rule; other++)
        if (strcmp(other->id, rule->id) == 0)
            return pb_xml_fail(rule->file, rule->node, error,
                               "there is a rule '%s' in '%s', line %ld, too; give this one another id", rule->id,
                               other->file->path, pb_xml_line(other->node));
    return PB_OK;
}

/* What no table of fields can check or keep. */
static enum pb_status prepare(const struct pb_xml *file, const struct pb_audit_rules *rules, struct pb_audit_rule *rule,
                              struct pb_error *error)
{
    struct pb_audit_expression *const expressions[] = {&rule->each, &rule->must, &rule->cells, &rule->found};
    rule->file = file;
    rule->node = rule->each.node->parent;
    enum pb_status status = check_id(rules, rule, error);
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions && status == PB_OK; i++)
        status = compile(rule, expressions[i], error);
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
    const uint32_t before = rules->count;
    enum pb_status status = keep_file(path, rules, &file, error);
    if (status == PB_OK)
        status = pb_fields_read(file, xmlDocGetRootElement(file->doc), &pb_audit_fields, rules, error);
    for (uint32_t i = before; status == PB_OK && i < rules->count; i++)
        status = prepare(file, rules, &rules->list[i], error);
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
    for (uint32_t i = 0; i < rules->count; i++) {
        struct pb_audit_rule *rule = &rules->list[i];
        xmlXPathFreeCompExpr(rule->each.compiled);
        xmlXPathFreeCompExpr(rule->must.compiled);
        xmlXPathFreeCompExpr(rule->cells.compiled);
        xmlXPathFreeCompExpr(rule->found.compiled);
    }
    pb_fields_clear(&pb_audit_fields, rules);
    for (uint32_t i = 0; i < rules->file_count; i++) {
        pb_xml_free(rules->files[i]);
        pb_free(rules->files[i]);
    }
    pb_free(rules->files);
    *rules = (struct pb_audit_rules){0};
}
