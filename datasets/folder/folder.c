/* A user's own images: class folders, or a CSV file that lists them. */
#include "folder/folder.h"

#include <stdlib.h>
#include <string.h>

#include "folder/listing.h"

static const struct pb_option option_table[] = {
    {.name = "csv",
     .help = "file below root that lists the images, with a header that names the columns path (below root), label and "
             "split; empty: root/train/CLASS/ and root/test/CLASS/ hold them",
     .type = PB_OPTION_STRING,
     .default_text = "",
     .offset = offsetof(struct folder_options, csv)},
    {.name = "train",
     .help = "folder, or value of the column split, of the training images; several with commas (train,val)",
     .type = PB_OPTION_STRING,
     .default_text = "train",
     .offset = offsetof(struct folder_options, train)},
    {.name = "test",
     .help = "the same for the test images",
     .type = PB_OPTION_STRING,
     .default_text = "test",
     .offset = offsetof(struct folder_options, test)},
    {.name = "test-share",
     .help = "for images without splits (root/CLASS/, or a CSV file without the column split): share of every class "
             "that becomes the test split; 0: the set has splits",
     .type = PB_OPTION_REAL,
     .default_text = "0",
     .min = 0,
     .max = 0.9,
     .offset = offsetof(struct folder_options, test_share)},
    {.name = "test-seed",
     .help = "which images test-share takes; the same ones whatever the seed of a run",
     .type = PB_OPTION_INT,
     .default_text = "1",
     .min = 0,
     .max = 1e9,
     .offset = offsetof(struct folder_options, test_seed)},
};

enum pb_status folder_set_classes(struct folder *self, const char **names, size_t count)
{
    enum pb_status status = PB_OK;
    if (count > 1)
        qsort(names, count, sizeof *names, names_compare);
    for (size_t i = 0; i < count && status == PB_OK; i++)
        if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
            status = class_list_add(&self->classes, names[i]);
    return status;
}

bool folder_find_class(const struct folder *self, const char *name, uint32_t *label)
{
    const char **place = self->classes.count > 0
                             ? bsearch(&name, self->classes.names, self->classes.count, sizeof name, names_compare)
                             : NULL;
    if (place != NULL)
        *label = (uint32_t)(place - self->classes.names);
    return place != NULL;
}

/* An option's comma-separated names of splits. */
static enum pb_status read_names(struct folder *self, const char *option, const char *text, struct name_list *list)
{
    const struct pb_host *host = self->arena.host;
    struct names names = {0};
    enum pb_status status = PB_OK;
    for (const char *begin = text; status == PB_OK; begin++) {
        const size_t length = strcspn(begin, ",");
        const char *name = arena_text(&self->arena, begin, length);
        if (name == NULL)
            return PB_ERROR_MEMORY;
        if (!path_is_inside(name))
            return host->fail(host, PB_ERROR_INPUT,
                              "option '%s': '%s' is not one or several names with commas between them", option, text);
        status = names_add(&self->arena, &names, name);
        begin += length;
        if (*begin == '\0')
            break;
    }
    *list = (struct name_list){.names = names.items, .count = names.count};
    return status;
}

static enum pb_status refuse_shared_names(const struct folder *self)
{
    const struct pb_host *host = self->arena.host;
    const struct name_list *train = &self->splits[PB_SPLIT_TRAIN], *test = &self->splits[PB_SPLIT_TEST];
    for (size_t i = 0; i < train->count; i++)
        for (size_t j = 0; j < test->count; j++)
            if (strcmp(train->names[i], test->names[j]) == 0)
                return host->fail(host, PB_ERROR_INPUT, "options 'train' and 'test' both name '%s'", test->names[j]);
    return PB_OK;
}

/* Every class must train; one that is never tested is worth a word. */
static enum pb_status check_classes(struct folder *self)
{
    const struct pb_host *host = self->arena.host;
    const size_t classes = self->classes.count;
    size_t *counts[2] = {arena_alloc(&self->arena, classes, sizeof **counts),
                         arena_alloc(&self->arena, classes, sizeof **counts)};
    if (counts[0] == NULL || counts[1] == NULL)
        return PB_ERROR_MEMORY;
    for (size_t i = 0; i < self->samples.count; i++)
        counts[self->samples.items[i].split][self->samples.items[i].label]++;
    for (size_t i = 0; i < self->samples.count; i++) {
        const struct pb_sample *sample = &self->samples.items[i];
        if (counts[PB_SPLIT_TRAIN][sample->label] == 0)
            return host->fail(host, PB_ERROR_INPUT,
                              "%s:%u: class '%s' is in the test split only; give it training images, too",
                              sample->source, sample->line, self->classes.names[sample->label]);
    }
    for (size_t i = 0; i < classes; i++)
        if (counts[PB_SPLIT_TEST][i] == 0)
            host->log(host, PB_LOG_WARNING, "%s: class '%s' has no test image", self->root, self->classes.names[i]);
    return PB_OK;
}

static enum pb_status read_all(struct folder *self, struct pb_dataset_contents *contents)
{
    const struct folder_options *options = self->options;
    enum pb_status status = read_names(self, "train", options->train, &self->splits[PB_SPLIT_TRAIN]);
    if (status == PB_OK)
        status = read_names(self, "test", options->test, &self->splits[PB_SPLIT_TEST]);
    if (status == PB_OK)
        status = refuse_shared_names(self);
    if (status == PB_OK)
        status = *options->csv != '\0' ? folder_read_csv(self) : folder_read_classes(self);
    if (status == PB_OK && options->test_share > 0)
        status = folder_share_out(self);
    if (status == PB_OK)
        status = check_classes(self);
    return status == PB_OK ? contents_finish(&self->samples, &self->classes, self->root, contents) : status;
}

static void folder_close(void *opened)
{
    struct folder *self = opened;
    const struct pb_host *host = self->arena.host;
    arena_free(&self->arena);
    host->free(host, self);
}

static enum pb_status folder_open(const struct pb_host *host, const void *options, const char *root, void **opened,
                                  struct pb_dataset_contents *contents)
{
    struct folder *self = host->alloc(host, sizeof *self);
    if (self == NULL)
        return PB_ERROR_MEMORY;
    self->arena.host = host;
    self->classes.arena = self->samples.arena = &self->arena;
    self->options = options;
    /* Without slashes at its end: the draw of a test share looks at what follows it. */
    size_t length = strlen(root);
    while (length > 1 && root[length - 1] == '/')
        length--;
    self->root = arena_text(&self->arena, root, length);
    const enum pb_status status = self->root != NULL ? read_all(self, contents) : PB_ERROR_MEMORY;
    if (status != PB_OK) {
        folder_close(self);
        return status;
    }
    *opened = self;
    return PB_OK;
}

static const struct pb_dataset folder_dataset = {
    .size = sizeof(struct pb_dataset),
    .open = folder_open,
    .close = folder_close,
};

static const struct pb_plugin folder_plugin = {
    PB_PLUGIN_HEADER(PB_KIND_DATASET),
    .name = "folder",
    .summary = "your own images: in class folders (root/train/CLASS/, root/test/CLASS/), or listed in a CSV file",
    .version = "1.0.0",
    PB_OPTIONS(option_table, struct folder_options),
    .dataset = &folder_dataset,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &folder_plugin : NULL;
}
