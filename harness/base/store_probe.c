/* Whether a file system gives what a run's folder needs. */
#include "base/store_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"

static const double LITTLE_ROOM = (double)(1 << 30);

struct probe {
    const char *folder; /* as it was given */
    char *place; /* it, or the nearest one above it that exists */
    char *inside; /* the temporary folder in place */
    char *first, *second; /* names in it, which every trial leaves free */
};

const char *pb_store_state_name(enum pb_store_state state)
{
    static const char *const names[] = {"ok", "warning", "failed"};
    return names[state];
}

static void PB_PRINTF(3, 4) say(struct pb_store_row *row, enum pb_store_state state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row->text, sizeof row->text, format, arguments);
    va_end(arguments);
    row->state = state;
}

/* Makes a file that does not exist yet, with one letter in it. */
static bool make_file(const char *path, char letter)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    const bool written = write(fd, &letter, 1) == 1;
    const int reason = errno;
    const bool closed = close(fd) == 0;
    if (!written)
        errno = reason;
    return written && closed;
}

/* Opened anew where that is stale, as by all that reads files here. */
static bool holds(const char *path, char letter)
{
    char found = '\0';
    bool is_read = false;
    errno = ESTALE;
    for (int tries = 0; tries < PB_STALE_TRIES && !is_read && errno == ESTALE; tries++) {
        const int fd = pb_open_to_read(path, 0);
        is_read = fd >= 0 && read(fd, &found, 1) == 1;
        const int reason = errno;
        if (fd >= 0)
            close(fd);
        errno = reason;
    }
    return is_read && found == letter;
}

/* Of a file or a folder. */
static bool sync_path(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool good = fd >= 0 && fsync(fd) == 0;
    const int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return good;
}

/* Trials: NULL, or what is wrong; errno then says why, where the kernel gave a reason. */

static const char *try_new_files(const struct probe *probe)
{
    if (!make_file(probe->first, 'a'))
        return "a new file cannot be written";
    errno = 0;
    if (make_file(probe->first, 'b') || errno != EEXIST)
        return "a file that exists can be created once more";
    return NULL;
}

static const char *try_sync(const struct probe *probe)
{
    if (!make_file(probe->first, 'a') || !sync_path(probe->first))
        return "fsync of a file fails";
    /* as where files are published: some cannot do it, and say so */
    return sync_path(probe->inside) || errno == EINVAL ? NULL : "fsync of a folder fails";
}

static const char *try_rename(const struct probe *probe)
{
    if (!make_file(probe->first, 'a') || !make_file(probe->second, 'b') || rename(probe->first, probe->second) != 0)
        return "a file cannot be renamed to one that exists";
    errno = 0;
    return holds(probe->second, 'a') && !pb_file_exists(probe->first) ? NULL
                                                                      : "a renamed file does not replace the other one";
}

/* A folder that holds one file. */
static bool make_full_folder(const char *path)
{
    char *file = pb_path_join(path, "file");
    const bool made = file && mkdir(path, 0777) == 0 && make_file(file, 'a');
    pb_free(file);
    return made;
}

static const char *try_rename_folder(const struct probe *probe)
{
    if (!make_full_folder(probe->first) || rename(probe->first, probe->second) != 0)
        return "a folder cannot be renamed";
    if (!make_full_folder(probe->first))
        return "a folder's former name cannot be used again";
    errno = 0;
    if (rename(probe->first, probe->second) == 0)
        return "a folder can be renamed to one that is not empty";
    return errno == EEXIST || errno == ENOTEMPTY
               ? NULL
               : "a folder that is renamed to one that is not empty gets a strange error";
}

static const char *try_link(const struct probe *probe)
{
    struct stat info;
    if (!make_file(probe->first, 'a') || link(probe->first, probe->second) != 0)
        return "a file cannot get a second name";
    errno = 0;
    if (stat(probe->first, &info) != 0 || info.st_nlink != 2)
        return "a file with two names does not count them";
    if (link(probe->first, probe->second) == 0 || errno != EEXIST)
        return "a name that exists can be linked to once more";
    return NULL;
}

