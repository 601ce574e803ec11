/* Contact sheets into the report's folder, so that it can be moved as a whole. */
#include "report/report_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static enum pb_status copy(const struct pb_report_place *place, const char *out, const char *kind, const char *key,
                           struct pb_error *error)
{
    char *data = NULL;
    size_t length = 0;
    char *from = pb_format("%s/samples/%s/%s.png", out, key, kind);
    char *to = pb_format("%s/figures/%s.%s.png", place->folder, kind, key);
    enum pb_status status = from == NULL || to == NULL ? pb_fail_memory(error, strlen(out) + strlen(key))
                                                       : pb_file_read(from, 0, &data, &length, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(to, data, length, error);
    pb_free(data);
    pb_free(from);
    pb_free(to);
    return status;
}

enum pb_status pb_report_samples(const struct pb_report_place *place, const char *out, const struct pb_summary *summary,
                                 struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < summary->section_count && status == PB_OK; i++) {
        const char *key = summary->sections[i].samples.key;
        if (key != NULL)
            status = copy(place, out, "samples", key, error);
        if (key != NULL && status == PB_OK)
            status = copy(place, out, "augmented", key, error);
    }
    return status;
}
