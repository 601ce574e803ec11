/* What a data set is, in one hash. */
#include "data/fingerprint.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"

/* With the NUL, so that no two lists run together into the same bytes. */
static void add_text(struct pb_sha256 *hash, const char *text)
{
    pb_sha256_update(hash, text, strlen(text) + 1);
}

static void add_sample(struct pb_sha256 *hash, const struct pb_sample *sample, const char *image)
{
    char numbers[200];
    (void)snprintf(numbers, sizeof numbers, "%u %u %a %a %a %a", sample->label, sample->split, (double)sample->box[0],
                   (double)sample->box[1], (double)sample->box[2], (double)sample->box[3]);
    add_text(hash, numbers);
    add_text(hash, image);
}

void pb_fingerprint_of(const struct pb_dataset_contents *contents, const struct pb_file_digest *images, char hex[65])
{
    char numbers[64];
    struct pb_sha256 hash;
    pb_sha256_init(&hash);
    (void)snprintf(numbers, sizeof numbers, "%u %u %u", contents->class_count, contents->sample_count,
                   contents->crop_bottom);
    add_text(&hash, numbers);
    for (uint32_t i = 0; i < contents->class_count; i++)
        add_text(&hash, contents->class_names[i]);
    for (uint32_t i = 0; i < contents->sample_count; i++)
        add_sample(&hash, &contents->samples[i], images[i].sha256);
    pb_sha256_finish(&hash, hex);
}

static void count_missing(const struct pb_dataset_contents *contents, const struct pb_file_digest *images,
                          struct pb_missing *missing)
{
    *missing = (struct pb_missing){0};
    for (uint32_t i = 0; i < contents->sample_count; i++)
        if (images[i].sha256[0] == '\0' && !pb_file_exists(contents->samples[i].path) && missing->count++ == 0)
            missing->first = i;
}

enum pb_status pb_fingerprint(const struct pb_dataset_contents *contents, char hex[65], struct pb_missing *missing,
                              struct pb_error *error)
{
    const uint32_t count = contents->sample_count;
    const char **paths = pb_calloc(count, sizeof *paths);
    struct pb_file_digest *images = pb_calloc(count, sizeof *images);
    enum pb_status status = paths && images ? PB_OK : pb_fail_memory(error, count * sizeof *images);
    for (uint32_t i = 0; i < count && status == PB_OK; i++)
        paths[i] = contents->samples[i].path;
    if (status == PB_OK)
        status = pb_digest_files(paths, count, images, error);
    if (status == PB_OK) {
        pb_fingerprint_of(contents, images, hex);
        count_missing(contents, images, missing);
    }
    pb_free(images);
    pb_free(paths);
    return status;
}
