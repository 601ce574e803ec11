/* Kept results of verbs: a folder per stage, complete or absent, made by one process at a time. */
#include "stages/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/owner.h"
#include "stages/json_file.h"
#include "stages/same_stage.h"
#include "stages/stage_format.h"
#include "graph/checkpoint.h"

/* FOLDER/<key><suffix>, from pb_calloc. */
static char *stage_path(const struct pb_store *store, const char *key, const char *suffix)
{
    return pb_format("%s/%s%s", store->folder, key, suffix);
}

enum pb_status pb_store_open(const char *out, struct pb_store *store, struct pb_error *error)
{
    struct pb_store opened = {.folder = pb_path_join(out, "stages")};
    if (!opened.folder)
        return pb_fail_memory(error, strlen(out) + 8);
    char *locks = pb_path_join(opened.folder, "locks");
    enum pb_status status = locks ? pb_make_dirs(locks, error) : pb_fail_memory(error, strlen(out) + 16);
    bool other;
    if (status == PB_OK) /* stages under other keys are the coordinator's to set aside */
        status = pb_stage_format_claim(opened.folder, &other, error);
    pb_free(locks);
    if (status == PB_OK)
        *store = opened;
    else
        pb_free(opened.folder);
    return status;
}

void pb_store_close(struct pb_store *store)
{
    if (store->folder)
        pb_store_release(store);
    pb_free(store->folder);
    *store = (struct pb_store){0};
}

bool pb_store_has(const struct pb_store *store, const char *key)
{
    char *path = stage_path(store, key, "/stage.json");
    const bool found = path && pb_file_exists(path);
    pb_free(path);
    return found;
}

enum pb_status pb_store_set_aside(const char *path, const char *wrong, const char *instead, struct pb_error *error)
{
    char *aside = NULL;
    const enum pb_status status = pb_set_aside(path, &aside, error);
    if (status == PB_OK)
        pb_log(PB_LOG_WARNING, "%s; %s%s%s%s", wrong, aside ? "it is set aside as '" : "", aside ? aside : "",
               aside ? "', and " : "", instead);
    pb_free(aside);
    return status;
}

/* What is in a stage's place. */
enum condition { ABSENT, SOUND, DAMAGED };

/* The facts of a stage, and whether it has a network. */
static enum pb_status read_facts(const struct pb_store *store, const char *key, json_t **facts, bool *network,
                                 struct pb_error *error)
{
    char *path = stage_path(store, key, "/stage.json");
    json_t *content = NULL;
    enum pb_status status = path ? pb_json_read(path, &content, error) : pb_fail_memory(error, strlen(key));
    if (status == PB_OK) {
        *facts = json_incref(json_object_get(content, "facts"));
        *network = json_is_true(json_object_get(content, "network"));
        if (!*facts)
            status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "it holds no facts of a stage");
    }
    json_decref(content);
    pb_free(path);
    return status;
}

/* An extra of a stage whose network was dropped. */
#define DROPPED "dropped"

static bool is_dropped(const struct pb_store *store, const char *key)
{
    char *path = stage_path(store, key, "/" DROPPED ".json");
    const bool found = path && pb_file_exists(path);
    pb_free(path);
    return found;
}

static enum pb_status check_files(const struct pb_store *store, const char *key, struct pb_error *error)
{
    char *path = stage_path(store, key, "/network.safetensors");
    json_t *facts = NULL;
    bool network = false;
    enum pb_status status = path ? read_facts(store, key, &facts, &network, error) : pb_fail_memory(error, strlen(key));
    if (status == PB_OK && network && !is_dropped(store, key))
        status = pb_checkpoint_check(path, error);
    json_decref(facts);
    pb_free(path);
    return status;
}

static enum pb_status is_empty(const char *folder, bool *empty, struct pb_error *error)
{
    char **names = NULL;
    size_t count = 0;
    const enum pb_status status = pb_list_dir(folder, &names, &count, error);
    *empty = count == 0;
    pb_names_free(&names, count);
    return status;
}

