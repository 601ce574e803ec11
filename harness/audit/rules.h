/* The rules of an audit: files of them, checked against their schema, with XPath expressions that are compiled as they are read. */
#ifndef PB_AUDIT_RULES_H
#define PB_AUDIT_RULES_H

#include "audit/rule.h"

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
