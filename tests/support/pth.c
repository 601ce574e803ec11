/* Archives in the form of torch.save, with any content. */
#include "support/pth.h"

#include <stdlib.h>

#include <zip.h>

static void add(zip_t *archive, const struct pth_entry *entry)
{
    zip_source_t *source = zip_source_buffer(archive, entry->bytes, entry->length, 0);
    const zip_int64_t index = source ? zip_file_add(archive, entry->name, source, 0) : -1;
    if (index < 0 || zip_set_file_compression(archive, (zip_uint64_t)index,
                                              entry->compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0)
        abort();
}

void pth_write(const char *path, const struct pth_entry *entries, size_t count)
{
    zip_t *archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    if (!archive)
        abort();
    for (size_t i = 0; i < count; i++)
        add(archive, &entries[i]);
    if (zip_close(archive) != 0)
        abort();
}
