/* Annotation files: lines of blank-separated fields, and messages that name file and line. */
#ifndef PB_DATASETS_ANNOTATIONS_H
#define PB_DATASETS_ANNOTATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

/* A text file in memory. path and the lines are the arena's. */
struct annotations {
    struct arena *arena;
    const char *path;
    char *next, *end;
    uint32_t line; /* 1-based, of the line that annotations_next returned last */
};

/* Reads folder/name. A file that is missing, empty, or not text is PB_ERROR_INPUT. */
enum pb_status annotations_open(struct arena *arena, const char *folder, const char *name, struct annotations *file);

/* The next line that is not blank, without its end (Windows' too) and blanks around it; NULL behind the last. */
char *annotations_next(struct annotations *file);

/* PB_ERROR_INPUT with "path:line: " in front. */
enum pb_status annotations_fail(const struct annotations *file, const char *format, ...) PB_PRINTF(2, 3);

/* Cuts the field at the head of *rest off (split once at blanks); NULL when nothing is left. *rest is "" behind the last. */
char *field_next(char **rest);

/* Whole fields as numbers; false for anything else. */
bool field_count(const char *field, uint32_t *value);
bool field_real(const char *field, float *value);

/* The next field of *rest as a number, or a message that says what was expected there. */
enum pb_status field_need_count(const struct annotations *file, char **rest, const char *what, uint32_t *value);
enum pb_status field_need_real(const struct annotations *file, char **rest, const char *what, float *value);
/* Nothing may follow. */
enum pb_status field_need_end(const struct annotations *file, const char *rest);

bool file_exists(const char *path);

#endif
