/* Fuzzes the reader of result documents. What is read can be written again. */
#include <stdlib.h>

#include "base/memory.h"
#include "fuzz/folder.h"
#include "results/result.h"
#include "results/result_read.h"
#include "results/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct pb_xml_schema *schema;
    struct pb_error error;
    struct pb_record record;
    if (schema == NULL && pb_schema_open(PB_RESULT_SCHEMA, &schema, &error) != PB_OK)
        abort();
    pb_record_init(&record);
    if (pb_result_read_with(fuzz_put("result.xml", bytes, length), schema, &record, &error) == PB_OK) {
        char *path = pb_strdup(fuzz_put("again.xml", "", 0));
        if (path == NULL || pb_result_write(path, &record, &error) != PB_OK)
            abort();
        pb_free(path);
    }
    pb_record_free(&record);
    return 0;
}
