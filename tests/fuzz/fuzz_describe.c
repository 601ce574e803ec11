/* Fuzzes the descriptions of a plugin whose texts are any bytes: one that the check lets through is described, for people in
 * lines of print and for scripts in JSON that can be read. An input holds the texts, one a line. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "plugin/options.h"
#include "plugin/registry.h"

enum { TEXTS = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void describe(const struct pb_plugin *plugin)
{
    const struct pb_loaded loaded = {.plugin = plugin, .file = "fuzz.so", .sha256 = "00"};
    struct pb_text people = {0}, json = {0};
    pb_plugin_describe(&loaded, &people);
    pb_plugin_describe_json(&loaded, &json);
    json_t *parsed = json.failed ? NULL : json_loadb(json.data, json.length, 0, NULL);
    if (people.failed || parsed == NULL ||
        strcmp(json_string_value(json_object_get(parsed, "summary")), plugin->summary) != 0)
        abort();
    json_decref(parsed);
    pb_text_free(&people);
    pb_text_free(&json);
}

static void check(char *const *texts, size_t count)
{
    static const struct pb_schedule schedule = {.size = sizeof schedule, .run = (void *)(uintptr_t)1};
    const char *const choices[] = {texts[6], texts[7], NULL};
    const double max = count > 8 && texts[8][0] != '\0' ? (double)(unsigned char)texts[8][0] : 0;
    const struct pb_option options[] = {
        {.name = texts[3],
         .help = texts[4],
         .type = PB_OPTION_ENUM,
         .default_text = texts[5],
         .choices = choices,
         .unit = texts[9],
         .offset = 0},
        {.name = "second",
         .help = texts[10],
         .type = (enum pb_option_type)(texts[8][0] & 7),
         .default_text = texts[11],
         .max = max,
         .offset = 16},
    };
    struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_SCHEDULE),
                               .name = texts[0],
                               .summary = texts[1],
                               .version = texts[2],
                               .options = options,
                               .option_count = 2,
                               .option_stride = sizeof(struct pb_option),
                               .options_size = 64,
                               .schedule = &schedule};
    struct pb_error error;
    if (pb_plugin_check(&plugin, "fuzz.so", &error) == PB_OK)
        describe(&plugin);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *texts[TEXTS], *copy = pb_strndup((const char *)bytes, length), *rest = copy;
    if (copy == NULL)
        abort();
    for (size_t i = 0; i < TEXTS; i++) {
        texts[i] = rest == NULL ? "" : strsep(&rest, "\n");
    }
    check(texts, TEXTS);
    pb_free(copy);
    return 0;
}
