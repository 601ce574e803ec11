/* Rules are evaluated document by document: each cell's result, then the run as a whole. */
#include "audit/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libxml/xpathInternals.h>

#include "audit/functions.h"
#include "audit/run_document.h"
#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "results/result_read.h"

const char *const pb_audit_verdicts[] = {
    [PB_AUDIT_PASSED] = "passed", [PB_AUDIT_FAILED] = "failed", [PB_AUDIT_NOT_APPLICABLE] = "not applicable"};

enum pb_audit_verdict pb_audit_verdict_of(const struct pb_audit_outcome *outcome)
{
    return outcome->break_count ? PB_AUDIT_FAILED : outcome->checked ? PB_AUDIT_PASSED : PB_AUDIT_NOT_APPLICABLE;
}

/* A document while its rules are evaluated. */
struct subject {
    const char *id; /* of its cell; NULL: the run */
    xmlDoc *doc;
    xmlXPathContext *context;
    struct pb_audit_complaint complaint;
};

static enum pb_status evaluate(struct subject *subject, const struct pb_audit_rule *rule,
                               const struct pb_audit_expression *expression, xmlNode *node, xmlXPathObject **value,
                               struct pb_error *error)
{
    subject->context->node = node;
    subject->context->contextSize = subject->context->proximityPosition = 1;
    *value = xmlXPathCompiledEval(expression->compiled, subject->context);
    return *value ? PB_OK : pb_audit_refuse(rule, expression, &subject->complaint, error);
}

static enum pb_status add_cell(struct pb_audit_break *broken, const char *name, struct pb_error *error)
{
    char **cells = pb_array_room(broken->cells, broken->cell_count, sizeof *cells, error);
    if (!cells)
        return PB_ERROR_MEMORY;
    broken->cells = cells;
    cells[broken->cell_count] = pb_strdup(name);
    if (!cells[broken->cell_count])
        return pb_fail_memory(error, strlen(name) + 1);
    broken->cell_count++;
    return PB_OK;
}

/* Adds the string value of a node. */
static enum pb_status add_node(struct pb_audit_break *broken, const xmlNode *node, struct pb_error *error)
{
    char *name = NULL;
    enum pb_status status = pb_xml_content(node, &name, error);
    if (status == PB_OK)
        status = add_cell(broken, name, error);
    pb_free(name);
    return status;
}

static enum pb_status add_selected(struct pb_audit_break *broken, xmlNodeSet *nodes, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    xmlXPathNodeSetSort(nodes);
    for (int i = 0; nodes && i < nodes->nodeNr && status == PB_OK; i++)
        status = add_node(broken, nodes->nodeTab[i], error);
    return status;
}

/* Every id in a node of the run, and below it. */
static enum pb_status add_ids(struct pb_audit_break *broken, const xmlNode *node, struct pb_error *error)
{
    if (node->type != XML_ELEMENT_NODE)
        return PB_OK;
    const char *id = pb_xml_attribute(node, "id");
    enum pb_status status = id ? add_cell(broken, id, error) : PB_OK;
    for (const xmlNode *child = pb_xml_first(node); child && status == PB_OK; child = pb_xml_next(child))
        status = add_ids(broken, child, error);
    return status;
}

static enum pb_status name_cells(struct subject *subject, const struct pb_audit_rule *rule, xmlNode *node,
                                 struct pb_audit_break *broken, struct pb_error *error)
{
    xmlXPathObject *value = NULL;
    if (!rule->cells.node)
        return subject->id ? add_cell(broken, subject->id, error) : add_ids(broken, node, error);
    enum pb_status status = evaluate(subject, rule, &rule->cells, node, &value, error);
    if (status == PB_OK && value->type != XPATH_NODESET)
        status = pb_xml_fail(rule->file, rule->cells.node, error,
                             "rule '%s': <cells> must select nodes, whose text names cells", rule->id);
    if (status == PB_OK)
        status = add_selected(broken, value->nodesetval, error);
    xmlXPathFreeObject(value);
    return status;
}

static enum pb_status say_found(struct subject *subject, const struct pb_audit_rule *rule, xmlNode *node,
                                struct pb_audit_break *broken, struct pb_error *error)
{
    xmlXPathObject *value = NULL;
    if (!rule->found.node)
        return PB_OK;
    enum pb_status status = evaluate(subject, rule, &rule->found, node, &value, error);
    xmlChar *text = status == PB_OK ? xmlXPathCastToString(value) : NULL;
    if (status == PB_OK && !(broken->found = text ? pb_strdup((const char *)text) : NULL))
        status = pb_fail_memory(error, 1);
    xmlFree(text);
    xmlXPathFreeObject(value);
    return status;
}

