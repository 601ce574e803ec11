/* SHA-256 of many files, remembered while stat shows the same ones. */
#include "base/file_digests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sealed.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/user_cache.h"

#define SETTLED_SECONDS 2 /* a file that changed later than this may change again without its times showing it */
enum { NUMBERS = 7, DIGEST = 64 };

/* What stat says of a file: all of it changes when the content does, for nobody can set the time of the last change. */
struct identity {
    uint64_t numbers[NUMBERS]; /* device, inode, size, and seconds and nanoseconds of both times; all 0: none */
};

struct known_file {
    struct identity identity;
    char sha256[DIGEST + 1];
};

static struct identity identity_of(const struct stat *info)
{
    return (struct identity){{(uint64_t)info->st_dev, (uint64_t)info->st_ino, (uint64_t)info->st_size,
                              (uint64_t)info->st_mtim.tv_sec, (uint64_t)info->st_mtim.tv_nsec,
                              (uint64_t)info->st_ctim.tv_sec, (uint64_t)info->st_ctim.tv_nsec}};
}

static bool look_at(const char *path, struct identity *identity, time_t *changed)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    *identity = identity_of(&info);
    *changed = info.st_ctim.tv_sec;
    return true;
}

static bool parse_line(const char *line, struct known_file *known)
{
    char *end = NULL;
    for (size_t i = 0; i < NUMBERS; i++, line = end) {
        known->identity.numbers[i] = strtoull(line, &end, 10);
        if (end == line || *end != ' ')
            return false;
    }
    line++;
    if (strspn(line, "0123456789abcdef") != DIGEST || line[DIGEST] != '\n')
        return false;
    memcpy(known->sha256, line, DIGEST);
    return true;
}

/* One line for each file, in order; where the list is damaged or shorter, the rest is unknown. */
static void recall(const char *path, struct known_file *known, size_t count)
{
    char *text = NULL;
    if (pb_sealed_read(path, &text) != PB_SEALED_WHOLE)
        return;
    const char *line = text;
    for (size_t i = 0; i < count && line; i++) {
        const char *end = strchr(line, '\n');
        if (!end || !parse_line(line, &known[i]))
            known[i] = (struct known_file){0};
        line = end ? end + 1 : NULL;
    }
    pb_free(text);
}

static void keep(const char *folder, const char *path, const struct known_file *known, size_t count)
{
    struct pb_error unkept = {0};
    struct pb_text text = {0};
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < NUMBERS; n++)
            pb_text_append(&text, "%" PRIu64 " ", known[i].identity.numbers[n]);
        pb_text_append(&text, "%s\n", known[i].sha256);
    }
    if (text.failed || pb_make_dirs(folder, &unkept) != PB_OK || pb_sealed_write(path, text.data, &unkept) != PB_OK)
        pb_log(PB_LOG_DEBUG, "digests of files are not kept: %s", unkept.text);
    pb_text_free(&text);
}

/* Named by the first file and their count: a folder that moves keeps its inodes. */
static char *list_path(const char *folder, const struct identity *first, size_t count)
{
    char text[96], digest[65];
    const int length =
        snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 " %zu", first->numbers[0], first->numbers[1], count);
    pb_sha256_of(text, (size_t)length, digest);
    return pb_format("%s/files-%.32s.txt", folder, digest);
}

/* *known: what is known of the file before and afterwards. Whether it was read. */
static bool digest_file(const char *path, struct known_file *known, struct pb_file_digest *digest)
{
    struct identity before, after;
    struct pb_error unreadable;
    time_t changed = 0;
    const time_t now = time(NULL);
    digest->sha256[0] = '\0';
    if (!look_at(path, &before, &changed))
        return false;
    if (memcmp(&before, &known->identity, sizeof before) == 0) {
        memcpy(digest->sha256, known->sha256, sizeof digest->sha256);
        return false;
    }
    *known = (struct known_file){0};
    memset(known->sha256, '0', DIGEST); /* a whole line, of no file */
    if (pb_sha256_file(path, digest->sha256, &unreadable) != PB_OK) {
        digest->sha256[0] = '\0';
        return false;
    }
    if (look_at(path, &after, &changed) && memcmp(&before, &after, sizeof after) == 0 &&
        changed + SETTLED_SECONDS < now) {
        known->identity = after;
        memcpy(known->sha256, digest->sha256, sizeof known->sha256);
    }
    return true;
}

enum pb_status pb_digest_files(const char *const *paths, size_t count, struct pb_file_digest *digests,
                               struct pb_error *error)
{
    struct known_file *known = pb_calloc(count, sizeof *known);
    struct identity first = {0};
    time_t changed;
    bool any_read = false;
    if (!known)
        return pb_fail_memory(error, count * sizeof *known);
    for (size_t i = 0; i < count && first.numbers[1] == 0; i++)
        (void)look_at(paths[i], &first, &changed);
    char *folder = pb_user_cache_folder(), *list = folder ? list_path(folder, &first, count) : NULL;
    if (list)
        recall(list, known, count);
    for (size_t i = 0; i < count; i++)
        any_read |= digest_file(paths[i], &known[i], &digests[i]);
    if (list && any_read)
        keep(folder, list, known, count);
    pb_free(list);
    pb_free(folder);
    pb_free(known);
    return PB_OK;
}