/* wrong: why it is damaged. */
static enum pb_status examine(const struct pb_store *store, const char *key, enum condition *condition,
                              struct pb_error *wrong, struct pb_error *error)
{
    struct stat info;
    bool empty = true;
    char *path = stage_path(store, key, "");
    enum pb_status status = path ? PB_OK : pb_fail_memory(error, strlen(key));
    *condition = ABSENT;
    if (status == PB_OK && lstat(path, &info) != 0) {
        if (errno != ENOENT)
            status = pb_fail_errno(error, "look at '%s'", path);
    } else if (status == PB_OK && !pb_is_dir(path)) { /* a link to a folder is one */
        (void)pb_fail(wrong, PB_ERROR_INPUT, "'%s' is %s, no stage", path, pb_file_kind(info.st_mode));
        *condition = DAMAGED;
    } else if (status == PB_OK && (status = is_empty(path, &empty, error)) == PB_OK && !empty) {
        const enum pb_status found = check_files(store, key, wrong);
        *condition = found == PB_OK ? SOUND : DAMAGED;
        if (found != PB_OK && found != PB_ERROR_INPUT) {
            *error = *wrong;
            status = found;
        }
    }
    pb_free(path);
    return status;
}

/* The stage's lock is held. */
static enum pb_status take_stage(const struct pb_store *store, const char *key, bool *complete, struct pb_error *error)
{
    enum condition condition;
    struct pb_error wrong = {0};
    enum pb_status status = examine(store, key, &condition, &wrong, error);
    if (status == PB_OK && condition == DAMAGED) {
        char *path = stage_path(store, key, "");
        status = path ? pb_store_set_aside(path, wrong.text, "the stage is made again", error)
                      : pb_fail_memory(error, strlen(key));
        pb_free(path);
    }
    if (status == PB_OK)
        *complete = condition == SOUND;
    return status;
}

enum pb_status pb_store_lock(const struct pb_store *store, const char *key, struct pb_lease **lease,
                             struct pb_error *error)
{
    char *path = pb_format("%s/locks/%s", store->folder, key);
    const enum pb_status status =
        path ? pb_lease_take(path, PB_UNTIL_FREE, lease, error) : pb_fail_memory(error, strlen(key));
    pb_free(path);
    return status;
}

enum pb_status pb_store_acquire(struct pb_store *store, const char *key, bool *complete, struct pb_error *error)
{
    enum condition condition;
    struct pb_error wrong = {0};
    enum pb_status status = examine(store, key, &condition, &wrong, error);
    if (status != PB_OK || condition == SOUND) {
        *complete = condition == SOUND;
        return status;
    }
    struct pb_lease *lease = NULL;
    status = pb_store_lock(store, key, &lease, error);
    if (status == PB_OK) /* whoever held the lock may have made or repaired it */
        status = take_stage(store, key, complete, error);
    if (status != PB_OK || *complete) {
        pb_lease_give(&lease);
    } else {
        store->lease = lease;
        snprintf(store->locked, sizeof store->locked, "%s", key);
    }
    return status;
}

void pb_store_release(struct pb_store *store)
{
    pb_lease_give(&store->lease);
    store->locked[0] = '\0';
}

/*
 * Moves a finished folder to its name. Whoever lost its lease meanwhile may find a complete one there: the first one stays, and the new
 * one goes, which must be the same.
 */
static enum pb_status publish(const char *made, const char *path, struct pb_error *error)
{
    if (rename(made, path) == 0)
        return PB_OK;
    if (errno == EEXIST || errno == ENOTEMPTY) {
        const enum pb_status status = pb_stage_require_same(path, made, error);
        return status == PB_OK ? pb_remove_tree(made, error) : status;
    }
    return pb_fail_errno(error, "rename '%s' to '%s'", made, path);
}

