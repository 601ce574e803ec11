/*
 * Fuzzes one dataset plugin, linked in: an input holds annotation files, each behind a line "=== NAME"; they are written into a
 * folder, and the plugin opens it. scripts/fuzz-smoke packs its seeds so.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <prunebench/dataset.h>

static const char mark[] = "\n=== ";

/* Every file that one of the layouts has; others are not written. */
static const char *const names[] = {
    "variants.txt",
    "images_variant_trainval.txt",
    "images_variant_train.txt",
    "images_variant_val.txt",
    "images_variant_test.txt",
    "images_box.txt",
    "classes.txt",
    "images.txt",
    "image_class_labels.txt",
    "train_test_split.txt",
    "bounding_boxes.txt",
    "cars_annos.mat",
    "cars_meta.mat",
    "cars_train_annos.mat",
    "cars_test_annos_withlabels.mat",
    "list.csv",
};
enum { NAMES = sizeof names / sizeof names[0] };

static char folder[64];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static enum pb_status host_fail(const struct pb_host *host, enum pb_status status, const char *format, ...)
{
    char text[2000];
    va_list arguments;
    (void)host;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return status;
}

static void host_log(const struct pb_host *host, enum pb_log_level level, const char *format, ...)
{
    (void)host;
    (void)level;
    (void)format;
}

static void *host_alloc(const struct pb_host *host, size_t bytes)
{
    (void)host;
    return calloc(1, bytes);
}

static void host_free(const struct pb_host *host, void *memory)
{
    (void)host;
    free(memory);
}

static const struct pb_host fuzz_host = {.size = sizeof(struct pb_host),
                                         .threads = 1,
                                         .log = host_log,
                                         .fail = host_fail,
                                         .alloc = host_alloc,
                                         .free = host_free};

static void remove_folder(void)
{
    (void)rmdir(folder);
}

static void in_folder(char path[160], const char *name)
{
    (void)snprintf(path, 160, "%s/%s", folder, name);
}

static void put(const char *name, const char *bytes, size_t length)
{
    char path[160];
    in_folder(path, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        abort();
}

/* One file: its name up to the line's end, then its bytes. */
static void put_part(const char *part, size_t length)
{
    const char *newline = memchr(part, '\n', length);
    if (newline == NULL)
        return;
    const size_t name_length = (size_t)(newline - part);
    for (size_t i = 0; i < NAMES; i++)
        if (strlen(names[i]) == name_length && memcmp(names[i], part, name_length) == 0)
            put(names[i], newline + 1, length - name_length - 1);
}

static void put_all(const char *text, size_t length)
{
    const size_t mark_length = strlen(mark);
    const char *end = text + length, *part = memmem(text, length, mark, mark_length);
    while (part != NULL) {
        const char *begin = part + mark_length;
        part = memmem(begin, (size_t)(end - begin), mark, mark_length);
        put_part(begin, (size_t)((part != NULL ? part : end) - begin));
    }
}

static void check(const struct pb_dataset_contents *contents)
{
    uint32_t split = PB_SPLIT_TRAIN;
    for (uint32_t i = 0; i < contents->sample_count; i++) {
        const struct pb_sample *sample = &contents->samples[i];
        if (sample->path == NULL || sample->source == NULL || sample->line == 0 ||
            sample->label >= contents->class_count || sample->split < split || sample->split > PB_SPLIT_TEST ||
            !(sample->box[2] >= 0) || strncmp(sample->path, folder, strlen(folder)) != 0)
            abort();
        split = sample->split;
    }
}

/* Zero is valid for every option but texts; a file of images is listed in list.csv. */
static void set_texts(const struct pb_plugin *plugin, void *options)
{
    for (uint32_t i = 0; i < plugin->option_count; i++) {
        const struct pb_option *option = &plugin->options[i];
        const char *text = strcmp(option->name, "csv") == 0 ? "list.csv" : option->default_text;
        if (option->type == PB_OPTION_STRING)
            memcpy((char *)options + option->offset, &text, sizeof text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct pb_plugin *plugin = prunebench_plugin(0);
    struct pb_dataset_contents contents = {.size = sizeof contents};
    int64_t options[8] = {0};
    void *self = NULL;
    if (folder[0] == '\0') {
        strcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/prunebench-fuzz-XXXXXX" : "prunebench-fuzz-XXXXXX");
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0)
            abort();
    }
    put_all((const char *)bytes, length);
    set_texts(plugin, options);
    if (plugin->dataset->open(&fuzz_host, options, folder, &self, &contents) == PB_OK) {
        check(&contents);
        plugin->dataset->close(self);
    }
    for (size_t i = 0; i < NAMES; i++) {
        char path[160];
        in_folder(path, names[i]);
        (void)unlink(path);
    }
    return 0;
}
