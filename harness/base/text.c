/* Growing strings, and the closest match among names. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Room for extra more bytes and a NUL. */
static bool reserve(struct pb_text *text, size_t extra)
{
    size_t needed;
    if (text->failed || !pb_add(text->length, extra, &needed) || !pb_add(needed, 1, &needed)) {
        text->failed = true;
        return false;
    }
    if (needed <= text->capacity)
        return true;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed) {
        if (!pb_multiply(capacity, 2, &capacity))
            capacity = needed;
    }
    char *data = pb_resize_string(text->data, capacity - 1);
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void pb_text_append(struct pb_text *text, const char *format, ...)
{
    va_list arguments, again;
    if (text->failed)
        return;
    va_start(arguments, format);
    va_copy(again, arguments);
    const size_t room = text->capacity - text->length;
    const int length = vsnprintf(room ? text->data + text->length : NULL, room, format, arguments);
    if (length >= 0 && (size_t)length < room)
        text->length += (size_t)length;
    else {
        if (room)
            text->data[text->length] = '\0';
        if (length < 0)
            text->failed = true;
        else if (reserve(text, (size_t)length)) {
            (void)vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
            text->length += (size_t)length;
        }
    }
    va_end(again);
    va_end(arguments);
}

void pb_text_append_bytes(struct pb_text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void pb_text_free(struct pb_text *text)
{
    pb_free(text->data);
    memset(text, 0, sizeof *text);
}

void pb_shell_word(struct pb_text *text, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:=,@%+-";
    if (word[0] && strspn(word, plain) == strlen(word)) {
        pb_text_append(text, "%s", word);
        return;
    }
    pb_text_append(text, "'");
    for (; *word; word++)
        if (*word == '\'')
            pb_text_append(text, "'\\''");
        else
            pb_text_append(text, "%c", *word);
    pb_text_append(text, "'");
}

bool pb_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool pb_ends_with(const char *text, const char *suffix)
{
    const size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. rows: 3·(strlen(b) + 1). */
static size_t edit_distance(const char *a, const char *b, size_t *rows)
{
    const size_t rows_length = strlen(b) + 1;
    size_t *before = rows, *above = rows + rows_length, *row = rows + 2 * rows_length;
    for (size_t j = 0; j < rows_length; j++)
        above[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        row[0] = i;
        for (size_t j = 1; j < rows_length; j++) {
            const size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = above;
        above = row;
        row = free_row;
    }
    return above[rows_length - 1];
}

const char *pb_closest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2, longest = 0;
    for (size_t i = 0; i < count; i++) {
        if (strlen(candidates[i]) > longest)
            longest = strlen(candidates[i]);
    }
    size_t *rows = pb_calloc(longest + 1, 3 * sizeof *rows);
    if (rows == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const size_t distance = edit_distance(word, candidates[i], rows);
        if (distance < best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    pb_free(rows);
    return best;
}

bool pb_is_kebab_case(const char *name)
{
    bool letter_before = false;
    for (; *name != '\0'; name++) {
        const bool letter = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9');
        if (!letter && (*name != '-' || !letter_before))
            return false;
        letter_before = letter;
    }
    return letter_before;
}
