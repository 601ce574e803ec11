/* Image files for tests. */
#ifndef PB_TEST_IMAGES_H
#define PB_TEST_IMAGES_H

#include <stddef.h>
#include <stdint.h>

/* "FOLDER/name" with the folders in between made; from pb_calloc. */
char *images_path(const char *folder, const char *name);
/* Bytes as the file FOLDER/name. */
void images_put(const char *folder, const char *name, const void *bytes, size_t length);
/* A text file; lines end as the text says. */
void images_put_text(const char *folder, const char *name, const char *text);

/* width×height pixels, from pb_calloc: a pattern that varies in both directions, another for every seed. */
uint8_t *images_pattern(uint32_t width, uint32_t height, uint32_t seed);
void images_put_jpeg(const char *folder, const char *name, uint32_t width, uint32_t height, const uint8_t *pixels);
void images_put_png(const char *folder, const char *name, uint32_t width, uint32_t height, const uint8_t *pixels);
/* A JPEG or PNG, by its suffix, of images_pattern. */
void images_put_pattern(const char *folder, const char *name, uint32_t width, uint32_t height, uint32_t seed);

#endif
