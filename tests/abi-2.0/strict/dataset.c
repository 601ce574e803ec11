/*
 * A data set whose samples and options are members of larger structs, so that only the strides that it states lead from one to the
 * next. ROOT/images.txt: "train|test CLASS PATH" in each line. Opening it tries the host's services.
 */
#include <stdio.h>

#include <prunebench/dataset.h>

#include "expect.h"

struct options {
    int64_t whole;
    double real;
    bool flag;
    int32_t kind;
    const char *text;
    struct pb_real_list list;
};
enum { FIRST, SECOND };
static const char *const kinds[] = {[FIRST] = "first", [SECOND] = "second", NULL};

struct wide_option {
    struct pb_option is;
    char behind[24];
};
static const struct wide_option options[] = {
    {.is = {.name = "whole",
            .help = "a whole number",
            .type = PB_OPTION_INT,
            .unit = "images",
            .default_text = "0",
            .min = -5,
            .max = 5,
            .offset = offsetof(struct options, whole)},
     .behind = "not the host's"},
    {.is = {.name = "real",
            .help = "a number",
            .type = PB_OPTION_REAL,
            .default_text = "0.5",
            .offset = offsetof(struct options, real)},
     .behind = "not the host's"},
    {.is = {.name = "flag",
            .help = "a truth value",
            .type = PB_OPTION_BOOL,
            .default_text = "false",
            .offset = offsetof(struct options, flag)},
     .behind = "not the host's"},
    {.is = {.name = "kind",
            .help = "one of two",
            .type = PB_OPTION_ENUM,
            .default_text = "first",
            .choices = kinds,
            .offset = offsetof(struct options, kind)},
     .behind = "not the host's"},
    {.is = {.name = "text",
            .help = "some text",
            .type = PB_OPTION_STRING,
            .default_text = "",
            .offset = offsetof(struct options, text)},
     .behind = "not the host's"},
    {.is = {.name = "list", .help = "numbers", .type = PB_OPTION_LIST, .offset = offsetof(struct options, list)},
     .behind = "not the host's"},
};

enum { SAMPLES = 64, CLASSES = 2, CROP_BOTTOM = 3, ITEMS = 1000, CHUNK = 64 };

struct row {
    struct pb_sample is;
    char path[300];
};
struct dataset {
    const struct pb_host *host;
    struct row rows[SAMPLES];
    char names[CLASSES][64];
    const char *name_list[CLASSES];
    char source[300];
    uint32_t count, classes;
};

static void add_chunk(void *argument, size_t begin, size_t end)
{
    size_t *sums = argument;
    for (size_t i = begin; i < end; i++)
        sums[begin / CHUNK] += i;
}

static enum pb_status check_parallel(const struct pb_host *host)
{
    size_t sums[ITEMS / CHUNK + 1] = {0}, sum = 0;
    host->parallel_for(host, ITEMS, CHUNK, add_chunk, sums);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        sum += sums[i];
    EXPECT(host, sums[0] == CHUNK * (CHUNK - 1) / 2 && sum == (size_t)ITEMS * (ITEMS - 1) / 2);
    return PB_OK;
}

static enum pb_status check_streams(const struct pb_host *host)
{
    struct pb_rng one, same, other;
    host->rng_init(host, &one, "one");
    host->rng_init(host, &same, "one");
    host->rng_init(host, &other, "other");
    const uint64_t drawn = pb_rng_next(&one);
    EXPECT(host, drawn == pb_rng_next(&same) && drawn != pb_rng_next(&other));
    EXPECT(host, pb_rng_uniform(&one) == pb_rng_uniform(&same) && pb_rng_below(&one, 10) == pb_rng_below(&same, 10));
    return PB_OK;
}

static enum pb_status check_services(const struct pb_host *host)
{
    unsigned char *memory = host->alloc(host, 100);
    const double before = host->clock(host);
    if (!memory)
        return PB_ERROR_MEMORY;
    bool zeroed = (uintptr_t)memory % 64 == 0;
    for (int i = 0; i < 100; i++)
        zeroed = zeroed && memory[i] == 0;
    host->free(host, memory);
    host->free(host, NULL);
    EXPECT(host, host->size >= sizeof *host && host->threads >= 1 && host->seed == 7 && zeroed);
    EXPECT(host, host->clock(host) >= before);
    TRY(check_parallel(host));
    return check_streams(host);
}

