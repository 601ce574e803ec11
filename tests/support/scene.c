/* A fake data set, opened, and where its decoded cache goes. */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"

void scene_open(struct scene *scene, const char *root, double validation)
{
    struct pb_error error = {0};
    const struct pb_split_spec split = {.validation = validation, .seed = 1};
    if (pb_data_open(&scene->fake.loaded, NULL, root, &split, &scene->data, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_preprocess_default(&scene->preprocess);
    scene->preprocess.image_size = 16;
    scene->folder = pb_path_join(root, "out/cache");
    assert_non_null(scene->folder);
}

void scene_make_small(struct scene *scene, const char *root)
{
    fake_init(&scene->fake, root, 1);
    fake_add_images(&scene->fake, "train", 6, 40, 40, PB_SPLIT_TRAIN);
    fake_add_images(&scene->fake, "test", 2, 40, 40, PB_SPLIT_TEST);
    scene_open(scene, root, 0);
}

void scene_close(struct scene *scene)
{
    pb_data_close(&scene->data);
    fake_free(&scene->fake);
    pb_free(scene->folder);
}

struct pb_cache *scene_cache(struct scene *scene, uint32_t threads)
{
    struct pb_cache *cache = NULL;
    struct pb_error error = {0};
    if (pb_cache_open(scene->data, &scene->preprocess, scene->folder, threads, &cache, &error) != PB_OK)
        fail_msg("%s", error.text);
    return cache;
}

char *scene_cache_file(const struct scene *scene, size_t *others)
{
    struct pb_error error;
    char **names = NULL, *path = NULL;
    size_t count = 0;
    assert_int_equal(pb_list_dir(scene->folder, &names, &count, &error), PB_OK);
    *others = 0;
    for (size_t i = 0; i < count; i++)
        if (pb_ends_with(names[i], ".images"))
            path = pb_path_join(scene->folder, names[i]);
        else if (!pb_ends_with(names[i], ".lock") && !strstr(names[i], ".images.damaged-"))
            (*others)++;
    pb_names_free(&names, count);
    return path;
}

void scene_read_cache_file(const struct scene *scene, char **bytes, size_t *length)
{
    struct pb_error error;
    size_t others;
    char *path = scene_cache_file(scene, &others);
    assert_non_null(path);
    assert_int_equal(others, 0);
    assert_int_equal(pb_file_read(path, 0, bytes, length, &error), PB_OK);
    pb_free(path);
}
