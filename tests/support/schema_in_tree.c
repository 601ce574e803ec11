/* A schema in the tree against the program's tables. */
#include "support/schema_in_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"

void assert_schema_in_tree(const char *name, enum pb_status (*print)(struct pb_text *text, struct pb_error *error))
{
    struct pb_text text = {0};
    struct pb_error error = {0};
    char *path = pb_format("%s/../harness/schema/%s-1.xsd", PB_TEST_SOURCES, name), *data = NULL;
    size_t length = 0;
    assert_non_null(path);
    if (print(&text, &error) != PB_OK || pb_file_read(path, 0, &data, &length, &error) != PB_OK)
        fail_msg("%s", error.text);
    if (strcmp(data, text.data) != 0)
        fail_msg("%s is stale; 'prunebench --schema %s' prints what it must be", path, name);
    pb_free(path);
    pb_free(data);
    pb_text_free(&text);
}
