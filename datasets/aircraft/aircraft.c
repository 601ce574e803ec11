/* FGVC-Aircraft (Maji et al. 2013): fgvc-aircraft-2013b/data with images and lists of "id variant". */
#include <string.h>

#include <prunebench/dataset.h>

#include "common/id_map.h"
#include "common/samples.h"

enum { ID_DIGITS = 7 };

struct aircraft_options {
    int64_t banner;
};

static const struct pb_option aircraft_option_table[] = {
    {.name = "banner",
     .help = "rows of the copyright banner to cut off the bottom of every image",
     .type = PB_OPTION_INT,
     .unit = "pixels",
     .default_text = "20",
     .min = 0,
     .max = 1000,
     .offset = offsetof(struct aircraft_options, banner)},
};

struct aircraft {
    struct arena arena;
    const char *folder, *images; /* the one with variants.txt, and its images/ */
    struct class_list variants;
    struct sample_list samples;
    struct id_map ids; /* id → index into samples */
};

static enum pb_status find_folder(struct aircraft *self, const char *root)
{
    const struct pb_host *host = self->arena.host;
    static const char *const places[] = {".", "data"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *folder = i == 0 ? root : arena_path(&self->arena, root, places[i], "");
        const char *list = folder != NULL ? arena_path(&self->arena, folder, "variants.txt", "") : NULL;
        if (list == NULL)
            return PB_ERROR_MEMORY;
        if (file_exists(list)) {
            self->folder = folder;
            self->images = arena_path(&self->arena, folder, "images", "");
            return self->images != NULL ? PB_OK : PB_ERROR_MEMORY;
        }
    }
    return host->fail(host, PB_ERROR_INPUT,
                      "%s: neither variants.txt nor data/variants.txt is here; give the folder fgvc-aircraft-2013b "
                      "of the unpacked archive",
                      root);
}

static enum pb_status read_variants(struct aircraft *self)
{
    struct annotations file;
    uint32_t label;
    char *name;
    enum pb_status status = annotations_open(&self->arena, self->folder, "variants.txt", &file);
    while (status == PB_OK && (name = annotations_next(&file)) != NULL)
        if (class_list_find(&self->variants, name, &label))
            status = annotations_fail(&file, "variant '%s' is listed a second time", name);
        else
            status = class_list_add(&self->variants, name);
    return status;
}

/* Seven digits: they name the image's file, leading zeros and all. */
static enum pb_status need_id(const struct annotations *file, char **rest, const char **text, uint32_t *id)
{
    const char *field = field_next(rest);
    if (strlen(field) != ID_DIGITS || !field_count(field, id))
        return annotations_fail(file, "'%.40s' is not an image id (%d digits)", field, ID_DIGITS);
    *text = field;
    return PB_OK;
}

static enum pb_status read_split_line(struct aircraft *self, const struct annotations *file, char *line,
                                      enum pb_split split)
{
    struct pb_sample sample = {.source = file->path, .line = file->line, .split = split};
    const char *text = NULL;
    uint32_t id = 0, index;
    enum pb_status status = need_id(file, &line, &text, &id);
    if (status != PB_OK)
        return status;
    if (*line == '\0')
        return annotations_fail(file, "image '%s' has no variant behind it", text);
    /* What is left is the name: variants have blanks and slashes in them. */
    if (!class_list_find(&self->variants, line, &sample.label))
        return annotations_fail(file, "variant '%s' is not in variants.txt", line);
    if (id_map_find(&self->ids, id, &index))
        return annotations_fail(file, "image '%s' is listed a second time (first at %s:%u); remove one of the lines",
                                text, self->samples.items[index].source, self->samples.items[index].line);
    sample.path = arena_path(&self->arena, self->images, text, ".jpg");
    if (sample.path == NULL)
        return PB_ERROR_MEMORY;
    status = id_map_add(&self->ids, id, (uint32_t)self->samples.count);
    return status == PB_OK ? sample_list_add(&self->samples, &sample) : status;
}

static enum pb_status read_split(struct aircraft *self, const char *name, enum pb_split split)
{
    struct annotations file;
    char *line;
    enum pb_status status = annotations_open(&self->arena, self->folder, name, &file);
    while (status == PB_OK && (line = annotations_next(&file)) != NULL)
        status = read_split_line(self, &file, line, split);
    return status;
}

