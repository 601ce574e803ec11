/* A comparison as one page: no script, no other file, no network. */
#include "base/file.h"
#include "base/version.h"
#include "cli/compare_report.h"

static const char STYLE[] =
    ":root { color-scheme: light dark; --text: #1a1a1a; --page: #ffffff; --line: #c8c8c8; --head: #f0f0f0 }\n"
    "@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --page: #161616; --line: #4a4a4a; --head: #262626 "
    "} }\n"
    "body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page) }\n"
    "main, footer { max-width: 80rem; margin: 0 auto; padding: 1rem }\n"
    "h1 { font-size: 1.4rem; line-height: 1.35 }\n"
    "h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }\n"
    "h1, p { overflow-wrap: anywhere }\n"
    ".wide { overflow-x: auto }\n"
    ".wide:focus-visible { outline: 2px solid }\n"
    "table { border-collapse: collapse; font-size: .9rem }\n"
    "th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }\n"
    "th { background: var(--head) }\n"
    ".number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }\n"
    "@media print { .wide { overflow: visible } }\n";

enum pb_status pb_compare_report_html(const struct pb_compare_report *report, const char *path, struct pb_error *error)
{
    const struct pb_comparison *comparison = report->comparison;
    struct pb_text page = {0};
    pb_text_append(&page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    pb_table_escape(&page, comparison->sides[PB_BEFORE].path, PB_TABLE_HTML);
    pb_text_append(&page, " and ");
    pb_table_escape(&page, comparison->sides[PB_AFTER].path, PB_TABLE_HTML);
    pb_text_append(&page, " compared</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", STYLE);
    pb_compare_report_tables(report, PB_TABLE_HTML, &page);
    pb_text_append(&page, "</main>\n<footer>prunebench %s (", pb_version);
    pb_table_escape(&page, pb_git, PB_TABLE_HTML);
    pb_text_append(&page, ")</footer>\n</body>\n</html>\n");
    const enum pb_status status =
        page.failed ? pb_fail_memory(error, page.capacity) : pb_file_write_atomic(path, page.data, page.length, error);
    pb_text_free(&page);
    return status;
}
