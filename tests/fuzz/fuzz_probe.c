/* Fuzzes what the host reads from a child process that has loaded plugins: any bytes, any end. Each file is good, or has a
 * reason, or is open and the child did not end well. The first two bytes say how it ended and how many files it loaded. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plugin/probe_child.h"

enum { MAX_FILES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void judge(const struct pb_probe_child *child, size_t count)
{
    struct pb_probe probes[MAX_FILES] = {{0}};
    struct pb_error error;
    bool good = false;
    if (pb_probe_child_judge(child, probes, count, &good, &error) != PB_OK)
        abort();
    char *fate = pb_probe_child_fate(child, 10);
    if (fate == NULL || strchr(fate, '\n') != NULL)
        abort();
    size_t lines = 0;
    for (size_t i = 0; child->said.data != NULL && i < strlen(child->said.data); i++)
        lines += child->said.data[i] == '\n';
    if (good && lines < count)
        abort();
    for (size_t i = 0; i < count; i++) {
        pb_free(probes[i].reason);
        pb_free(probes[i].offers);
    }
    pb_free(fate);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 2)
        return 0;
    struct pb_probe_child child = {
        .output = -1, .timed_out = bytes[0] == 255, .wait_status = (bytes[0] & 127) | (bytes[0] & 128) << 8};
    pb_text_append_bytes(&child.said, (const char *)bytes + 2, length - 2);
    judge(&child, 1 + bytes[1] % MAX_FILES);
    pb_text_free(&child.said);
    return 0;
}
