/* On what, with what and when a cell was run. */
#include "cell/findings.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/version.h"

static enum pb_status add_plugin(struct pb_record *record, const char *kind, const struct pb_choice *choice,
                                 struct pb_error *error)
{
    char key[64], value[192];
    if (!choice->loaded)
        return PB_OK;
    snprintf(key, sizeof key, "%s-plugin", kind);
    snprintf(value, sizeof value, "%.64s %.24s sha256:%s", choice->loaded->plugin->name,
             choice->loaded->plugin->version, choice->loaded->sha256);
    return pb_record_provenance(record, key, value, error);
}

/* Which weights the network began with, and how far they fitted. */
static enum pb_status add_weights(const struct pb_weights *weights, struct pb_record *record, struct pb_error *error)
{
    char mapped[16];
    const struct pb_pretrained_report *report = &weights->report;
    snprintf(mapped, sizeof mapped, "%u", report->mapped);
    const struct {
        const char *key, *value;
    } rows[] = {
        {"pretrained", weights->path},
        {"pretrained-sha256", weights->sha256},
        {"pretrained-mapped", mapped},
        {"pretrained-unused", report->unused.data ? report->unused.data : ""},
        {"pretrained-kept", report->kept.data ? report->kept.data : ""},
    };
    enum pb_status status = PB_OK;
    for (size_t i = 0; status == PB_OK && weights->path && i < sizeof rows / sizeof *rows; i++)
        status = pb_record_provenance(record, rows[i].key, rows[i].value, error);
    return status;
}

enum pb_status pb_provenance(const struct pb_cell_config *config, const struct pb_device *device,
                             const struct pb_weights *weights, struct pb_record *record, struct pb_error *error)
{
    struct utsname system = {0};
    char cpu[128], started[32], threads[16];
    uname(&system);
    pb_cpu_name(cpu);
    pb_utc_now(started);
    snprintf(threads, sizeof threads, "%u", device->threads);
    enum pb_status status = PB_OK;
    const struct {
        const char *key, *value;
    } rows[] = {
        {"version", pb_version},
        {"git", pb_git},
        {"numerics", pb_numerics},
        {"host", system.nodename},
        {"system", system.release},
        {"cpu", cpu},
        {"threads", threads},
        {"backend", config->backend.loaded->plugin->name},
        {"backend-detail", device->description},
        {"fallbacks", device->fallbacks},
        {"matrix-sha256", config->matrix_sha256},
        {"started", started},
    };
    for (size_t i = 0; status == PB_OK && i < sizeof rows / sizeof *rows; i++)
        status = pb_record_provenance(record, rows[i].key, rows[i].value, error);
    if (status == PB_OK)
        status = add_weights(weights, record, error);
    if (status == PB_OK)
        status = add_plugin(record, "dataset", &config->dataset, error);
    if (status == PB_OK)
        status = add_plugin(record, "criterion", &config->criterion, error);
    if (status == PB_OK)
        status = add_plugin(record, "schedule", &config->schedule, error);
    if (status == PB_OK)
        status = add_plugin(record, "backend", &config->backend, error);
    return status;
}
