/* Stanford Cars (Krause et al. 2013): cars_annos.mat with car_ims/, or the devkit with cars_train/ and cars_test/. */
#include <string.h>

#include <prunebench/dataset.h>

#include "common/samples.h"
#include "mat.h"

enum { LAYOUT_AUTO, LAYOUT_ANNOS, LAYOUT_DEVKIT };

struct cars_options {
    int32_t layout;
};

static const char *const layout_names[] = {"auto", "annos", "devkit", NULL};

static const struct pb_option cars_option_table[] = {
    {.name = "layout",
     .help = "which annotations to read where both are there: cars_annos.mat with car_ims, or the devkit's with "
             "cars_train and cars_test",
     .type = PB_OPTION_ENUM,
     .default_text = "auto",
     .choices = layout_names,
     .offset = offsetof(struct cars_options, layout)},
};

struct cars {
    struct arena arena;
    const char *root;
    struct class_list classes;
    struct sample_list samples;
};

/* One struct array of annotations. */
struct annotation_set {
    const char *path; /* of the .mat file */
    const char *folder; /* that image names are relative to */
    const char *name_field; /* "relative_im_path" or "fname" */
    bool split_field; /* field `test` says the split; else all are split */
    enum pb_split split;
};

/* *path: name in root or root/devkit; NULL when it is in neither. */
static enum pb_status find_file(struct cars *self, const char *name, const char **path)
{
    const char *beside = arena_path(&self->arena, self->root, name, "");
    const char *devkit = arena_path(&self->arena, self->root, "devkit", "");
    const char *inside = devkit != NULL ? arena_path(&self->arena, devkit, name, "") : NULL;
    if (beside == NULL || inside == NULL)
        return PB_ERROR_MEMORY;
    *path = file_exists(beside) ? beside : file_exists(inside) ? inside : NULL;
    return PB_OK;
}

static enum pb_status need_file(struct cars *self, const char *name, const char **path)
{
    const struct pb_host *host = self->arena.host;
    const char *found = NULL;
    const enum pb_status status = find_file(self, name, &found);
    if (status != PB_OK)
        return status;
    if (found == NULL)
        return host->fail(host, PB_ERROR_INPUT, "%s: neither %s nor devkit/%s is here; put the file there", self->root,
                          name, name);
    *path = found;
    return PB_OK;
}

static enum pb_status read_class_names(struct cars *self, const struct mat_file *file)
{
    matvar_t *cells = NULL;
    enum pb_status status = mat_read(file, "class_names", MAT_C_CELL, &cells);
    if (status != PB_OK)
        return status;
    const size_t count = mat_count(cells);
    for (size_t i = 0; status == PB_OK && i < count; i++) {
        const char *name = NULL;
        status = mat_cell_text(file, cells, i, &name);
        if (status == PB_OK)
            status = class_list_add(&self->classes, name);
    }
    Mat_VarFree(cells);
    return status;
}

/* Corners are 1-based and inclusive. */
static enum pb_status read_box(const struct mat_file *file, matvar_t *array, size_t index, float box[4])
{
    static const char *const names[] = {"bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"};
    float corner[4];
    for (size_t i = 0; i < 4; i++) {
        const enum pb_status status = mat_real(file, array, names[i], index, &corner[i]);
        if (status != PB_OK)
            return status;
    }
    if (corner[2] < corner[0] || corner[3] < corner[1])
        return mat_fail(file, index + 1, "the box ends before it begins");
    box[0] = corner[0] - 1;
    box[1] = corner[1] - 1;
    box[2] = corner[2] - corner[0] + 1;
    box[3] = corner[3] - corner[1] + 1;
    return PB_OK;
}

