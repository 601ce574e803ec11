/* What has to be known about a JPEG file before stb_image may see it. */
#ifndef PB_DATA_JPEG_H
#define PB_DATA_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Refuses what stb_image 2.27 would decode wrongly or beyond its own arrays: Huffman tables of more than 255 symbols or that end behind
 * the file, and four colours without Adobe's marker. Walks over segments and scans as stb_image does.
 */
PB_MUST_CHECK enum pb_status pb_jpeg_check(const uint8_t *bytes, size_t length, struct pb_error *error);

#endif
