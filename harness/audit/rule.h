/* What a file of rules holds; rule_fields.c has the tables by which it is read. */
#ifndef PB_AUDIT_RULE_H
#define PB_AUDIT_RULE_H

#include <stdint.h>

#include <libxml/xpath.h>

#include "base/xml.h"

#define PB_AUDIT_NAMESPACE "urn:prunebench:audit:1" /* of rules, and of the functions that they may call */
#define PB_AUDIT_SCHEMA "audit-1.xsd"

enum pb_audit_severity { PB_AUDIT_ERROR, PB_AUDIT_WARNING };

/* Which document a rule is about: the result of each cell, or what the run is as a whole (run_document.h). */
enum pb_audit_subject { PB_AUDIT_CELL, PB_AUDIT_RUN };

struct pb_audit_expression {
    const xmlNode *node; /* its element; NULL: not given */
    xmlXPathCompExpr *compiled;
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

#endif
