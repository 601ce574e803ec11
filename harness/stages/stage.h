/* Kept results of verbs: OUT/stages/<key>/, complete or absent. */
#ifndef PB_STAGES_STAGE_H
#define PB_STAGES_STAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/lease.h"
#include "graph/network.h"

/*
 * Every file of a stage carries a checksum. What turns out damaged is set aside as <name>.damaged-…, said in the log, and made
 * again: a stage when it is acquired, a further fact or the state of a training when it is read.
 */
struct pb_store {
    char *folder; /* OUT/stages */
    struct pb_lease *lease; /* of the stage being made; NULL: none */
    char locked[65];
    bool
        damaged; /* a stage that had been acquired could not be read afterwards: begin the cell again, and it is repaired */
};

PB_MUST_CHECK enum pb_status pb_store_open(const char *out, struct pb_store *store, struct pb_error *error);
void pb_store_close(struct pb_store *store);

bool pb_store_has(const struct pb_store *store, const char *key);
/*
 * Makes this process the one that computes the stage, waiting for another that already does. *complete: it is stored and
 * all its bytes are those that were written (also when the wait was for it); then nothing is held. Else give it back with
 * pb_store_put or pb_store_release. An owner that died holds nothing.
 */
PB_MUST_CHECK enum pb_status pb_store_acquire(struct pb_store *store, const char *key, bool *complete,
                                              struct pb_error *error);
void pb_store_release(struct pb_store *store);

/* The facts of a stage (borrowed) and its network (NULL: the stage changes none). Written under a temporary name, then renamed. Where another
 * process has stored the stage meanwhile, that one stays; a result that differs from it fails. */
PB_MUST_CHECK enum pb_status pb_store_put(struct pb_store *store, const char *key, json_t *facts,
                                          const struct pb_network *network, struct pb_error *error);
/* *facts: a new reference. */
PB_MUST_CHECK enum pb_status pb_store_facts(struct pb_store *store, const char *key, json_t **facts,
                                            struct pb_error *error);
/* *network: NULL where it was dropped. */
PB_MUST_CHECK enum pb_status pb_store_network(struct pb_store *store, const char *key, struct pb_network **network,
                                              struct pb_error *error);
/*
 * Removes a stage's network from the disk. The stage stays complete: its facts and further facts are there. A stage that another
 * process works on keeps its network.
 */
PB_MUST_CHECK enum pb_status pb_store_drop_network(struct pb_store *store, const char *key, struct pb_error *error);
/* Stores a dropped network again; removes what its training kept meanwhile. */
PB_MUST_CHECK enum pb_status pb_store_put_network(struct pb_store *store, const char *key,
                                                  const struct pb_network *network, struct pb_error *error);
/* Waits until no other process works on the stage: for whoever computes a dropped network again. Ended by pb_lease_give. */
PB_MUST_CHECK enum pb_status pb_store_lock(const struct pb_store *store, const char *key, struct pb_lease **lease,
                                           struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_store_remove(const struct pb_store *store, const char *key, struct pb_error *error);

/* A further fact about a stored stage, in a file of its own ("test" → test.json); *facts NULL when it is not there, or was damaged. */
PB_MUST_CHECK enum pb_status pb_store_put_extra(struct pb_store *store, const char *key, const char *name,
                                                json_t *facts, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_store_extra(const struct pb_store *store, const char *key, const char *name,
                                            json_t **facts, struct pb_error *error);

/* Sets a damaged file or folder aside, and says what is wrong with it and what happens instead. */
PB_MUST_CHECK enum pb_status pb_store_set_aside(const char *path, const char *wrong, const char *instead,
                                                struct pb_error *error);

/* Where an unfinished training keeps its last epoch: OUT/stages/<key>.partial/, removed by pb_store_put. Made when missing.
 * From pb_calloc. */
PB_MUST_CHECK enum pb_status pb_store_partial(const struct pb_store *store, const char *key, char **folder,
                                              struct pb_error *error);

#endif
