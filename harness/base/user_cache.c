/* Where the user's caches are. */
#include "base/user_cache.h"

#include <stdlib.h>

#include "base/file.h"

char *pb_user_cache_folder(void)
{
    const char *named = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named && named[0] == '/')
        return pb_path_join(named, "prunebench");
    return home && home[0] == '/' && pb_is_dir(home) ? pb_path_join(home, ".cache/prunebench") : NULL;
}
