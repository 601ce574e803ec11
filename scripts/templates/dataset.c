/*
 * Dataset "copy-me": ROOT/images.txt lists the images, one a line: "train|test CLASS PATH", path relative to ROOT.
 *
 * 1. Say above what your data set's files look like, and in .reference below where it comes from.
 * 2. Write open(): read the annotations below root, and give the host class names and samples (path, label, split,
 *    box where there is one). Do not open image files: the host decodes, crops, resizes and caches them.
 * 3. Let every message of bad data begin with "file:line: ", and say what is wrong and what to do.
 * 4. Use the official split. The host takes its validation images out of the training split itself.
 * 5. Everything that contents points to is yours and lives until close().
 * 6. make && make check; then <dataset plugin="copy-me" root="…"/> in a matrix.
 *
 * <prunebench/dataset.h> says what each member means.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <prunebench/dataset.h>

struct dataset {
    const struct pb_host *host;
    char *source; /* ROOT/images.txt */
    char *text; /* its contents; class names point into it */
    char *paths; /* ROOT/PATH of every sample, one behind the other */
    size_t paths_length;
    const char **class_names; /* in order of their first appearance */
    uint32_t class_count;
    struct pb_sample *rows; /* as they are in the file */
    struct pb_sample *samples; /* the same, training split first */
    uint32_t count;
};

static void dataset_free(void *self)
{
    struct dataset *dataset = self;
    const struct pb_host *host = dataset->host;
    host->free(host, dataset->samples);
    host->free(host, dataset->rows);
    host->free(host, dataset->class_names);
    host->free(host, dataset->paths);
    host->free(host, dataset->text);
    host->free(host, dataset->source);
    host->free(host, dataset);
}

/* The whole of dataset->source, with a NUL behind it. */
static enum pb_status read_source(struct dataset *dataset)
{
    const struct pb_host *host = dataset->host;
    enum pb_status status = PB_OK;
    long length = -1;
    FILE *file = fopen(dataset->source, "rb");
    if (file == NULL)
        return host->fail(host, PB_ERROR_INPUT, "%s: %s; is this the data set's folder?", dataset->source,
                          strerror(errno));
    if (fseek(file, 0, SEEK_END) == 0)
        length = ftell(file);
    if (length < 0 || fseek(file, 0, SEEK_SET) != 0) {
        status = host->fail(host, PB_ERROR_RUN, "%s: %s", dataset->source, strerror(errno));
    } else {
        dataset->text = host->alloc(host, (size_t)length + 1);
        if (dataset->text == NULL)
            status = PB_ERROR_MEMORY;
        else if (fread(dataset->text, 1, (size_t)length, file) != (size_t)length)
            status = host->fail(host, PB_ERROR_RUN, "%s: cannot be read to its end", dataset->source);
    }
    (void)fclose(file);
    return status;
}

/* The label of a class; a new one when it has not been seen. There is room for one class per line. */
static uint32_t label_of(struct dataset *dataset, const char *name)
{
    for (uint32_t i = 0; i < dataset->class_count; i++) {
        if (strcmp(dataset->class_names[i], name) == 0)
            return i;
    }
    dataset->class_names[dataset->class_count] = name;
    return dataset->class_count++;
}

/* "train sparrow images/001.jpg"; the path is the rest of the line and may hold blanks. */
static enum pb_status read_line(struct dataset *dataset, const char *root, char *line, uint32_t number)
{
    const struct pb_host *host = dataset->host;
    char *rest = line;
    const char *split = strsep(&rest, " \t"), *name = strsep(&rest, " \t");
    if (name == NULL || *name == '\0' || rest == NULL || *rest == '\0')
        return host->fail(host, PB_ERROR_INPUT, "%s:%u: expected three fields: train or test, the class, the path",
                          dataset->source, number);
    const int is_train = strcmp(split, "train") == 0;
    if (!is_train && strcmp(split, "test") != 0)
        return host->fail(host, PB_ERROR_INPUT, "%s:%u: split '%s' is neither train nor test", dataset->source, number,
                          split);
    char *path = dataset->paths + dataset->paths_length;
    dataset->paths_length += (size_t)sprintf(path, "%s/%s", root, rest) + 1;
    dataset->rows[dataset->count++] = (struct pb_sample){
        .path = path,
        .source = dataset->source,
        .line = number,
        .label = label_of(dataset, name),
        .split = is_train ? PB_SPLIT_TRAIN : PB_SPLIT_TEST,
    };
    return PB_OK;
}

