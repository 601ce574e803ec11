/* The layouts of Stanford Cars: one cars_annos.mat, or the devkit's files. MATLAB 5, compressed. */
#include <stdio.h>
#include <string.h>

#include <matio.h>

#include "base/file.h"
#include "base/memory.h"
#include "synth/set.h"

static bool is_train(const struct synth_sample *sample)
{
    return sample->split != SYNTH_TEST;
}

/* One numbering for all images, or, in the devkit, one for each split. */
static void number_cars(struct synth_set *set)
{
    uint32_t next[2] = {1, 1};
    for (uint32_t i = 0; i < set->count; i++)
        set->samples[i].id = next[set->options->cars_devkit && is_train(&set->samples[i])]++;
}

static void car_file(const struct synth_set *set, const struct synth_sample *sample, char *path)
{
    if (set->options->cars_devkit)
        snprintf(path, SYNTH_FILE, "%s/%05u.jpg", is_train(sample) ? "cars_train" : "cars_test", sample->id);
    else
        snprintf(path, SYNTH_FILE, "car_ims/%06u.jpg", sample->id);
}

static matvar_t *number_variable(double value)
{
    size_t dims[2] = {1, 1};
    return Mat_VarCreate(NULL, MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, &value, 0);
}

/* As UTF-8: matio 1.5.23 writes compressed MAT_T_UINT8 text that reads back empty. */
static matvar_t *text_variable(const char *text)
{
    char copy[SYNTH_FILE];
    size_t dims[2] = {1, strlen(text)};
    snprintf(copy, sizeof copy, "%s", text);
    return Mat_VarCreate(NULL, MAT_C_CHAR, MAT_T_UTF8, 2, dims, copy, 0);
}

/* The box, 1-based and inclusive, and the class of one sample. */
static void box_values(const struct synth_sample *sample, double values[4])
{
    values[0] = sample->box[0] + 1;
    values[1] = sample->box[1] + 1;
    values[2] = sample->box[0] + sample->box[2];
    values[3] = sample->box[1] + sample->box[3];
}

/* Fills one element of annotations; false when memory is out. */
static bool annotate_sample(const struct synth_set *set, const struct synth_sample *sample, matvar_t *annotations,
                            size_t index)
{
    static const char *const corners[4] = {"bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"};
    char path[SYNTH_FILE];
    double box[4];
    bool complete = true;
    car_file(set, sample, path);
    box_values(sample, box);
    struct {
        const char *name;
        matvar_t *value;
    } fields[7];
    size_t count = 0;
    for (; count < 4; count++) {
        fields[count].name = corners[count];
        fields[count].value = number_variable(box[count]);
    }
    fields[count].name = "class";
    fields[count++].value = number_variable(sample->class + 1);
    if (set->options->cars_devkit) {
        fields[count].name = "fname";
        fields[count++].value = text_variable(pb_path_name(path));
    } else {
        fields[count].name = "relative_im_path";
        fields[count++].value = text_variable(path);
        fields[count].name = "test";
        fields[count++].value = number_variable(!is_train(sample));
    }
    for (size_t i = 0; i < count; i++) {
        complete = complete && fields[i].value;
        Mat_VarSetStructFieldByName(annotations, fields[i].name, index, fields[i].value);
    }
    return complete;
}

/* All samples (devkit: those of one split) as the struct array that MATLAB users know; NULL when memory is out. */
static matvar_t *build_annotations(const struct synth_set *set, bool train)
{
    static const char *const whole[] = {"relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2",
                                        "bbox_y2",          "class",   "test",    NULL};
    static const char *const devkit[] = {"bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname", NULL};
    const bool all = !set->options->cars_devkit;
    size_t dims[2] = {1, 0};
    for (uint32_t i = 0; i < set->count; i++)
        dims[1] += all || is_train(&set->samples[i]) == train;
    matvar_t *annotations = Mat_VarCreateStruct2("annotations", 2, dims, all ? whole : devkit);
    bool complete = annotations != NULL;
    size_t index = 0;
    for (uint32_t i = 0; i < set->count && complete; i++)
        if (all || is_train(&set->samples[i]) == train)
            complete = annotate_sample(set, &set->samples[i], annotations, index++);
    if (!complete) {
        Mat_VarFree(annotations);
        return NULL;
    }
    return annotations;
}

static matvar_t *build_class_names(const struct synth_set *set)
{
    size_t dims[2] = {1, set->options->classes};
    matvar_t *names = Mat_VarCreate("class_names", MAT_C_CELL, MAT_T_CELL, 2, dims, NULL, 0);
    char name[SYNTH_NAME];
    bool complete = names != NULL;
    for (uint32_t c = 0; c < set->options->classes && complete; c++) {
        synth_car_name(c, &set->classes[c], name);
        matvar_t *text = text_variable(name);
        Mat_VarSetCell(names, (int)c, text);
        complete = text != NULL;
    }
    if (!complete) {
        Mat_VarFree(names);
        return NULL;
    }
    return names;
}

/* Writes the variables (NULL: not built: memory ran out) and frees them. */
static enum pb_status write_mat(const struct synth_set *set, const char *name, matvar_t **variables, size_t count,
                                struct pb_error *error)
{
    enum pb_status status = PB_OK;
    char *path = pb_path_join(set->root, name);
    mat_t *file = path ? Mat_CreateVer(path, NULL, MAT_FT_MAT5) : NULL;
    if (!path)
        status = pb_fail_memory(error, strlen(set->root));
    else if (!file)
        status = pb_fail(error, PB_ERROR_RUN, "matio cannot create '%s'; check the folder and the free space", path);
    for (size_t i = 0; i < count; i++) {
        if (status == PB_OK && !variables[i])
            status = pb_fail(error, PB_ERROR_MEMORY, "no memory left for the annotations in '%s'", path);
        if (status == PB_OK && Mat_VarWrite(file, variables[i], MAT_COMPRESSION_ZLIB) != 0)
            status = pb_fail(error, PB_ERROR_RUN, "matio cannot write '%s'; check the free space", path);
        Mat_VarFree(variables[i]);
    }
    if (file && Mat_Close(file) != 0 && status == PB_OK)
        status = pb_fail(error, PB_ERROR_RUN, "matio cannot close '%s'; check the free space", path);
    pb_free(path);
    return status;
}

static enum pb_status annotate_cars(const struct synth_set *set, struct pb_error *error)
{
    if (!set->options->cars_devkit) {
        matvar_t *all[2] = {build_annotations(set, true), build_class_names(set)};
        return write_mat(set, "cars_annos.mat", all, 2, error);
    }
    enum pb_status status;
    char *devkit = pb_path_join(set->root, "devkit");
    if (!devkit)
        return pb_fail_memory(error, strlen(set->root));
    status = pb_make_dirs(devkit, error);
    pb_free(devkit);
    if (status != PB_OK)
        return status;
    matvar_t *train = build_annotations(set, true), *test = build_annotations(set, false);
    matvar_t *meta = build_class_names(set);
    status = write_mat(set, "devkit/cars_train_annos.mat", &train, 1, error);
    struct pb_error ignored;
    const enum pb_status test_status =
        write_mat(set, "cars_test_annos_withlabels.mat", &test, 1, status == PB_OK ? error : &ignored);
    status = status == PB_OK ? test_status : status;
    const enum pb_status meta_status =
        write_mat(set, "devkit/cars_meta.mat", &meta, 1, status == PB_OK ? error : &ignored);
    return status == PB_OK ? meta_status : status;
}

const struct synth_layout synth_layout_cars = {
    .folder = "cars",
    .number = number_cars,
    .file = car_file,
    .annotate = annotate_cars,
};
