#include "cli/model_argument.h"

#include "base/memory.h"
#include "base/text.h"
#include "graph/models.h"

static enum pb_status parse_widths(const char *text, uint32_t **widths, uint32_t *count, struct pb_error *error)
{
    double *values = NULL;
    size_t values_count = 0;
    uint32_t *parsed = NULL;
    if (!pb_parse_real_list(text, &values, &values_count) || !values_count || values_count > UINT32_MAX) {
        pb_free(values);
        return pb_fail(error, PB_ERROR_INPUT, "--widths: '%.80s' is no list of numbers such as 64,128,256", text);
    }
    enum pb_status status = PB_OK;
    parsed = pb_calloc(values_count, sizeof(*parsed));
    if (!parsed)
        status = pb_fail_memory(error, values_count * sizeof(*parsed));
    for (size_t i = 0; i < values_count && status == PB_OK; i++) {
        if (values[i] >= 1 && values[i] <= UINT32_MAX && values[i] == (double)(uint32_t)values[i])
            parsed[i] = (uint32_t)values[i];
        else
            status = pb_fail(error, PB_ERROR_INPUT, "--widths: number %zu, %g, is not a whole number of channels",
                             i + 1, values[i]);
    }
    pb_free(values);
    if (status != PB_OK) {
        pb_free(parsed);
        return status;
    }
    *widths = parsed;
    *count = (uint32_t)values_count;
    return PB_OK;
}

enum pb_status pb_argument_model(const struct pb_arguments *arguments, const char *command, size_t default_classes,
                                 struct pb_graph **graph, struct pb_error *error)
{
    struct pb_model_spec spec = {.name = pb_argument(arguments, "model"), .width_multiplier = 1};
    const char *list = pb_argument(arguments, "widths");
    size_t classes = default_classes, image_size = 224;
    uint32_t *widths = NULL;
    if (!spec.name || (!classes && !pb_argument(arguments, "classes")))
        return pb_fail(error, PB_ERROR_INPUT, "%s needs --model%s; see 'prunebench %s --help'", command,
                       classes ? "" : " and --classes", command);
    if (list && pb_argument(arguments, "width-multiplier"))
        return pb_fail(error, PB_ERROR_INPUT, "--widths and --width-multiplier exclude each other");
    enum pb_status status = pb_argument_size(arguments, "classes", 1, UINT32_MAX, &classes, error);
    if (status == PB_OK)
        status = pb_argument_size(arguments, "image-size", 1, 1u << 20, &image_size, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "width-multiplier", 1e-6, 1e3, &spec.width_multiplier, error);
    if (status == PB_OK && list)
        status = parse_widths(list, &widths, &spec.width_count, error);
    if (status != PB_OK)
        return status;
    spec.classes = (uint32_t)classes;
    spec.image_size = (uint32_t)image_size;
    spec.widths = widths;
    spec.batch_norm = !pb_argument(arguments, "no-batch-norm");
    status = pb_model_build(&spec, graph, error);
    pb_free(widths);
    return status;
}
