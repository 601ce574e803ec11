/* The program itself, and the folders that are beside it or in its prefix. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/resources.h"

/* Where the link that names the running program points to; NULL with errno. */
static char *running_program(void)
{
    for (size_t size = 256;; size *= 2) {
        char *path = pb_calloc(size, 1);
        if (path == NULL) {
            errno = ENOMEM;
            return NULL;
        }
        const ssize_t length = readlink("/proc/self/exe", path, size);
        if (length >= 0 && (size_t)length < size)
            return path;
        const int reason = errno;
        pb_free(path);
        errno = reason;
        if (length < 0)
            return NULL;
    }
}

enum pb_status pb_program_path(char **path, struct pb_error *error)
{
    const char *named = getenv("PRUNEBENCH_PROGRAM");
    if (named != NULL && *named != '\0') {
        char *copy = pb_strdup(named);
        if (copy == NULL) {
            (void)pb_fail_memory(error, strlen(named) + 1);
            return PB_ERROR_MEMORY;
        }
        *path = copy;
        return PB_OK;
    }
    char *running = running_program();
    if (running == NULL) {
        (void)pb_fail_errno(error, "read '/proc/self/exe'");
        return PB_ERROR_RUN;
    }
    *path = running;
    return PB_OK;
}

/* What is loaded, prefix/lib/prunebench/name; or prefix/share/prunebench/name. */
static char *installed_dir(const char *prefix, const char *name)
{
    const char *base = strcmp(name, "plugins") == 0 || strcmp(name, "drawing") == 0 ? "lib" : "share";
    return pb_format("%s%s%s/prunebench/%s", prefix, pb_ends_with(prefix, "/") ? "" : "/", base, name);
}

/* The first of the candidates that is a folder, or a message that names them all. Takes the strings over. */
static enum pb_status choose_dir(const char *name, char *candidates[3], char **path, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    char *chosen = NULL;
    for (int i = 0; i < 3 && chosen == NULL; i++) {
        if (candidates[i] == NULL)
            status = pb_fail_memory(error, strlen(name) + 1);
        else if (pb_is_dir(candidates[i]))
            chosen = candidates[i];
    }
    if (chosen != NULL)
        *path = chosen;
    else if (status == PB_OK)
        status = pb_fail(error, PB_ERROR_RUN,
                         "the program's folder '%s' is missing: looked for '%s', '%s' and '%s'; build or install "
                         "prunebench again",
                         name, candidates[0], candidates[1], candidates[2]);
    for (int i = 0; i < 3; i++) {
        if (candidates[i] != chosen || chosen == NULL)
            pb_free(candidates[i]);
    }
    return chosen != NULL ? PB_OK : status;
}

enum pb_status pb_resource_dir(const char *name, char **path, struct pb_error *error)
{
    char *program, *folder = NULL, *prefix = NULL;
    enum pb_status status = pb_program_path(&program, error);
    if (status != PB_OK)
        return status;
    folder = pb_path_folder(program);
    prefix = folder != NULL ? pb_path_folder(folder) : NULL;
    if (prefix == NULL) {
        status = pb_fail_memory(error, strlen(program) + 1);
        goto cleanup;
    }
    char *beside = pb_path_join(folder, name);
    char *installed = installed_dir(prefix, name);
    /* An installed program's own folder is full of other programs' things: look there last. */
    const bool in_bin = strcmp(pb_path_name(folder), "bin") == 0;
    char *candidates[3] = {in_bin ? installed : beside, in_bin ? beside : installed, installed_dir(PB_PREFIX, name)};
    status = choose_dir(name, candidates, path, error);

cleanup:
    pb_free(prefix);
    pb_free(folder);
    pb_free(program);
    return status;
}
