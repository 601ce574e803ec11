/* Measured latencies under OUT/latency. */
#include "cell/latency_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sealed.h"
#include "base/text.h"

static bool parse(const char *text, const char *digest, struct pb_kept_latency *kept)
{
    const char *key = "", *reason = "";
    json_int_t asked = 0, batch = 0, threads = 0, runs = 0;
    int noisy = 0;
    struct pb_kept_latency read = {0};
    json_t *facts = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const bool good = facts &&
                      json_unpack(facts, "{s:s, s:I, s:I, s:I, s:I, s:F, s:F, s:F, s:F, s:b, s:s}", "key", &key,
                                  "asked", &asked, "batch", &batch, "threads", &threads, "runs", &runs, "median_ms",
                                  &read.row.median_ms, "p95_ms", &read.row.p95_ms, "min_ms", &read.row.min_ms, "spread",
                                  &read.row.spread, "noisy", &noisy, "reason", &reason) == 0 &&
                      (!digest || strcmp(key, digest) == 0) && read.row.median_ms > 0;
    if (good) {
        read.asked = (uint32_t)asked;
        read.row.batch = (uint32_t)batch;
        read.row.threads = (uint32_t)threads;
        read.row.runs = (uint32_t)runs;
        read.row.noisy = noisy != 0;
        snprintf(read.reason, sizeof read.reason, "%s", reason);
        *kept = read;
    }
    json_decref(facts);
    return good;
}

/* digest NULL: whatever its key is. */
static enum pb_sealed read_file(const char *path, const char *digest, struct pb_kept_latency *kept)
{
    char *text = NULL;
    enum pb_sealed state = pb_sealed_read(path, &text);
    if (state == PB_SEALED_WHOLE && !parse(text, digest, kept))
        state = PB_SEALED_DAMAGED;
    pb_free(text);
    return state;
}

void pb_latency_generation(const char *out, char generation[PB_LATENCY_GENERATION])
{
    char *text = NULL, *path = pb_format("%s/latency/generation", out);
    generation[0] = '\0';
    if (path && pb_sealed_read(path, &text) == PB_SEALED_WHOLE && strlen(text) < PB_LATENCY_GENERATION)
        snprintf(generation, PB_LATENCY_GENERATION, "%s", text);
    pb_free(text);
    pb_free(path);
}

enum pb_status pb_latency_begin(const char *out, char generation[PB_LATENCY_GENERATION], struct pb_error *error)
{
    uint64_t noise[2];
    char made[PB_LATENCY_GENERATION];
    pb_latency_generation(out, generation);
    if (generation[0])
        return PB_OK;
    if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        return pb_fail_errno(error, "draw a random number");
    snprintf(made, sizeof made, "%016" PRIx64 "%016" PRIx64, noise[0], noise[1]);
    char *path = pb_format("%s/latency/generation", out);
    const enum pb_status status = path ? pb_sealed_write(path, made, error) : pb_fail_memory(error, strlen(out));
    pb_free(path);
    if (status == PB_OK)
        memcpy(generation, made, sizeof made);
    return status;
}

enum pb_status pb_latency_end(const char *out, struct pb_error *error)
{
    char *path = pb_format("%s/latency/generation", out);
    const enum pb_status status = path ? pb_remove_tree(path, error) : pb_fail_memory(error, strlen(out));
    pb_free(path);
    return status;
}

bool pb_latency_recall(const char *out, const char *digest, struct pb_kept_latency *kept)
{
    struct pb_error ending = {0};
    char *path = pb_format("%s/latency/%s.json", out, digest);
    const enum pb_sealed state = path ? read_file(path, digest, kept) : PB_SEALED_ABSENT;
    if (state == PB_SEALED_DAMAGED)
        pb_log(PB_LOG_WARNING, "'%s' is damaged; the network is measured again", path);
    if (state == PB_SEALED_DAMAGED && pb_latency_end(out, &ending) != PB_OK)
        pb_log(PB_LOG_WARNING, "%s", ending.text);
    pb_free(path);
    return state == PB_SEALED_WHOLE;
}

enum pb_status pb_latency_keep(const char *out, const char *digest, const struct pb_kept_latency *kept,
                               struct pb_error *error)
{
    const struct pb_latency_record *row = &kept->row;
    char *path = pb_format("%s/latency/%s.json", out, digest);
    json_t *facts =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:b, s:s}", "key", digest, "asked",
                  (json_int_t)kept->asked, "batch", (json_int_t)row->batch, "threads", (json_int_t)row->threads, "runs",
                  (json_int_t)row->runs, "median_ms", row->median_ms, "p95_ms", row->p95_ms, "min_ms", row->min_ms,
                  "spread", row->spread, "noisy", (int)row->noisy, "reason", kept->reason);
    char *text = facts ? json_dumps(facts, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    const enum pb_status status =
        path && text ? pb_sealed_write(path, text, error) : pb_fail_memory(error, sizeof *kept);
    free(text); /* jansson's */
    json_decref(facts);
    pb_free(path);
    return status;
}

/* Counts one file, or removes it. */
static enum pb_status sweep_file(const char *path, bool drop_noisy, struct pb_latency_store_state *state,
                                 struct pb_error *error)
{
    struct pb_kept_latency kept = {0};
    const bool whole = read_file(path, NULL, &kept) == PB_SEALED_WHOLE;
    if (whole && !(drop_noisy && kept.row.noisy)) {
        state->whole++;
        state->noisy += kept.row.noisy;
        return PB_OK;
    }
    if (!whole)
        pb_log(PB_LOG_WARNING, "'%s' is damaged; the network is measured again", path);
    state->removed++;
    return pb_remove_tree(path, error);
}

enum pb_status pb_latency_sweep(const char *out, bool drop_noisy, struct pb_latency_store_state *state,
                                struct pb_error *error)
{
    struct pb_latency_store_state seen = {0};
    char **names = NULL;
    size_t count = 0;
    char *folder = pb_path_join(out, "latency");
    if (!folder)
        return pb_fail_memory(error, strlen(out));
    enum pb_status status = pb_is_dir(folder) ? pb_list_dir(folder, &names, &count, error) : PB_OK;
    for (size_t i = 0; status == PB_OK && i < count; i++) {
        if (names[i][0] == '.' || !pb_ends_with(names[i], ".json"))
            continue; /* lock, generation, and what a killed process did not finish */
        char *path = pb_path_join(folder, names[i]);
        status = path ? sweep_file(path, drop_noisy, &seen, error) : pb_fail_memory(error, strlen(folder));
        pb_free(path);
    }
    pb_names_free(&names, count);
    pb_free(folder);
    if (status == PB_OK && seen.removed)
        status = pb_latency_end(out, error);
    if (status == PB_OK)
        *state = seen;
    return status;
}
