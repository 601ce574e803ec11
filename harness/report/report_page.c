/* index.html: the page of the stylesheet, with everything it shows put inside. */
#include "report/report_parts.h"

#include "base/file.h"
#include "base/memory.h"
#include "report/transform.h"

enum pb_status pb_report_page(const struct pb_report_place *place, const struct pb_xml *summary, const char *tables,
                              struct pb_error *error)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_text html = {0};
    struct pb_text page = {0};
    char *path = pb_path_join(place->folder, "index.html");
    enum pb_status status = path == NULL ? pb_fail_memory(error, 1) : PB_OK;
    if (status == PB_OK)
        status = pb_stylesheet_open_study(place->study, "index.xsl", &sheet, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(
            sheet, summary, (const char *[]){"formats", place->formats, "table-files", tables, NULL}, &html, error);
    if (status == PB_OK)
        status = pb_page_fill(place, html.data == NULL ? "" : html.data, &page, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(path, page.data, page.length, error);
    pb_text_free(&page);
    pb_text_free(&html);
    pb_stylesheet_free(&sheet);
    pb_free(path);
    return status;
}