static enum pb_status write_stage(const char *folder, json_t *facts, const struct pb_network *network,
                                  struct pb_error *error)
{
    char *network_path = pb_path_join(folder, "network.safetensors");
    char *facts_path = pb_path_join(folder, "stage.json");
    json_t *content = json_pack("{s:O, s:b}", "facts", facts, "network", network != NULL);
    enum pb_status status = network_path && facts_path && content ? PB_OK : pb_fail_memory(error, strlen(folder) + 32);
    if (status == PB_OK)
        status = pb_make_dirs(folder, error);
    if (status == PB_OK && network)
        status = pb_checkpoint_save(network_path, network, true, &(struct pb_metadata){0}, error);
    if (status == PB_OK)
        status = pb_json_write(facts_path, content, error);
    json_decref(content);
    pb_free(network_path);
    pb_free(facts_path);
    return status;
}

enum pb_status pb_store_put(struct pb_store *store, const char *key, json_t *facts, const struct pb_network *network,
                            struct pb_error *error)
{
    char *tag = pb_owner_tag(), *made = tag ? pb_format("%s/%s.new-%s", store->folder, key, tag) : NULL;
    char *path = stage_path(store, key, ""), *partial = stage_path(store, key, ".partial");
    enum pb_status status = made && path && partial ? PB_OK : pb_fail_memory(error, strlen(key));
    if (status == PB_OK) {
        status = write_stage(made, facts, network, error);
        if (status == PB_OK)
            status = publish(made, path, error);
        struct pb_error ignored = {0};
        if (status != PB_OK)
            (void)!pb_remove_tree(made, &ignored);
    }
    if (status == PB_OK)
        status = pb_remove_tree(partial, error);
    if (strcmp(store->locked, key) == 0)
        pb_store_release(store);
    pb_free(tag);
    pb_free(made);
    pb_free(path);
    pb_free(partial);
    return status;
}

/* A stage that was acquired is no longer what it was. */
static enum pb_status note_damage(struct pb_store *store, enum pb_status status)
{
    store->damaged = store->damaged || status == PB_ERROR_INPUT;
    return status;
}

enum pb_status pb_store_facts(struct pb_store *store, const char *key, json_t **facts, struct pb_error *error)
{
    bool network;
    return note_damage(store, read_facts(store, key, facts, &network, error));
}

enum pb_status pb_store_network(struct pb_store *store, const char *key, struct pb_network **network,
                                struct pb_error *error)
{
    int fd = -1;
    if (is_dropped(store, key)) {
        *network = NULL;
        return PB_OK;
    }
    char *path = stage_path(store, key, "/network.safetensors");
    enum pb_status status = path ? pb_file_open_own(path, &fd, error) : pb_fail_memory(error, strlen(key));
    if (status == PB_OK) {
        close(fd);
        status = pb_checkpoint_load(path, network, NULL, error);
    }
    pb_free(path);
    return note_damage(store, status);
}

enum pb_status pb_store_remove(const struct pb_store *store, const char *key, struct pb_error *error)
{
    char *path = stage_path(store, key, "");
    const enum pb_status status = path ? pb_remove_tree(path, error) : pb_fail_memory(error, strlen(key));
    pb_free(path);
    return status;
}

static char *extra_path(const struct pb_store *store, const char *key, const char *name)
{
    return pb_format("%s/%s/%s.json", store->folder, key, name);
}

/* By way of the folder above: what a killed process leaves is found there without a look into every stage. */
static enum pb_status write_extra(const struct pb_store *store, const char *key, const char *path, json_t *facts,
                                  struct pb_error *error)
{
    char *tag = pb_owner_tag(), *made = tag ? pb_format("%s/%s.new-%s", store->folder, key, tag) : NULL;
    enum pb_status status = made ? pb_json_write(made, facts, error) : pb_fail_memory(error, strlen(path));
    if (status == PB_OK && rename(made, path) != 0) {
        status = pb_fail_errno(error, "rename '%s' to '%s'", made, path);
        (void)unlink(made);
    }
    pb_free(tag);
    pb_free(made);
    return status;
}

