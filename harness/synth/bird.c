/* Birds: pose, plumage, and the perch. Parts make the class; plumage is an individual's own. */
#include "synth/bird.h"

#include <math.h>

#include "synth/surroundings.h"
#include "synth/subject.h"

static const double degree = M_PI / 180;

/* Half of the feathers are browns and greys, half are vivid. */
static struct synth_colour feather(struct pb_rng *rng)
{
    const bool dull = synth_chance(rng, 0.5);
    const double hue = synth_between(rng, 0, 1), saturation = synth_between(rng, 0, 1),
                 value = synth_between(rng, 0, 1);
    if (dull)
        return synth_hsv(0.06 + 0.08 * hue, 0.1 + 0.45 * saturation, 0.2 + 0.65 * value);
    return synth_hsv(hue, 0.3 + 0.6 * saturation, 0.3 + 0.6 * value);
}

static void choose_plumage(struct bird *b, struct pb_rng *rng)
{
    b->back = feather(rng);
    const struct synth_colour second = feather(rng), third = feather(rng);
    b->breast = synth_mix(b->back, second, synth_chance(rng, 0.6) ? 1 : 0.2);
    b->belly = synth_mix(b->breast, synth_grey(0.95), synth_between(rng, 0.1, 0.9));
    b->wing = synth_mix(b->back, third, synth_chance(rng, 0.35) ? 0.9 : 0.1);
    b->wing = synth_shade(b->wing, synth_between(rng, 0.6, 0.95));
    b->tail = synth_shade(b->wing, synth_between(rng, 0.75, 1.05));
    b->cap = feather(rng);
    b->cheek = feather(rng);
    b->throat = feather(rng);
    b->has_cap = synth_chance(rng, 0.35);
    b->has_cheek = synth_chance(rng, 0.25);
    b->has_throat = synth_chance(rng, 0.3);
    b->has_stripe = synth_chance(rng, 0.25);
    b->breast_marks = (int)pb_rng_below(rng, 4);
    b->bill = synth_chance(rng, 0.6) ? synth_grey(synth_between(rng, 0.1, 0.35))
                                     : synth_any_hsv(rng, (const double[6]){0.03, 0.14, 0.8, 0.8, 0.6, 0.95});
    b->leg = synth_chance(rng, 0.5) ? synth_grey(synth_between(rng, 0.15, 0.4))
                                    : synth_any_hsv(rng, (const double[6]){0, 0.12, 0.6, 0.6, 0.4, 0.8});
}

struct bird bird_choose(cairo_t *cr, const struct synth_class *class, struct pb_rng *rng)
{
    struct bird b = {.cr = cr, .class = class};
    b.tilt = synth_between(rng, 2, 42) * degree;
    b.turn = cos(synth_between(rng, 0, 38) * degree);
    b.head_turn = cos(synth_between(rng, -28, 34) * degree);
    b.head_tilt = synth_between(rng, -14, 14) * degree;
    b.tail_tilt = synth_between(rng, -22, 16) * degree;
    b.plumpness = synth_between(rng, 0.9, 1.12);
    if (synth_chance(rng, 0.08))
        b.head_turn = -b.head_turn;
    choose_plumage(&b, rng);
    b.marks = *rng;
    b.head = bird_from_body(&b, -0.42, -0.27 * b.plumpness);
    b.foot = 0.36 * b.plumpness + (class->parts[BIRD_LEGS] == LEGS_LONG ? 0.58 : 0.16);
    return b;
}

void synth_draw_bird(cairo_t *cr, const struct synth_class *class, struct pb_rng rng)
{
    struct bird b = bird_choose(cr, class, &rng);
    bird_body(&b);
    bird_head(&b);
}

void synth_draw_perch(cairo_t *cr, const struct synth_class *class, struct pb_rng rng)
{
    const struct bird b = bird_choose(cr, class, &rng);
    const uint32_t form = pb_rng_below(&rng, 3);
    const double width = synth_between(&rng, 0.06, 0.14), slope = synth_between(&rng, -0.15, 0.15);
    if (form == 0) {
        /* A stone or a bank. */
        const struct synth_colour stone = synth_any_hsv(&rng, (const double[6]){0.05, 0.3, 0.05, 0.3, 0.25, 0.7});
        const double middle = synth_between(&rng, -0.2, 0.2);
        synth_ellipse(cr, middle, b.foot + 0.5, synth_between(&rng, 0.9, 3), 0.52);
        synth_set(cr, stone, 1);
        cairo_fill_preserve(cr);
        synth_stroke(cr, synth_shade(stone, 1.2), 0.02);
        return;
    }
    const double line[4] = {-2.6, b.foot + width * 0.4 - slope * 2.6, 2.6, b.foot + width * 0.4 + slope * 2.6};
    const uint32_t leaves = pb_rng_below(&rng, 6);
    synth_draw_branch(cr, line, width, 0, leaves, &rng);
}
