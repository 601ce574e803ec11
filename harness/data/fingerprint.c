/* What a data set is, in one hash. */
#include "data/fingerprint.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/sha256.h"

/* Moving a data set must not change what it is. */
static const char *below(const char *path, const char *root)
{
    size_t length = strlen(root);
    while (length > 0 && root[length - 1] == '/')
        length--;
    if (strncmp(path, root, length) != 0 || path[length] != '/')
        return path;
    return path + length + strspn(path + length, "/");
}

/* With the NUL, so that no two lists run together into the same bytes. */
static void add_text(struct pb_sha256 *hash, const char *text)
{
    pb_sha256_update(hash, text, strlen(text) + 1);
}

static void add_sample(struct pb_sha256 *hash, const struct pb_sample *sample, const char *root, long long size)
{
    char numbers[200];
    (void)snprintf(numbers, sizeof numbers, "%u %u %a %a %a %a %lld", sample->label, sample->split,
                   (double)sample->box[0], (double)sample->box[1], (double)sample->box[2], (double)sample->box[3],
                   size);
    add_text(hash, below(sample->path, root));
    add_text(hash, numbers);
}

void pb_fingerprint(const struct pb_dataset_contents *contents, const char *root, char hex[65],
                    struct pb_missing *missing)
{
    struct pb_sha256 hash;
    struct stat info;
    char numbers[64];
    *missing = (struct pb_missing){0};
    pb_sha256_init(&hash);
    (void)snprintf(numbers, sizeof numbers, "%u %u %u", contents->class_count, contents->sample_count,
                   contents->crop_bottom);
    add_text(&hash, numbers);
    for (uint32_t i = 0; i < contents->class_count; i++)
        add_text(&hash, contents->class_names[i]);
    for (uint32_t i = 0; i < contents->sample_count; i++) {
        const bool there = stat(contents->samples[i].path, &info) == 0;
        if (!there && missing->count++ == 0)
            missing->first = i;
        add_sample(&hash, &contents->samples[i], root, there ? (long long)info.st_size : -1);
    }
    pb_sha256_finish(&hash, hex);
}
