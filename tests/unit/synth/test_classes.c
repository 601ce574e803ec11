/* Classes of the default images: distinct, near each other, and the same for any number of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synth/classes.h"

static void test_no_two_classes_are_the_same(void **state)
{
    (void)state;
    static struct synth_class classes[SYNTH_CLASSES_MAX];
    for (enum synth_kind kind = 0; kind < SYNTH_KINDS; kind++) {
        synth_classes(kind, SYNTH_CLASSES_MAX, classes);
        for (uint32_t i = 0; i < SYNTH_CLASSES_MAX; i++)
            for (uint32_t j = 0; j < i; j++)
                assert_true(memcmp(&classes[i], &classes[j], sizeof classes[i]) != 0);
    }
}

static void test_fewer_classes_are_the_first_of_more(void **state)
{
    (void)state;
    struct synth_class few[7], more[60];
    for (enum synth_kind kind = 0; kind < SYNTH_KINDS; kind++) {
        synth_classes(kind, 7, few);
        synth_classes(kind, 60, more);
        assert_memory_equal(few, more, sizeof few);
    }
}

static void test_classes_of_a_family_share_most_parts(void **state)
{
    (void)state;
    struct synth_class classes[12];
    for (enum synth_kind kind = 0; kind < SYNTH_KINDS; kind++) {
        synth_classes(kind, 12, classes);
        for (uint32_t i = 0; i < 12; i++) {
            uint32_t different = 0;
            for (uint32_t p = 0; p < SYNTH_PARTS; p++)
                different += classes[i].parts[p] != classes[i - i % SYNTH_FAMILY].parts[p];
            assert_true(different <= (kind == SYNTH_AIRCRAFT ? 4 : 3)); /* of 8 and 6 */
            for (uint32_t j = 0; j < i; j++)
                assert_true(synth_class_distance(kind, &classes[i], &classes[j]) >= 4);
        }
    }
}

static void test_names_are_unique(void **state)
{
    (void)state;
    static struct synth_class classes[SYNTH_CLASSES_MAX];
    static char names[4][SYNTH_CLASSES_MAX][SYNTH_NAME];
    char family[SYNTH_NAME], manufacturer[SYNTH_NAME];
    synth_classes(SYNTH_CARS, SYNTH_CLASSES_MAX, classes);
    for (uint32_t i = 0; i < SYNTH_CLASSES_MAX; i++) {
        synth_aircraft_names(i, names[0][i], family, manufacturer);
        synth_bird_name(i, names[1][i]);
        synth_car_name(i, &classes[i], names[2][i]);
        synth_fish_name(i, names[3][i]);
        /* A bird's number would make any two differ. */
        memmove(names[1][i], names[1][i] + 4, SYNTH_NAME - 4);
        for (uint32_t j = 0; j < i; j++)
            for (int k = 0; k < 4; k++)
                assert_string_not_equal(names[k][i], names[k][j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_two_classes_are_the_same),
        cmocka_unit_test(test_fewer_classes_are_the_first_of_more),
        cmocka_unit_test(test_classes_of_a_family_share_most_parts),
        cmocka_unit_test(test_names_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
