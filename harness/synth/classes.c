/* Which combinations of part values are the classes, and what they are called. */
#include "synth/classes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

/* A part: how many forms it has and how much of the picture it changes. */
struct part {
    uint8_t values, salience;
};

static const struct kind {
    const char *name;
    uint32_t part_count;
    uint32_t apart; /* salience by which any two classes differ at least, while there is room */
    uint32_t family; /* parts in which members of a family differ from its first at most */
    struct part parts[SYNTH_PARTS];
} kinds[SYNTH_KINDS] = {
    [SYNTH_AIRCRAFT] = {"aircraft",
                        8,
                        8,
                        4,
                        {[AIRCRAFT_ENGINES] = {6, 4},
                         [AIRCRAFT_TAIL] = {4, 3},
                         [AIRCRAFT_SWEEP] = {2, 2},
                         [AIRCRAFT_MOUNT] = {2, 2},
                         [AIRCRAFT_TIP] = {2, 1},
                         [AIRCRAFT_NOSE] = {3, 1},
                         [AIRCRAFT_WINDOWS] = {3, 1},
                         [AIRCRAFT_LENGTH] = {2, 2}}},
    [SYNTH_BIRDS] = {"birds",
                     6,
                     5,
                     3,
                     {[BIRD_BILL] = {5, 3},
                      [BIRD_CREST] = {3, 3},
                      [BIRD_WING] = {3, 2},
                      [BIRD_TAIL] = {3, 3},
                      [BIRD_EYE] = {2, 1},
                      [BIRD_LEGS] = {2, 2}}},
    [SYNTH_CARS] = {"cars",
                    6,
                    5,
                    3,
                    {[CAR_ROOF] = {6, 3},
                     [CAR_LAMPS] = {3, 2},
                     [CAR_GRILLE] = {3, 2},
                     [CAR_WHEELBASE] = {2, 2},
                     [CAR_DOORS] = {2, 1},
                     [CAR_EXTRA] = {3, 2}}},
    [SYNTH_FISH] = {"fish",
                    6,
                    5,
                    3,
                    {[FISH_TAIL] = {4, 3},
                     [FISH_DORSAL] = {4, 3},
                     [FISH_SNOUT] = {4, 3},
                     [FISH_BODY] = {2, 2},
                     [FISH_MARKS] = {3, 2},
                     [FISH_BARBELS] = {2, 1}}},
};

enum { TRIES = 400 }; /* random candidates before the demands are lowered */

const char *synth_kind_name(enum synth_kind kind)
{
    return kinds[kind].name;
}

uint32_t synth_class_distance(enum synth_kind kind, const struct synth_class *a, const struct synth_class *b)
{
    uint32_t distance = 0;
    for (uint32_t p = 0; p < kinds[kind].part_count; p++)
        if (a->parts[p] != b->parts[p])
            distance += kinds[kind].parts[p].salience;
    return distance;
}

static uint32_t different_parts(const struct synth_class *a, const struct synth_class *b)
{
    uint32_t different = 0;
    for (uint32_t p = 0; p < SYNTH_PARTS; p++)
        different += a->parts[p] != b->parts[p];
    return different;
}

/* Whether candidate is at least min away from every class so far. */
static bool is_apart(enum synth_kind kind, const struct synth_class *candidate, const struct synth_class *classes,
                     uint32_t count, uint32_t min)
{
    for (uint32_t i = 0; i < count; i++)
        if (synth_class_distance(kind, candidate, &classes[i]) < min)
            return false;
    return true;
}

static struct synth_class random_class(enum synth_kind kind, struct pb_rng *rng)
{
    struct synth_class class = {{0}};
    for (uint32_t p = 0; p < kinds[kind].part_count; p++)
        class.parts[p] = (uint8_t)pb_rng_below(rng, kinds[kind].parts[p].values);
    return class;
}

/* A class that is none of those before it, near base where base is given, as far from the others as can be had. */
static struct synth_class choose(enum synth_kind kind, struct pb_rng *rng, const struct synth_class *classes,
                                 uint32_t count, const struct synth_class *base)
{
    for (uint32_t min = kinds[kind].apart; min > 1; min--)
        for (int i = 0; i < TRIES; i++) {
            const struct synth_class candidate = random_class(kind, rng);
            if (base && different_parts(&candidate, base) > kinds[kind].family)
                continue;
            if (is_apart(kind, &candidate, classes, count, min))
                return candidate;
        }
    /* Every kind has more combinations than SYNTH_CLASSES_MAX, so counting through them finds a free one. */
    struct synth_class candidate = {{0}};
    while (!is_apart(kind, &candidate, classes, count, 1))
        for (uint32_t p = 0; p < kinds[kind].part_count; p++) {
            candidate.parts[p] = (uint8_t)((candidate.parts[p] + 1) % kinds[kind].parts[p].values);
            if (candidate.parts[p] != 0)
                break;
        }
    return candidate;
}

