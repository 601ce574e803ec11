/* What decides how fast an opened backend computes here, as lines of text. */
#include "engine/identity.h"

#include "base/machine.h"
#include "base/version.h"

void pb_machine_identity(struct pb_text *text)
{
    char cpu[128], flags[256];
    pb_cpu_name(cpu);
    pb_cpu_flags(flags);
    pb_text_append(text, "cpu %s\nflags %s\nprocessors %u\nnumerics %s\n", cpu, flags, pb_machine_threads(),
                   pb_numerics);
}

void pb_device_identity(const struct pb_device *device, const struct pb_options *options, struct pb_text *text)
{
    const struct pb_plugin *plugin = device->loaded->plugin;
    pb_machine_identity(text);
    pb_text_append(text, "backend %s\nplugin %s\nthreads %u\n", device->description, device->loaded->sha256,
                   device->threads);
    for (uint32_t i = 0; i < plugin->option_count; i++)
        pb_text_append(text, "option %s=%s\n", plugin->options[i].name, options->texts[i] ? options->texts[i] : "");
}
