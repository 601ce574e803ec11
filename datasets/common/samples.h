/* The sample and class lists that a reader builds. */
#ifndef PB_DATASETS_SAMPLES_H
#define PB_DATASETS_SAMPLES_H

#include <prunebench/dataset.h>

#include "common/annotations.h"

/* Start it zeroed but for arena. */
struct sample_list {
    struct arena *arena;
    struct pb_sample *items;
    size_t count, capacity;
};
enum pb_status sample_list_add(struct sample_list *list, const struct pb_sample *sample);

struct class_list {
    struct arena *arena;
    const char **names;
    size_t count, capacity;
};
/* name: the arena's. The caller has checked that it is new. */
enum pb_status class_list_add(struct class_list *list, const char *name);
/* false when there is none of that name. */
bool class_list_find(const struct class_list *list, const char *name, uint32_t *label);

/* A path below a folder: not empty, not absolute, no ".." in it. */
bool path_is_inside(const char *path);

/* Training split first, no image twice, both splits there; then fills contents. */
enum pb_status contents_finish(struct sample_list *samples, const struct class_list *classes, const char *root,
                               struct pb_dataset_contents *contents);

#endif
