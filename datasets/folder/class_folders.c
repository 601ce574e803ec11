/* Images in class folders: ROOT/SPLIT/CLASS/IMAGE, or ROOT/CLASS/IMAGE. */
#include <string.h>
#include <strings.h>

#include "folder/folder.h"
#include "folder/listing.h"

/* What the host can decode. */
static bool is_image(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const size_t end = strlen(ends[i]);
        if (length > end && strcasecmp(name + length - end, ends[i]) == 0)
            return true;
    }
    return false;
}

static enum pb_status add_images(struct folder *self, const char *path, uint32_t label, uint32_t split)
{
    const struct pb_host *host = self->arena.host;
    struct listing listing;
    size_t images = 0, others = 0, first_other = 0;
    enum pb_status status = listing_read(&self->arena, path, &listing);
    if (status == PB_OK && listing.folder_count > 0)
        status =
            host->fail(host, PB_ERROR_INPUT,
                       "%s/%s: a folder inside the folder of a class; images belong into their class's folder itself",
                       path, listing.folders[0]);
    for (size_t i = 0; status == PB_OK && i < listing.file_count; i++) {
        if (!is_image(listing.files[i])) {
            first_other = others++ == 0 ? i : first_other;
            continue;
        }
        images++;
        const struct pb_sample sample = {.path = arena_path(&self->arena, path, listing.files[i], ""),
                                         .source = path,
                                         .label = label,
                                         .split = split};
        status = sample.path != NULL ? sample_list_add(&self->samples, &sample) : PB_ERROR_MEMORY;
    }
    if (status == PB_OK && images == 0)
        status = host->fail(host, PB_ERROR_INPUT,
                            "%s: this class has no image (.jpg, .jpeg or .png); remove the folder, or fill it", path);
    if (status == PB_OK && others > 0)
        host->log(host, PB_LOG_WARNING,
                  "%s: %zu files are no images by their names and are passed over; the first: '%s'", path, others,
                  listing.files[first_other]);
    return status;
}

/* The images of every class folder in path. */
static enum pb_status add_classes(struct folder *self, const char *path, uint32_t split)
{
    const struct pb_host *host = self->arena.host;
    struct listing listing;
    enum pb_status status = listing_read(&self->arena, path, &listing);
    for (size_t i = 0; status == PB_OK && i < listing.folder_count; i++) {
        const char *folder = arena_path(&self->arena, path, listing.folders[i], "");
        uint32_t label = 0;
        if (folder == NULL)
            status = PB_ERROR_MEMORY;
        else if (!folder_find_class(self, listing.folders[i], &label))
            status = host->fail(host, PB_ERROR_INPUT,
                                "%s: class '%s' is in the test split only; give it training images, too", folder,
                                listing.folders[i]);
        else
            status = add_images(self, folder, label, split);
    }
    return status;
}

/* Class folders of path join names; images beside them would be lost. */
static enum pb_status collect_classes(struct folder *self, const char *path, struct names *names)
{
    const struct pb_host *host = self->arena.host;
    struct listing listing;
    enum pb_status status = listing_read(&self->arena, path, &listing);
    for (size_t i = 0; status == PB_OK && i < listing.file_count; i++)
        if (is_image(listing.files[i]))
            status = host->fail(host, PB_ERROR_INPUT, "%s/%s: this image is in no class's folder; put it into one",
                                path, listing.files[i]);
    if (status == PB_OK && listing.folder_count == 0)
        status =
            host->fail(host, PB_ERROR_INPUT, "%s: has no class's folder; images belong into %s/CLASS/", path, path);
    for (size_t i = 0; status == PB_OK && i < listing.folder_count; i++)
        status = names_add(&self->arena, names, listing.folders[i]);
    return status;
}

static enum pb_status split_path(struct folder *self, uint32_t split, size_t i, const char **path)
{
    const struct pb_host *host = self->arena.host;
    const char *made = arena_path(&self->arena, self->root, self->splits[split].names[i], "");
    if (made == NULL)
        return PB_ERROR_MEMORY;
    if (!file_exists(made))
        return host->fail(host, PB_ERROR_INPUT,
                          "%s: is not there; for images in class folders right below '%s' set the option test-share "
                          "(0.2, say), for a list of them the option csv, for other split names train and test",
                          made, self->root);
    *path = made;
    return PB_OK;
}

static enum pb_status read_splits(struct folder *self)
{
    struct names names = {0}, unused = {0};
    const char *path = NULL;
    enum pb_status status = PB_OK;
    for (uint32_t split = PB_SPLIT_TRAIN; split <= PB_SPLIT_TEST; split++)
        for (size_t i = 0; status == PB_OK && i < self->splits[split].count; i++) {
            status = split_path(self, split, i, &path);
            if (status == PB_OK)
                status = collect_classes(self, path, split == PB_SPLIT_TRAIN ? &names : &unused);
        }
    if (status == PB_OK)
        status = folder_set_classes(self, names.items, names.count);
    for (uint32_t split = PB_SPLIT_TRAIN; split <= PB_SPLIT_TEST; split++)
        for (size_t i = 0; status == PB_OK && i < self->splits[split].count; i++) {
            status = split_path(self, split, i, &path);
            if (status == PB_OK)
                status = add_classes(self, path, split);
        }
    return status;
}

static enum pb_status read_unsplit(struct folder *self)
{
    const struct pb_host *host = self->arena.host;
    struct names names = {0};
    for (size_t i = 0; i < self->splits[PB_SPLIT_TEST].count; i++) {
        const char *path = arena_path(&self->arena, self->root, self->splits[PB_SPLIT_TEST].names[i], "");
        if (path == NULL)
            return PB_ERROR_MEMORY;
        if (file_exists(path))
            return host->fail(host, PB_ERROR_INPUT,
                              "%s: the test split is here already; leave out the option test-share", path);
    }
    enum pb_status status = collect_classes(self, self->root, &names);
    if (status == PB_OK)
        status = folder_set_classes(self, names.items, names.count);
    return status == PB_OK ? add_classes(self, self->root, PB_SPLIT_TRAIN) : status;
}

enum pb_status folder_read_classes(struct folder *self)
{
    return self->options->test_share > 0 ? read_unsplit(self) : read_splits(self);
}
