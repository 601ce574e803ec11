/* Checked, aligned allocation; counts, so that tests can make any of them fail. */
#ifndef PB_BASE_MEMORY_H
#define PB_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define PB_ALIGNMENT 64

/* count × size bytes, zeroed, aligned to 64; NULL on overflow or exhaustion. Give back with pb_free. */
void *pb_calloc(size_t count, size_t size);
/* Grows or shrinks a block of pb_calloc (NULL allowed) to count × size bytes; new bytes are zero; NULL leaves it. */
void *pb_realloc(void *memory, size_t old_count, size_t count, size_t size);
void pb_free(void *memory);

/* Copy of a string or its first length bytes; NULL when memory is out. */
char *pb_strdup(const char *text);
char *pb_strndup(const char *text, size_t length);
/* Room for so many characters and the end in a string that has begun so, NULL allowed; what is new is not written. NULL leaves it. */
char *pb_resize_string(char *text, size_t length);
/* printf into a new string; NULL when memory is out. */
char *pb_format(const char *format, ...) PB_PRINTF(1, 2);

/* a × b and a + b; false on overflow. */
bool pb_multiply(size_t a, size_t b, size_t *product);
bool pb_add(size_t a, size_t b, size_t *sum);

/* Test hook: the n-th allocation from now fails (0: the next); a negative n turns it off. */
void pb_memory_fail_after(long n);

#endif
