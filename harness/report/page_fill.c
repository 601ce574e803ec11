/* What a stylesheet cannot write itself. It marks the place by a comment, and everything else in a page is escaped, so that no label
 * can look like one:
 *   <!--figure NAME-->    the drawing figures/NAME.svg
 *   <!--picture NAME-->   before <img …>: figures/NAME.png becomes its source, as a data: URI
 *   <!--style-->          report.css
 *   <!--script-->         report.js
 *   <!--policy-->         a policy by which the browser runs that script alone and asks the network for nothing */
#include "report/report_parts.h"

#include <stdbool.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"

static const char BEGIN[] = "<!--";
static const char END[] = "-->";

/* One comment in the page. */
struct mark {
    const struct pb_report_place *place;
    const char *name; /* behind the word */
    size_t length;
    const char *rest; /* of the page, behind the comment */
};

static enum pb_status read_figure(const struct mark *mark, const char *ending, char **data, size_t *bytes,
                                  struct pb_error *error)
{
    char *path = pb_format("%s/figures/%.*s.%s", mark->place->folder, (int)mark->length, mark->name, ending);
    const enum pb_status status =
        path == NULL ? pb_fail_memory(error, mark->length) : pb_file_read(path, 0, data, bytes, error);
    pb_free(path);
    return status;
}

static enum pb_status read_own(const struct mark *mark, const char *name, char **data, size_t *bytes,
                               struct pb_error *error)
{
    char *path = pb_path_join(mark->place->templates, name);
    const enum pb_status status = path == NULL ? pb_fail_memory(error, 1) : pb_file_read(path, 0, data, bytes, error);
    pb_free(path);
    return status;
}

static enum pb_status fill_figure(struct mark *mark, struct pb_text *page, struct pb_error *error)
{
    char *data = NULL;
    size_t bytes = 0;
    const enum pb_status status = read_figure(mark, "svg", &data, &bytes, error);
    if (status == PB_OK)
        pb_text_append_bytes(page, data, bytes);
    pb_free(data);
    return status;
}

static enum pb_status fill_picture(struct mark *mark, struct pb_text *page, struct pb_error *error)
{
    static const char TAG[] = "<img";
    char *data = NULL;
    size_t bytes = 0;
    if (strncmp(mark->rest, TAG, strlen(TAG)) != 0)
        return pb_fail(error, PB_ERROR_RUN, "no <img> follows the place of the picture '%.*s'", (int)mark->length,
                       mark->name);
    const enum pb_status status = read_figure(mark, "png", &data, &bytes, error);
    if (status != PB_OK)
        return status;
    char *text = pb_base64((const uint8_t *)data, bytes);
    pb_text_append(page, "%s src=\"data:image/png;base64,%s\"", TAG, text == NULL ? "" : text);
    page->failed |= text == NULL;
    mark->rest += strlen(TAG);
    pb_free(text);
    pb_free(data);
    return PB_OK;
}

static enum pb_status fill_element(const struct mark *mark, const char *element, const char *file, struct pb_text *page,
                                   struct pb_error *error)
{
    char *data = NULL;
    size_t bytes = 0;
    const enum pb_status status = read_own(mark, file, &data, &bytes, error);
    if (status == PB_OK) {
        pb_text_append(page, "<%s>", element);
        pb_text_append_bytes(page, data, bytes);
        pb_text_append(page, "</%s>", element);
    }
    pb_free(data);
    return status;
}

static enum pb_status fill_style(struct mark *mark, struct pb_text *page, struct pb_error *error)
{
    return fill_element(mark, "style", "report.css", page, error);
}

static enum pb_status fill_script(struct mark *mark, struct pb_text *page, struct pb_error *error)
{
    return fill_element(mark, "script", "report.js", page, error);
}

static enum pb_status fill_policy(struct mark *mark, struct pb_text *page, struct pb_error *error)
{
    char *data = NULL;
    size_t bytes = 0;
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx context;
    const enum pb_status status = read_own(mark, "report.js", &data, &bytes, error);
    if (status != PB_OK)
        return status;
    sha256_init(&context);
    sha256_update(&context, bytes, (const uint8_t *)data);
    sha256_digest(&context, sizeof digest, digest);
    char *text = pb_base64(digest, sizeof digest);
    pb_text_append(page,
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                   "style-src 'unsafe-inline'; script-src 'sha256-%s'\">",
                   text == NULL ? "" : text);
    page->failed |= text == NULL;
    pb_free(text);
    pb_free(data);
    return PB_OK;
}

static const struct {
    const char *word;
    enum pb_status (*fill)(struct mark *mark, struct pb_text *page, struct pb_error *error);
} MARKS[] = {
    {"figure ", fill_figure}, {"picture ", fill_picture}, {"style", fill_style},
    {"script", fill_script},  {"policy", fill_policy},
};

/* A comment of another kind stays as it is. */
static enum pb_status fill(struct mark *mark, struct pb_text *page, struct pb_error *error)
{
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++) {
        const size_t word = strlen(MARKS[i].word);
        const bool is_named = MARKS[i].word[word - 1] == ' ';
        if ((is_named ? mark->length <= word : mark->length != word) || strncmp(mark->name, MARKS[i].word, word) != 0)
            continue;
        mark->name += word;
        mark->length -= word;
        return MARKS[i].fill(mark, page, error);
    }
    pb_text_append(page, "%s%.*s%s", BEGIN, (int)mark->length, mark->name, END);
    return PB_OK;
}

enum pb_status pb_page_fill(const struct pb_report_place *place, const char *html, struct pb_text *page,
                            struct pb_error *error)
{
    const char *rest = html;
    for (const char *at = strstr(rest, BEGIN); at != NULL; at = strstr(rest, BEGIN)) {
        const char *name = at + strlen(BEGIN);
        const char *end = strstr(name, END);
        if (end == NULL)
            break;
        struct mark mark = {.place = place, .name = name, .length = (size_t)(end - name), .rest = end + strlen(END)};
        pb_text_append_bytes(page, rest, (size_t)(at - rest));
        const enum pb_status status = fill(&mark, page, error);
        if (status != PB_OK)
            return status;
        rest = mark.rest;
    }
    pb_text_append(page, "%s", rest);
    return page->failed ? pb_fail_memory(error, page->capacity) : PB_OK;
}
