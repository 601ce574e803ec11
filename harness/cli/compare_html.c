/* A comparison as one page: no script, no other file, no network. */
#include "base/file.h"
#include "base/version.h"
#include "cli/compare_report.h"

static const char STYLE[] =
    "\n"
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

static void put_head(struct pb_xml_writer *page, const struct pb_comparison *comparison)
{
    pb_xml_open(page, "head");
    pb_xml_open(page, "meta");
    pb_xml_put(page, "charset", "utf-8");
    pb_xml_close_void(page);
    pb_xml_open(page, "meta");
    pb_xml_put(page, "name", "viewport");
    pb_xml_put(page, "content", "width=device-width, initial-scale=1");
    pb_xml_close_void(page);
    pb_xml_open(page, "title");
    pb_xml_text(page, comparison->sides[PB_BEFORE].path);
    pb_xml_text(page, " and ");
    pb_xml_text(page, comparison->sides[PB_AFTER].path);
    pb_xml_text(page, " compared");
    pb_xml_close(page);
    pb_xml_open(page, "style");
    pb_xml_verbatim(page, STYLE);
    pb_xml_close(page);
    pb_xml_close(page);
}

static void put_body(struct pb_xml_writer *page, const struct pb_compare_report *report)
{
    pb_xml_open(page, "body");
    pb_xml_open(page, "main");
    pb_compare_report_tables(report, &(struct pb_markup){.page = page});
    pb_xml_close(page);
    pb_xml_open(page, "footer");
    pb_xml_text(page, "prunebench ");
    pb_xml_text(page, pb_version);
    pb_xml_text(page, " (");
    pb_xml_text(page, pb_git);
    pb_xml_text(page, ")");
    pb_xml_close(page);
    pb_xml_close(page);
}

enum pb_status pb_compare_report_html(const struct pb_compare_report *report, const char *path, struct pb_error *error)
{
    struct pb_xml_writer page;
    struct pb_text text = {0};
    pb_xml_begin_page(&page, "en");
    put_head(&page, report->comparison);
    put_body(&page, report);
    enum pb_status status = pb_xml_end(&page, &text, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(path, text.data, text.length, error);
    pb_text_free(&text);
    return status;
}
