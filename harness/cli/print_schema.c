/* The schemas that follow from the program's own tables. */
#include "cli/print_schema.h"

#include <stdio.h>
#include <string.h>

#include "audit/rule_fields.h"
#include "base/text.h"
#include "matrix/matrix_schema.h"
#include "results/result.h"
#include "summary/summary_fields.h"

const char *const pb_schema_names[] = {"audit", "matrix", "result", "summary", NULL};
/* By these names. */
static enum pb_status (*const schemas[])(struct pb_text *text, struct pb_error *error) = {
    pb_audit_schema, pb_matrix_schema, pb_result_schema, pb_summary_schema};

int pb_print_schema(const char *name)
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    enum pb_status status =
        pb_fail(&error, PB_ERROR_INPUT, "--schema takes the name of a schema: audit, matrix, result, summary");
    for (size_t i = 0; name != NULL && i < sizeof schemas / sizeof *schemas; i++)
        if (strcmp(name, pb_schema_names[i]) == 0)
            status = schemas[i](&text, &error);
    if (status == PB_OK)
        fputs(text.data, stdout);
    else
        fprintf(stderr, "prunebench: %s\n", error.text);
    pb_text_free(&text);
    return status == PB_OK ? 0 : pb_exit_code(status);
}
