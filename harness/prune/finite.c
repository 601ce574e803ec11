/* Refusing what is not finite before a criterion sees it. */
#include "prune/finite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 65536 }; /* values that a thread takes at once */
static const uint32_t EXPONENT =
    0x7f800000; /* the bits of a float's exponent; all of them are set in what is not finite */

/* No branch for each value: all of a network's values pass here. */
static uint32_t largest_exponent(const float *values, size_t count)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= EXPONENT;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

static bool all_finite(const struct pb_shown_values *shown)
{
    const size_t chunks = shown->count / CHUNK + (shown->count % CHUNK != 0);
    uint32_t largest = 0;
#pragma omp parallel for reduction(max : largest) num_threads(shown->threads) if (shown->threads > 1 && chunks > 1)
    for (size_t i = 0; i < chunks; i++) {
        const size_t begin = i * CHUNK, left = shown->count - begin;
        const uint32_t found = largest_exponent(shown->values + begin, left < CHUNK ? left : CHUNK);
        largest = found > largest ? found : largest;
    }
    return largest < EXPONENT;
}

enum pb_status pb_check_finite(const char *layer, const char *what, struct pb_shown_values shown,
                               struct pb_error *error)
{
    const bool finite = all_finite(&shown);
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
