/* Speeds that 'check' measured, one sealed file each, named by the digest of its key. */
#include "bench/speed_cache.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sealed.h"
#include "base/sha256.h"
#include "base/user_cache.h"

static char *cache_path(const char *folder, const char *key)
{
    char digest[65];
    pb_sha256_of(key, strlen(key), digest);
    return pb_format("%s/speed-%.32s.json", folder, digest);
}

static bool parse(const char *text, const char *key, struct pb_kept_speed *speed)
{
    const char *own_key = "", *measured = "";
    double macs_per_second = 0;
    json_t *facts = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const bool good = facts &&
                      json_unpack(facts, "{s:s, s:s, s:F}", "key", &own_key, "measured", &measured, "macs_per_second",
                                  &macs_per_second) == 0 &&
                      strcmp(own_key, key) == 0 && isfinite(macs_per_second) && macs_per_second > 0;
    if (good) {
        speed->macs_per_second = macs_per_second;
        snprintf(speed->measured, sizeof speed->measured, "%s", measured);
    }
    json_decref(facts);
    return good;
}

bool pb_speed_recall(const char *key, struct pb_kept_speed *speed)
{
    char *text = NULL, *folder = pb_user_cache_folder();
    char *path = folder ? cache_path(folder, key) : NULL;
    const bool found = path && pb_sealed_read(path, &text) == PB_SEALED_WHOLE && parse(text, key, speed);
    pb_free(text);
    pb_free(path);
    pb_free(folder);
    return found;
}

void pb_speed_keep(const char *key, const struct pb_kept_speed *speed)
{
    struct pb_error unkept = {0};
    char *folder = pb_user_cache_folder();
    char *path = folder ? cache_path(folder, key) : NULL;
    json_t *facts = json_pack("{s:s, s:s, s:f}", "key", key, "measured", speed->measured, "macs_per_second",
                              speed->macs_per_second);
    char *text = facts ? json_dumps(facts, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    if (path && text && (pb_make_dirs(folder, &unkept) != PB_OK || pb_sealed_write(path, text, &unkept) != PB_OK))
        pb_log(PB_LOG_DEBUG, "a measured speed is not kept: %s", unkept.text);
    free(text); /* jansson's */
    json_decref(facts);
    pb_free(path);
    pb_free(folder);
}
