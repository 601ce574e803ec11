/* prunebench verify: a backend against recorded trainings, and its operators against their definitions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/backend_argument.h"
#include "base/memory.h"
#include "cli/child_arguments.h"
#include "coordinator/suite_runs.h"
#include "trace/trace_verify.h"

static const struct pb_cli_option options[] = {
    {"backend", 'b', "NAME", "the backend to verify"},
    {"threads", 't', "T", "threads that it may use (1)"},
    {"operators", 'o', NULL, "check every operator against its definition in double precision"},
    PB_BACKEND_OPTIONS,
    {"json", 0, NULL, "print one JSON object"},
    {"skip", 0, "OPERATOR", "with --operators: do not call this one; may be given several times"},
    PB_CHILD_OPTIONS,
    {0},
};

/* What came of one trace. */
struct outcome {
    const char *path;
    struct pb_trace_report report;
    bool passed;
};

static bool group_passed(const struct pb_trace_report *report, int group)
{
    return report->groups[group].worst <= pb_trace_tolerance((enum pb_trace_group)group);
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
        outcome->passed = outcome->passed && group_passed(&outcome->report, group);
    return status;
}

static void print_outcome(const struct outcome *outcome)
{
    printf("%s: %u steps\n", outcome->path, outcome->report.steps);
    for (int i = 0; i < PB_TRACE_GROUP_COUNT; i++) {
        const struct pb_trace_deviation *group = &outcome->report.groups[i];
        if (group->tensors)
            printf("  %-20s worst %8.1e of %g in %-28s %s\n", pb_trace_group_name((enum pb_trace_group)i), group->worst,
                   pb_trace_tolerance((enum pb_trace_group)i), group->tensor,
                   group_passed(&outcome->report, i) ? "ok" : "FAILED");
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
                                json_pack("{s:o, s:f, s:s, s:i, s:b}", "worst", number(group->worst), "tolerance",
                                          pb_trace_tolerance((enum pb_trace_group)i), "tensor", group->tensor,
                                          "tensors", (int)group->tensors, "passed", group_passed(&outcome->report, i)));
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
    return result->outputs || result->problem[0] || result->unchecked;
}

