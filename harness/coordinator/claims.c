/* Which cells of a run are being run and which have ended: OUT/queue/. */
#include "coordinator/claims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static const char CLAIM[] = ".claim", OK[] = ".ok", FAILED[] = ".failed";

enum pb_status pb_claims_open(const char *out, const char *list, struct pb_claims *claims, struct pb_error *error)
{
    struct pb_claims opened = {.folder = pb_path_join(out, "queue")};
    snprintf(opened.list, sizeof opened.list, "%s", list);
    const enum pb_status status =
        opened.folder ? pb_make_dirs(opened.folder, error) : pb_fail_memory(error, strlen(out));
    if (status == PB_OK)
        *claims = opened;
    else
        pb_claims_close(&opened);
    return status;
}

void pb_claims_close(struct pb_claims *claims)
{
    pb_free(claims->folder);
    *claims = (struct pb_claims){0};
}

/* Cuts suffix, with ".LIST" before it where that is not NULL, from the end of name; false where it does not end so. */
static bool cut(char *name, const char *list, const char *suffix)
{
    char end[PB_CLAIMS_LIST + 16];
    snprintf(end, sizeof end, "%s%s%s", list ? "." : "", list ? list : "", suffix);
    if (!pb_ends_with(name, end))
        return false;
    name[strlen(name) - strlen(end)] = '\0';
    return true;
}

enum pb_status pb_claims_clear(const struct pb_claims *claims, struct pb_error *error)
{
    char **names = NULL;
    size_t count = 0;
    enum pb_status status = pb_list_dir(claims->folder, &names, &count, error);
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        const bool is_mark = pb_ends_with(names[i], OK) || pb_ends_with(names[i], FAILED);
        if (!is_mark || cut(names[i], claims->list, OK) || cut(names[i], claims->list, FAILED))
            continue;
        char *path = pb_path_join(claims->folder, names[i]);
        if (!path)
            status = pb_fail_memory(error, strlen(names[i]));
        else if (unlink(path) != 0 && errno != ENOENT)
            status = pb_fail_errno(error, "remove '%s'", path);
        pb_free(path);
    }
    pb_names_free(&names, count);
    return status;
}

static char *claim_path(const struct pb_claims *claims, const char *id)
{
    return pb_format("%s/%s%s", claims->folder, id, CLAIM);
}

enum pb_status pb_claims_take(const struct pb_claims *claims, const char *id, struct pb_lease **lease,
                              struct pb_error *error)
{
    char *path = claim_path(claims, id);
    const enum pb_status status = path ? pb_lease_try(path, lease, error) : pb_fail_memory(error, strlen(id));
    pb_free(path);
    return status;
}

enum pb_status pb_claims_look(const struct pb_claims *claims, const char *id, struct pb_lease_watch *watch, bool *free,
                              struct pb_error *error)
{
    char *path = claim_path(claims, id);
    const enum pb_status status = path ? pb_lease_look(path, watch, free, error) : pb_fail_memory(error, strlen(id));
    pb_free(path);
    return status;
}

static char *mark_path(const struct pb_claims *claims, const char *id, bool ok)
{
    return pb_format("%s/%s.%s%s", claims->folder, id, claims->list, ok ? OK : FAILED);
}

bool pb_claims_is_marked(const struct pb_claims *claims, const char *id)
{
    char *ok = mark_path(claims, id, true), *failed = mark_path(claims, id, false);
    const bool marked = ok && failed && (pb_file_exists(ok) || pb_file_exists(failed));
    pb_free(ok);
    pb_free(failed);
    return marked;
}

enum pb_status pb_claims_mark(const struct pb_claims *claims, const char *id, bool ok, struct pb_error *error)
{
    char *path = mark_path(claims, id, ok);
    if (!path)
        return pb_fail_memory(error, strlen(id));
    const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    const enum pb_status status = file < 0 ? pb_fail_errno(error, "write '%s'", path) : PB_OK;
    if (file >= 0)
        close(file);
    pb_free(path);
    return status;
}

enum pb_status pb_claims_list(const struct pb_claims *claims,
                              void (*on_entry)(void *argument, const char *id, enum pb_claim_kind kind), void *argument,
                              size_t *entries, struct pb_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const enum pb_status status = pb_list_dir(claims->folder, &names, &count, error);
    for (size_t i = 0; i < count && status == PB_OK; i++) {
        if (cut(names[i], NULL, CLAIM))
            on_entry(argument, names[i], PB_CLAIM_HELD);
        else if (cut(names[i], claims->list, OK))
            on_entry(argument, names[i], PB_CLAIM_OK);
        else if (cut(names[i], claims->list, FAILED))
            on_entry(argument, names[i], PB_CLAIM_FAILED);
    }
    pb_names_free(&names, count);
    if (entries)
        *entries = count;
    return status;
}