static const char *try_removed_file(const struct probe *probe)
{
    const int fd = open(probe->first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    char letter = '\0';
    const bool good =
        fd >= 0 && unlink(probe->first) == 0 && pwrite(fd, "a", 1, 0) == 1 && pread(fd, &letter, 1, 0) == 1;
    const int reason = errno;
    if (fd >= 0)
        close(fd);
    errno = reason;
    return good && letter == 'a' ? NULL : "an open file whose name was removed cannot be written";
}

static bool is_listed(const struct probe *probe)
{
    struct pb_error unread = {0};
    char **names = NULL;
    size_t count = 0;
    bool found = false;
    if (pb_list_dir(probe->inside, &names, &count, &unread) != PB_OK)
        return false;
    for (size_t i = 0; i < count && !found; i++)
        found = strcmp(names[i], pb_path_name(probe->first)) == 0;
    pb_names_free(&names, count);
    return found;
}

static const char *try_listing(const struct probe *probe)
{
    if (!make_file(probe->first, 'a'))
        return "a new file cannot be written";
    errno = 0;
    if (!is_listed(probe))
        return "a folder does not list a file that was just made";
    if (unlink(probe->first) != 0)
        return "a file cannot be removed";
    errno = 0;
    return is_listed(probe) ? "a folder lists a file that was just removed" : NULL;
}

static const struct trial {
    const char *name, *good;
    const char *(*wrong)(const struct probe *probe);
    const char *remedy; /* what to choose instead: "keep results on a file system …" */
} trials[] = {
    {"new files", "created by one process alone", try_new_files, "that can be written and knows O_EXCL"},
    {"fsync", "waits for files and folders", try_sync, "that keeps what is synced"},
    {"rename", "replaces a file", try_rename, "on which rename replaces files"},
    {"rename of folders", "refused where the name is in use", try_rename_folder,
     "on which rename refuses complete folders"},
    {"hard links", "made and counted", try_link, "that has hard links"},
    {"removed files", "can be written while they are open", try_removed_file,
     "that keeps removed files while they are open"},
    {"listing", "shows at once what changed", try_listing, "whose folders show changes at once"},
};

/* The names are free again for the next trial. */
static void remove_names(const struct probe *probe)
{
    struct pb_error ignored;
    (void)!pb_remove_tree(probe->first, &ignored);
    (void)!pb_remove_tree(probe->second, &ignored);
}

static void examine_trial(const struct probe *probe, const struct trial *trial, struct pb_store_row *row)
{
    errno = 0;
    const char *wrong = trial->wrong(probe);
    const int reason = errno;
    remove_names(probe);
    if (wrong == NULL)
        say(row, PB_STORE_OK, "%s", trial->good);
    else
        say(row, PB_STORE_FAILED, "in '%s' %s%s%s%s; keep results on a file system %s", probe->place, wrong,
            reason ? " (" : "", reason ? strerror(reason) : "", reason ? ")" : "", trial->remedy);
}

/* What is below OUT and gets its files by rename. */
static const char *const PARTS[] = {"cells", "logs", "stages", "latency"};

static void examine_devices(const struct probe *probe, struct pb_store_row *row)
{
    struct stat whole, part;
    say(row, PB_STORE_OK, "holds the folder and what is below it");
    if (stat(probe->folder, &whole) != 0)
        return;
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS && row->state == PB_STORE_OK; i++) {
        char *path = pb_path_join(probe->folder, PARTS[i]);
        if (path && stat(path, &part) == 0 && part.st_dev != whole.st_dev)
            say(row, PB_STORE_FAILED,
                "'%s' and '%s' are on two file systems, between which nothing can be renamed; keep both on one",
                probe->folder, path);
        pb_free(path);
    }
}