static enum pb_status check_options(const struct pb_host *host, const struct options *given)
{
    EXPECT(host, given->whole == -3 && given->real == 0.25 && given->flag && given->kind == SECOND);
    EXPECT(host, strcmp(given->text, "two words") == 0 && given->list.count == 2);
    EXPECT(host, given->list.values[0] == 1.5 && given->list.values[1] == -2);
    return PB_OK;
}

static uint32_t label_of(struct dataset *dataset, const char *name)
{
    for (uint32_t i = 0; i < dataset->classes; i++)
        if (strcmp(dataset->names[i], name) == 0)
            return i;
    snprintf(dataset->names[dataset->classes], sizeof *dataset->names, "%s", name);
    dataset->name_list[dataset->classes] = dataset->names[dataset->classes];
    return dataset->classes++;
}

/* The images of one split, in the file's order. */
static enum pb_status read_split(struct dataset *dataset, const char *root, enum pb_split split, FILE *file)
{
    char word[8], name[64], path[200];
    for (uint32_t line = 1; fscanf(file, "%7s %63s %199s", word, name, path) == 3; line++) {
        if ((strcmp(word, "train") == 0) != (split == PB_SPLIT_TRAIN))
            continue;
        EXPECT(dataset->host, dataset->count < SAMPLES);
        struct row *row = &dataset->rows[dataset->count++];
        snprintf(row->path, sizeof row->path, "%s/%s", root, path);
        row->is = (struct pb_sample){.path = row->path,
                                     .source = dataset->source,
                                     .line = line,
                                     .label = label_of(dataset, name),
                                     .split = split,
                                     .box = {4, 5, 30, 20}};
        EXPECT(dataset->host, dataset->classes <= CLASSES);
    }
    return PB_OK;
}

static enum pb_status read_rows(struct dataset *dataset, const char *root)
{
    FILE *file = fopen(dataset->source, "r");
    if (!file)
        return dataset->host->fail(dataset->host, PB_ERROR_INPUT, "%s: cannot be read", dataset->source);
    enum pb_status status = read_split(dataset, root, PB_SPLIT_TRAIN, file);
    rewind(file);
    if (status == PB_OK)
        status = read_split(dataset, root, PB_SPLIT_TEST, file);
    fclose(file);
    return status;
}

static void dataset_close(void *self)
{
    const struct dataset *dataset = self;
    dataset->host->free(dataset->host, self);
}

static enum pb_status dataset_open(const struct pb_host *host, const void *given, const char *root, void **self,
                                   struct pb_dataset_contents *contents)
{
    TRY(check_services(host));
    TRY(check_options(host, given));
    EXPECT(host, contents->size >= sizeof *contents);
    struct dataset *dataset = host->alloc(host, sizeof *dataset);
    if (!dataset)
        return PB_ERROR_MEMORY;
    dataset->host = host;
    snprintf(dataset->source, sizeof dataset->source, "%s/images.txt", root);
    const enum pb_status status = read_rows(dataset, root);
    if (status != PB_OK) {
        dataset_close(dataset);
        return status;
    }
    contents->class_count = dataset->classes;
    contents->class_names = dataset->name_list;
    contents->sample_count = dataset->count;
    contents->samples = &dataset->rows[0].is;
    contents->sample_stride = sizeof *dataset->rows;
    contents->crop_bottom = CROP_BOTTOM;
    host->log(host, PB_LOG_INFO, "%u images", dataset->count);
    *self = dataset;
    return PB_OK;
}

static const struct pb_dataset dataset = {.size = sizeof(struct pb_dataset),
                                          .open = dataset_open,
                                          .close = dataset_close,
                                          .official_classes = CLASSES,
                                          .official_train = 12,
                                          .official_test = 6};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_DATASET),
                                        .name = "strict-dataset",
                                        .summary = "samples and options in larger structs",
                                        .version = "1.0.0",
                                        .options = &options[0].is,
                                        .option_count = sizeof options / sizeof *options,
                                        .option_stride = sizeof *options,
                                        .options_size = sizeof(struct options),
                                        .dataset = &dataset};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
