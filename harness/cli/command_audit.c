/* prunebench audit: does a run keep the rules of a submission? */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "audit/audit.h"
#include "audit/rule_fields.h"
#include "audit/run_document.h"
#include "cli/cli.h"
#include "cli/table.h"

static const struct pb_cli_option options[] = {
    {"rules", 0, "FILE", "check the rules of this file, too; may be given several times"},
    {"json", 0, NULL, "print one JSON object"},
    {"document", 0, NULL, "print the document that rules about the run look at, for writing rules, and check nothing"},
    {0},
};

/* "6 rules are kept, 1 is broken, 2 do not apply, in 12 cells." */
static void append_sentence(const struct pb_audit *audit, struct pb_text *text)
{
    uint32_t counts[3] = {0};
    for (int verdict = PB_AUDIT_PASSED; verdict <= PB_AUDIT_NOT_APPLICABLE; verdict++)
        counts[verdict] = pb_audit_count(audit, PB_AUDIT_ERROR, (enum pb_audit_verdict)verdict) +
                          pb_audit_count(audit, PB_AUDIT_WARNING, (enum pb_audit_verdict)verdict);
    const uint32_t errors = pb_audit_count(audit, PB_AUDIT_ERROR, PB_AUDIT_FAILED);
    pb_text_append(text, "%s: of %u rules, %u passed, %u failed", errors ? "Failed" : "Passed", audit->count,
                   counts[PB_AUDIT_PASSED], counts[PB_AUDIT_FAILED]);
    if (counts[PB_AUDIT_FAILED] > errors)
        pb_text_append(text, " (%u of them only a warning)", counts[PB_AUDIT_FAILED] - errors);
    pb_text_append(text, ", %u not applicable; %u cell%s.\n\n", counts[PB_AUDIT_NOT_APPLICABLE], audit->cells,
                   audit->cells == 1 ? "" : "s");
}

static void append_rules(const struct pb_audit *audit, struct pb_text *text)
{
    static const char *const TITLES[] = {"rule", "severity", "verdict", "checked", "broken"};
    struct pb_table table = {.titles = TITLES, .align = "lllrr", .columns = 5};
    for (uint32_t i = 0; i < audit->count; i++) {
        const struct pb_audit_outcome *outcome = &audit->outcomes[i];
        pb_table_add(&table, "%s", outcome->rule->id);
        pb_table_add(&table, "%s", pb_audit_severities[outcome->rule->severity]);
        pb_table_add(&table, "%s", pb_audit_verdicts[pb_audit_verdict_of(outcome)]);
        pb_table_add(&table, "%llu", (unsigned long long)outcome->checked);
        pb_table_add(&table, "%u", outcome->break_count);
    }
    pb_table_end(&table, PB_TABLE_TEXT, text);
}

/* Control bytes become blanks. */
static void append_plain(struct pb_text *text, const char *words)
{
    for (; *words; words++)
        pb_text_append(text, "%c", (unsigned char)*words < ' ' ? ' ' : *words);
}

static const char *found_in(const struct pb_audit_break *broken)
{
    return broken->found ? broken->found : "";
}

/* Breaks number first on that found the same are one line. Returns how many they are. */
static uint32_t append_breaks(const struct pb_audit_outcome *outcome, uint32_t first, struct pb_text *text)
{
    enum { NAMED = 3 };
    const char *found = found_in(&outcome->breaks[first]), *last = "";
    uint32_t count = 0, named = 0;
    pb_text_append(text, "  ");
    append_plain(text, found);
    for (uint32_t i = first; i < outcome->break_count; i++) {
        const struct pb_audit_break *broken = &outcome->breaks[i];
        if (strcmp(found_in(broken), found) != 0)
            continue;
        count++;
        for (uint32_t k = 0; k < broken->cell_count; last = broken->cells[k++]) {
            if (strcmp(broken->cells[k], last) == 0 || named++ >= NAMED)
                continue;
            pb_text_append(text, named > 1 ? ", " : *found ? ": " : "");
            append_plain(text, broken->cells[k]);
        }
    }
    if (named > NAMED)
        pb_text_append(text, " and %u more", named - NAMED);
    pb_text_append(text, "%s\n", named || *found ? "" : "(the run as a whole)");
    return count;
}

static bool is_shown(const struct pb_audit_outcome *outcome, const uint32_t *shown, uint32_t count, uint32_t index)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(found_in(&outcome->breaks[shown[i]]), found_in(&outcome->breaks[index])) == 0)
            return true;
    return false;
}

static void append_outcome(const struct pb_audit_outcome *outcome, struct pb_text *text)
{
    enum { LINES = 8 };
    uint32_t shown[LINES], lines = 0, told = 0;
    for (uint32_t i = 0; i < outcome->break_count && lines < LINES; i++)
        if (!is_shown(outcome, shown, lines, i)) {
            shown[lines++] = i;
            told += append_breaks(outcome, i, text);
        }
    if (told < outcome->break_count)
        pb_text_append(text, "  and %u more; --json lists all\n", outcome->break_count - told);
}

static void append_failed(const struct pb_audit *audit, struct pb_text *text)
{
    for (uint32_t i = 0; i < audit->count; i++) {
        const struct pb_audit_outcome *outcome = &audit->outcomes[i];
        if (pb_audit_verdict_of(outcome) != PB_AUDIT_FAILED)
            continue;
        pb_text_append(text, "\n%s (%s): %s. %s\n", outcome->rule->id, pb_audit_severities[outcome->rule->severity],
                       outcome->rule->message, outcome->rule->reason);
        append_outcome(outcome, text);
    }
}

