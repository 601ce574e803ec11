/* What a class is: one value of every part. Classes of a set differ in parts only. */
#ifndef PB_SYNTH_CLASSES_H
#define PB_SYNTH_CLASSES_H

#include <stdint.h>

#include "drawing/drawing.h"

#define SYNTH_PARTS 8 /* parts of a subject at most */
#define SYNTH_CLASSES_MAX PB_SYNTH_CLASSES_MAX
#define SYNTH_FAMILY 3 /* neighbouring classes that share most parts */

enum synth_kind { SYNTH_AIRCRAFT, SYNTH_BIRDS, SYNTH_CARS, SYNTH_FISH, SYNTH_KINDS };

enum {
    AIRCRAFT_ENGINES,
    AIRCRAFT_TAIL,
    AIRCRAFT_SWEEP,
    AIRCRAFT_MOUNT,
    AIRCRAFT_TIP,
    AIRCRAFT_NOSE,
    AIRCRAFT_WINDOWS,
    AIRCRAFT_LENGTH
};
enum { ENGINES_WING_2, ENGINES_WING_4, ENGINES_REAR_2, ENGINES_REAR_3, ENGINES_PROP_2, ENGINES_PROP_4 };
enum { TAIL_LOW, TAIL_T, TAIL_TWIN, TAIL_CROSS };
enum { SWEEP_BACK, SWEEP_NONE };
enum { MOUNT_LOW, MOUNT_HIGH };
enum { TIP_PLAIN, TIP_WINGLET };
enum { NOSE_ROUND, NOSE_POINTED, NOSE_HUMP };
enum { WINDOWS_ONE_ROW, WINDOWS_TWO_ROWS, WINDOWS_NONE };
enum { LENGTH_SHORT, LENGTH_LONG };

enum { BIRD_BILL, BIRD_CREST, BIRD_WING, BIRD_TAIL, BIRD_EYE, BIRD_LEGS };
enum { BILL_CONE, BILL_THIN, BILL_LONG, BILL_CURVED, BILL_HOOKED };
enum { CREST_NONE, CREST_PEAK, CREST_PLUME };
enum { WING_PLAIN, WING_ONE_BAR, WING_TWO_BARS };
enum { BIRD_TAIL_SHORT, BIRD_TAIL_LONG, BIRD_TAIL_FORKED };
enum { EYE_PLAIN, EYE_RING };
enum { LEGS_SHORT, LEGS_LONG };

enum { CAR_ROOF, CAR_LAMPS, CAR_GRILLE, CAR_WHEELBASE, CAR_DOORS, CAR_EXTRA };
enum { ROOF_SEDAN, ROOF_HATCH, ROOF_COUPE, ROOF_SUV, ROOF_WAGON, ROOF_PICKUP };
enum { LAMPS_ROUND, LAMPS_SLIT, LAMPS_TALL };
enum { GRILLE_CLOSED, GRILLE_UPRIGHT, GRILLE_WIDE };
enum { WHEELBASE_SHORT, WHEELBASE_LONG };
enum { DOORS_TWO, DOORS_FOUR };
enum { EXTRA_NONE, EXTRA_SPOILER, EXTRA_RACK };

enum { FISH_TAIL, FISH_DORSAL, FISH_SNOUT, FISH_BODY, FISH_MARKS, FISH_BARBELS };
enum { FISH_TAIL_FORKED, FISH_TAIL_ROUND, FISH_TAIL_LUNATE, FISH_TAIL_POINTED };
enum { DORSAL_LONG, DORSAL_SAIL, DORSAL_TWO, DORSAL_REAR };
enum { SNOUT_BLUNT, SNOUT_POINTED, SNOUT_BEAK, SNOUT_UPTURNED };
enum { FISH_BODY_SLENDER, FISH_BODY_DEEP };
enum { MARKS_NONE, MARKS_BARS, MARKS_EYESPOT };
enum { BARBELS_NONE, BARBELS_TWO };

struct synth_class {
    uint8_t parts[SYNTH_PARTS];
};

/* "aircraft", "birds", "cars", "fish". */
const char *synth_kind_name(enum synth_kind kind);

/* The first count (≤ SYNTH_CLASSES_MAX) classes of a kind; a shorter list is the beginning of a longer one. They do not
 * depend on the seed, so that the same class means the same thing in every drawing. */
void synth_classes(enum synth_kind kind, uint32_t count, struct synth_class *classes);

/* Sum of the parts' saliences in which two classes differ. */
uint32_t synth_class_distance(enum synth_kind kind, const struct synth_class *a, const struct synth_class *b);

/* What the class is called. Each needs SYNTH_NAME bytes. */
#define SYNTH_NAME 80
void synth_aircraft_names(uint32_t index, char *variant, char *family, char *manufacturer);
void synth_bird_name(uint32_t index, char *name); /* "001.Marsh_Warbler" */
void synth_car_name(uint32_t index, const struct synth_class *class, char *name);
void synth_fish_name(uint32_t index, char *name); /* "Reef_Wrasse" */

#endif
