/* A dataset plugin that gives back what a test put together. */
#include "support/fake_dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "support/images.h"

static struct fake_dataset *current;

static enum pb_status fake_open(const struct pb_host *host, const void *options, const char *root, void **self,
                                struct pb_dataset_contents *contents)
{
    static const char *const names[] = {"zero", "one", "two", "three", "four", "five", "six", "seven"};
    (void)host;
    (void)options;
    (void)root;
    *self = current;
    contents->class_count = current->class_count;
    contents->class_names = names;
    contents->sample_count = current->sample_count;
    contents->samples = current->samples;
    contents->sample_stride = sizeof *current->samples;
    contents->crop_bottom = current->crop_bottom;
    return PB_OK;
}

static void fake_close(void *self)
{
    (void)self;
}

static const struct pb_dataset fake_operations = {
    .size = sizeof(struct pb_dataset), .open = fake_open, .close = fake_close};

static const struct pb_plugin fake_plugin = {PB_PLUGIN_HEADER(PB_KIND_DATASET), .name = "fake",
                                             .summary = "what a test put together", .version = "1.0.0",
                                             .dataset = &fake_operations};

void fake_init(struct fake_dataset *fake, const char *folder, uint32_t class_count)
{
    memset(fake, 0, sizeof *fake);
    fake->folder = folder;
    fake->class_count = class_count;
    fake->loaded = (struct pb_loaded){.plugin = &fake_plugin, .file = "fake.so"};
    current = fake;
}

void fake_free(struct fake_dataset *fake)
{
    for (uint32_t i = 0; i < fake->sample_count; i++)
        pb_free(fake->paths[i]);
}

struct pb_sample *fake_add(struct fake_dataset *fake, const char *name, uint32_t label, enum pb_split split)
{
    const uint32_t index = fake->sample_count++;
    if (index >= FAKE_MAX_SAMPLES)
        abort();
    fake->paths[index] = images_path(fake->folder, name);
    fake->samples[index] = (struct pb_sample){
        .path = fake->paths[index], .source = "list.txt", .line = index + 1, .label = label, .split = split};
    return &fake->samples[index];
}

void fake_add_images(struct fake_dataset *fake, const char *prefix, uint32_t count, uint32_t width, uint32_t height,
                     enum pb_split split)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%u.jpg", prefix, i);
        images_put_pattern(fake->folder, name, width, height, i + 1);
        fake_add(fake, name, i % fake->class_count, split);
    }
}
