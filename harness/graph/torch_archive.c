/* The ZIP archive that torch.save writes: libzip reads it, and no size is believed that the file's length does not confirm. */
#include "graph/torch_archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zip.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define PICKLE "data.pkl"
#define BYTE_ORDER_ENTRY "byteorder"

static enum pb_status open_zip(struct pb_torch_archive *archive, int fd, struct pb_error *error)
{
    struct stat info;
    int code = 0;
    if (fstat(fd, &info) != 0)
        return pb_fail_errno(error, "read");
    if (!S_ISREG(info.st_mode))
        return pb_fail(error, PB_ERROR_INPUT, "it is no regular file");
    archive->file_bytes = (uint64_t)info.st_size;
    archive->zip = zip_fdopen(fd, 0, &code);
    if (archive->zip)
        return PB_OK;
    zip_error_t problem;
    zip_error_init_with_code(&problem, code);
    const enum pb_status status =
        pb_fail(error, PB_ERROR_INPUT, "it is no whole ZIP archive; is it cut off? (%s)", zip_error_strerror(&problem));
    zip_error_fini(&problem);
    return status;
}

/* libzip takes the descriptor of an archive that it opens, and of no other. */
static enum pb_status open_file(const char *path, struct pb_torch_archive *archive, struct pb_error *error)
{
    const int fd = pb_open_to_read(path, O_NONBLOCK); /* a pipe without a writer is refused, too */
    if (fd < 0)
        return pb_fail(error, PB_ERROR_INPUT, "%s", strerror(errno));
    const enum pb_status status = open_zip(archive, fd, error);
    if (status != PB_OK)
        close(fd);
    return status;
}

/* What follows the name of the outermost folder; NULL for an entry outside of any. */
static const char *inside_folder(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash ? slash + 1 : NULL;
}

static enum pb_status check_entry(struct pb_torch_archive *archive, zip_int64_t index, struct pb_error *error)
{
    const char *name = zip_get_name(archive->zip, (zip_uint64_t)index, 0);
    if (!name)
        return pb_fail(error, PB_ERROR_INPUT, "the name of an entry cannot be read: %s", zip_strerror(archive->zip));
    if (zip_name_locate(archive->zip, name, 0) != index)
        return pb_fail(error, PB_ERROR_INPUT, "the archive has two entries '%.80s'", name);
    const char *inside = inside_folder(name);
    if (inside && (strcmp(inside, "constants.pkl") == 0 || pb_starts_with(inside, "code/")))
        return pb_fail(error, PB_ERROR_INPUT,
                       "it is a TorchScript archive, which holds a program; save its weights alone, with "
                       "torch.save(torch.jit.load(FILE).state_dict(), …)");
    if (!inside || strcmp(inside, PICKLE) != 0 || archive->folder)
        return PB_OK;
    archive->folder = pb_strndup(name, (size_t)(inside - name));
    return archive->folder ? PB_OK : pb_fail_memory(error, strlen(name));
}

static enum pb_status check_entries(struct pb_torch_archive *archive, struct pb_error *error)
{
    const zip_int64_t count = zip_get_num_entries(archive->zip, 0);
    enum pb_status status = PB_OK;
    for (zip_int64_t i = 0; i < count && status == PB_OK; i++)
        status = check_entry(archive, i, error);
    if (status == PB_OK && !archive->folder)
        status = pb_fail(error, PB_ERROR_INPUT, "the archive has no FOLDER/%s; did torch.save write it?", PICKLE);
    return status;
}

/* *index: -1 where the folder has no such entry. */
static enum pb_status locate(const struct pb_torch_archive *archive, const char *name, zip_int64_t *index,
                             struct pb_error *error)
{
    char *whole = pb_format("%s%s", archive->folder, name);
    if (!whole)
        return pb_fail_memory(error, strlen(name));
    *index = zip_name_locate(archive->zip, whole, 0);
    pb_free(whole);
    return PB_OK;
}

