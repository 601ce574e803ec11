/* What a matrix document is made of, as one table: every element with its attributes and what it may hold. Reading, checking, the
 * schema and the manual follow it. */
#ifndef PB_MATRIX_ELEMENT_H
#define PB_MATRIX_ELEMENT_H

#include <stdbool.h>
#include <stdint.h>

/* What the value of an attribute may be. */
enum pb_attribute_form {
    PB_FORM_ANY, /* any text, also none */
    PB_FORM_TEXT, /* any text but none */
    PB_FORM_NAME, /* of a plugin or a model */
    PB_FORM_LABEL, /* what cell ids can hold */
    PB_FORM_SEED, /* a whole number from 0 up */
    PB_FORM_REAL, /* above or from min, up to max */
    PB_FORM_CHOICE, /* one of choices */
};

/* An attribute that is no setting. */
struct pb_matrix_attribute {
    const char *name;
    enum pb_attribute_form form;
    bool required;
    const char *values; /* what it takes, in words */
    const char *help; /* whole sentences */
    const char *missing; /* what the message about its absence adds: "it says …"; NULL: nothing */
    double min, max; /* of a REAL, inclusive */
    bool above; /* min itself is too small */
    const char *const *choices; /* NULL-terminated */
};

/* What an element is for; it decides who reads it. */
enum pb_element_kind {
    PB_ELEMENT_MATRIX,
    PB_ELEMENT_ENTRY, /* of an axis, or a penalty: a plugin or a model, its options and settings */
    PB_ELEMENT_VALUES, /* settings alone */
    PB_ELEMENT_SEEDS,
    PB_ELEMENT_TARGETS,
    PB_ELEMENT_VARIANT,
    PB_ELEMENT_OVERRIDE,
    PB_ELEMENT_EXCLUDE,
    PB_ELEMENT_COMPARE,
    PB_ELEMENT_PRETRAINING,
    PB_ELEMENT_REPORT,
    PB_ELEMENT_OPTION,
    PB_ELEMENT_KINDS
};

/* One element. Its settings are those of pb_settings that name it. */
struct pb_element {
    const char *name;
    enum pb_element_kind kind;
    bool once; /* the matrix has at most one */
    bool words; /* it holds text */
    const char *help; /* whole sentences */
    const char *content; /* what is between its tags, in words; NULL: nothing */
    const char *const *children; /* the elements that it may hold, NULL-terminated; NULL: none (a matrix: all) */
    const struct pb_matrix_attribute *attributes; /* ends with a NULL name; NULL: none but settings */
    const struct pb_matrix_attribute *changed; /* those that it has in a variant or an override instead */
};

/* <matrix>, then at most PB_ELEMENTS_MAX elements that it may hold; ends with a NULL name. */
#define PB_ELEMENTS_MAX 31
extern const struct pb_element pb_elements[];
/* <option>, which is in other elements alone. */
extern const struct pb_element pb_option_element;

/* The element of <matrix> called name; NULL when there is none. */
const struct pb_element *pb_element_find(const char *name);

#endif
