/* Bytes in one place, for what is made of several such. */
#ifndef PB_BASE_BYTES_H
#define PB_BASE_BYTES_H

#include <stddef.h>

struct pb_bytes {
    const void *data;
    size_t length;
};

#endif
