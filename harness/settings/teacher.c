/* The checkpoint that a cell's retraining learns from. */
#include "settings/teacher.h"

#include "base/file.h"
#include "graph/checkpoint.h"

#define IMAGE_CHANNELS 3u /* of every image that is decoded */

enum pb_status pb_teacher_load(const char *path, struct pb_network **teacher, struct pb_error *error)
{
    struct pb_error fault = {0};
    if (!pb_file_exists(path))
        return pb_fail(error, PB_ERROR_INPUT,
                       "teacher: there is no file '%s'; put the checkpoint there or change teacher=", path);
    const enum pb_status status = pb_checkpoint_load(path, teacher, NULL, &fault);
    if (status == PB_ERROR_INPUT)
        return pb_fail(error, status,
                       "teacher: %s; name a whole checkpoint of prunebench, such as the network.safetensors of a stage",
                       fault.text);
    if (status != PB_OK) {
        *error = fault;
        return status;
    }
    pb_network_drop_velocity(*teacher);
    return PB_OK;
}

enum pb_status pb_teacher_suits(const struct pb_cell_config *config, const struct pb_graph *teacher, uint32_t classes,
                                struct pb_error *error)
{
    const struct pb_shape image = teacher->nodes[0].shape;
    const uint32_t size = config->model.image_size;
    if (image.height != size || image.width != size)
        return pb_fail(error, PB_ERROR_INPUT,
                       "teacher '%s' takes images of %u×%u pixels, and the cell's have %u×%u; name a teacher that was "
                       "trained on such images, or give <model> the teacher's image-size",
                       config->teacher, image.height, image.width, size, size);
    if (image.channels != IMAGE_CHANNELS)
        return pb_fail(error, PB_ERROR_INPUT,
                       "teacher '%s' takes images of %u channels, and the cell's have %u; name a teacher that was "
                       "trained on such images",
                       config->teacher, image.channels, IMAGE_CHANNELS);
    if (classes && teacher->classes != classes)
        return pb_fail(error, PB_ERROR_INPUT,
                       "teacher '%s' has %u classes, and data set '%s' has %u; name a teacher that was trained on the "
                       "data set's classes",
                       config->teacher, teacher->classes, config->dataset.label, classes);
    return PB_OK;
}
