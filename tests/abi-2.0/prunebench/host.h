/* Services that the host gives to every plugin. */
#ifndef PRUNEBENCH_HOST_H
#define PRUNEBENCH_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <prunebench/rng.h>
#include <prunebench/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PB_PRINTF(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#else
#define PB_PRINTF(format_index, first_argument)
#endif

enum pb_log_level { PB_LOG_ERROR, PB_LOG_WARNING, PB_LOG_INFO, PB_LOG_DEBUG };

/* One chunk of a parallel loop: handle items [begin, end). Must not call parallel_for. */
typedef void (*pb_chunk_function)(void *argument, size_t begin, size_t end);

/*
 * Owned by the host; valid from create() until destroy() has returned. Every function takes the
 * table itself first. The table only grows at its end: look at size before using a later member.
 */
struct pb_host {
    size_t size; /* bytes of this table that the host fills */
    void *context; /* the host's own */
    uint32_t threads; /* threads that parallel_for may use; at least 1 */
    uint64_t seed; /* the cell's seed, for provenance; draw from rng_init's streams */

    /* One line for the log, without a newline. Safe from any thread. */
    void (*log)(const struct pb_host *host, enum pb_log_level level, const char *format, ...) PB_PRINTF(3, 4);

    /* Leaves the message for the failure that the hook is about to return; returns status. */
    enum pb_status (*fail)(const struct pb_host *host, enum pb_status status, const char *format, ...) PB_PRINTF(3, 4);

    /*
     * bytes of zeroed memory, aligned to 64; NULL when there is none (then a message has been
     * left: return PB_ERROR_MEMORY). The plugin owns it and gives it back with free (NULL is fine).
     */
    void *(*alloc)(const struct pb_host *host, size_t bytes);
    void (*free)(const struct pb_host *host, void *memory);

    /* Starts rng on the stream called name; the same seed and name always give the same numbers. */
    void (*rng_init)(const struct pb_host *host, struct pb_rng *rng, const char *name);

    /*
     * Calls body over [0, count) in chunks of chunk items (the last may be shorter), on up to
     * threads threads. Chunk bounds do not depend on the thread count: a reduction that stores one
     * partial result per chunk and adds them in order is reproducible. Returns when all is done.
     */
    void (*parallel_for)(const struct pb_host *host, size_t count, size_t chunk, pb_chunk_function body,
                         void *argument);

    /* Monotonic seconds. */
    double (*clock)(const struct pb_host *host);
};

#ifdef __cplusplus
}
#endif
#endif
