/* A folder of a fuzz target's own, for readers that are given paths. */
#ifndef PB_FUZZ_FOLDER_H
#define PB_FUZZ_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/* In memory where the machine has such a place; made at the first call, removed with the process. */
const char *fuzz_folder(void);

/* FOLDER/name with these bytes, in place of what was there. The path lives until the next call. */
const char *fuzz_put(const char *name, const void *bytes, size_t length);

/* The same for a safetensors file. One that begins with '{' is a header alone: its length is put in front, and behind it as many
 * zeros as its data_offsets ask for, so that a change of the header's length leaves the file readable. A
 * seal is set right, which would else hide what is read behind it. */
const char *fuzz_put_safetensors(const char *name, const uint8_t *bytes, size_t length);

#endif
