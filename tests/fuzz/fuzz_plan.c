/* Fuzzes what the coordinator reads from a child process that has planned a matrix: lines of any bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "coordinator/plan_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_cell_plan plan = {0};
    struct pb_error failure = {0}, error;
    struct pb_text text = {0};
    char *copy = pb_strndup((const char *)bytes, length);
    if (copy == NULL)
        abort();
    for (char *line = copy, *end; line != NULL; line = end == NULL ? NULL : end + 1) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (pb_plan_lines_read(line, &plan, &failure, &error) != PB_OK)
            abort();
    }
    pb_plan_lines_write(&plan, &text);
    pb_plan_lines_write_failure(&failure, &text);
    pb_text_free(&text);
    pb_free(plan.stages);
    pb_free(copy);
    return 0;
}
