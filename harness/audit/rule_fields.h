/* A file of rules as tables of fields. */
#ifndef PB_AUDIT_RULE_FIELDS_H
#define PB_AUDIT_RULE_FIELDS_H

#include "results/fields.h"

extern const struct pb_fields pb_audit_fields; /* the whole <audit>: members of struct pb_audit_rules */
extern const char *const pb_audit_severities[]; /* by enum pb_audit_severity, up to NULL */

/* schema/audit-1.xsd, appended to text. */
PB_MUST_CHECK enum pb_status pb_audit_schema(struct pb_text *text, struct pb_error *error);

#endif
