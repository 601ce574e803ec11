/* Fish: pose and colours. Parts make the class; colours are an individual's own. */
#include "synth/fish.h"

#include <math.h>

#include "synth/subject.h"

static const double degree = M_PI / 180;

/* A third of the scales are silver and grey, the others vivid. */
static struct synth_colour scale_colour(struct pb_rng *rng)
{
    const bool silver = synth_chance(rng, 0.35);
    const double hue = synth_between(rng, 0, 1), saturation = synth_between(rng, 0, 1),
                 value = synth_between(rng, 0, 1);
    if (silver)
        return synth_hsv(0.5 + 0.12 * hue, 0.02 + 0.25 * saturation, 0.35 + 0.55 * value);
    return synth_hsv(hue, 0.35 + 0.6 * saturation, 0.35 + 0.6 * value);
}

struct fish fish_choose(cairo_t *cr, const struct synth_class *class, struct pb_rng *rng)
{
    struct fish f = {.cr = cr, .class = class};
    f.tilt = synth_between(rng, -16, 16) * degree;
    f.turn = cos(synth_between(rng, 0, 36) * degree);
    f.height = (class->parts[FISH_BODY] == FISH_BODY_DEEP ? 0.47 : 0.27) * synth_between(rng, 0.93, 1.07);
    f.spread = synth_between(rng, 0.85, 1.15);
    f.tail_turn = cos(synth_between(rng, 0, 40) * degree);
    f.back = scale_colour(rng);
    const struct synth_colour second = scale_colour(rng), third = scale_colour(rng);
    f.flank = synth_mix(f.back, second, synth_chance(rng, 0.5) ? 0.9 : 0.15);
    f.belly = synth_mix(f.flank, synth_grey(0.95), synth_between(rng, 0.1, 0.85));
    f.fin = synth_mix(f.back, third, synth_chance(rng, 0.5) ? 0.9 : 0.1);
    f.marks = synth_chance(rng, 0.7) ? synth_shade(f.back, synth_between(rng, 0.2, 0.45))
                                     : synth_mix(f.back, synth_grey(1), synth_between(rng, 0.7, 0.9));
    f.has_line = synth_chance(rng, 0.3);
    f.has_spots = synth_chance(rng, 0.3);
    f.spots = *rng;
    return f;
}

void synth_draw_fish(cairo_t *cr, const struct synth_class *class, struct pb_rng rng)
{
    struct fish f = fish_choose(cr, class, &rng);
    cairo_save(cr);
    cairo_rotate(cr, f.tilt);
    cairo_scale(cr, f.turn, 1);
    fish_fins(&f);
    fish_body(&f);
    cairo_restore(cr);
}
