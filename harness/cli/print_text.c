/* Text to standard output. */
#include <stdio.h>

#include "cli/cli.h"

enum pb_status pb_print_text(struct pb_text *text, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (text->failed)
        status = pb_fail_memory(error, text->capacity);
    else if (text->length > 0 && fwrite(text->data, 1, text->length, stdout) != text->length)
        status = pb_fail_errno(error, "write standard output");
    pb_text_free(text);
    return status;
}
