/* A fake data set, opened, and where its decoded cache goes. */
#ifndef PB_TEST_SCENE_H
#define PB_TEST_SCENE_H

#include "data/cache.h"
#include "support/fake_dataset.h"

struct scene {
    struct fake_dataset fake;
    struct pb_data *data;
    struct pb_preprocess preprocess; /* 16 pixels at first */
    char *folder; /* of the cache */
};

/* fake is filled already; root is the test's folder. */
void scene_open(struct scene *scene, const char *root, double validation);
/* Eight images of 40×40: six to train, two to test. */
void scene_make_small(struct scene *scene, const char *root);
void scene_close(struct scene *scene);

struct pb_cache *scene_cache(struct scene *scene, uint32_t threads);

/* The one cache file, from pb_calloc; NULL when there is none. *others: files that are neither it nor locks. */
char *scene_cache_file(const struct scene *scene, size_t *others);
void scene_read_cache_file(const struct scene *scene, char **bytes, size_t *length);

#endif
