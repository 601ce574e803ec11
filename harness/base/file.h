/* Files and folders: whole reads, writes that are complete or absent. */
#ifndef PB_BASE_FILE_H
#define PB_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/* The whole file; *data from pb_calloc with a NUL behind it. Files above limit bytes are refused (0: no limit). */
PB_MUST_CHECK enum pb_status pb_file_read(const char *path, size_t limit, char **data, size_t *length,
                                          struct pb_error *error);

/*
 * On a network file system, a file that another host replaces or removes answers ESTALE to whoever has opened it, or is about to. Its
 * name leads to the new one: whatever reads a file opens it anew, as often as this.
 */
enum { PB_STALE_TRIES = 5 };
/* open(2) for reading, with these flags besides; opens anew where that answers ESTALE. The descriptor, or -1 with errno. */
int pb_open_to_read(const char *path, int flags);

/*
 * Opens a regular file that this program wrote. A pipe or a device is never opened for reading (it could block), a link
 * never followed. PB_ERROR_INPUT: there is no such file, or something else is in its place; anything else is PB_ERROR_RUN.
 */
PB_MUST_CHECK enum pb_status pb_file_open_own(const char *path, int *fd, struct pb_error *error);
/* "a named pipe", "a folder"; for messages. */
const char *pb_file_kind(unsigned mode);

/* Writes under a temporary name in the same folder, fsyncs, renames, fsyncs the folder. The old file
 * stays untouched when anything fails, and the temporary one is removed. */
PB_MUST_CHECK enum pb_status pb_file_write_atomic(const char *path, const void *data, size_t length,
                                                  struct pb_error *error);
/* The same for bytes in several places, which are written one after the other. */
PB_MUST_CHECK enum pb_status pb_file_write_parts_atomic(const char *path, const struct pb_bytes *parts, size_t count,
                                                        struct pb_error *error);

/* Complete or absent for other processes, but not after the machine has lost power: nothing waits for the disk. For what is
 * written every second, or by the thousand and made again with ease. */
PB_MUST_CHECK enum pb_status pb_file_replace(const char *path, const void *data, size_t length, struct pb_error *error);

/* Gives a file that another program has written the name to, in the same file system, in place of what is there: fsyncs it,
 * renames, fsyncs the folder. */
PB_MUST_CHECK enum pb_status pb_file_move(const char *from, const char *to, struct pb_error *error);

/* Makes what was renamed in the folder of path durable. */
PB_MUST_CHECK enum pb_status pb_sync_folder_of(const char *path, struct pb_error *error);

/* mkdir -p */
PB_MUST_CHECK enum pb_status pb_make_dirs(const char *path, struct pb_error *error);
/* A new folder NAME-… in $TMPDIR, or in /tmp: *path, from pb_malloc. Whoever made it removes it (pb_remove_tree). */
PB_MUST_CHECK enum pb_status pb_make_temporary_dir(const char *name, char **path, struct pb_error *error);
/* rm -r; a path that is not there is fine. Never follows links. */
PB_MUST_CHECK enum pb_status pb_remove_tree(const char *path, struct pb_error *error);
/*
 * Renames a damaged file or folder, whatever it is, to PATH.damaged-TIME-NOISE, so that it can be made again and yet be
 * looked at. *aside: the new name, from pb_calloc; NULL where there was nothing. Of each path only the last one is kept.
 */
PB_MUST_CHECK enum pb_status pb_set_aside(const char *path, char **aside, struct pb_error *error);
bool pb_file_exists(const char *path);
bool pb_is_dir(const char *path);

/* "a/b", "a" + "/b" and so on, from pb_calloc; NULL when memory is out. */
char *pb_path_join(const char *folder, const char *name);
/* The path from the root on, whether there is anything or not, from pb_calloc; NULL when memory is out. */
char *pb_path_absolute(const char *path);
/* The folder that holds path ("." when it has none), from pb_calloc. */
char *pb_path_folder(const char *path);
/* Behind the last slash, inside path. */
const char *pb_path_name(const char *path);

/* Sorted names in a folder, without "." and "..". *names and each name from pb_calloc; pb_names_free gives them back. */
PB_MUST_CHECK enum pb_status pb_list_dir(const char *path, char ***names, size_t *count, struct pb_error *error);
void pb_names_free(char ***names, size_t count);

/* Whole lines of a text file; strips "\r\n" and "\n". number is 1-based. */
struct pb_lines {
    char *data;
    size_t length, position;
    long number;
};
PB_MUST_CHECK enum pb_status pb_lines_open(const char *path, struct pb_lines *lines, struct pb_error *error);
char *pb_lines_next(struct pb_lines *lines); /* NULL after the last; valid until pb_lines_close */
void pb_lines_close(struct pb_lines *lines);

#endif
