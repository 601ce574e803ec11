/* CUB-200-2011 (Wah et al. 2011): CUB_200_2011 with one text file per property, joined by image id. */
#include <string.h>

#include <prunebench/dataset.h>

#include "common/id_map.h"
#include "common/samples.h"

enum { HAS_LABEL = 1, HAS_SPLIT = 2, HAS_BOX = 4 };

struct birds {
    struct arena arena;
    const char *root, *images;
    struct class_list classes;
    struct sample_list samples;
    struct id_map ids; /* image id → index into samples */
    unsigned char *seen; /* per sample: HAS_… */
};

static enum pb_status read_classes(struct birds *self)
{
    struct annotations file;
    uint32_t label, id = 0;
    char *line;
    enum pb_status status = annotations_open(&self->arena, self->root, "classes.txt", &file);
    while (status == PB_OK && (line = annotations_next(&file)) != NULL) {
        status = field_need_count(&file, &line, "a class id", &id);
        if (status != PB_OK)
            break;
        if (id != self->classes.count + 1)
            status = annotations_fail(&file, "class id %u where %zu should follow", id, self->classes.count + 1);
        else if (*line == '\0')
            status = annotations_fail(&file, "class %u has no name", id);
        else if (class_list_find(&self->classes, line, &label))
            status = annotations_fail(&file, "class '%s' is listed a second time", line);
        else
            status = class_list_add(&self->classes, line);
    }
    return status;
}

static enum pb_status read_image_line(struct birds *self, const struct annotations *file, char *line)
{
    struct pb_sample sample = {.source = file->path, .line = file->line};
    uint32_t id = 0, index;
    enum pb_status status = field_need_count(file, &line, "an image id", &id);
    if (status != PB_OK)
        return status;
    if (id_map_find(&self->ids, id, &index))
        return annotations_fail(file, "image id %u is given a second time (first in line %u)", id,
                                self->samples.items[index].line);
    if (!path_is_inside(line))
        return annotations_fail(file, "'%s' is not the path of an image below images/", line);
    sample.path = arena_path(&self->arena, self->images, line, "");
    if (sample.path == NULL)
        return PB_ERROR_MEMORY;
    status = id_map_add(&self->ids, id, (uint32_t)self->samples.count);
    return status == PB_OK ? sample_list_add(&self->samples, &sample) : status;
}

static enum pb_status read_images(struct birds *self)
{
    struct annotations file;
    char *line;
    enum pb_status status = annotations_open(&self->arena, self->root, "images.txt", &file);
    while (status == PB_OK && (line = annotations_next(&file)) != NULL)
        status = read_image_line(self, &file, line);
    if (status != PB_OK)
        return status;
    self->seen = arena_alloc(&self->arena, self->samples.count, 1);
    return self->seen != NULL ? PB_OK : PB_ERROR_MEMORY;
}

static enum pb_status read_label(struct birds *self, const struct annotations *file, char **line,
                                 struct pb_sample *sample)
{
    uint32_t class_id = 0;
    const enum pb_status status = field_need_count(file, line, "a class id", &class_id);
    if (status != PB_OK)
        return status;
    if (class_id < 1 || class_id > self->classes.count)
        return annotations_fail(file, "class %u is out of range; classes.txt has 1 to %zu", class_id,
                                self->classes.count);
    sample->label = class_id - 1;
    return PB_OK;
}

static enum pb_status read_split(struct birds *self, const struct annotations *file, char **line,
                                 struct pb_sample *sample)
{
    uint32_t is_training = 0;
    const enum pb_status status = field_need_count(file, line, "1 for training or 0 for test", &is_training);
    (void)self;
    if (status != PB_OK)
        return status;
    if (is_training > 1)
        return annotations_fail(file, "%u where 1 (training) or 0 (test) should be", is_training);
    sample->split = is_training ? PB_SPLIT_TRAIN : PB_SPLIT_TEST;
    return PB_OK;
}

static enum pb_status read_box(struct birds *self, const struct annotations *file, char **line,
                               struct pb_sample *sample)
{
    static const char *const names[] = {"the box's x", "the box's y", "the box's width", "the box's height"};
    float box[4];
    (void)self;
    for (size_t i = 0; i < 4; i++) {
        const enum pb_status status = field_need_real(file, line, names[i], &box[i]);
        if (status != PB_OK)
            return status;
    }
    if (!(box[2] > 0 && box[3] > 0))
        return annotations_fail(file, "the box is empty");
    /* x and y count from 1. */
    sample->box[0] = box[0] - 1;
    sample->box[1] = box[1] - 1;
    sample->box[2] = box[2];
    sample->box[3] = box[3];
    return PB_OK;
}

