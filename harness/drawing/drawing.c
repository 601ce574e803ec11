/* Loads the library that draws. */
#include "drawing/drawing.h"

#include <dlfcn.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/resources.h"
#include "base/text.h"
#include "base/version.h"

void pb_synth_defaults(struct pb_synth_options *options)
{
    *options = (struct pb_synth_options){
        .classes = 10, .train_per_class = 90, .test_per_class = 50, .size = 128, .seed = 1, .threads = 1};
}

static enum pb_status load(const char *path, const struct pb_synth_library **library, struct pb_error *error)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return pb_fail(error, PB_ERROR_RUN,
                       "the library that draws images cannot be loaded: %s; build or install prunebench again",
                       dlerror());
    const struct pb_synth_library *loaded = dlsym(handle, PB_SYNTH_SYMBOL);
    if (!loaded || strcmp(loaded->git, pb_git) != 0) {
        dlclose(handle);
        return pb_fail(error, PB_ERROR_RUN,
                       "%s: the library that draws images belongs to another build; build or install prunebench again",
                       path);
    }
    *library = loaded;
    return PB_OK;
}

static enum pb_status open_library(const struct pb_synth_library **library, struct pb_error *error)
{
    char *folder;
    enum pb_status status = pb_resource_dir("drawing", &folder, error);
    if (status != PB_OK)
        return status;
    char *path = pb_path_join(folder, "synth.so");
    status = path ? load(path, library, error) : pb_fail_memory(error, strlen(folder) + sizeof "/synth.so");
    pb_free(path);
    pb_free(folder);
    return status;
}

enum pb_status pb_synth_first(struct pb_synth_place *first, struct pb_error *error)
{
    const struct pb_synth_library *library = NULL;
    const enum pb_status status = open_library(&library, error);
    if (library)
        *first = library->first();
    return status;
}

enum pb_status pb_synth(const char *out, const struct pb_synth_options *options, struct pb_error *error)
{
    const struct pb_synth_library *library = NULL;
    const enum pb_status status = open_library(&library, error);
    return library ? library->draw(out, options, pb_log, error) : status;
}
