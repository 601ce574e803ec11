/* Refusing what is not finite before a criterion sees it. */
#include "prune/finite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* By their exponents, so that the compiler needs no branch: all of a network's values pass here. */
static bool all_finite(const float *values, size_t count)
{
    const uint32_t exponent = 0x7f800000;
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= exponent;
        largest = bits > largest ? bits : largest;
    }
    return largest < exponent;
}

enum pb_status pb_check_finite(const char *layer, const char *what, struct pb_shown_values shown,
                               struct pb_error *error)
{
    const bool finite = all_finite(shown.values, shown.count);
    for (size_t i = 0; i < shown.count && !finite; i++)
        if (!isfinite(shown.values[i]))
            return pb_fail(
                error, PB_ERROR_RUN,
                "layer '%s', channel %zu: a value of %s is %g; the network has diverged, so train it with a lower "
                "learning rate",
                layer, i / shown.run % shown.channels, what, (double)shown.values[i]);
    return PB_OK;
}

enum pb_status pb_check_finite_parameters(const struct pb_graph *graph, const float *values, const char *what,
                                          struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t p = 0; p < graph->parameter_count && status == PB_OK; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        char text[96];
        snprintf(text, sizeof text, "%sits %s", what, pb_role_words(parameter->role));
        status = pb_check_finite(graph->nodes[parameter->node].name, text,
                                 (struct pb_shown_values){.values = values + parameter->offset,
                                                          .count = parameter->count,
                                                          .run = parameter->count / parameter->dims[0],
                                                          .channels = parameter->dims[0]},
                                 error);
    }
    return status;
}
