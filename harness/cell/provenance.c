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

/* Which images and labels, and how many the data set has where it was published. */
static enum pb_status add_data(const struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    const struct pb_dataset *dataset = session->config->dataset.loaded->plugin->dataset;
    const struct {
        const char *key;
        uint32_t count;
    } official[] = {{"official-classes", dataset->official_classes},
                    {"official-train", dataset->official_train},
                    {"official-test", dataset->official_test}};
    enum pb_status status = pb_record_provenance(record, "dataset-sha256", session->data->fingerprint, error);
    for (size_t i = 0; status == PB_OK && i < sizeof official / sizeof *official; i++) {
        char count[16];
        snprintf(count, sizeof count, "%u", official[i].count);
        if (official[i].count > 0)
            status = pb_record_provenance(record, official[i].key, count, error);
    }
    return status;
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

/* Which checkpoint taught. */
static enum pb_status add_teacher(const struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    if (!session->config->teacher)
        return PB_OK;
    const enum pb_status status = pb_record_provenance(record, "teacher", session->config->teacher, error);
    return status == PB_OK ? pb_record_provenance(record, "teacher-sha256", session->chain.inputs.teacher, error)
                           : status;
}

enum pb_status pb_provenance(const struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    const struct pb_cell_config *config = session->config;
    const struct pb_device *device = session->device;
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
        status = add_data(session, record, error);
    if (status == PB_OK)
        status = add_weights(&session->weights, record, error);
    if (status == PB_OK)
        status = add_teacher(session, record, error);
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
