/* A fresh folder per test, for everything that it writes. */
#include "support/folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define MAX_PATHS 128

/* *state points to name, so that tests can use it as a path. */
struct folder {
    char name[64];
    char *paths[MAX_PATHS];
    size_t count;
};

int folder_setup(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    if (!folder)
        return -1;
    strcpy(folder->name, "/tmp/prunebench-test-XXXXXX");
    if (!mkdtemp(folder->name)) {
        free(folder);
        return -1;
    }
    *state = folder;
    return 0;
}

int folder_teardown(void **state)
{
    struct folder *folder = *state;
    struct pb_error error = {0};
    const enum pb_status status = pb_remove_tree(folder->name, &error);
    for (size_t i = 0; i < folder->count; i++)
        pb_free(folder->paths[i]);
    free(folder);
    *state = NULL;
    return status == PB_OK ? 0 : -1;
}

const char *folder_path(void **state, const char *name)
{
    struct folder *folder = *state;
    if (folder->count == MAX_PATHS)
        abort();
    char *path = pb_path_join(folder->name, name);
    if (!path)
        abort();
    folder->paths[folder->count++] = path;
    return path;
}
