/* Growing strings, checked number parsing, closest matches. */
#ifndef PB_BASE_TEXT_H
#define PB_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <prunebench/host.h>

/* A growing string; start it zeroed. After a failed append `failed` stays set and appends do nothing. */
struct pb_text {
    char *data; /* NUL-terminated once anything was appended; NULL before */
    size_t length, capacity;
    bool failed;
};
void pb_text_append(struct pb_text *text, const char *format, ...) PB_PRINTF(2, 3);
void pb_text_append_bytes(struct pb_text *text, const char *bytes, size_t length);
void pb_text_free(struct pb_text *text);
/* Appends a word as a shell reads it: quoted where it has to be. */
void pb_shell_word(struct pb_text *text, const char *word);

/* The whole of text as a number (leading and trailing blanks allowed); false when it is not one. */
bool pb_parse_int(const char *text, int64_t *value);
bool pb_parse_size(const char *text, size_t *value);
bool pb_parse_real(const char *text, double *value); /* finite, C locale */
bool pb_parse_bool(const char *text, bool *value);
/* Blank- or comma-separated reals; *values from pb_calloc, count ≥ 0. */
bool pb_parse_real_list(const char *text, double **values, size_t *count);

/* Shortest decimal that reads back as the same double ("0.1", not "0.10000000000000001"). */
void pb_format_real(double value, char buffer[32]);

/* The candidate closest to word (Damerau–Levenshtein ≤ 1/3 of its length + 1), NULL when none is close. */
const char *pb_closest(const char *word, const char *const *candidates, size_t count);

bool pb_starts_with(const char *text, const char *prefix);
bool pb_ends_with(const char *text, const char *suffix);
/* "bn-scale": lower-case letters and digits, single hyphens inside. */
bool pb_is_kebab_case(const char *name);

#endif
