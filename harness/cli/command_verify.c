/* prunebench verify: a backend against recorded trainings. */
#include <math.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/backend_argument.h"
#include "cli/cli.h"
#include "trace/trace_verify.h"

static const struct pb_cli_option options[] = {
    {"backend", 'b', "NAME", "the backend to verify"},
    {"threads", 't', "T", "threads that it may use (1)"},
    PB_BACKEND_OPTIONS,
    {"json", 0, NULL, "print one JSON object"},
    {0},
};

/* What came of one trace. */
struct outcome {
    const char *path;
    struct pb_trace_report report;
    bool passed;
};

static bool group_passed(const struct pb_trace_deviation *group)
{
    return group->worst <= PB_TRACE_TOLERANCE;
}

static enum pb_status verify(const char *path, struct pb_device *device, struct outcome *outcome,
                             struct pb_error *error)
{
    struct pb_trace trace = {0};
    enum pb_status status = pb_trace_open(path, &trace, error);
    if (status)
        return status;
    *outcome = (struct outcome){.path = path, .passed = true};
    status = pb_trace_verify(&trace, device, &outcome->report, error);
    pb_trace_close(&trace);
    for (int group = 0; group < PB_TRACE_GROUP_COUNT; group++)
        outcome->passed = outcome->passed && group_passed(&outcome->report.groups[group]);
    return status;
}

static void print_outcome(const struct outcome *outcome)
{
    printf("%s: %u steps\n", outcome->path, outcome->report.steps);
    for (int i = 0; i < PB_TRACE_GROUP_COUNT; i++) {
        const struct pb_trace_deviation *group = &outcome->report.groups[i];
        if (group->tensors)
            printf("  %-20s worst %8.1e of %g in %-28s %s\n", pb_trace_group_name((enum pb_trace_group)i), group->worst,
                   PB_TRACE_TOLERANCE, group->tensor, group_passed(group) ? "ok" : "FAILED");
    }
}

/* A deviation that is not finite is null in JSON. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *outcome_json(const struct outcome *outcome)
{
    json_t *groups = json_object();
    for (int i = 0; i < PB_TRACE_GROUP_COUNT; i++) {
        const struct pb_trace_deviation *group = &outcome->report.groups[i];
        if (group->tensors)
            json_object_set_new(groups, pb_trace_group_name((enum pb_trace_group)i),
                                json_pack("{s:o, s:s, s:i, s:b}", "worst", number(group->worst), "tensor",
                                          group->tensor, "tensors", (int)group->tensors, "passed",
                                          group_passed(group)));
    }
    return json_pack("{s:s, s:i, s:b, s:o}", "trace", outcome->path, "steps", (int)outcome->report.steps, "passed",
                     outcome->passed, "groups", groups);
}

static enum pb_status verify_all(const struct pb_arguments *arguments, struct pb_device *device, int *exit_code,
                                 struct pb_error *error)
{
    const bool as_json = pb_argument(arguments, "json");
    json_t *traces = as_json ? json_array() : NULL;
    enum pb_status status = PB_OK;
    if (!as_json)
        printf("%s, %u threads\n", device->description, device->threads);
    for (size_t i = 0; i < arguments->word_count && !status; i++) {
        struct outcome outcome;
        status = verify(arguments->words[i], device, &outcome, error);
        if (status)
            break;
        *exit_code = outcome.passed ? *exit_code : 1;
        if (!as_json)
            print_outcome(&outcome);
        else if (json_array_append_new(traces, outcome_json(&outcome)))
            status = pb_fail_memory(error, sizeof outcome);
    }
    if (as_json && !status) {
        json_t *whole =
            json_pack("{s:s, s:s, s:i, s:f, s:O}", "backend", device->description, "fallbacks", device->fallbacks,
                      "threads", (int)device->threads, "tolerance", PB_TRACE_TOLERANCE, "traces", traces);
        if (!whole || json_dumpf(whole, stdout, JSON_INDENT(2)))
            status = pb_fail_memory(error, sizeof *whole);
        else
            putchar('\n');
        json_decref(whole);
    }
    json_decref(traces);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_backend_argument backend = {0};
    size_t threads = 1;
    const char *name = pb_argument(arguments, "backend");
    if (!name)
        return pb_fail(error, PB_ERROR_INPUT, "verify needs --backend; 'prunebench plugins list' shows what there is");
    enum pb_status status = pb_argument_size(arguments, "threads", 1, 1024, &threads, error);
    if (!status)
        status = pb_argument_backend(arguments, name, (uint32_t)threads, &backend, error);
    if (!status)
        status = verify_all(arguments, backend.device, exit_code, error);
    pb_argument_backend_close(&backend);
    return status;
}

const struct pb_command pb_command_verify = {
    .name = "verify",
    .usage = "--backend B TRACE.safetensors… [--threads T] [--option NAME=VALUE]… [--plugin-dir DIR]… [--json]",
    .summary = "a backend against a recorded training trace",
    .details =
        "Trains the small bilinear CNN of each trace as PyTorch did in double precision, and compares logits, losses, "
        "gradients, states, running statistics and the logits of evaluation. A value may be off by 1e-4 of the largest "
        "in its tensor (or of a thousandth of the largest in its group). Prints the worst deviation of each group; "
        "exits 1 when one is above the tolerance.",
    .options = options,
    .min_words = 1,
    .max_words = 1000,
    .run = run,
};