static void free_break(struct pb_audit_break *broken)
{
    for (uint32_t i = 0; i < broken->cell_count; i++)
        pb_free(broken->cells[i]);
    pb_free(broken->cells);
    pb_free(broken->found);
}

static enum pb_status add_break(struct subject *subject, struct pb_audit_outcome *outcome, xmlNode *node,
                                struct pb_error *error)
{
    struct pb_audit_break broken = {0};
    struct pb_audit_break *breaks = pb_array_room(outcome->breaks, outcome->break_count, sizeof *breaks, error);
    if (!breaks)
        return PB_ERROR_MEMORY;
    outcome->breaks = breaks;
    enum pb_status status = name_cells(subject, outcome->rule, node, &broken, error);
    if (status == PB_OK)
        status = say_found(subject, outcome->rule, node, &broken, error);
    if (status == PB_OK)
        breaks[outcome->break_count++] = broken;
    else
        free_break(&broken);
    return status;
}

static enum pb_status check_node(struct subject *subject, struct pb_audit_outcome *outcome, xmlNode *node,
                                 struct pb_error *error)
{
    xmlXPathObject *value = NULL;
    enum pb_status status = evaluate(subject, outcome->rule, &outcome->rule->must, node, &value, error);
    outcome->checked++;
    if (status == PB_OK && !xmlXPathCastToBoolean(value))
        status = add_break(subject, outcome, node, error);
    xmlXPathFreeObject(value);
    return status;
}

/* The prefixes that the rule's file declares. */
static enum pb_status register_prefixes(struct subject *subject, const struct pb_audit_rule *rule,
                                        struct pb_error *error)
{
    enum pb_status status = PB_OK;
    xmlXPathRegisteredNsCleanup(subject->context);
    xmlNs **spaces = xmlGetNsList(rule->file->doc, rule->node);
    for (xmlNs **space = spaces; space && *space && status == PB_OK; space++)
        if ((*space)->prefix && xmlXPathRegisterNs(subject->context, (*space)->prefix, (*space)->href) != 0)
            status = pb_fail_memory(error, 0);
    xmlFree(spaces);
    return status;
}

static enum pb_status check_rule(struct subject *subject, struct pb_audit_outcome *outcome, struct pb_error *error)
{
    const struct pb_audit_rule *rule = outcome->rule;
    xmlXPathObject *value = NULL;
    enum pb_status status = register_prefixes(subject, rule, error);
    if (status == PB_OK)
        status = evaluate(subject, rule, &rule->each, (xmlNode *)subject->doc, &value, error);
    if (status == PB_OK && value->type != XPATH_NODESET)
        status = pb_xml_fail(rule->file, rule->each.node, error, "rule '%s': <for> must select nodes", rule->id);
    xmlNodeSet *nodes = status == PB_OK ? value->nodesetval : NULL;
    if (nodes)
        xmlXPathNodeSetSort(nodes);
    for (int i = 0; nodes && i < nodes->nodeNr && status == PB_OK; i++)
        status = check_node(subject, outcome, nodes->nodeTab[i], error);
    xmlXPathFreeObject(value);
    return status;
}