static enum pb_status read_rows(struct dataset *dataset, const char *root)
{
    const struct pb_host *host = dataset->host;
    size_t lines = 1;
    for (const char *c = dataset->text; *c != '\0'; c++)
        lines += *c == '\n';
    if (lines > UINT32_MAX)
        return host->fail(host, PB_ERROR_INPUT, "%s: has more lines than can be counted", dataset->source);
    /* Each path is a part of its line, with the root, a slash and a NUL added. */
    dataset->paths = host->alloc(host, strlen(dataset->text) + lines * (strlen(root) + 2));
    dataset->class_names = host->alloc(host, lines * sizeof *dataset->class_names);
    dataset->rows = host->alloc(host, lines * sizeof *dataset->rows);
    dataset->samples = host->alloc(host, lines * sizeof *dataset->samples);
    if (dataset->paths == NULL || dataset->class_names == NULL || dataset->rows == NULL || dataset->samples == NULL)
        return PB_ERROR_MEMORY;
    uint32_t number = 0;
    for (char *rest = dataset->text; rest != NULL;) {
        char *line = strsep(&rest, "\n");
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (*line == '\0')
            continue;
        const enum pb_status status = read_line(dataset, root, line, number);
        if (status != PB_OK)
            return status;
    }
    if (dataset->count == 0)
        return host->fail(host, PB_ERROR_INPUT, "%s: lists no image", dataset->source);
    uint32_t placed = 0;
    for (uint32_t split = PB_SPLIT_TRAIN; split <= PB_SPLIT_TEST; split++) {
        for (uint32_t i = 0; i < dataset->count; i++) {
            if (dataset->rows[i].split == split)
                dataset->samples[placed++] = dataset->rows[i];
        }
    }
    return PB_OK;
}

static enum pb_status dataset_open(const struct pb_host *host, const void *options, const char *root, void **self,
                                   struct pb_dataset_contents *contents)
{
    (void)options;
    struct dataset *dataset = host->alloc(host, sizeof *dataset);
    if (dataset == NULL)
        return PB_ERROR_MEMORY; /* alloc has left the message */
    dataset->host = host;
    dataset->source = host->alloc(host, strlen(root) + sizeof "/images.txt");
    enum pb_status status = PB_ERROR_MEMORY;
    if (dataset->source != NULL) {
        (void)sprintf(dataset->source, "%s/images.txt", root);
        status = read_source(dataset);
    }
    if (status == PB_OK)
        status = read_rows(dataset, root);
    if (status != PB_OK) {
        dataset_free(dataset);
        return status;
    }
    contents->class_count = dataset->class_count;
    contents->class_names = dataset->class_names;
    contents->sample_count = dataset->count;
    contents->samples = dataset->samples;
    contents->sample_stride = sizeof *dataset->samples;
    contents->crop_bottom = 0;
    *self = dataset;
    return PB_OK;
}

static const struct pb_dataset dataset = {
    .size = sizeof(struct pb_dataset),
    .open = dataset_open,
    .close = dataset_free,
};

static const struct pb_plugin plugin = {
    PB_PLUGIN_HEADER(PB_KIND_DATASET),
    .name = "copy-me",
    .summary = "images that a list names, one a line",
    .version = "1.0.0",
    .dataset = &dataset,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &plugin : NULL;
}
