/* JSON to standard output. */
#include "cli/print_json.h"

#include <stdbool.h>
#include <stdio.h>

enum pb_status pb_print_json(json_t *whole, struct pb_error *error)
{
    if (!whole)
        return pb_fail_memory(error, 1);
    const bool good = json_dumpf(whole, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(whole);
    return good ? PB_OK : pb_fail_errno(error, "write standard output");
}
