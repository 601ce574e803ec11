/* What a data set looks like to the network: contact sheets for the report. */
#include "cell/contact_sheets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"
#include "base/sha256.h"
#include "data/cache.h"
#include "data/sheet.h"

enum { CLASSES = 6, PER_CLASS = 8, AUGMENTED_COLUMNS = 6, AUGMENTED_ROWS = 2 };

/* Inputs to put on a sheet, row after row; PB_NO_SAMPLE leaves a cell empty. */
#define PB_NO_SAMPLE UINT32_MAX
struct picks {
    uint32_t samples[CLASSES * PER_CLASS];
    uint32_t columns, rows;
};

/* An image of the official training split that could be used. Not data->train: which of them validation takes depends on
 * the seed, and whichever cell comes first draws for all seeds. */
static bool is_training(const struct pb_session *session, uint32_t sample)
{
    return session->data->contents.samples[sample].split == PB_SPLIT_TRAIN &&
           pb_cache_cropped(session->cache, sample).width != 0;
}

/* Classes spread evenly over the data set, and the first training images of each. */
static void pick_classes(const struct pb_session *session, struct picks *picks, uint32_t labels[CLASSES])
{
    const struct pb_dataset_contents *contents = &session->data->contents;
    const uint32_t classes = contents->class_count;
    picks->columns = PER_CLASS;
    picks->rows = classes < CLASSES ? classes : CLASSES;
    for (uint32_t row = 0; row < picks->rows; row++) {
        uint32_t found = 0;
        labels[row] = (uint32_t)((uint64_t)row * classes / picks->rows);
        for (uint32_t i = 0; i < contents->sample_count && found < PER_CLASS; i++)
            if (contents->samples[i].label == labels[row] && is_training(session, i))
                picks->samples[row * PER_CLASS + found++] = i;
        for (; found < PER_CLASS; found++)
            picks->samples[row * PER_CLASS + found] = PB_NO_SAMPLE;
    }
}

/* Puts the picks from first on, one batch of them, through the very pipeline of training or evaluation. */
static enum pb_status put_batch(const struct pb_session *session, const struct picks *picks, uint32_t first,
                                bool training, struct pb_sheet *sheet, struct pb_error *error)
{
    uint32_t samples[CLASSES * PER_CLASS], places[CLASSES * PER_CLASS] = {0}, count = 0;
    struct pb_batches *batches = NULL;
    struct pb_batch batch = {0};
    for (uint32_t i = first; i < picks->columns * picks->rows; i++)
        if (picks->samples[i] != PB_NO_SAMPLE) {
            places[count] = i;
            samples[count++] = picks->samples[i];
        }
    if (count == 0)
        return PB_OK;
    const struct pb_preprocess *preprocess = &session->config->preprocess;
    const struct pb_batches_spec spec = {.samples = samples,
                                         .sample_count = count,
                                         .batch = count,
                                         .training = training,
                                         .seed = 1, /* the same for every seed of the run */
                                         .threads = 1};
    enum pb_status status = pb_batches_create(session->cache, preprocess, &spec, &batches, error);
    if (status == PB_OK)
        status = pb_batches_start(batches, 0, error);
    if (status == PB_OK)
        status = pb_batches_next(batches, &batch, error);
    const size_t floats = (size_t)preprocess->image_size * preprocess->image_size * 3;
    for (uint32_t i = 0; status == PB_OK && i < batch.count; i++)
        status = pb_sheet_put(sheet, preprocess, places[i] % picks->columns, places[i] / picks->columns,
                              batch.images + i * floats, error);
    pb_batches_free(&batches);
    return status;
}

static enum pb_status save(const struct pb_sheet *sheet, const char *folder, const char *name, struct pb_error *error)
{
    char *path = pb_path_join(folder, name);
    const enum pb_status status = path ? pb_sheet_save(sheet, path, error) : pb_fail_memory(error, strlen(folder));
    pb_free(path);
    return status;
}