static void print_operators(const struct pb_suite_outcome *outcome)
{
    const struct pb_suite_report *report = &outcome->report;
    printf("operators, each output's worst element against double precision\n");
    for (uint32_t i = 0; i < report->count; i++) {
        const struct pb_suite_result *result = &report->results[i];
        const bool passed = pb_suite_passed(result);
        if (!is_shown(result))
            continue;
        printf("  %-24s ", result->name);
        if (result->outputs)
            printf("worst %8.1e of %-6g (by %s)%*s ", result->worst, result->tolerance, measure_name(result->measure),
                   result->measure == PB_SUITE_BY_RMS ? 4 : 0, "");
        printf("%s%s",
               result->unchecked ? "not checked"
               : passed          ? "ok"
                                 : "FAILED",
               result->portable ? " (portable)" : "");
        if (result->unchecked)
            printf(": every case that calls it needs an operator that failed or was skipped");
        else if (!passed)
            printf(": %s", result->problem[0] ? result->problem : result->where);
        printf("\n");
    }
    if (outcome->problem[0])
        printf("  FAILED: %s\n", outcome->problem);
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

/* What was found: printed, or in JSON. */
struct findings {
    json_t *whole, *traces; /* NULL: it is printed */
    int exit_code;
};

static enum pb_status begin(struct findings *findings, const char *description, const char *fallbacks, size_t threads,
                            struct pb_error *error)
{
    if (!findings->traces) {
        printf("%s, %zu threads\n", description, threads);
        return PB_OK;
    }
    findings->whole = json_pack("{s:s, s:s, s:i, s:O}", "backend", description, "fallbacks", fallbacks, "threads",
                                (int)threads, "traces", findings->traces);
    return findings->whole ? PB_OK : pb_fail_memory(error, sizeof *findings->whole);
}

static enum pb_status add_operators(struct findings *findings, const struct pb_suite_outcome *outcome,
                                    struct pb_error *error)
{
    const struct pb_suite_report *report = &outcome->report;
    for (uint32_t i = 0; i < report->count; i++)
        if (is_shown(&report->results[i]) && !pb_suite_passed(&report->results[i]))
            findings->exit_code = 1;
    if (outcome->problem[0])
        findings->exit_code = 1;
    if (!findings->whole)
        print_operators(outcome);
    else if (json_object_set_new(findings->whole, "operators", operators_json(report)) ||
             json_object_set_new(findings->whole, "problem", json_string(outcome->problem)))
        return pb_fail_memory(error, sizeof *report);
    return PB_OK;
}

static enum pb_status verify_traces(const struct pb_arguments *arguments, struct pb_device *device,
                                    struct findings *findings, struct pb_error *error)
{
    for (size_t i = 0; i < arguments->word_count; i++) {
        struct outcome outcome;
        const enum pb_status status = verify(arguments->words[i], device, &outcome, error);
        if (status)
            return status;
        findings->exit_code = outcome.passed ? findings->exit_code : 1;
        if (!findings->traces)
            print_outcome(&outcome);
        else if (json_array_append_new(findings->traces, outcome_json(&outcome)))
            return pb_fail_memory(error, sizeof outcome);
    }
    return PB_OK;
}

/* A backend that has ended its process would end this one, too. */
static enum pb_status leave_out_traces(const struct pb_arguments *arguments, struct findings *findings,
                                       struct pb_error *error)
{
    static const char reason[] = "not run: the backend has ended the process of its operators";
    for (size_t i = 0; i < arguments->word_count; i++)
        if (!findings->traces)
            printf("%s: %s\n", arguments->words[i], reason);
        else if (json_array_append_new(findings->traces, json_pack("{s:s, s:b, s:s}", "trace", arguments->words[i],
                                                                   "passed", false, "problem", reason)))
            return pb_fail_memory(error, sizeof reason);
    return PB_OK;
}

static void append_options(const char **words, size_t *count, const char *option, const char *const *values)
{
    for (size_t i = 0; values && values[i]; i++) {
        words[(*count)++] = option;
        words[(*count)++] = values[i];
    }
}

static size_t count_values(const char *const *values)
{
    size_t count = 0;
    while (values && values[count])
        count++;
    return count;
}

/* The operators in child processes, which run this command with the same options. */
static enum pb_status run_operators(const struct pb_arguments *arguments, size_t threads,
                                    struct pb_suite_outcome *outcome, struct pb_error *error)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", threads);
    const char *const fixed[] = {"verify",    "--operators", "--backend", pb_argument(arguments, "backend"),
                                 "--threads", number};
    const char *const *given = pb_argument_list(arguments, "option"), *const *dirs =
                                                                          pb_argument_list(arguments, "plugin-dir");
    const char *const *skipped = pb_argument_list(arguments, "skip");
    size_t count = sizeof fixed / sizeof *fixed;
    const size_t most = count + 2 * (count_values(given) + count_values(dirs) + count_values(skipped)) + 1;
    const char **words = pb_calloc(most, sizeof *words);
    if (!words)
        return pb_fail_memory(error, most * sizeof *words);
    memcpy(words, fixed, sizeof fixed);
    append_options(words, &count, "--option", given);
    append_options(words, &count, "--plugin-dir", dirs);
    append_options(words, &count, "--skip", skipped);
    const struct pb_suite_children children = {.command = words, .skip = "--skip", .threads = (uint32_t)threads};
    const enum pb_status status = pb_suite_in_children(&children, outcome, error);
    pb_free(words);
    return status;
}

static enum pb_status verify_all(const struct pb_arguments *arguments, size_t threads, struct findings *findings,
                                 struct pb_error *error)
{
    struct pb_backend_argument backend = {0};
    struct pb_suite_outcome outcome = {0};
    const bool operators = pb_argument(arguments, "operators");
    enum pb_status status = operators ? run_operators(arguments, threads, &outcome, error) : PB_OK;
    if (!status && operators)
        status = begin(findings, outcome.description, outcome.fallbacks, threads, error);
    if (!status && operators)
        status = add_operators(findings, &outcome, error);
    if (status || (operators && !arguments->word_count))
        return status;
    if (outcome.ended)
        return leave_out_traces(arguments, findings, error);
    status = pb_argument_backend(arguments, pb_argument(arguments, "backend"), (uint32_t)threads, &backend, error);
    if (!status && !operators)
        status = begin(findings, backend.device->description, backend.device->fallbacks, threads, error);
    if (!status)
        status = verify_traces(arguments, backend.device, findings, error);
    pb_argument_backend_close(&backend);
    return status;
}

