#include "cli/model_argument.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "graph/models.h"
#include "onnx/onnx_model.h"

static enum pb_status read_head(const struct pb_arguments *arguments, struct pb_head_spec *head, struct pb_error *error)
{
    const char *name = pb_argument(arguments, "head");
    size_t dimension = 0, reduction = 0, rank = 0, choice = 0;
    while (name && pb_head_names[choice] && strcmp(pb_head_names[choice], name) != 0)
        choice++;
    if (!pb_head_names[choice])
        return pb_fail(error, PB_ERROR_INPUT, "--head: there is no head '%s'; 'prunebench help catalogue' lists them",
                       name);
    enum pb_status status = pb_argument_size(arguments, "head-dimension", 1, 1u << 20, &dimension, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "head-reduction", 1, 1u << 16, &reduction, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "head-rank", 1, 1u << 16, &rank, error);
    if (status == PB_OK)
        *head = (struct pb_head_spec){(enum pb_head_choice)choice, (uint32_t)dimension, (uint32_t)reduction,
                                      (uint32_t)rank};
    return status;
}

enum pb_status pb_argument_model(const struct pb_arguments *arguments, const char *command, size_t default_classes,
                                 struct pb_graph **graph, struct pb_error *error)
{
    struct pb_model_spec spec = {.name = pb_argument(arguments, "model"), .width_multiplier = 1};
    const char *list = pb_argument(arguments, "widths");
    const bool is_file = spec.name && pb_ends_with(spec.name, "." PB_MODEL_OF_FILE);
    size_t classes = is_file ? 0 : default_classes, image_size = is_file ? 0 : 224; /* of a file: as it says */
    char why[96];
    if (!spec.name || (!classes && !is_file && !pb_argument(arguments, "classes")))
        return pb_fail(error, PB_ERROR_INPUT, "%s needs --model%s; see 'prunebench %s --help'", command,
                       classes ? "" : " and --classes", command);
    enum pb_status status = pb_argument_size(arguments, "classes", 1, UINT32_MAX, &classes, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "image-size", 1, 1u << 20, &image_size, error);
    if (status == PB_OK)
        status = read_head(arguments, &spec.head, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "width-multiplier", 1e-6, 1e3, &spec.width_multiplier, error);
    if (status == PB_OK && list && !pb_widths_parse(list, &spec.widths, why))
        status =
            pb_fail(error, PB_ERROR_INPUT, "--widths: %s; give a list such as 64,128,256 or conv1_1=64,fc=100", why);
    if (status != PB_OK)
        return status;
    if (spec.widths.count && !pb_widths_are_named(&spec.widths) && pb_argument(arguments, "width-multiplier")) {
        pb_widths_free(&spec.widths);
        return pb_fail(error, PB_ERROR_INPUT,
                       "a list of --widths and --width-multiplier exclude each other; widths by name do not");
    }
    if (is_file) {
        spec.file = spec.name;
        spec.name = PB_MODEL_OF_FILE;
    }
    spec.classes = (uint32_t)classes;
    spec.image_size = (uint32_t)image_size;
    spec.batch_norm = !pb_argument(arguments, "no-batch-norm");
    status = pb_model_open(&spec, graph, error);
    pb_widths_free(&spec.widths);
    return status;
}