static enum pb_status save_labels(const struct pb_data *data, const uint32_t *labels, uint32_t count,
                                  const char *folder, struct pb_error *error)
{
    struct pb_text text = {0};
    for (uint32_t i = 0; i < count; i++)
        pb_text_append(&text, "%s\n", data->contents.class_names[labels[i]]);
    char *path = pb_path_join(folder, "classes.txt");
    const enum pb_status status = path && !text.failed ? pb_file_write_atomic(path, text.data, text.length, error)
                                                       : pb_fail_memory(error, text.length);
    pb_text_free(&text);
    pb_free(path);
    return status;
}

static enum pb_status draw_samples(const struct pb_session *session, const char *folder, struct pb_error *error)
{
    struct picks picks = {0};
    struct pb_sheet sheet = {0};
    uint32_t labels[CLASSES];
    pick_classes(session, &picks, labels);
    enum pb_status status = pb_sheet_create(&session->config->preprocess, picks.columns, picks.rows, &sheet, error);
    if (status == PB_OK)
        status = put_batch(session, &picks, 0, false, &sheet, error);
    if (status == PB_OK)
        status = save(&sheet, folder, "samples.png", error);
    if (status == PB_OK)
        status = save_labels(session->data, labels, picks.rows, folder, error);
    pb_sheet_free(&sheet);
    return status;
}

static enum pb_status draw_augmented(const struct pb_session *session, const char *folder, struct pb_error *error)
{
    struct picks one = {.columns = 1, .rows = 1}, many = {.columns = AUGMENTED_COLUMNS, .rows = AUGMENTED_ROWS};
    struct pb_sheet sheet = {0};
    uint32_t first = 0; /* there is one: a data set without training images is refused */
    while (!is_training(session, first))
        first++;
    one.samples[0] = first;
    for (uint32_t i = 0; i < AUGMENTED_COLUMNS * AUGMENTED_ROWS; i++)
        many.samples[i] = first;
    enum pb_status status = pb_sheet_create(&session->config->preprocess, many.columns, many.rows, &sheet, error);
    if (status == PB_OK)
        status = put_batch(session, &one, 0, false, &sheet, error);
    if (status == PB_OK)
        status = put_batch(session, &many, 1, true, &sheet, error);
    if (status == PB_OK)
        status = save(&sheet, folder, "augmented.png", error);
    pb_sheet_free(&sheet);
    return status;
}

/* Under a temporary name, then renamed: another cell may be at it, and then its folder is as good. */
static enum pb_status make(const struct pb_session *session, const char *folder, struct pb_error *error)
{
    char *tag = pb_owner_tag(), *made = tag ? pb_format("%s.new-%s", folder, tag) : NULL;
    pb_free(tag);
    if (!made)
        return pb_fail_memory(error, strlen(folder));
    enum pb_status status = pb_make_dirs(made, error);
    if (status == PB_OK)
        status = draw_samples(session, made, error);
    if (status == PB_OK)
        status = draw_augmented(session, made, error);
    if (status == PB_OK && rename(made, folder) != 0 && errno != EEXIST && errno != ENOTEMPTY)
        status = pb_fail_errno(error, "rename '%s' to '%s'", made, folder);
    struct pb_error ignored = {0};
    (void)!pb_remove_tree(made, &ignored);
    pb_free(made);
    return status;
}

/* "birds-0123456789abcdef": of the images and everything that changes how they look. */
static char *folder_name(const struct pb_session *session)
{
    char hash[65];
    char *preprocess = pb_preprocess_text(&session->config->preprocess);
    char *text = preprocess ? pb_format("samples 2 %s %s", session->data->fingerprint, preprocess) : NULL;
    pb_free(preprocess);
    if (!text)
        return NULL;
    pb_sha256_of(text, strlen(text), hash);
    pb_free(text);
    return pb_format("%s-%.16s", session->data->loaded->plugin->name, hash);
}

enum pb_status pb_session_samples(struct pb_session *session, struct pb_record *record, struct pb_error *error)
{
    char *name = folder_name(session);
    char *folder = name ? pb_format("%s/samples/%s", session->options->out, name) : NULL;
    enum pb_status status = folder ? PB_OK : pb_fail_memory(error, 64);
    if (status == PB_OK && !pb_is_dir(folder))
        status = make(session, folder, error);
    if (status == PB_OK)
        status = pb_record_provenance(record, "samples", name, error);
    pb_free(folder);
    pb_free(name);
    return status;
}
