/* index.html: the page of the stylesheet, figures put where it asks for them. */
#include "report/report_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "report/transform.h"

/* The stylesheet marks the place of a figure by a comment: <!--figure birds.one-shot.accuracy-rate-->. Everything else
 * in the page is escaped, so no label can look like one. */
static const char BEGIN[] = "<!--figure ";
static const char END[] = "-->";

static enum pb_status append_figure(const struct pb_report_place *place, const char *name, size_t length,
                                    struct pb_text *page, struct pb_error *error)
{
    char *data = NULL;
    size_t bytes = 0;
    char *path = pb_format("%s/figures/%.*s.svg", place->folder, (int)length, name);
    enum pb_status status = path == NULL ? pb_fail_memory(error, length) : pb_file_read(path, 0, &data, &bytes, error);
    if (status == PB_OK)
        pb_text_append_bytes(page, data, bytes);
    pb_free(data);
    pb_free(path);
    return status;
}

static enum pb_status splice(const struct pb_report_place *place, const char *html, struct pb_text *page,
                             struct pb_error *error)
{
    const char *rest = html;
    for (const char *mark = strstr(rest, BEGIN); mark != NULL; mark = strstr(rest, BEGIN)) {
        const char *name = mark + strlen(BEGIN);
        const char *end = strstr(name, END);
        if (end == NULL)
            break;
        pb_text_append_bytes(page, rest, (size_t)(mark - rest));
        enum pb_status status = append_figure(place, name, (size_t)(end - name), page, error);
        if (status != PB_OK)
            return status;
        rest = end + strlen(END);
    }
    pb_text_append(page, "%s", rest);
    return page->failed ? pb_fail_memory(error, page->capacity) : PB_OK;
}

enum pb_status pb_report_page(const struct pb_report_place *place, const struct pb_xml *summary, struct pb_error *error)
{
    struct pb_stylesheet *sheet = NULL;
    struct pb_text html = {0};
    struct pb_text page = {0};
    char *path = pb_path_join(place->folder, "index.html");
    enum pb_status status = path == NULL ? pb_fail_memory(error, 1) : PB_OK;
    if (status == PB_OK)
        status = pb_stylesheet_open_study(place->study, "index.xsl", &sheet, error);
    if (status == PB_OK)
        status = pb_stylesheet_apply(sheet, summary, (const char *[]){"formats", place->formats, NULL}, &html, error);
    if (status == PB_OK)
        status = splice(place, html.data == NULL ? "" : html.data, &page, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(path, page.data, page.length, error);
    pb_text_free(&page);
    pb_text_free(&html);
    pb_stylesheet_free(&sheet);
    pb_free(path);
    return status;
}
