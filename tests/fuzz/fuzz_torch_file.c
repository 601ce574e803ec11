/* Fuzzes the reader of .pth files. An input that begins with 'P' is a whole archive; any other is a pickle, which an archive with
 * right checksums is put around. Every value of what is read is used. */
#include <string.h>

#include "base/checksum.h"
#include "fuzz/folder.h"
#include "graph/tensor_file.h"
#include "support/pth.h"

/* Storages by their keys, "0" and so on. */
enum { STORAGES = 10, STORAGE_BYTES = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const char *put_pickle(const uint8_t *bytes, size_t length)
{
    static const char zeros[STORAGE_BYTES];
    char names[STORAGES][16] = {"x/data/0"};
    struct pth_entry entries[1 + STORAGES] = {{"x/data.pkl", bytes, length, false}};
    const char *path = fuzz_put("weights.pth", "", 0);
    for (int i = 0; i < STORAGES; i++) {
        memcpy(names[i], names[0], sizeof names[i]);
        names[i][sizeof "x/data/" - 1] = (char)('0' + i);
        entries[1 + i] = (struct pth_entry){names[i], zeros, sizeof zeros, false};
    }
    pth_write(path, entries, 1 + STORAGES);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_error error;
    struct pb_tensor_file file;
    const char *path =
        length > 0 && bytes[0] == 'P' ? fuzz_put("weights.pth", bytes, length) : put_pickle(bytes, length);
    if (pb_tensor_file_open(path, &file, &error) != PB_OK)
        return 0;
    for (size_t i = 0; i < file.count; i++) {
        const void *values = NULL;
        if (pb_tensor_file_values(&file, &file.tensors[i], &values, &error) == PB_OK)
            (void)pb_checksum(0, values, file.tensors[i].bytes);
    }
    pb_tensor_file_close(&file);
    return 0;
}
