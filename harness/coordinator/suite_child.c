/* The lines that a child of the operator suite writes, and how they are read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "coordinator/suite_runs.h"

#define SEPARATOR '\x1f' /* between a result's case and its problem */

/* A line's text has no line ends and separators of its own. */
static void append_clean(struct pb_text *text, const char *words)
{
    for (; *words; words++)
        pb_text_append(text, "%c", (unsigned char)*words < ' ' ? ' ' : *words);
}

static void append_result(struct pb_text *text, const struct pb_suite_result *result)
{
    pb_text_append(text, "result %s %d %d %d %" PRIu32 " %.17g ", result->name, result->portable, result->skipped,
                   result->unchecked, result->outputs, result->worst);
    append_clean(text, result->where);
    pb_text_append(text, "%c", SEPARATOR);
    append_clean(text, result->problem);
    pb_text_append(text, "\n");
}

/* Writes and frees it. */
static enum pb_status write_text(struct pb_text *text, int descriptor, struct pb_error *error)
{
    enum pb_status status = text->failed ? pb_fail_memory(error, text->capacity) : PB_OK;
    for (size_t written = 0; status == PB_OK && written < text->length;) {
        const ssize_t wrote = write(descriptor, text->data + written, text->length - written);
        if (wrote <= 0)
            status = pb_fail_errno(error, "write what the operator suite found");
        else
            written += (size_t)wrote;
    }
    pb_text_free(text);
    return status;
}

enum pb_status pb_suite_child_refuse(const struct pb_error *reason, int descriptor, struct pb_error *error)
{
    struct pb_text text = {0};
    pb_text_append(&text, "failed %d ", (int)reason->status);
    append_clean(&text, reason->text);
    pb_text_append(&text, "\n");
    return write_text(&text, descriptor, error);
}

enum pb_status pb_suite_child(struct pb_device *device, const char *const *skipped, int descriptor,
                              struct pb_error *error)
{
    struct pb_suite_report report;
    struct pb_text text = {0};
    enum pb_status status = pb_suite_run(device, skipped, &report, error);
    if (status != PB_OK)
        return status;
    pb_text_append(&text, "device ");
    append_clean(&text, device->description);
    pb_text_append(&text, "\nfallbacks %s\n", device->fallbacks);
    for (uint32_t i = 0; i < report.count; i++)
        append_result(&text, &report.results[i]);
    pb_text_append(&text, "done\n");
    return write_text(&text, descriptor, error);
}

/* Into the row of its name. What ended a child before stays an operator's problem. */
static void read_result(const char *line, struct pb_suite_outcome *outcome)
{
    char name[32];
    int portable, skipped, unchecked, used = 0;
    uint32_t outputs;
    double worst;
    // NOLINTNEXTLINE(cert-err34-c)
    if (sscanf(line, "%31s %d %d %d %" SCNu32 " %lf%n", name, &portable, &skipped, &unchecked, &outputs, &worst,
               &used) != 6 ||
        line[used] != ' ')
        return;
    const char *where = line + used + 1, *end = strchr(where, SEPARATOR);
    for (uint32_t i = 0; end && i < outcome->report.count; i++) {
        struct pb_suite_result *result = &outcome->report.results[i];
        if (strcmp(result->name, name) != 0)
            continue;
        result->portable = portable != 0;
        result->skipped = skipped != 0;
        result->unchecked = unchecked != 0;
        result->outputs = outputs;
        result->worst = worst;
        snprintf(result->where, sizeof result->where, "%.*s", (int)(end - where), where);
        if (!result->skipped)
            snprintf(result->problem, sizeof result->problem, "%s", end + 1);
    }
}

void pb_suite_line_read(const char *line, struct pb_suite_outcome *outcome, struct pb_error *refusal, bool *done)
{
    int status = 0, used = 0;
    const char *rest = strchr(line, ' ');
    rest = rest ? rest + 1 : "";
    if (pb_starts_with(line, "result "))
        read_result(rest, outcome);
    else if (pb_starts_with(line, "device "))
        snprintf(outcome->description, sizeof outcome->description, "%s", rest);
    else if (pb_starts_with(line, "fallbacks "))
        snprintf(outcome->fallbacks, sizeof outcome->fallbacks, "%s", rest);
    else if (pb_starts_with(line, "failed ") && sscanf(rest, "%d %n", &status, &used) == 1) // NOLINT(cert-err34-c)
        (void)pb_fail(refusal, status == PB_ERROR_INPUT ? PB_ERROR_INPUT : PB_ERROR_RUN, "%s", rest + used);
    else if (strcmp(line, "done") == 0)
        *done = true;
}
