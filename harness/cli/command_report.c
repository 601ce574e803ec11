/* prunebench report: tables, figures and a page from the result documents of a run. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/report_json.h"
#include "report/report.h"

const char *const pb_report_format_names[] = {"html", "latex", "markdown", "csv", "figures", NULL};
/* By these names. */
static const unsigned BITS[] = {PB_REPORT_HTML, PB_REPORT_LATEX, PB_REPORT_MARKDOWN, PB_REPORT_CSV, PB_REPORT_FIGURES};
#define FORMAT_COUNT (sizeof BITS / sizeof *BITS)

static enum pb_status unknown_format(const char *word, size_t length, struct pb_error *error)
{
    char *text = pb_strndup(word, length);
    if (text == NULL)
        return pb_fail_memory(error, length + 1);
    const char *closest = pb_closest(text, pb_report_format_names, FORMAT_COUNT);
    enum pb_status status =
        pb_fail(error, PB_ERROR_INPUT, "--format: unknown format '%s'; %s%s%s", text,
                closest == NULL ? "there are html, latex, markdown, csv and figures" : "did you mean '",
                closest == NULL ? "" : closest, closest == NULL ? "" : "'?");
    pb_free(text);
    return status;
}

/* "html,csv", or-ed into *formats. */
static enum pb_status parse_formats(const char *list, unsigned *formats, struct pb_error *error)
{
    for (const char *word = list;; word++) {
        size_t length = strcspn(word, ",");
        unsigned bit = 0;
        for (size_t i = 0; i < FORMAT_COUNT; i++)
            if (strlen(pb_report_format_names[i]) == length && strncmp(pb_report_format_names[i], word, length) == 0)
                bit = BITS[i];
        if (bit == 0)
            return unknown_format(word, length, error);
        *formats |= bit;
        word += length;
        if (*word == '\0')
            return PB_OK;
    }
}

static enum pb_status run_stylesheet(const struct pb_arguments *arguments, struct pb_error *error)
{
    const char *sheet = pb_argument(arguments, "stylesheet");
    const char *output = pb_argument(arguments, "output");
    if (sheet == NULL || output == NULL)
        return pb_fail(error, PB_ERROR_INPUT,
                       "--stylesheet and --output belong together: the stylesheet reads OUT/summary.xml, and what it "
                       "makes is written to --output");
    const struct pb_stylesheet_options options = {
        .stylesheet = sheet, .output = output, .reference = pb_argument(arguments, "reference")};
    enum pb_status status = pb_report_stylesheet(arguments->words[0], &options, error);
    if (status == PB_OK && !arguments->quiet)
        (void)printf("%s\n", output);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    (void)exit_code;
    const char *out = arguments->words[0];
    const bool json = pb_argument(arguments, "json") != NULL;
    const char *const *lists = pb_argument_list(arguments, "format");
    struct pb_report_options options = {.quiet = arguments->quiet, .reference = pb_argument(arguments, "reference")};
    enum pb_status status = PB_OK;
    if (pb_argument(arguments, "stylesheet") != NULL || pb_argument(arguments, "output") != NULL)
        return json ? pb_fail(error, PB_ERROR_INPUT, "report: --json is about a whole report; leave --stylesheet out")
                    : run_stylesheet(arguments, error);
    struct timespec since = {0};
    for (; lists != NULL && *lists != NULL && status == PB_OK; lists++)
        status = parse_formats(*lists, &options.formats, error);
    if (status == PB_OK && json && pb_is_dir(out)) /* else the report says what is wrong */
        status = pb_report_moment(out, &since, error);
    if (status == PB_OK)
        status = pb_report(out, &options, error);
    if (status == PB_OK && json)
        return pb_report_print_json(out, &since, error);
    if (status != PB_OK || arguments->quiet)
        return status;
    bool page = options.formats == 0 || (options.formats & PB_REPORT_HTML) != 0;
    const char *name = page                                   ? "report/index.html"
                       : options.formats == PB_REPORT_FIGURES ? "report/figures"
                                                              : "report/tables";
    char *path = pb_path_join(out, name);
    if (path == NULL)
        return pb_fail_memory(error, strlen(out));
    (void)printf("%s\n", path);
    pb_free(path);
    return PB_OK;
}

static const struct pb_cli_option OPTIONS[] = {
    {"format", 0, "LIST", "what to make: html, latex, markdown, csv, figures, with commas between (default: all)"},
    {"reference", 0, "NAME",
     "published results to set beside the run's: a study's name, a file, or none (default: what the matrix says)"},
    {"stylesheet", 0, "FILE", "apply your own XSLT stylesheet to OUT/summary.xml instead"},
    {"output", 'o', "FILE", "where the result of --stylesheet goes"},
    {"json", 0, NULL, "print one JSON object: the files that were written, and the first numbers of every section"},
    {0},
};

const struct pb_command pb_command_report = {
    .name = "report",
    .usage = "OUT [--format LIST] [--reference NAME] [--json] [--stylesheet FILE --output FILE]",
    .summary = "make tables, figures and a page from the results of a run",
    .details =
        "Reads every document in OUT/cells, writes OUT/summary.xml (statistics over seeds) and, below OUT/report, "
        "tables (HTML, LaTeX, Markdown, CSV), figures (SVG, PDF, PNG) with their data, and index.html, one file "
        "that holds them all. Prints the page's path. A document that cannot be read is warned about and left "
        "out, and so is one that is not of the matrix that was run last in OUT (OUT/matrix-cells.txt), that is a copy, "
        "or "
        "whose settings are not those of its row's other seeds.\n"
        "\n"
        "With published results, from --reference or from <report reference=\"NAME\"/> in the matrix, the report has "
        "a "
        "section with the published tables: each number beside the published one, with the difference where network "
        "and data are of the same scale. Results to compare with are one XML document, <results> in "
        "schema/result-1.xsd.\n"
        "\n"
        "A stylesheet of your own is XSLT 1.0 with EXSLT over the summary (schema/summary-1.xsd); it can read "
        "files, but neither the network nor write anything but its result.",
    .options = OPTIONS,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
