/* Kept results of verbs: OUT/stages/<key>/, complete or absent. */
#ifndef PB_EXPERIMENT_STAGE_H
#define PB_EXPERIMENT_STAGE_H

#include <jansson.h>

#include "base/error.h"
#include "graph/network.h"

/* Where stages lie. */
struct pb_store {
    char *folder; /* OUT/stages */
    int lock; /* of the stage being made; −1: none */
    char locked[65];
};

PB_MUST_CHECK enum pb_status pb_store_open(const char *out, struct pb_store *store, struct pb_error *error);
void pb_store_close(struct pb_store *store);

bool pb_store_has(const struct pb_store *store, const char *key);
/*
 * Makes this process the one that computes the stage, waiting for another that already does. *complete: it is stored
 * (also when the wait was for it); then nothing is held. Else give it back with pb_store_put or pb_store_release.
 * An owner that died holds nothing.
 */
PB_MUST_CHECK enum pb_status pb_store_acquire(struct pb_store *store, const char *key, bool *complete,
                                              struct pb_error *error);
void pb_store_release(struct pb_store *store);

/* The facts of a stage (borrowed) and its network (NULL: the stage changes none). Written under a temporary name, then renamed. */
PB_MUST_CHECK enum pb_status pb_store_put(struct pb_store *store, const char *key, json_t *facts,
                                          const struct pb_network *network, struct pb_error *error);
/* *facts: a new reference. */
PB_MUST_CHECK enum pb_status pb_store_facts(const struct pb_store *store, const char *key, json_t **facts,
                                            struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_store_network(const struct pb_store *store, const char *key,
                                              struct pb_network **network, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_store_remove(const struct pb_store *store, const char *key, struct pb_error *error);

/* A further fact about a stored stage, in a file of its own ("test" → test.json); *facts NULL when it is not there. */
PB_MUST_CHECK enum pb_status pb_store_put_extra(const struct pb_store *store, const char *key, const char *name,
                                                json_t *facts, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_store_extra(const struct pb_store *store, const char *key, const char *name,
                                            json_t **facts, struct pb_error *error);

/* Where an unfinished training keeps its last epoch: OUT/stages/<key>.partial/, removed by pb_store_put. Made when missing. From pb_calloc. */
PB_MUST_CHECK enum pb_status pb_store_partial(const struct pb_store *store, const char *key, char **folder,
                                              struct pb_error *error);

/* JSON files: atomic writes; a damaged one is PB_ERROR_INPUT with file and line. */
PB_MUST_CHECK enum pb_status pb_json_write(const char *path, json_t *value, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_json_read(const char *path, json_t **value, struct pb_error *error);

#endif