/* What this process can use. File systems that do not know how large they are say that they have no blocks, or no inodes. */
static void examine_room(const struct probe *probe, struct pb_store_row *row)
{
    struct statvfs info;
    if (statvfs(probe->place, &info) != 0 || info.f_blocks == 0) {
        say(row, PB_STORE_OK, "unknown");
        return;
    }
    const double bytes = (double)info.f_bavail * (double)info.f_frsize;
    if (info.f_bavail == 0)
        say(row, PB_STORE_FAILED, "the file system of '%s' is full; remove something from it", probe->place);
    else if (info.f_files > 0 && info.f_favail == 0)
        say(row, PB_STORE_FAILED, "the file system of '%s' has no inode left for another file; remove some files",
            probe->place);
    else if (bytes < LITTLE_ROOM)
        say(row, PB_STORE_WARNING, "the file system of '%s' has %.0f MiB left, which many runs exceed; make room",
            probe->place, bytes / (1 << 20));
    else
        say(row, PB_STORE_OK, "%.1f GiB", bytes / (1 << 30));
}

/* It may be NFS's emulation, which refuses to lock a folder: asked as leases ask. */
static void examine_flock(const struct probe *probe, struct pb_store_row *row)
{
    const int fd = open(probe->inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        say(row, PB_STORE_OK, "works; not needed");
    else
        say(row, PB_STORE_OK, "does not work (%s); not needed", strerror(errno));
    if (fd >= 0)
        close(fd);
}

static const struct {
    uint64_t magic;
    const char *name;
} file_systems[] = {
    {0x6969, "nfs"},      {0x0bd00bd0, "lustre"}, {0x19830326, "beegfs"},  {0x47504653, "gpfs"}, {0x00c36400, "ceph"},
    {0xff534d42, "cifs"}, {0xfe534d42, "smb2"},   {0xef53, "ext"},         {0x58465342, "xfs"},  {0x9123683e, "btrfs"},
    {0x2fc12fc1, "zfs"},  {0x01021994, "tmpfs"},  {0x794c7630, "overlay"}, {0x65735546, "fuse"},
};

static void examine_type(const struct probe *probe, struct pb_store_row *row)
{
    struct statfs info;
    if (statfs(probe->place, &info) != 0) {
        say(row, PB_STORE_OK, "unknown");
        return;
    }
    const uint64_t magic = (uint64_t)info.f_type & 0xffffffff;
    for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
        if (file_systems[i].magic == magic) {
            say(row, PB_STORE_OK, "%s", file_systems[i].name);
            return;
        }
    say(row, PB_STORE_OK, "0x%jx", (uintmax_t)magic);
}

/* Within a second: kernels and servers write coarse times. */
static void examine_clock(const struct probe *probe, struct pb_store_row *row)
{
    struct stat info;
    struct timespec now;
    say(row, PB_STORE_OK, "unknown");
    if (make_file(probe->first, 'a') && stat(probe->first, &info) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0) {
        const double ahead = (double)(info.st_mtim.tv_sec - now.tv_sec);
        if (fabs(ahead) <= 1)
            say(row, PB_STORE_OK, "agrees with this host's; not needed");
        else
            say(row, PB_STORE_OK, "%.0f s %s this host's; not needed to agree", fabs(ahead),
                ahead > 0 ? "ahead of" : "behind");
    }
    remove_names(probe);
}

static const struct fact {
    const char *name;
    void (*examine)(const struct probe *probe, struct pb_store_row *row);
} facts[] = {
    {"one file system", examine_devices},
    {"flock", examine_flock},
    {"type", examine_type},
    {"clock", examine_clock},
};

/* The folder, or the nearest one above it that exists. NULL when memory is out. */
static char *find_place(const char *folder)
{
    struct stat info;
    char *place = pb_strdup(folder);
    while (place && lstat(place, &info) != 0 && errno == ENOENT && strcmp(place, ".") != 0 && strcmp(place, "/") != 0) {
        char *above = pb_path_folder(place);
        pb_free(place);
        place = above;
    }
    return place;
}

/* What the trials take place in. */
static void examine_folder(const struct probe *probe, struct pb_store_row *row)
{
    struct stat info;
    if (!pb_is_dir(probe->place) && lstat(probe->place, &info) == 0)
        say(row, PB_STORE_FAILED, "'%s' is %s, no folder; choose another one", probe->place,
            pb_file_kind(info.st_mode));
    else if (mkdir(probe->inside, 0777) != 0)
        say(row, PB_STORE_FAILED, "in '%s' no folder can be made (%s); choose a place that you may write to",
            probe->place, strerror(errno));
    else
        say(row, PB_STORE_OK, "'%s' can be %s", probe->folder,
            strcmp(probe->place, probe->folder) == 0 ? "written" : "made");
}

static struct pb_store_row *add_row(struct pb_store_rows *rows, const char *name)
{
    struct pb_store_row *row = &rows->rows[rows->count++];
    row->name = name;
    return row;
}

#define FOLDER_ROW "folder"
enum { TRIES = 3 };

_Static_assert(2 + sizeof trials / sizeof *trials + sizeof facts / sizeof *facts <=
                   sizeof((struct pb_store_rows *)0)->rows / sizeof(struct pb_store_row),
               "a row for each");

/* Room first: where there is none, all else fails for that reason. */
static void examine(const struct probe *probe, struct pb_store_rows *rows)
{
    struct pb_store_row *room = add_row(rows, "room");
    examine_room(probe, room);
    if (room->state == PB_STORE_FAILED)
        return;
    struct pb_store_row *folder = add_row(rows, FOLDER_ROW);
    examine_folder(probe, folder);
    if (folder->state == PB_STORE_FAILED)
        return;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        examine_trial(probe, &trials[i], add_row(rows, trials[i].name));
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        facts[i].examine(probe, add_row(rows, facts[i].name));
}

enum pb_status pb_store_probe(const char *folder, struct pb_store_rows *rows, struct pb_error *error)
{
    char *tag = pb_owner_tag();
    struct probe probe = {.folder = folder, .place = find_place(folder)};
    struct pb_error ignored;
    probe.inside = tag && probe.place ? pb_format("%s/.probe.%s.tmp", probe.place, tag) : NULL;
    probe.first = probe.inside ? pb_path_join(probe.inside, "first") : NULL;
    probe.second = probe.inside ? pb_path_join(probe.inside, "second") : NULL;
    enum pb_status status = probe.first && probe.second ? PB_OK : pb_fail_memory(error, strlen(folder));
    *rows = (struct pb_store_rows){0};
    if (status == PB_OK) {
        examine(&probe, rows);
        (void)!pb_remove_tree(probe.inside, &ignored);
    }
    pb_free(probe.first);
    pb_free(probe.second);
    pb_free(probe.inside);
    pb_free(probe.place);
    pb_free(tag);
    return status;
}

/* The first row that failed; NULL where none did. */
static const struct pb_store_row *first_failed(const struct pb_store_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->rows[i].state == PB_STORE_FAILED)
            return &rows->rows[i];
    return NULL;
}

enum pb_status pb_store_require(const char *folder, struct pb_error *error)
{
    struct pb_store_rows rows;
    const struct pb_store_row *failed = NULL;
    enum pb_status status = PB_OK;
    for (unsigned tries = 0; tries < TRIES && status == PB_OK && (tries == 0 || failed); tries++) {
        status = pb_store_probe(folder, &rows, error);
        failed = status == PB_OK ? first_failed(&rows) : NULL;
    }
    if (failed)
        return pb_fail(error, strcmp(failed->name, FOLDER_ROW) == 0 ? PB_ERROR_INPUT : PB_ERROR_RUN, "%s",
                       failed->text);
    return status;
}
