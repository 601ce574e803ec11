/* What has to be known about a JPEG file before stb_image may see it (ITU-T T.81, annex B). */
#include "data/jpeg.h"

#include <stdbool.h>
#include <string.h>

enum {
    MARKER_DHT = 0xc4, /* Huffman tables */
    MARKER_RST0 = 0xd0,
    MARKER_RST7 = 0xd7,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda, /* a scan: entropy-coded data follow */
    MARKER_APP14 = 0xee,
    /* stb_image marks symbols it has no short cut for by 255: a table's 256th symbol would be taken for that. */
    TABLE_SYMBOLS_MAX = 255,
};

struct walk {
    const uint8_t *bytes;
    size_t length, at;
    unsigned components; /* 0: no frame header found */
    bool adobe;
};

static bool is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != MARKER_DHT && marker != 0xc8 && marker != 0xcc;
}

/* Behind the next marker, whatever lies before it; 0 at the end of the file. */
static uint8_t next_marker(struct walk *walk)
{
    while (walk->at + 1 < walk->length) {
        const uint8_t marker = walk->bytes[walk->at + 1];
        if (walk->bytes[walk->at] != 0xff || marker == 0 || marker == 0xff) {
            walk->at++;
            continue;
        }
        walk->at += 2;
        return marker;
    }
    walk->at = walk->length;
    return 0;
}

/* Past a scan's data: to the first marker that is neither a stuffed byte nor a restart. */
static void skip_scan(struct walk *walk)
{
    for (; walk->at + 1 < walk->length; walk->at++) {
        const uint8_t next = walk->bytes[walk->at + 1];
        if (walk->bytes[walk->at] == 0xff && next != 0 && next != 0xff && (next < MARKER_RST0 || next > MARKER_RST7))
            return;
    }
}

static enum pb_status check_tables(const uint8_t *segment, size_t size, struct pb_error *error)
{
    size_t at = 0;
    while (at < size) {
        unsigned symbols = 0;
        if (size - at < 17)
            return pb_fail(error, PB_ERROR_INPUT, "the image's Huffman tables are cut short; get it again");
        for (size_t i = 1; i <= 16; i++)
            symbols += segment[at + i];
        if (symbols > TABLE_SYMBOLS_MAX || symbols > size - at - 17)
            return pb_fail(error, PB_ERROR_INPUT, "the image is damaged (a Huffman table of %u symbols); get it again",
                           symbols);
        at += 17 + symbols;
    }
    return PB_OK;
}

static enum pb_status take_segment(struct walk *walk, uint8_t marker, const uint8_t *segment, size_t size,
                                   struct pb_error *error)
{
    if (marker == MARKER_DHT)
        return check_tables(segment, size, error);
    if (is_frame(marker) && size >= 6)
        walk->components = segment[5];
    if (marker == MARKER_APP14 && size >= 5 && memcmp(segment, "Adobe", 5) == 0)
        walk->adobe = true;
    return PB_OK;
}

enum pb_status pb_jpeg_check(const uint8_t *bytes, size_t length, struct pb_error *error)
{
    struct walk walk = {.bytes = bytes, .length = length, .at = 2};
    uint8_t marker;
    while ((marker = next_marker(&walk)) != 0 && marker != MARKER_EOI) {
        if (walk.at + 2 > length)
            break;
        const size_t size = (size_t)bytes[walk.at] << 8 | bytes[walk.at + 1];
        if (marker == MARKER_DHT && size > length - walk.at)
            return pb_fail(error, PB_ERROR_INPUT, "the image's Huffman tables are cut short; get it again");
        if (size < 2 || size > length - walk.at)
            break; /* stb_image says so itself */
        const enum pb_status status = take_segment(&walk, marker, bytes + walk.at + 2, size - 2, error);
        if (status != PB_OK)
            return status;
        walk.at += size;
        if (marker == MARKER_SOS)
            skip_scan(&walk);
    }
    if (walk.components == 4 && !walk.adobe)
        return pb_fail(error, PB_ERROR_INPUT,
                       "a JPEG of four colours without Adobe's marker, which says what they are; convert it to RGB");
    return PB_OK;
}
