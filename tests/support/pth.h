/* Archives in the form of torch.save, with any content. */
#ifndef PB_TEST_PTH_H
#define PB_TEST_PTH_H

#include <stdbool.h>
#include <stddef.h>

struct pth_entry {
    const char *name;
    const void *bytes;
    size_t length;
    bool compressed;
};

/* Writes these entries in place of what was at path; aborts where that fails. */
void pth_write(const char *path, const struct pth_entry *entries, size_t count);

#endif