/* Some of libxml2's messages about an expression, such as the name of an unknown function, come only this way. */
static void on_message(void *complaint, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void on_message(void *complaint, const char *format, ...)
{
    struct pb_audit_complaint *first = complaint;
    va_list arguments;
    if (first->text[0])
        return;
    va_start(arguments, format);
    (void)vsnprintf(first->text, sizeof first->text, format, arguments);
    va_end(arguments);
    first->text[strcspn(first->text, "\r\n")] = '\0';
}

static enum pb_status check_document(xmlDoc *doc, const char *id, struct pb_audit *audit, struct pb_error *error)
{
    struct subject subject = {.id = id, .doc = doc, .context = xmlXPathNewContext(doc)};
    if (!subject.context)
        return pb_fail_memory(error, sizeof *subject.context);
    subject.context->error = pb_audit_complain;
    subject.context->userData = &subject.complaint;
    xmlSetGenericErrorFunc(&subject.complaint, on_message);
    enum pb_status status = pb_audit_functions(subject.context, error);
    for (uint32_t i = 0; i < audit->count && status == PB_OK; i++)
        if (audit->outcomes[i].rule->subject == (id ? PB_AUDIT_CELL : PB_AUDIT_RUN))
            status = check_rule(&subject, &audit->outcomes[i], error);
    xmlSetGenericErrorFunc(NULL, NULL);
    xmlXPathFreeContext(subject.context);
    return status;
}

/* The document itself, not what the program has read of it: a team's rule may look at anything that it holds. */
static enum pb_status check_cell(const char *out, const char *id, struct pb_audit *audit, struct pb_error *error)
{
    struct pb_xml xml = {0};
    char *path = pb_format("%s/cells/%s.xml", out, id);
    enum pb_status status = path ? pb_xml_read(path, PB_RESULT_MAX_BYTES, &xml, error) : pb_fail_memory(error, 1);
    if (status == PB_OK)
        status = check_document(xml.doc, id, audit, error);
    audit->cells++;
    pb_xml_free(&xml);
    pb_free(path);
    return status;
}

static enum pb_status check_run(const char *out, const struct pb_text *document, struct pb_audit *audit,
                                struct pb_error *error)
{
    struct pb_xml xml = {0};
    enum pb_status status = pb_xml_parse(out, document->data, document->length, &xml, error);
    if (status == PB_OK)
        status = check_document(xml.doc, NULL, audit, error);
    pb_xml_free(&xml);
    return status;
}

/* What is needed of a run once its records are gone. */
struct run {
    struct pb_text document;
    char **ids; /* of cells whose documents are checked */
    uint32_t count;
};

static void free_run(struct run *run)
{
    for (uint32_t i = 0; run->ids && i < run->count; i++)
        pb_free(run->ids[i]);
    pb_free(run->ids);
    pb_text_free(&run->document);
}

static enum pb_status take_ids(const struct pb_summary *summary, struct run *run, struct pb_error *error)
{
    run->count = summary->record_count;
    run->ids = pb_calloc((size_t)run->count + 1, sizeof *run->ids);
    bool good = run->ids != NULL;
    for (uint32_t i = 0; good && i < run->count; i++)
        good = (run->ids[i] = pb_strdup(summary->records[i].id)) != NULL;
    return good ? PB_OK : pb_fail_memory(error, run->count * sizeof *run->ids);
}

/* The records are freed before documents are read one by one: among so many small blocks, memory is found slowly. */
static enum pb_status read_run(const char *out, struct run *run, struct pb_audit *audit, struct pb_error *error)
{
    struct pb_summary summary = {0};
    enum pb_status status = pb_summary_read(out, &summary, error);
    if (status != PB_OK)
        return status;
    audit->matrix = pb_strdup(summary.matrix);
    status = audit->matrix ? take_ids(&summary, run, error) : pb_fail_memory(error, strlen(summary.matrix) + 1);
    if (status == PB_OK)
        status = pb_audit_run_document(out, &summary, &run->document, error);
    pb_summary_free(&summary);
    return status;
}

enum pb_status pb_audit_folder(const char *out, const struct pb_audit_rules *rules, struct pb_audit *audit,
                               struct pb_error *error)
{
    struct run run = {0};
    struct pb_audit made = {.outcomes = pb_calloc((size_t)rules->count + 1, sizeof *made.outcomes),
                            .count = rules->count};
    enum pb_status status = made.outcomes ? PB_OK : pb_fail_memory(error, rules->count * sizeof *made.outcomes);
    for (uint32_t i = 0; status == PB_OK && i < rules->count; i++)
        made.outcomes[i].rule = &rules->list[i];
    if (status == PB_OK)
        status = read_run(out, &run, &made, error);
    for (uint32_t i = 0; status == PB_OK && i < run.count; i++)
        status = check_cell(out, run.ids[i], &made, error);
    if (status == PB_OK)
        status = check_run(out, &run.document, &made, error);
    free_run(&run);
    if (status == PB_OK)
        *audit = made;
    else
        pb_audit_free(&made);
    return status;
}

uint32_t pb_audit_count(const struct pb_audit *audit, enum pb_audit_severity severity, enum pb_audit_verdict verdict)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < audit->count; i++)
        count += audit->outcomes[i].rule->severity == severity && pb_audit_verdict_of(&audit->outcomes[i]) == verdict;
    return count;
}

void pb_audit_free(struct pb_audit *audit)
{
    for (uint32_t i = 0; audit->outcomes && i < audit->count; i++) {
        for (uint32_t k = 0; k < audit->outcomes[i].break_count; k++)
            free_break(&audit->outcomes[i].breaks[k]);
        pb_free(audit->outcomes[i].breaks);
    }
    pb_free(audit->outcomes);
    pb_free(audit->matrix);
    *audit = (struct pb_audit){0};
}
