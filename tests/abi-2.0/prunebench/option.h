/* Options as data: one table parses, checks, documents and records a plugin's settings. */
#ifndef PRUNEBENCH_OPTION_H
#define PRUNEBENCH_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The C type that each option type stores at its offset. */
enum pb_option_type {
    PB_OPTION_INT, /* int64_t */
    PB_OPTION_REAL, /* double, finite */
    PB_OPTION_BOOL, /* bool: true/false, yes/no, on/off, 1/0 */
    PB_OPTION_ENUM, /* int32_t, index into choices */
    PB_OPTION_STRING, /* const char *, owned by the host, never NULL (may be empty) */
    PB_OPTION_LIST, /* struct pb_real_list, values owned by the host */
};

/* Part of a plugin's options struct, and so never grows. */
struct pb_real_list {
    const double *values;
    size_t count;
};

/* One option. Tables are constant data with static storage. */
struct pb_option {
    const char *name; /* required; kebab-case */
    const char *help; /* required; one sentence, no full stop */
    enum pb_option_type type;
    const char *unit; /* optional: "epochs", "%" */
    const char *default_text; /* parsed like user input; NULL: the user must give the option */
    double min, max; /* INT, REAL and each value of LIST: inclusive range; both 0: unbounded */
    const char *const *choices; /* ENUM: NULL-terminated names */
    size_t offset; /* offsetof(struct the_options, member) */
};

#ifdef __cplusplus
}
#endif
#endif