enum pb_status pb_store_put_extra(struct pb_store *store, const char *key, const char *name, json_t *facts,
                                  struct pb_error *error)
{
    char *path = extra_path(store, key, name);
    const enum pb_status status =
        path ? write_extra(store, key, path, facts, error) : pb_fail_memory(error, strlen(name));
    /* Another process may have found the stage damaged, and set it aside. */
    if (status == PB_ERROR_RUN && !pb_store_has(store, key))
        store->damaged = true;
    pb_free(path);
    return status;
}

enum pb_status pb_store_extra(const struct pb_store *store, const char *key, const char *name, json_t **facts,
                              struct pb_error *error)
{
    struct stat info;
    struct pb_error wrong = {0};
    json_t *read = NULL;
    char *path = extra_path(store, key, name);
    if (!path)
        return pb_fail_memory(error, strlen(name));
    enum pb_status status = lstat(path, &info) == 0 ? pb_json_read(path, &read, &wrong) : PB_OK;
    if (status == PB_ERROR_INPUT)
        status = pb_store_set_aside(path, wrong.text, "it is measured again", error);
    else if (status != PB_OK)
        *error = wrong;
    if (status == PB_OK)
        *facts = read;
    pb_free(path);
    return status;
}

enum pb_status pb_store_drop_network(struct pb_store *store, const char *key, struct pb_error *error)
{
    struct pb_lease *lease = NULL;
    char *path = stage_path(store, key, "/network.safetensors"),
         *lock_path = pb_format("%s/locks/%s", store->folder, key);
    json_t *nothing = json_object();
    enum pb_status status = path && lock_path && nothing ? PB_OK : pb_fail_memory(error, strlen(key));
    if (status == PB_OK)
        status = pb_lease_try(lock_path, &lease, error);
    if (status == PB_OK && lease) {
        if (pb_store_has(store, key)) /* marked first, so that the network is never missed */
            status = pb_store_put_extra(store, key, DROPPED, nothing, error);
        if (status == PB_OK && unlink(path) != 0 && errno != ENOENT)
            status = pb_fail_errno(error, "remove '%s'", path);
        pb_lease_give(&lease);
    }
    json_decref(nothing);
    pb_free(path);
    pb_free(lock_path);
    return status;
}

enum pb_status pb_store_put_network(struct pb_store *store, const char *key, const struct pb_network *network,
                                    struct pb_error *error)
{
    char *tag = pb_owner_tag(), *made = tag ? pb_format("%s/%s.new-%s", store->folder, key, tag) : NULL;
    char *path = stage_path(store, key, "/network.safetensors"), *mark = stage_path(store, key, "/" DROPPED ".json");
    char *partial = stage_path(store, key, ".partial");
    enum pb_status status = made && path && mark && partial ? PB_OK : pb_fail_memory(error, strlen(key));
    if (status == PB_OK)
        status = pb_checkpoint_save(made, network, true, &(struct pb_metadata){0}, error);
    if (status == PB_OK && (rename(made, path) != 0 || (unlink(mark) != 0 && errno != ENOENT)))
        status = pb_fail_errno(error, "store '%s' again", path);
    if (status == PB_OK)
        status = pb_remove_tree(partial, error);
    pb_free(tag);
    pb_free(made);
    pb_free(path);
    pb_free(mark);
    pb_free(partial);
    return status;
}

enum pb_status pb_store_partial(const struct pb_store *store, const char *key, char **folder, struct pb_error *error)
{
    struct stat info;
    char *path = stage_path(store, key, ".partial");
    if (!path)
        return pb_fail_memory(error, strlen(key));
    enum pb_status status = PB_OK;
    if (lstat(path, &info) == 0 && !pb_is_dir(path)) {
        struct pb_error wrong = {0};
        (void)pb_fail(&wrong, PB_ERROR_INPUT, "'%s' is %s, no folder", path, pb_file_kind(info.st_mode));
        status = pb_store_set_aside(path, wrong.text, "the training begins at its first epoch", error);
    }
    if (status == PB_OK)
        status = pb_make_dirs(path, error);
    if (status != PB_OK) {
        pb_free(path);
        return status;
    }
    *folder = path;
    return PB_OK;
}