/* Lists of rows: whole is NULL where memory was out. */
static json_t *breaks_json(const struct pb_audit_outcome *outcome)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < outcome->break_count; i++) {
        const struct pb_audit_break *broken = &outcome->breaks[i];
        json_t *cells = json_array();
        for (uint32_t k = 0; cells && good && k < broken->cell_count; k++)
            good = json_array_append_new(cells, json_string(broken->cells[k])) == 0;
        good =
            json_array_append_new(list, json_pack("{s:o, s:s?}", "cells", cells, "found", broken->found)) == 0 && good;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *rules_json(const struct pb_audit *audit)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (uint32_t i = 0; good && i < audit->count; i++) {
        const struct pb_audit_outcome *outcome = &audit->outcomes[i];
        const struct pb_audit_rule *rule = outcome->rule;
        json_t *breaks = breaks_json(outcome);
        good = breaks &&
               json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:o}", "id", rule->id,
                                                     "severity", pb_audit_severities[rule->severity], "verdict",
                                                     pb_audit_verdicts[pb_audit_verdict_of(outcome)], "checked",
                                                     (json_int_t)outcome->checked, "message", rule->message, "reason",
                                                     rule->reason, "file", rule->file->path, "line",
                                                     (json_int_t)pb_xml_line(rule->node), "broken", breaks)) == 0;
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static enum pb_status print_json(const char *out, const struct pb_audit *audit, int exit_code, struct pb_error *error)
{
    json_t *rules = rules_json(audit);
    json_t *whole = rules ? json_pack("{s:s, s:s, s:s, s:I, s:i, s:o}", "out", out, "matrix", audit->matrix, "verdict",
                                      exit_code ? "failed" : "passed", "cells", (json_int_t)audit->cells, "exit_code",
                                      exit_code, "rules", rules)
                          : NULL;
    enum pb_status status = whole ? PB_OK : pb_fail_memory(error, sizeof *rules);
    if (whole && json_dumpf(whole, stdout, JSON_INDENT(2)) != 0)
        status = pb_fail_errno(error, "write standard output");
    else if (whole)
        putchar('\n');
    json_decref(whole);
    return status;
}

static enum pb_status print_tables(const struct pb_audit *audit, struct pb_error *error)
{
    struct pb_text text = {0};
    append_sentence(audit, &text);
    append_rules(audit, &text);
    append_failed(audit, &text);
    return pb_print_text(&text, error);
}

static enum pb_status print_document(const char *out, struct pb_error *error)
{
    struct pb_summary summary = {0};
    struct pb_text text = {0};
    enum pb_status status = pb_summary_read(out, &summary, error);
    if (status == PB_OK)
        status = pb_audit_run_document(out, &summary, &text, error);
    pb_summary_free(&summary);
    if (status == PB_OK)
        return pb_print_text(&text, error);
    pb_text_free(&text);
    return status;
}

static enum pb_status audit_and_print(const struct pb_arguments *arguments, const struct pb_audit_rules *rules,
                                      int *exit_code, struct pb_error *error)
{
    struct pb_audit audit = {0};
    enum pb_status status = pb_audit_folder(arguments->words[0], rules, &audit, error);
    if (status != PB_OK)
        return status;
    *exit_code = pb_audit_count(&audit, PB_AUDIT_ERROR, PB_AUDIT_FAILED) ? 1 : 0;
    if (pb_argument(arguments, "json"))
        status = print_json(arguments->words[0], &audit, *exit_code, error);
    else if (!arguments->quiet || *exit_code)
        status = print_tables(&audit, error);
    pb_audit_free(&audit);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    struct pb_audit_rules rules = {0};
    const char *const *files = pb_argument_list(arguments, "rules");
    if (pb_argument(arguments, "document"))
        return print_document(arguments->words[0], error);
    enum pb_status status = pb_audit_rules_own(&rules, error);
    for (; status == PB_OK && files && *files; files++)
        status = pb_audit_rules_read(*files, &rules, error);
    if (status == PB_OK)
        status = audit_and_print(arguments, &rules, exit_code, error);
    pb_audit_rules_free(&rules);
    return status;
}

const struct pb_command pb_command_audit = {
    .name = "audit",
    .usage = "OUT [--rules FILE]… [--json | --document]",
    .summary = "check whether a run keeps the rules of a submission",
    .details =
        "Checks the results in OUT, a folder that 'prunebench run' made, against rules: every cell of the matrix is "
        "there and ended well, seeds are distinct, every target has a random control, every cell its unpruned network, "
        "nothing was selected on the test images, as much was removed as requested, a data set with a published name "
        "is the published one, compacted networks compute what the masked ones do, no timed network uses an operator "
        "that its backend lacks, and the record of right answers agrees with the accuracy.\n"
        "\n"
        "The rules are XPath expressions in reports/audit.xml, which comes with the program and says how to write one. "
        "--rules adds a team's own. A rule that finds nothing to look at is 'not applicable'.\n"
        "\n"
        "Exit code: 0 no rule of severity 'error' is broken; 1 one is; 2 wrong usage or input, a damaged file of rules "
        "among them.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