static enum pb_status read_record(struct cars *self, const struct annotation_set *set, const struct mat_file *file,
                                  matvar_t *array, size_t index)
{
    struct pb_sample sample = {.source = file->path, .line = (uint32_t)(index + 1), .split = set->split};
    const char *name = NULL;
    uint32_t class_id = 0, is_test = 0;
    enum pb_status status = mat_text(file, array, set->name_field, index, &name);
    if (status == PB_OK)
        status = read_box(file, array, index, sample.box);
    if (status == PB_OK)
        status = mat_whole(file, array, "class", index, &class_id);
    if (status == PB_OK && set->split_field)
        status = mat_whole(file, array, "test", index, &is_test);
    if (status != PB_OK)
        return status;
    if (!path_is_inside(name))
        return mat_fail(file, index + 1, "'%s' is not the path of an image in the data set", name);
    if (class_id < 1 || class_id > self->classes.count)
        return mat_fail(file, index + 1, "class %u is out of range; class_names has 1 to %zu", class_id,
                        self->classes.count);
    if (is_test > 1)
        return mat_fail(file, index + 1, "the field 'test' is %u, not 0 or 1", is_test);
    sample.label = class_id - 1;
    if (set->split_field)
        sample.split = is_test ? PB_SPLIT_TEST : PB_SPLIT_TRAIN;
    sample.path = arena_path(&self->arena, set->folder, name, "");
    return sample.path != NULL ? sample_list_add(&self->samples, &sample) : PB_ERROR_MEMORY;
}

static enum pb_status read_annotations(struct cars *self, const struct annotation_set *set, const struct mat_file *file)
{
    matvar_t *array = NULL;
    enum pb_status status = mat_read(file, "annotations", MAT_C_STRUCT, &array);
    if (status != PB_OK)
        return status;
    const size_t count = mat_count(array);
    for (size_t i = 0; status == PB_OK && i < count; i++)
        status = read_record(self, set, file, array, i);
    Mat_VarFree(array);
    return status;
}

static enum pb_status read_annos(struct cars *self, const char *path)
{
    const struct annotation_set set = {
        .path = path, .folder = self->root, .name_field = "relative_im_path", .split_field = true};
    struct mat_file file;
    enum pb_status status = mat_open(&self->arena, path, &file);
    if (status != PB_OK)
        return status;
    status = read_class_names(self, &file);
    if (status == PB_OK)
        status = read_annotations(self, &set, &file);
    mat_close(&file);
    return status;
}

static enum pb_status read_meta(struct cars *self)
{
    const char *path = NULL;
    struct mat_file file;
    enum pb_status status = need_file(self, "cars_meta.mat", &path);
    if (status == PB_OK)
        status = mat_open(&self->arena, path, &file);
    if (status != PB_OK)
        return status;
    status = read_class_names(self, &file);
    mat_close(&file);
    return status;
}

static enum pb_status read_devkit_split(struct cars *self, const char *name, const char *images, enum pb_split split)
{
    struct annotation_set set = {.name_field = "fname", .split = split};
    struct mat_file file;
    enum pb_status status = need_file(self, name, &set.path);
    if (status != PB_OK)
        return status;
    set.folder = arena_path(&self->arena, self->root, images, "");
    if (set.folder == NULL)
        return PB_ERROR_MEMORY;
    status = mat_open(&self->arena, set.path, &file);
    if (status != PB_OK)
        return status;
    status = read_annotations(self, &set, &file);
    mat_close(&file);
    return status;
}

/* The devkit's own cars_test_annos.mat has no classes; the labelled file came later, from the authors' page. */
static enum pb_status need_labelled_test(struct cars *self)
{
    const struct pb_host *host = self->arena.host;
    const char *labelled = NULL, *unlabelled = NULL;
    enum pb_status status = find_file(self, "cars_test_annos_withlabels.mat", &labelled);
    if (status == PB_OK)
        status = find_file(self, "cars_test_annos.mat", &unlabelled);
    if (status == PB_OK && labelled == NULL && unlabelled != NULL)
        status = host->fail(host, PB_ERROR_INPUT,
                            "%s: has no class labels; put cars_test_annos_withlabels.mat beside it", unlabelled);
    return status;
}

