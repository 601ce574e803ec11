/* Widths that a user gives a model's layers: a list in their order, or by name. */
#ifndef PB_GRAPH_MODEL_WIDTHS_H
#define PB_GRAPH_MODEL_WIDTHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

struct pb_model_width {
    char node[32]; /* "" in a list: the model's convolutions in order */
    uint32_t channels;
};
struct pb_model_widths {
    struct pb_model_width *list; /* from pb_calloc; NULL: none are given */
    uint32_t count;
};

enum { PB_WIDTHS_LIMIT = 1024, PB_WIDTH_LIMIT = 65536 };

/*
 * "64 128 256", every convolution in order, or "conv1_1=64 fc6=1000", the named layers; commas may replace the blanks. why: what
 * is wrong, for a message that names the text.
 */
PB_MUST_CHECK bool pb_widths_parse(const char *text, struct pb_model_widths *widths, char why[96]);
/* The same text again, with commas. */
void pb_widths_append(const struct pb_model_widths *widths, struct pb_text *text);
PB_MUST_CHECK enum pb_status pb_widths_copy(const struct pb_model_widths *from, struct pb_model_widths *to,
                                            struct pb_error *error);
bool pb_widths_equal(const struct pb_model_widths *a, const struct pb_model_widths *b);
bool pb_widths_are_named(const struct pb_model_widths *widths);
void pb_widths_free(struct pb_model_widths *widths);

#endif
