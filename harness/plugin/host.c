/* The services table that every plugin is given. */
#include "plugin/host.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "plugin/host_parts.h"

/* Chunks of one loop may fail on several threads at once; failing is rare, so one lock serves all. */
static pthread_mutex_t failing = PTHREAD_MUTEX_INITIALIZER;

static struct pb_host_services *services_of(const struct pb_host *host)
{
    return host->context;
}

static void host_log(const struct pb_host *host, enum pb_log_level level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pb_host_log_line(services_of(host)->name, level, text);
}

static enum pb_status host_fail(const struct pb_host *host, enum pb_status status, const char *format, ...)
{
    struct pb_host_services *services = services_of(host);
    struct pb_error error;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&failing);
    (void)pb_fail(&services->error, status, "%s", error.text);
    pthread_mutex_unlock(&failing);
    return status;
}

static void *host_alloc(const struct pb_host *host, size_t bytes)
{
    void *memory = pb_host_memory_get(services_of(host), bytes);
    if (memory == NULL)
        (void)host_fail(host, PB_ERROR_MEMORY, "out of memory: %zu bytes were asked for", bytes);
    return memory;
}

static void host_free(const struct pb_host *host, void *memory)
{
    pb_host_memory_give_back(services_of(host), memory);
}

static void host_rng_init(const struct pb_host *host, struct pb_rng *rng, const char *name)
{
    /* A seed per plugin first: two plugins that both ask for "noise" do not get the same numbers. */
    struct pb_rng own;
    char stream[sizeof services_of(host)->name + sizeof services_of(host)->draw];
    (void)snprintf(stream, sizeof stream, "%s%s", services_of(host)->name, services_of(host)->draw);
    pb_rng_init(&own, host->seed, stream);
    pb_rng_init(rng, pb_rng_next(&own), name);
}

static void host_parallel_for(const struct pb_host *host, size_t count, size_t chunk, pb_chunk_function body,
                              void *argument)
{
    if (count == 0)
        return;
    const size_t items = chunk > 0 && chunk < count ? chunk : count;
    const size_t chunks = count / items + (count % items != 0);
#pragma omp parallel for schedule(dynamic) num_threads(host->threads) if (host->threads > 1 && chunks > 1)
    for (size_t i = 0; i < chunks; i++) {
        const size_t begin = i * items;
        body(argument, begin, count - begin < items ? count : begin + items);
    }
}

static double host_clock(const struct pb_host *host)
{
    (void)host;
    return pb_clock();
}

void pb_host_init(struct pb_host_services *services, const char *name, uint64_t seed, uint32_t threads)
{
    memset(services, 0, sizeof *services);
    (void)snprintf(services->name, sizeof services->name, "%s", name);
    services->table = (struct pb_host){
        .size = sizeof services->table,
        .context = services,
        .threads = threads > 0 ? threads : 1,
        .seed = seed,
        .log = host_log,
        .fail = host_fail,
        .alloc = host_alloc,
        .free = host_free,
        .rng_init = host_rng_init,
        .parallel_for = host_parallel_for,
        .clock = host_clock,
    };
}

enum pb_status pb_host_give_options(struct pb_host_services *services, const struct pb_options *options,
                                    const void **given, struct pb_error *error)
{
    const void *values = NULL;
    if (options != NULL && options->values != NULL) {
        const size_t size = options->plugin->options_size;
        values = pb_guarded_copy(&services->options, "options", options->values, 1, size);
        if (values == NULL)
            return pb_fail_memory(error, size);
    }
    *given = values;
    return PB_OK;
}

void pb_host_close(struct pb_host_services *services)
{
    pb_guarded_free(&services->options);
}

enum pb_status pb_host_result(struct pb_host_services *services, enum pb_status status, struct pb_error *error)
{
    if (pb_host_memory_check(services, error) != PB_OK)
        return PB_ERROR_RUN;
    char text[sizeof services->error.text];
    pthread_mutex_lock(&failing);
    memcpy(text, services->error.text, sizeof text);
    memset(&services->error, 0, sizeof services->error);
    pthread_mutex_unlock(&failing);
    switch (status) {
    case PB_OK:
        return PB_OK;
    case PB_ERROR_INPUT:
    case PB_ERROR_RUN:
    case PB_ERROR_MEMORY:
    case PB_ERROR_UNSUPPORTED:
        if (text[0] != '\0')
            return pb_fail(error, status, "%s: %s", services->name, text);
        return pb_fail(error, status, "%s: failed with status %d and left no message", services->name, (int)status);
    case PB_ERROR_STOPPED: /* the host's own; the verb that returned it has left the reason where the plugin cannot reach it */
        break;
    }
    return pb_fail(error, PB_ERROR_RUN, "%s: returned %d, which is no status%s%s", services->name, (int)status,
                   text[0] != '\0' ? ": " : "", text);
}
