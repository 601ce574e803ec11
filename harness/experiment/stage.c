/* Kept results of verbs: a folder per stage, complete or absent, made by one process at a time. */
#include "experiment/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/checkpoint.h"

enum pb_status pb_json_write(const char *path, json_t *value, struct pb_error *error)
{
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    if (!text)
        return pb_fail_memory(error, 0);
    const enum pb_status status = pb_file_write_atomic(path, text, strlen(text), error);
    free(text);
    return status;
}

enum pb_status pb_json_read(const char *path, json_t **value, struct pb_error *error)
{
    json_error_t trouble;
    json_t *read = json_load_file(path, JSON_REJECT_DUPLICATES, &trouble);
    if (!read)
        return pb_fail_at(error, PB_ERROR_INPUT, path, trouble.line > 0 ? trouble.line : 0,
                          "%s; remove the folder and what it held is computed again", trouble.text);
    *value = read;
    return PB_OK;
}

/* FOLDER/<key><suffix>, from pb_calloc. */
static char *stage_path(const struct pb_store *store, const char *key, const char *suffix)
{
    return pb_format("%s/%s%s", store->folder, key, suffix);
}

enum pb_status pb_store_open(const char *out, struct pb_store *store, struct pb_error *error)
{
    struct pb_store opened = {.folder = pb_path_join(out, "stages"), .lock = -1};
    if (!opened.folder)
        return pb_fail_memory(error, strlen(out) + 8);
    char *locks = pb_path_join(opened.folder, "locks");
    const enum pb_status status = locks ? pb_make_dirs(locks, error) : pb_fail_memory(error, strlen(out) + 16);
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
    *store = (struct pb_store){.lock = -1};
}

bool pb_store_has(const struct pb_store *store, const char *key)
{
    char *path = stage_path(store, key, "/stage.json");
    const bool found = path && pb_file_exists(path);
    pb_free(path);
    return found;
}

enum pb_status pb_store_acquire(struct pb_store *store, const char *key, bool *complete, struct pb_error *error)
{
    if (pb_store_has(store, key)) {
        *complete = true;
        return PB_OK;
    }
    int fd = -1;
    char *path = pb_format("%s/locks/%s", store->folder, key);
    enum pb_status status = path ? pb_lock_wait(path, &fd, error) : pb_fail_memory(error, strlen(key));
    pb_free(path);
    if (status != PB_OK)
        return status;
    *complete = pb_store_has(store, key);
    if (*complete) {
        pb_unlock(&fd);
    } else {
        store->lock = fd;
        snprintf(store->locked, sizeof store->locked, "%s", key);
    }
    return PB_OK;
}

void pb_store_release(struct pb_store *store)
{
    pb_unlock(&store->lock);
    store->locked[0] = '\0';
}

/* Moves a finished folder to its name. One that is there already is as good: the new one goes. */
static enum pb_status publish(const char *made, const char *path, struct pb_error *error)
{
    if (rename(made, path) == 0)
        return PB_OK;
    if (errno == EEXIST || errno == ENOTEMPTY)
        return pb_remove_tree(made, error);
    return pb_fail_errno(error, "rename '%s' to '%s'", made, path);
}

static enum pb_status write_stage(const char *folder, json_t *facts, const struct pb_network *network,
                                  struct pb_error *error)
{
    char *network_path = pb_path_join(folder, "network.safetensors");
    char *facts_path = pb_path_join(folder, "stage.json");
    enum pb_status status = network_path && facts_path ? PB_OK : pb_fail_memory(error, strlen(folder) + 32);
    if (status == PB_OK)
        status = pb_make_dirs(folder, error);
    if (status == PB_OK && network)
        status = pb_checkpoint_save(network_path, network, true, &(struct pb_metadata){0}, error);
    if (status == PB_OK)
        status = pb_json_write(facts_path, facts, error);
    pb_free(network_path);
    pb_free(facts_path);
    return status;
}

enum pb_status pb_store_put(struct pb_store *store, const char *key, json_t *facts, const struct pb_network *network,
                            struct pb_error *error)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".new-%ld", (long)getpid());
    char *made = stage_path(store, key, suffix), *path = stage_path(store, key, "");
    char *partial = stage_path(store, key, ".partial");
    enum pb_status status = made && path && partial ? PB_OK : pb_fail_memory(error, strlen(key));
    if (status == PB_OK)
        status = pb_remove_tree(made, error);
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
    pb_free(made);
    pb_free(path);
    pb_free(partial);
    return status;
}

static enum pb_status read_json(const struct pb_store *store, const char *key, const char *suffix, json_t **value,
                                struct pb_error *error)
{
    char *path = stage_path(store, key, suffix);
    const enum pb_status status = path ? pb_json_read(path, value, error) : pb_fail_memory(error, strlen(key));
    pb_free(path);
    return status;
}

enum pb_status pb_store_facts(const struct pb_store *store, const char *key, json_t **facts, struct pb_error *error)
{
    return read_json(store, key, "/stage.json", facts, error);
}

enum pb_status pb_store_network(const struct pb_store *store, const char *key, struct pb_network **network,
                                struct pb_error *error)
{
    char *path = stage_path(store, key, "/network.safetensors");
    const enum pb_status status =
        path ? pb_checkpoint_load(path, network, NULL, error) : pb_fail_memory(error, strlen(key));
    pb_free(path);
    return status;
}

enum pb_status pb_store_remove(const struct pb_store *store, const char *key, struct pb_error *error)
{
    char *path = stage_path(store, key, "");
    const enum pb_status status = path ? pb_remove_tree(path, error) : pb_fail_memory(error, strlen(key));
    pb_free(path);
    return status;
}

static char *extra_suffix(const char *name)
{
    return pb_format("/%s.json", name);
}

enum pb_status pb_store_put_extra(const struct pb_store *store, const char *key, const char *name, json_t *facts,
                                  struct pb_error *error)
{
    char *suffix = extra_suffix(name), *path = suffix ? stage_path(store, key, suffix) : NULL;
    const enum pb_status status = path ? pb_json_write(path, facts, error) : pb_fail_memory(error, strlen(name));
    pb_free(suffix);
    pb_free(path);
    return status;
}

enum pb_status pb_store_extra(const struct pb_store *store, const char *key, const char *name, json_t **facts,
                              struct pb_error *error)
{
    char *suffix = extra_suffix(name), *path = suffix ? stage_path(store, key, suffix) : NULL;
    enum pb_status status = path ? PB_OK : pb_fail_memory(error, strlen(name));
    if (status == PB_OK && !pb_file_exists(path))
        *facts = NULL;
    else if (status == PB_OK)
        status = pb_json_read(path, facts, error);
    pb_free(suffix);
    pb_free(path);
    return status;
}

enum pb_status pb_store_partial(const struct pb_store *store, const char *key, char **folder, struct pb_error *error)
{
    char *path = stage_path(store, key, ".partial");
    if (!path)
        return pb_fail_memory(error, strlen(key));
    const enum pb_status status = pb_make_dirs(path, error);
    if (status != PB_OK) {
        pb_free(path);
        return status;
    }
    *folder = path;
    return PB_OK;
}
