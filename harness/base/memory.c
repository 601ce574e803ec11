/* Checked, aligned allocation. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The size of a large page on x86-64, and the least allocation that asks for such pages. */
#define LARGE_PAGE ((size_t)2 << 20)
#define LARGE_PAGES_FROM (4 * LARGE_PAGE)

/* Allocations until one fails; negative: none will. */
static atomic_long until_failure = -1;

void pb_memory_fail_after(long n)
{
    atomic_store(&until_failure, n < 0 ? -1 : n);
}

static bool must_fail(void)
{
    if (atomic_load(&until_failure) < 0)
        return false;
    return atomic_fetch_sub(&until_failure, 1) == 0;
}

bool pb_multiply(size_t a, size_t b, size_t *product)
{
    size_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *product = result;
    return true;
}

bool pb_add(size_t a, size_t b, size_t *sum)
{
    size_t result;
    if (__builtin_add_overflow(a, b, &result))
        return false;
    *sum = result;
    return true;
}

/*
 * Not zeroed. A large block asks for pages of 2 MiB, which the kernel hands out in far less time than 512 small ones; it may
 * refuse. Only whole pages are asked for, so that no memory is taken beyond the block's own.
 */
static void *allocate(size_t count, size_t size, size_t *bytes)
{
    void *memory = NULL;
    if (!pb_multiply(count, size, bytes) || *bytes > PTRDIFF_MAX || must_fail())
        return NULL;
    const bool large = *bytes >= LARGE_PAGES_FROM;
    if (posix_memalign(&memory, large ? LARGE_PAGE : PB_ALIGNMENT, *bytes > 0 ? *bytes : 1) != 0)
        return NULL;
    if (large)
        (void)madvise(memory, *bytes - *bytes % LARGE_PAGE, MADV_HUGEPAGE);
    return memory;
}

void *pb_calloc(size_t count, size_t size)
{
    size_t bytes;
    void *memory = allocate(count, size, &bytes);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

void *pb_realloc(void *memory, size_t old_count, size_t count, size_t size)
{
    size_t bytes;
    unsigned char *grown = allocate(count, size, &bytes);
    if (grown == NULL)
        return NULL;
    const size_t kept = memory == NULL ? 0 : (old_count < count ? old_count : count) * size;
    if (kept > 0)
        memcpy(grown, memory, kept);
    memset(grown + kept, 0, bytes - kept);
    pb_free(memory);
    return grown;
}

void pb_free(void *memory)
{
    free(memory);
}

/* Room for so many characters and the end, which is written. A string needs no alignment, which would cost as much again. */
static char *new_string(size_t length)
{
    char *text = must_fail() ? NULL : malloc(length + 1);
    if (text != NULL)
        text[length] = '\0';
    return text;
}

char *pb_resize_string(char *text, size_t length)
{
    size_t bytes;
    return pb_add(length, 1, &bytes) && bytes <= PTRDIFF_MAX && !must_fail() ? realloc(text, bytes) : NULL;
}

char *pb_strdup(const char *text)
{
    return pb_strndup(text, strlen(text));
}

char *pb_strndup(const char *text, size_t length)
{
    const size_t copied = strnlen(text, length);
    char *copy = new_string(copied);
    if (copy != NULL)
        memcpy(copy, text, copied);
    return copy;
}

char *pb_format(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : new_string((size_t)length);
    if (text != NULL)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}