/* One of the files that add a property to every image. */
struct property {
    const char *file;
    unsigned char mark; /* HAS_… */
    enum pb_status (*read)(struct birds *self, const struct annotations *file, char **line, struct pb_sample *sample);
};

static const struct property properties[] = {
    {"image_class_labels.txt", HAS_LABEL, read_label},
    {"train_test_split.txt", HAS_SPLIT, read_split},
    {"bounding_boxes.txt", HAS_BOX, read_box},
};

static enum pb_status read_property_line(struct birds *self, const struct property *property,
                                         const struct annotations *file, char *line)
{
    uint32_t id = 0, index;
    enum pb_status status = field_need_count(file, &line, "an image id", &id);
    if (status != PB_OK)
        return status;
    if (!id_map_find(&self->ids, id, &index))
        return annotations_fail(file, "image id %u is not in images.txt", id);
    if ((self->seen[index] & property->mark) != 0)
        return annotations_fail(file, "image id %u is given a second time", id);
    self->seen[index] |= property->mark;
    status = property->read(self, file, &line, &self->samples.items[index]);
    return status == PB_OK ? field_need_end(file, line) : status;
}

static enum pb_status read_property(struct birds *self, const struct property *property)
{
    const struct pb_host *host = self->arena.host;
    struct annotations file;
    char *line;
    enum pb_status status = annotations_open(&self->arena, self->root, property->file, &file);
    while (status == PB_OK && (line = annotations_next(&file)) != NULL)
        status = read_property_line(self, property, &file, line);
    for (size_t i = 0; status == PB_OK && i < self->samples.count; i++)
        if ((self->seen[i] & property->mark) == 0)
            status = host->fail(host, PB_ERROR_INPUT, "%s:%u: the image has no line in %s",
                                self->samples.items[i].source, self->samples.items[i].line, file.path);
    return status;
}

static void birds_close(void *opened)
{
    struct birds *self = opened;
    const struct pb_host *host = self->arena.host;
    arena_free(&self->arena);
    host->free(host, self);
}

static enum pb_status read_all(struct birds *self, struct pb_dataset_contents *contents)
{
    enum pb_status status = read_classes(self);
    if (status == PB_OK)
        status = read_images(self);
    for (size_t i = 0; status == PB_OK && i < sizeof properties / sizeof properties[0]; i++)
        status = read_property(self, &properties[i]);
    return status == PB_OK ? contents_finish(&self->samples, &self->classes, self->root, contents) : status;
}

static enum pb_status birds_open(const struct pb_host *host, const void *options, const char *root, void **opened,
                                 struct pb_dataset_contents *contents)
{
    (void)options;
    struct birds *self = host->alloc(host, sizeof *self);
    if (self == NULL)
        return PB_ERROR_MEMORY;
    self->arena.host = host;
    self->classes.arena = self->samples.arena = self->ids.arena = &self->arena;
    self->root = arena_text(&self->arena, root, strlen(root));
    self->images = arena_path(&self->arena, root, "images", "");
    const enum pb_status status =
        self->root != NULL && self->images != NULL ? read_all(self, contents) : PB_ERROR_MEMORY;
    if (status != PB_OK) {
        birds_close(self);
        return status;
    }
    *opened = self;
    return PB_OK;
}

static const struct pb_dataset birds_dataset = {
    .size = sizeof(struct pb_dataset),
    .open = birds_open,
    .close = birds_close,
    .official_classes = 200,
    .official_train = 5994,
    .official_test = 5794,
};

static const struct pb_plugin birds_plugin = {
    PB_PLUGIN_HEADER(PB_KIND_DATASET),
    .name = "birds",
    .summary = "Caltech-UCSD Birds-200-2011: 200 species, 5994 training and 5794 test images",
    .version = "1.0.0",
    .reference = "C. Wah et al., The Caltech-UCSD Birds-200-2011 Dataset, 2011, CNS-TR-2011-001",
    .dataset = &birds_dataset,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &birds_plugin : NULL;
}