void synth_classes(enum synth_kind kind, uint32_t count, struct synth_class *classes)
{
    struct pb_rng rng;
    pb_rng_init(&rng, 0, kinds[kind].name);
    for (uint32_t i = 0; i < count; i++) {
        const struct synth_class *base = i % SYNTH_FAMILY ? &classes[i - i % SYNTH_FAMILY] : NULL;
        classes[i] = choose(kind, &rng, classes, i, base);
    }
}

void synth_aircraft_names(uint32_t index, char *variant, char *family, char *manufacturer)
{
    static const char *const makers[] = {"Altair",  "Borealis", "Corvus", "Delmar",   "Esterel",
                                         "Falkner", "Gannet",   "Hollis", "Ilmarine", "Jutland"};
    static const char *const codes[] = {"AL", "BR", "C", "DM", "E", "FK", "G", "HS", "IL", "JT"};
    enum { MAKERS = sizeof makers / sizeof *makers };
    const uint32_t group = index / SYNTH_FAMILY, member = index % SYNTH_FAMILY;
    const uint32_t maker = group % MAKERS, series = 10 * (1 + group / MAKERS);
    snprintf(manufacturer, SYNTH_NAME, "%s", makers[maker]);
    /* Real variants have names such as "F/A-18", "Cessna 172" and "BAE 146-200". */
    if (maker % 5 == 1) {
        snprintf(family, SYNTH_NAME, "%s %u", makers[maker], series);
        snprintf(variant, SYNTH_NAME, "%s %u-%u", makers[maker], series, 100 * (member + 1));
    } else if (maker % 5 == 2) {
        snprintf(family, SYNTH_NAME, "%s/T-%u", codes[maker], series);
        snprintf(variant, SYNTH_NAME, "%s/T-%u%c", codes[maker], series, 'A' + (char)member);
    } else {
        snprintf(family, SYNTH_NAME, "%s%u", codes[maker], series);
        snprintf(variant, SYNTH_NAME, "%s%u-%u", codes[maker], series, 100 * (member + 1));
    }
}

void synth_bird_name(uint32_t index, char *name)
{
    static const char *const places[] = {"Marsh",  "Hill",   "Coastal", "Northern", "Dune",    "River",    "Meadow",
                                         "Island", "Canyon", "Pine",    "Lake",     "Heath",   "Mountain", "Valley",
                                         "Forest", "Desert", "Tundra",  "Harbor",   "Orchard", "Moor"};
    static const char *const birds[] = {"Warbler", "Finch",   "Sparrow", "Bunting", "Wren",    "Shrike", "Vireo",
                                        "Tern",    "Thrush",  "Lark",    "Jay",     "Swallow", "Pipit",  "Oriole",
                                        "Tanager", "Catbird", "Phoebe",  "Junco",   "Siskin",  "Dipper"};
    enum { WORDS = 20 };
    snprintf(name, SYNTH_NAME, "%03u.%s_%s", index + 1, places[index % WORDS],
             birds[(index / WORDS + index % WORDS) % WORDS]);
}

void synth_car_name(uint32_t index, const struct synth_class *class, char *name)
{
    static const char *const makes[] = {"Vesta", "Ardent", "Kestrel", "Lumen", "Orsini", "Tamarack", "Zephyr"};
    static const char *const models[] = {"Alto", "Bravo", "Cirrus", "Dorado", "Ember", "Fjord", "Geo", "Halcyon"};
    static const char *const bodies[] = {
        [ROOF_SEDAN] = "Sedan", [ROOF_HATCH] = "Hatchback", [ROOF_COUPE] = "Coupe",
        [ROOF_SUV] = "SUV",     [ROOF_WAGON] = "Wagon",     [ROOF_PICKUP] = "Crew Cab"};
    enum { MAKES = sizeof makes / sizeof *makes, MODELS = sizeof models / sizeof *models };
    /* 7 × 8 names, then the next year: no two are the same. */
    snprintf(name, SYNTH_NAME, "%s %s %s %u", makes[index % MAKES], models[index % MODELS],
             bodies[class->parts[CAR_ROOF]], 2012 - index / (MAKES * MODELS));
}

void synth_fish_name(uint32_t index, char *name)
{
    static const char *const waters[] = {"Reef",    "Brook", "Deep", "Harbour", "Kelp",   "Lagoon", "Silver",
                                         "Stone",   "Tide",  "Weed", "Amber",   "Banded", "Cliff",  "Drift",
                                         "Estuary", "Fjord", "Gulf", "Ice",     "Mud",    "Sand"};
    static const char *const fish[] = {"Wrasse", "Bream",  "Perch", "Loach", "Goby",   "Snapper", "Tetra",
                                       "Barb",   "Darter", "Bass",  "Grunt", "Mullet", "Pike",    "Roach",
                                       "Shad",   "Smelt",  "Tang",  "Trout", "Tuna",   "Blenny"};
    enum { WORDS = 20 };
    snprintf(name, SYNTH_NAME, "%s_%s", waters[index % WORDS], fish[(index / WORDS + index % WORDS) % WORDS]);
}
