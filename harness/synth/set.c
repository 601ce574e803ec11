/* What is drawn of a set: its classes' names, its images, and the streams that they come from. */
#include "synth/set.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "synth/font.h"

struct pb_rng synth_stream(const struct synth_set *set, uint32_t class, const char *thing, uint32_t number)
{
    struct pb_rng rng;
    char name[64];
    snprintf(name, sizeof name, "synth %s %u %s %u", synth_kind_name(set->kind), class, thing, number);
    pb_rng_init(&rng, set->options->seed, name);
    return rng;
}

void synth_class_name(const struct synth_set *set, uint32_t class, char *name)
{
    char family[SYNTH_NAME], manufacturer[SYNTH_NAME];
    if (set->kind == SYNTH_AIRCRAFT)
        synth_aircraft_names(class, name, family, manufacturer);
    else if (set->kind == SYNTH_BIRDS)
        synth_bird_name(class, name);
    else if (set->kind == SYNTH_CARS)
        synth_car_name(class, &set->classes[class], name);
    else
        synth_fish_name(class, name);
}

/* Adds the strip below the picture that names the photographer. */
static enum pb_status add_banner(const struct synth_set *set, const struct synth_sample *sample,
                                 struct synth_image *image, struct pb_error *error)
{
    const size_t row = (size_t)image->width * image->channels, picture = row * image->height;
    const size_t whole = picture + row * set->layout->banner;
    uint8_t *pixels = pb_realloc(image->pixels, picture, whole, 1);
    char text[64];
    if (!pixels)
        return pb_fail_memory(error, whole);
    memset(pixels + picture, 236, whole - picture);
    image->pixels = pixels;
    image->height += set->layout->banner;
    const struct synth_page page = {pixels, image->width, image->height, image->channels};
    snprintf(text, sizeof text, "(c) prunebench %07u", sample->id);
    synth_text(&page, 5, image->height - (set->layout->banner + SYNTH_TEXT_HEIGHT) / 2, text, 40);
    return PB_OK;
}

enum pb_status synth_draw_sample(const struct synth_set *set, const struct synth_sample *sample,
                                 struct synth_image *image, struct pb_error *error)
{
    struct synth_image drawn = {0};
    const struct synth_streams streams = {synth_stream(set, sample->class, "individual", sample->number),
                                          synth_stream(set, sample->class, "scene", sample->number)};
    const struct pb_synth_options *o = set->options;
    const struct synth_sides sides = {o->size, o->width, o->width > 0 ? o->height - set->layout->banner : 0};
    enum pb_status status = synth_render(set->kind, &set->classes[sample->class], sides, &streams, &drawn, error);
    if (o->quality > 0)
        drawn.quality = (int)o->quality;
    if (status == PB_OK && set->layout->banner > 0)
        status = add_banner(set, sample, &drawn, error);
    if (status == PB_OK)
        *image = drawn;
    else
        pb_free(drawn.pixels);
    return status;
}
