/* The rules of an audit: files of them, checked against their schema, with XPath expressions that are compiled as they are read. */
#ifndef PB_AUDIT_RULES_H
#define PB_AUDIT_RULES_H

#include <stdint.h>

#include <libxml/xpath.h>

#include "base/xml.h"

#define PB_AUDIT_NAMESPACE "urn:prunebench:audit:1" /* of rules, and of the functions that they may call */
#define PB_AUDIT_SCHEMA "audit-1.xsd"

enum pb_audit_severity { PB_AUDIT_ERROR, PB_AUDIT_WARNING };
extern const char *const pb_audit_severities[]; /* "error", "warning" */

/* Which document a rule is about: the result of each cell, or what the run is as a whole (run_document.h). */
enum pb_audit_subject { PB_AUDIT_CELL, PB_AUDIT_RUN };

struct pb_audit_expression {
    const char *element; /* "must" */
    xmlXPathCompExpr *compiled; /* NULL: not given */
    long line;
};

struct pb_audit_rule {
    char *id, *message, *reason;
    enum pb_audit_severity severity;
    enum pb_audit_subject subject;
    const struct pb_xml *file;
    const xmlNode *node; /* whose prefixes the expressions use */
    struct pb_audit_expression each; /* the nodes that are looked at: from the document's root */
    struct pb_audit_expression must; /* of each of them; what it gives is taken as a boolean */
    struct pb_audit_expression cells; /* of one that breaks the rule: names of the cells concerned */
    struct pb_audit_expression found; /* of one that breaks the rule: what was found, as a string */
};

struct pb_audit_rules {
    struct pb_audit_rule *list;
    uint32_t count;
    struct pb_xml **files;
    uint32_t file_count;
};

/*
 * Adds the rules of a file. What does not fit the schema, a bad expression and an id that another rule has are PB_ERROR_INPUT with file
 * and line.
 */
PB_MUST_CHECK enum pb_status pb_audit_rules_read(const char *path, struct pb_audit_rules *rules,
                                                 struct pb_error *error);
/* Adds those that come with the program, reports/audit.xml. */
PB_MUST_CHECK enum pb_status pb_audit_rules_own(struct pb_audit_rules *rules, struct pb_error *error);
void pb_audit_rules_free(struct pb_audit_rules *rules);

/* The first message of libxml2 about an expression; set as the structured error function of an XPath context. */
struct pb_audit_complaint {
    char text[200];
    bool out_of_memory;
};
void pb_audit_complain(void *complaint, xmlErrorPtr error);
/* "rules.xml:12: rule 'a', <must>: …" */
enum pb_status pb_audit_refuse(const struct pb_audit_rule *rule, const struct pb_audit_expression *expression,
                               const struct pb_audit_complaint *complaint, struct pb_error *error);

#endif