/* PyTorch before 2.1 states no order of bytes. */
static enum pb_status check_byte_order(const struct pb_torch_archive *archive, struct pb_error *error)
{
    static const char little[] = "little";
    struct pb_torch_entry entry = {0};
    void *bytes = NULL;
    zip_int64_t index = -1;
    enum pb_status status = locate(archive, BYTE_ORDER_ENTRY, &index, error);
    if (status != PB_OK || index < 0)
        return status;
    status = pb_torch_archive_find(archive, BYTE_ORDER_ENTRY, &entry, error);
    if (status == PB_OK)
        status = pb_torch_archive_read(archive, &entry, &bytes, error);
    if (status == PB_OK && (!bytes || entry.bytes != strlen(little) || memcmp(bytes, little, strlen(little)) != 0))
        status = pb_fail(error, PB_ERROR_INPUT,
                         "its values are not little-endian; load and save it on a little-endian machine");
    pb_free(bytes);
    return status;
}

enum pb_status pb_torch_archive_open(const char *path, struct pb_torch_archive *archive, struct pb_error *error)
{
    struct pb_torch_archive opened = {0};
    enum pb_status status = open_file(path, &opened, error);
    if (status == PB_OK)
        status = check_entries(&opened, error);
    if (status == PB_OK)
        status = check_byte_order(&opened, error);
    if (status == PB_OK)
        *archive = opened;
    else
        pb_torch_archive_close(&opened);
    return status;
}

void pb_torch_archive_close(struct pb_torch_archive *archive)
{
    if (archive->zip)
        zip_discard(archive->zip);
    pb_free(archive->folder);
    *archive = (struct pb_torch_archive){0};
}

enum pb_status pb_torch_archive_find(const struct pb_torch_archive *archive, const char *name,
                                     struct pb_torch_entry *entry, struct pb_error *error)
{
    static const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    zip_int64_t index = -1;
    zip_stat_t info;
    const enum pb_status status = locate(archive, name, &index, error);
    if (status != PB_OK)
        return status;
    if (index < 0)
        return pb_fail(error, PB_ERROR_INPUT, "the archive has no entry '%s%.80s'", archive->folder, name);
    if (zip_stat_index(archive->zip, (zip_uint64_t)index, 0, &info) != 0 || (info.valid & needed) != needed)
        return pb_fail(error, PB_ERROR_INPUT, "entry '%.80s' has no size", name);
    if (info.comp_method != ZIP_CM_STORE)
        return pb_fail(error, PB_ERROR_INPUT, "entry '%.80s' is compressed; torch.save compresses nothing", name);
    if (info.size != info.comp_size || info.size > archive->file_bytes)
        return pb_fail(error, PB_ERROR_INPUT, "entry '%.80s' claims more bytes than the file has", name);
    *entry = (struct pb_torch_entry){(uint64_t)index, info.size};
    return PB_OK;
}

/* Reading behind the last byte lets libzip compare the checksum. */
static bool read_whole(zip_file_t *file, char *bytes, uint64_t length)
{
    uint64_t at = 0;
    char behind;
    while (at < length) {
        const zip_int64_t got = zip_fread(file, bytes + at, length - at);
        if (got <= 0)
            return false;
        at += (uint64_t)got;
    }
    return zip_fread(file, &behind, 1) == 0;
}

enum pb_status pb_torch_archive_read(const struct pb_torch_archive *archive, const struct pb_torch_entry *entry,
                                     void **bytes, struct pb_error *error)
{
    char *read = pb_calloc(entry->bytes + 1, 1);
    if (!read)
        return pb_fail_memory(error, entry->bytes);
    zip_file_t *file = zip_fopen_index(archive->zip, entry->index, 0);
    const bool whole = file && read_whole(file, read, entry->bytes);
    enum pb_status status = PB_OK;
    if (!whole)
        status =
            pb_fail(error, PB_ERROR_INPUT, "entry '%.80s' is damaged: %s", zip_get_name(archive->zip, entry->index, 0),
                    file ? zip_file_strerror(file) : zip_strerror(archive->zip));
    if (file)
        zip_fclose(file);
    if (whole)
        *bytes = read;
    else
        pb_free(read);
    return status;
}
