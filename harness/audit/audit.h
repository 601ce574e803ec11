/* A folder of results against the rules of a submission: which hold, which are broken, and by which cells. */
#ifndef PB_AUDIT_AUDIT_H
#define PB_AUDIT_AUDIT_H

#include "audit/rules.h"

/* One node that breaks a rule. */
struct pb_audit_break {
    char **cells; /* ids, or names of documents */
    uint32_t cell_count;
    char *found; /* "0.31 … 0.44"; NULL: the rule does not say */
};

enum pb_audit_verdict { PB_AUDIT_PASSED, PB_AUDIT_FAILED, PB_AUDIT_NOT_APPLICABLE };
extern const char *const pb_audit_verdicts[]; /* "passed", "failed", "not applicable" */

struct pb_audit_outcome {
    const struct pb_audit_rule *rule;
    uint64_t checked; /* nodes that were looked at */
    struct pb_audit_break *breaks;
    uint32_t break_count;
};
/* A rule that found nothing to look at does not apply. */
enum pb_audit_verdict pb_audit_verdict_of(const struct pb_audit_outcome *outcome);

struct pb_audit {
    char *matrix;
    uint32_t cells; /* whose documents were looked at */
    struct pb_audit_outcome *outcomes; /* one for each rule */
    uint32_t count;
};

/* out: a folder that 'prunebench run' made. A folder without any result is PB_ERROR_INPUT. rules must live as long as *audit. */
PB_MUST_CHECK enum pb_status pb_audit_folder(const char *out, const struct pb_audit_rules *rules,
                                             struct pb_audit *audit, struct pb_error *error);
/* Rules of this severity with this verdict. */
uint32_t pb_audit_count(const struct pb_audit *audit, enum pb_audit_severity severity, enum pb_audit_verdict verdict);
void pb_audit_free(struct pb_audit *audit);

#endif
