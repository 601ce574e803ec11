/* Fuzzes the way from result documents to the page of a report: an input holds documents, each behind a line "=== NAME"; they
 * are read, grouped and compared, and the stylesheets of page and tables transform what comes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "fuzz/folder.h"
#include "report/report.h"
#include "report/report_parts.h"
#include "report/transform.h"

enum { MAX_DOCUMENTS = 6 };
static const char MARK[] = "\n=== ";

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A document is stored under its id, as runs store it; under a name of its own where it has none that a file can have. */
static void name_document(const char *text, size_t length, size_t number, char name[128])
{
    static const char ID[] = " id=\"";
    const char *id = memmem(text, length, ID, strlen(ID));
    size_t used = 0;
    for (id = id == NULL ? "" : id + strlen(ID);
         id < text + length && used < 100 && *id != '\0' && strchr("\"/\n", *id) == NULL; id++)
        name[used++] = *id;
    name[used] = '\0';
    if (used == 0 || name[0] == '.')
        (void)snprintf(name, 128, "document-%zu", number);
}

static void put_documents(const char *text, size_t length)
{
    const char *end = text + length, *part = memmem(text, length, MARK, strlen(MARK));
    for (size_t i = 0; part != NULL && i < MAX_DOCUMENTS; i++) {
        char name[128], path[160];
        const char *begin = memchr(part + 1, '\n', (size_t)(end - part) - 1);
        if (begin == NULL)
            return;
        begin++;
        part = memmem(begin, (size_t)(end - begin), MARK, strlen(MARK));
        const size_t bytes = (size_t)((part != NULL ? part : end) - begin);
        name_document(begin, bytes, i, name);
        (void)snprintf(path, sizeof path, "cells/%s.xml", name);
        (void)fuzz_put(path, begin, bytes);
    }
}

static void transform(const struct pb_xml *document)
{
    static struct pb_stylesheet *page, *tables;
    struct pb_error error;
    if (page == NULL && (pb_stylesheet_open_own("index.xsl", &page, &error) != PB_OK ||
                         pb_stylesheet_open_own("tables.xsl", &tables, &error) != PB_OK))
        abort();
    struct pb_text text = {0};
    if (pb_stylesheet_apply(page, document, (const char *[]){"formats", "svg", NULL}, &text, &error) != PB_OK ||
        pb_stylesheet_apply(tables, document, NULL, &text, &error) != PB_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    pb_text_free(&text);
}

/* A summary that was made from documents that fit their schema fits its own. */
static void report(const struct pb_summary *summary)
{
    struct pb_error error;
    struct pb_xml document = {0};
    char *path = pb_strdup(fuzz_put("summary.xml", "", 0));
    if (path == NULL)
        abort();
    if (pb_summary_write(path, summary, &error) != PB_OK || pb_xml_read(path, 0, &document, &error) != PB_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
    transform(&document);
    pb_xml_free(&document);
    pb_free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_error error;
    struct pb_summary summary = {0};
    struct pb_text console = {0};
    char *cells = pb_path_join(fuzz_folder(), "cells");
    pb_log_set_level(PB_LOG_ERROR);
    if (cells == NULL || pb_remove_tree(cells, &error) != PB_OK || pb_make_dirs(cells, &error) != PB_OK)
        abort();
    pb_free(cells);
    put_documents((const char *)bytes, length);
    if (pb_summary_read(fuzz_folder(), &summary, &error) == PB_OK) {
        report(&summary);
        pb_summary_free(&summary);
        if (pb_report_console(fuzz_folder(), &console, &error) != PB_OK)
            abort();
    }
    pb_text_free(&console);
    return 0;
}
