/* What a matrix document is made of, in words: every element with what it means and the attributes that are not settings. */
#ifndef PB_MATRIX_ELEMENT_H
#define PB_MATRIX_ELEMENT_H

#include <stdbool.h>

struct pb_attribute_help {
    const char *name;
    const char *values; /* what it takes */
    const char *help; /* whole sentences */
    bool required;
};

/* One element of <matrix>, or <matrix> itself. Its settings are those of pb_settings that name it. */
struct pb_element_help {
    const char *name;
    const char *help; /* whole sentences */
    const char *content; /* what is between its tags; NULL: nothing */
    const struct pb_attribute_help *attributes; /* ends with a NULL name; NULL: none but settings */
};

extern const struct pb_element_help pb_element_helps[]; /* ends with a NULL name */

#endif