/* The published protocol trains on train and val together; trainval is their union. */
static enum pb_status read_splits(struct aircraft *self)
{
    const char *both = arena_path(&self->arena, self->folder, "images_variant_trainval.txt", "");
    enum pb_status status = both != NULL ? PB_OK : PB_ERROR_MEMORY;
    if (status == PB_OK && file_exists(both)) {
        status = read_split(self, "images_variant_trainval.txt", PB_SPLIT_TRAIN);
    } else if (status == PB_OK) {
        status = read_split(self, "images_variant_train.txt", PB_SPLIT_TRAIN);
        if (status == PB_OK)
            status = read_split(self, "images_variant_val.txt", PB_SPLIT_TRAIN);
    }
    return status == PB_OK ? read_split(self, "images_variant_test.txt", PB_SPLIT_TEST) : status;
}

/* Corners are 1-based and inclusive. */
static enum pb_status read_box_line(struct aircraft *self, const struct annotations *file, char *line)
{
    static const char *const names[] = {"the box's xmin", "the box's ymin", "the box's xmax", "the box's ymax"};
    float corner[4];
    const char *text = NULL;
    uint32_t id = 0, index;
    enum pb_status status = need_id(file, &line, &text, &id);
    for (size_t i = 0; status == PB_OK && i < 4; i++)
        status = field_need_real(file, &line, names[i], &corner[i]);
    if (status == PB_OK)
        status = field_need_end(file, line);
    if (status != PB_OK)
        return status;
    if (corner[2] < corner[0] || corner[3] < corner[1])
        return annotations_fail(file, "the box of image '%s' ends before it begins", text);
    if (!id_map_find(&self->ids, id, &index))
        return PB_OK; /* the file has boxes for images of splits that are not used, too */
    struct pb_sample *sample = &self->samples.items[index];
    if (sample->box[2] > 0)
        return annotations_fail(file, "image '%s' has a second box", text);
    sample->box[0] = corner[0] - 1;
    sample->box[1] = corner[1] - 1;
    sample->box[2] = corner[2] - corner[0] + 1;
    sample->box[3] = corner[3] - corner[1] + 1;
    return PB_OK;
}

static enum pb_status read_boxes(struct aircraft *self)
{
    const struct pb_host *host = self->arena.host;
    struct annotations file;
    char *line;
    enum pb_status status = annotations_open(&self->arena, self->folder, "images_box.txt", &file);
    while (status == PB_OK && (line = annotations_next(&file)) != NULL)
        status = read_box_line(self, &file, line);
    for (size_t i = 0; status == PB_OK && i < self->samples.count; i++)
        if (!(self->samples.items[i].box[2] > 0))
            status = host->fail(host, PB_ERROR_INPUT, "%s:%u: the image has no line in %s",
                                self->samples.items[i].source, self->samples.items[i].line, file.path);
    return status;
}

static void aircraft_close(void *opened)
{
    struct aircraft *self = opened;
    const struct pb_host *host = self->arena.host;
    arena_free(&self->arena);
    host->free(host, self);
}

static enum pb_status aircraft_open(const struct pb_host *host, const void *options, const char *root, void **opened,
                                    struct pb_dataset_contents *contents)
{
    const struct aircraft_options *chosen = options;
    struct aircraft *self = host->alloc(host, sizeof *self);
    if (self == NULL)
        return PB_ERROR_MEMORY;
    self->arena.host = host;
    self->variants.arena = self->samples.arena = self->ids.arena = &self->arena;
    enum pb_status status = find_folder(self, root);
    if (status == PB_OK)
        status = read_variants(self);
    if (status == PB_OK)
        status = read_splits(self);
    if (status == PB_OK)
        status = read_boxes(self);
    if (status == PB_OK)
        status = contents_finish(&self->samples, &self->variants, root, contents);
    if (status != PB_OK) {
        aircraft_close(self);
        return status;
    }
    contents->crop_bottom = (uint32_t)chosen->banner;
    *opened = self;
    return PB_OK;
}

static const struct pb_dataset aircraft_dataset = {
    .size = sizeof(struct pb_dataset),
    .open = aircraft_open,
    .close = aircraft_close,
    .official_classes = 100,
    .official_train = 6667,
    .official_test = 3333,
};

static const struct pb_plugin aircraft_plugin = {
    PB_PLUGIN_HEADER(PB_KIND_DATASET),
    .name = "aircraft",
    .summary = "FGVC-Aircraft: 100 variants, 6667 training and 3333 test images",
    .version = "1.0.0",
    .reference = "S. Maji et al., Fine-Grained Visual Classification of Aircraft, 2013, arXiv:1306.5151",
    PB_OPTIONS(aircraft_option_table, struct aircraft_options),
    .dataset = &aircraft_dataset,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &aircraft_plugin : NULL;
}
