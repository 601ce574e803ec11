/* A folder of a fuzz target's own, for readers that are given paths. */
#include "fuzz/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/memory.h"
#include "graph/safetensors.h"

/* More data than this costs time, not insight. */
enum { MAX_DATA = 1 << 20 };

static char folder[64];

static void remove_folder(void)
{
    struct pb_error error;
    (void)!pb_remove_tree(folder, &error);
}

const char *fuzz_folder(void)
{
    if (folder[0] == '\0') {
        strcpy(folder,
               access("/dev/shm", W_OK) == 0 ? "/dev/shm/prunebench-fuzz-XXXXXX" : "/tmp/prunebench-fuzz-XXXXXX");
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0)
            abort();
    }
    return folder;
}

static const char *path_of(const char *name)
{
    static char path[512];
    const int length = snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    if (length < 0 || (size_t)length >= sizeof path)
        abort();
    return path;
}

const char *fuzz_put(const char *name, const void *bytes, size_t length)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || (length > 0 && fwrite(bytes, 1, length, file) != length) || fclose(file) != 0)
        abort();
    return path;
}

/* Where the last tensor ends. */
static size_t data_bytes(const char *header, size_t length)
{
    json_t *parsed = json_loadb(header, length, 0, NULL), *entry;
    const char *key;
    json_int_t last = 0;
    json_object_foreach(parsed, key, entry)
    {
        const json_int_t at = json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 1));
        last = at > last ? at : last;
    }
    json_decref(parsed);
    return last > MAX_DATA ? 0 : (size_t)last;
}

/* The checksum of a file that has a place for one. */
static void seal(char *file, size_t length)
{
    char digits[PB_CHECKSUM_DIGITS + 1];
    uint64_t header;
    if (length < sizeof header)
        return;
    memcpy(&header, file, sizeof header);
    if (header > length - sizeof header)
        return;
    char *place = pb_safetensors_find_seal(file, sizeof header + (size_t)header);
    if (place == NULL)
        return;
    memset(place, '0', PB_CHECKSUM_DIGITS);
    pb_checksum_format(pb_checksum(0, file, length), digits);
    memcpy(place, digits, PB_CHECKSUM_DIGITS);
}

const char *fuzz_put_safetensors(const char *name, const uint8_t *bytes, size_t length)
{
    const bool alone = length > 0 && bytes[0] == '{';
    const uint64_t header = length;
    const size_t front = alone ? sizeof header : 0;
    const size_t whole = front + length + (alone ? data_bytes((const char *)bytes, length) : 0);
    char *file = pb_calloc(whole, 1);
    if (file == NULL)
        abort();
    memcpy(file, &header, front);
    memcpy(file + front, bytes, length);
    seal(file, whole);
    const char *path = fuzz_put(name, file, whole);
    pb_free(file);
    return path;
}