static enum pb_status read_devkit(struct cars *self)
{
    enum pb_status status = read_meta(self);
    if (status == PB_OK)
        status = read_devkit_split(self, "cars_train_annos.mat", "cars_train", PB_SPLIT_TRAIN);
    if (status == PB_OK)
        status = need_labelled_test(self);
    if (status == PB_OK)
        status = read_devkit_split(self, "cars_test_annos_withlabels.mat", "cars_test", PB_SPLIT_TEST);
    return status;
}

/* Of two forms that are there, the one whose images are there. */
static enum pb_status choose_layout(struct cars *self, int32_t asked, int32_t *layout)
{
    const struct pb_host *host = self->arena.host;
    const char *annos = NULL, *train = NULL, *images = arena_path(&self->arena, self->root, "car_ims", "");
    enum pb_status status = images != NULL ? find_file(self, "cars_annos.mat", &annos) : PB_ERROR_MEMORY;
    if (status == PB_OK)
        status = find_file(self, "cars_train_annos.mat", &train);
    if (status != PB_OK)
        return status;
    if (asked != LAYOUT_AUTO)
        *layout = asked;
    else if (annos != NULL && (train == NULL || file_exists(images)))
        *layout = LAYOUT_ANNOS;
    else if (train != NULL)
        *layout = LAYOUT_DEVKIT;
    else
        return host->fail(host, PB_ERROR_INPUT,
                          "%s: neither cars_annos.mat nor cars_train_annos.mat (nor devkit/cars_train_annos.mat) is "
                          "here; give the folder that holds the annotations and images",
                          self->root);
    return PB_OK;
}

static enum pb_status read_all(struct cars *self, int32_t asked, struct pb_dataset_contents *contents)
{
    int32_t layout = LAYOUT_AUTO;
    const char *annos = NULL;
    enum pb_status status = choose_layout(self, asked, &layout);
    if (status == PB_OK && layout == LAYOUT_DEVKIT)
        status = read_devkit(self);
    else if (status == PB_OK)
        status = need_file(self, "cars_annos.mat", &annos);
    if (status == PB_OK && annos != NULL)
        status = read_annos(self, annos);
    return status == PB_OK ? contents_finish(&self->samples, &self->classes, self->root, contents) : status;
}

static void cars_close(void *opened)
{
    struct cars *self = opened;
    const struct pb_host *host = self->arena.host;
    arena_free(&self->arena);
    host->free(host, self);
}

static enum pb_status cars_open(const struct pb_host *host, const void *options, const char *root, void **opened,
                                struct pb_dataset_contents *contents)
{
    const struct cars_options *chosen = options;
    struct cars *self = host->alloc(host, sizeof *self);
    if (self == NULL)
        return PB_ERROR_MEMORY;
    self->arena.host = host;
    self->classes.arena = self->samples.arena = &self->arena;
    self->root = arena_text(&self->arena, root, strlen(root));
    const enum pb_status status = self->root != NULL ? read_all(self, chosen->layout, contents) : PB_ERROR_MEMORY;
    if (status != PB_OK) {
        cars_close(self);
        return status;
    }
    *opened = self;
    return PB_OK;
}

static const struct pb_dataset cars_dataset = {
    .size = sizeof(struct pb_dataset),
    .open = cars_open,
    .close = cars_close,
    .official_classes = 196,
    .official_train = 8144,
    .official_test = 8041,
};

static const struct pb_plugin cars_plugin = {
    PB_PLUGIN_HEADER(PB_KIND_DATASET),
    .name = "cars",
    .summary = "Stanford Cars: 196 models, 8144 training and 8041 test images",
    .version = "1.0.0",
    .reference = "J. Krause et al., 3D Object Representations for Fine-Grained Categorization, 2013, "
                 "doi:10.1109/ICCVW.2013.77",
    PB_OPTIONS(cars_option_table, struct cars_options),
    .dataset = &cars_dataset,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index == 0 ? &cars_plugin : NULL;
}