/* What the children of run_operators do. */
static enum pb_status work(const struct pb_arguments *arguments, size_t threads, int report_to, struct pb_error *error)
{
    struct pb_backend_argument backend = {0};
    struct pb_error refusal = {0};
    enum pb_status status =
        pb_argument_backend(arguments, pb_argument(arguments, "backend"), (uint32_t)threads, &backend, &refusal);
    status = status ? pb_suite_child_refuse(&refusal, report_to, error)
                    : pb_suite_child(backend.device, pb_argument_list(arguments, "skip"), report_to, error);
    pb_argument_backend_close(&backend);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    size_t threads = 1;
    int report_to = -1;
    struct findings findings = {0};
    if (!pb_argument(arguments, "backend"))
        return pb_fail(error, PB_ERROR_INPUT, "verify needs --backend; 'prunebench plugins list' shows what there is");
    if (!arguments->word_count && !pb_argument(arguments, "operators"))
        return pb_fail(error, PB_ERROR_INPUT, "verify needs a recorded training (TRACE.safetensors), or --operators");
    for (const char *const *skipped = pb_argument_list(arguments, "skip"); skipped && *skipped; skipped++)
        if (!pb_suite_knows(*skipped))
            return pb_fail(error, PB_ERROR_INPUT, "--skip: there is no operator '%s'; verify --operators lists them",
                           *skipped);
    enum pb_status status = pb_argument_size(arguments, "threads", 1, 1024, &threads, error);
    if (!status)
        status = pb_argument_coordinator(arguments, &report_to, error);
    if (!status && report_to >= 0)
        return work(arguments, threads, report_to, error);
    if (!status && pb_argument(arguments, "json") && !(findings.traces = json_array()))
        status = pb_fail_memory(error, sizeof *findings.traces);
    if (!status)
        status = verify_all(arguments, threads, &findings, error);
    if (!status && findings.whole) {
        if (json_dumpf(findings.whole, stdout, JSON_INDENT(2)))
            status = pb_fail_memory(error, sizeof *findings.whole);
        else
            putchar('\n');
    }
    *exit_code = findings.exit_code;
    json_decref(findings.whole);
    json_decref(findings.traces);
    return status;
}

const struct pb_command pb_command_verify = {
    .name = "verify",
    .usage = "--backend B [--operators] [TRACE.safetensors…] [--threads T] [--option NAME=VALUE]… [--plugin-dir DIR]… "
             "[--json]",
    .summary = "compare a backend with recorded trainings, or each of its operators with its definition",
    .details =
        "Trains the small bilinear CNN of each trace as PyTorch did in double precision, and compares logits, losses, "
        "gradients, states, running statistics and the logits of evaluation. A value's deviation is its share of the "
        "value itself or, where that is larger, of the root mean square (RMS) of its tensor or of a thousandth of the "
        "largest RMS in its group. Prints the worst deviation of each group, and what it may be. "
        "With --operators, it runs every operator that the backend has on awkward shapes, and prints the worst "
        "deviation of "
        "each from its definition in double precision: of an element against itself, or for sums, whose terms may "
        "cancel, "
        "against the root mean square (RMS) of its output where that is larger. An operator also fails when it writes "
        "outside "
        "its output, changes an input, leaves a value unwritten, loses a NaN, crashes, ends the process or does not "
        "return within 60 seconds (PRUNEBENCH_OPERATOR_SECONDS): operators run in a process of their own, which is "
        "started again without the one that ended it. Exits 1 when anything is beyond its tolerance.",
    .options = options,
    .min_words = 0,
    .max_words = 1000,
    .run = run,
};
