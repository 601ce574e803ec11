#include "support/operators.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suite/suite.h"

uint64_t operators_pass(struct pb_device *device, double convolutions, double sums)
{
    struct pb_suite_report report;
    struct pb_error error = {0};
    if (pb_suite_run(device, NULL, &report, &error))
        fail_msg("%s", error.text);
    for (uint32_t i = 0; i < report.count; i++) {
        const struct pb_suite_result *result = &report.results[i];
        const double asked = strncmp(result->name, "conv_", 5) == 0 ? convolutions : sums;
        const double tolerance = asked < result->tolerance ? asked : result->tolerance;
        if (!pb_suite_passed(result) || result->worst > tolerance)
            fail_msg("%s: %s: %s%s off by %.2g (tolerance %.2g)", device->description, result->name, result->problem,
                     result->where, result->worst, tolerance);
    }
    return report.digest;
}

/* What a registry would have found; kept with the device, which points to it. */
struct standalone {
    struct pb_plugin plugin;
    struct pb_loaded loaded;
};

struct pb_device *operator_device(const struct pb_backend *table, const char *name, uint32_t threads)
{
    struct standalone *standalone = calloc(1, sizeof *standalone);
    assert_non_null(standalone);
    standalone->plugin =
        (struct pb_plugin){PB_PLUGIN_HEADER(PB_KIND_BACKEND), .name = name,
                           .summary = "a table of operators under test", .version = "1.0.0", .backend = table};
    standalone->loaded = (struct pb_loaded){.plugin = &standalone->plugin, .file = name};
    struct pb_device *device = NULL;
    struct pb_error error = {0};
    if (pb_device_open(&standalone->loaded, NULL, threads, &device, &error))
        fail_msg("%s: %s", name, error.text);
    return device;
}

static enum pb_status create_nothing(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static const char *describe_plain(void *self)
{
    (void)self;
    return "plain";
}

struct pb_device *portable_device(uint32_t threads)
{
    static const struct pb_backend plain = {
        .size = sizeof(struct pb_backend), .on_host = true, .create = create_nothing, .describe = describe_plain};
    return operator_device(&plain, "plain", threads);
}

void operator_device_close(struct pb_device **device)
{
    if (!*device)
        return;
    void *standalone = (char *)(uintptr_t)(*device)->loaded - offsetof(struct standalone, loaded);
    pb_device_close(device);
    free(standalone);
}
