/* prunebench verify: a backend against recorded trainings, and its operators against their definitions. */
#include <math.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/backend_argument.h"
#include "cli/cli.h"
#include "suite/suite.h"
#include "trace/trace_verify.h"

static const struct pb_cli_option options[] = {
    {"backend", 'b', "NAME", "the backend to verify"},
    {"threads", 't', "T", "threads that it may use (1)"},
    {"operators", 'o', NULL, "check every operator against its definition in double precision"},
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

static const char *measure_name(enum pb_suite_measure measure)
{
    return measure == PB_SUITE_BY_ELEMENT ? "element" : "RMS";
}

/* Operators that the backend has, and those that went wrong before anything could be compared. */
static bool is_shown(const struct pb_suite_result *result)
{
    return result->outputs || result->problem[0];
}

static void print_operators(const struct pb_suite_report *report)
{
    printf("operators, each output's worst element against double precision\n");
    for (uint32_t i = 0; i < report->count; i++) {
        const struct pb_suite_result *result = &report->results[i];
        if (!is_shown(result))
            continue;
        const bool passed = pb_suite_passed(result);
        printf("  %-24s worst %8.1e of %-6g (by %s)%*s %s", result->name, result->worst, result->tolerance,
               measure_name(result->measure), result->measure == PB_SUITE_BY_RMS ? 4 : 0, "", passed ? "ok" : "FAILED");
        if (result->portable)
            printf(" (portable)");
        if (!passed)
            printf(": %s", result->problem[0] ? result->problem : result->where);
        printf("\n");
    }
}

static json_t *operators_json(const struct pb_suite_report *report)
{
    json_t *operators = json_object();
    for (uint32_t i = 0; i < report->count; i++) {
        const struct pb_suite_result *result = &report->results[i];
        if (is_shown(result))
            json_object_set_new(operators, result->name,
                                json_pack("{s:o, s:f, s:s, s:b, s:s, s:s, s:i, s:b}", "worst", number(result->worst),
                                          "tolerance", result->tolerance, "measure", measure_name(result->measure),
                                          "portable", result->portable, "where", result->where, "problem",
                                          result->problem, "outputs", (int)result->outputs, "passed",
                                          pb_suite_passed(result)));
    }
    return operators;
}

/* json: where its object goes; NULL: it is printed. */
static enum pb_status verify_operators(struct pb_device *device, json_t *json, int *exit_code, struct pb_error *error)
{
    struct pb_suite_report report;
    const enum pb_status status = pb_suite_run(device, &report, error);
    if (status)
        return status;
    for (uint32_t i = 0; i < report.count; i++)
        *exit_code = pb_suite_passed(&report.results[i]) ? *exit_code : 1;
    if (!json)
        print_operators(&report);
    else if (json_object_set_new(json, "operators", operators_json(&report)))
        return pb_fail_memory(error, sizeof report);
    return PB_OK;
}

/* traces: where their objects go; NULL: they are printed. */
static enum pb_status verify_traces(const struct pb_arguments *arguments, struct pb_device *device, json_t *traces,
                                    int *exit_code, struct pb_error *error)
{
    for (size_t i = 0; i < arguments->word_count; i++) {
        struct outcome outcome;
        const enum pb_status status = verify(arguments->words[i], device, &outcome, error);
        if (status)
            return status;
        *exit_code = outcome.passed ? *exit_code : 1;
        if (!traces)
            print_outcome(&outcome);
        else if (json_array_append_new(traces, outcome_json(&outcome)))
            return pb_fail_memory(error, sizeof outcome);
    }
    return PB_OK;
}

static enum pb_status verify_all(const struct pb_arguments *arguments, struct pb_device *device, int *exit_code,
                                 struct pb_error *error)
{
    json_t *traces = NULL, *whole = NULL;
    if (pb_argument(arguments, "json")) {
        traces = json_array();
        whole = json_pack("{s:s, s:s, s:i, s:f, s:O}", "backend", device->description, "fallbacks", device->fallbacks,
                          "threads", (int)device->threads, "tolerance", PB_TRACE_TOLERANCE, "traces", traces);
        if (!whole) {
            json_decref(traces);
            return pb_fail_memory(error, sizeof *whole);
        }
    } else {
        printf("%s, %u threads\n", device->description, device->threads);
    }
    enum pb_status status = PB_OK;
    if (pb_argument(arguments, "operators"))
        status = verify_operators(device, whole, exit_code, error);
    if (!status)
        status = verify_traces(arguments, device, traces, exit_code, error);
    if (whole && !status) {
        if (json_dumpf(whole, stdout, JSON_INDENT(2)))
            status = pb_fail_memory(error, sizeof *whole);
        else
            putchar('\n');
    }
    json_decref(whole);
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
    if (!arguments->word_count && !pb_argument(arguments, "operators"))
        return pb_fail(error, PB_ERROR_INPUT, "verify needs a recorded training (TRACE.safetensors), or --operators");
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
    .usage = "--backend B [--operators] [TRACE.safetensors…] [--threads T] [--option NAME=VALUE]… [--plugin-dir DIR]… "
             "[--json]",
    .summary = "compare a backend with recorded trainings, or each of its operators with its definition",
    .details =
        "Trains the small bilinear CNN of each trace as PyTorch did in double precision, and compares logits, losses, "
        "gradients, states, running statistics and the logits of evaluation. A value may be off by 1e-4 of the largest "
        "in its tensor (or of a thousandth of the largest in its group). Prints the worst deviation of each group. "
        "With --operators, it runs every operator that the backend has on awkward shapes, and prints the worst "
        "deviation of "
        "each from its definition in double precision: of an element against itself, or for sums, whose terms may "
        "cancel, "
        "against the root mean square (RMS) of its output where that is larger. An operator also fails when it writes "
        "outside "
        "its output, changes an input, leaves a value unwritten, or loses a NaN. Exits 1 when anything is beyond its "
        "tolerance.",
    .options = options,
    .min_words = 0,
    .max_words = 1000,
    .run = run,
};
