/* Writing on pixels with a built-in 5×7 font, so that no image depends on the fonts of a machine. */
#ifndef PB_SYNTH_FONT_H
#define PB_SYNTH_FONT_H

#include <stdint.h>

#define SYNTH_TEXT_HEIGHT 7
#define SYNTH_TEXT_ADVANCE 6

/* pixels: height×width×channels. What does not fit is cut off. Characters outside ASCII become blanks. */
struct synth_page {
    uint8_t *pixels;
    uint32_t width, height, channels;
};
void synth_text(const struct synth_page *page, uint32_t x, uint32_t y, const char *text, uint8_t level);

#endif
