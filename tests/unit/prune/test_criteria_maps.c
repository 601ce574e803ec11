/* Criteria of feature maps as matrices: hrank and chip, against values worked out by hand and singular values by another way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/hand_activations.h"

static struct hand_layer one_image(uint32_t channels, uint32_t height, uint32_t width, const float *values)
{
    return (struct hand_layer){
        .channels = channels, .height = height, .width = width, .batch_count = 1, .batches = {{1, values}}};
}

static double rank_of(uint32_t height, uint32_t width, const float *map, const char *option)
{
    double rank;
    const struct hand_layer layer = one_image(1, height, width, map);
    hand_score_well("hrank", option, &layer, &rank);
    return rank;
}

static void test_ranks_of_maps_known_by_hand(void **state)
{
    (void)state;
    assert_true(rank_of(2, 2, (float[]){1, 2, 2, 4}, "") == 1);
    assert_true(rank_of(2, 2, (float[]){1, 2, 3, 4}, "") == 2);
    assert_true(rank_of(2, 2, (float[]){0, 0, 0, 0}, "") == 0);
    assert_true(rank_of(1, 1, (float[]){3}, "") == 1);
    assert_true(rank_of(1, 4, (float[]){0, 0, 5, 0}, "") == 1);
    assert_true(rank_of(3, 3, (float[]){0, 1, 0, 1, 0, 0, 0, 0, 1}, "") == 3);
    /* the third row is the sum of the others; upright, lying, and of any scale */
    assert_true(rank_of(3, 4, (float[]){1, 2, 3, 4, 0, 1, 0, 7, 1, 3, 3, 11}, "") == 2);
    assert_true(rank_of(4, 3, (float[]){1, 0, 1, 2, 1, 3, 3, 0, 3, 4, 7, 11}, "") == 2);
    assert_true(rank_of(2, 2, (float[]){1e-30f, 2e-30f, 3e-30f, 4e-30f}, "") == 2);
}

/*
 * Singular values 1 and 1e-6, which is above 2·2⁻²³ = 2.4e-7 and below 1e-5. A rank by float32 eigenvalues of the Gram matrix, with
 * the same tolerance, would be 1: 1e-12 is below.
 */
static void test_a_tolerance_is_relative_to_the_largest_singular_value(void **state)
{
    (void)state;
    const float map[] = {100, 0, 0, 1e-4f};
    assert_true(rank_of(2, 2, map, "") == 2);
    assert_true(rank_of(2, 2, map, "tolerance=0") == 2);
    assert_true(rank_of(2, 2, map, "tolerance=1e-5") == 1);
    assert_true(rank_of(2, 2, map, "tolerance=5e-7") == 2);
    assert_true(rank_of(2, 2, (float[]){1, 0, 0, 2.3e-7f}, "") == 1);
    assert_true(rank_of(2, 2, (float[]){1, 0, 0, 2.5e-7f}, "") == 2);
    assert_true(rank_of(1, 3, (float[]){1, 1, 1}, "tolerance=1") == 0); /* nothing is above the largest */
}

/* Channel 0: [[1,2],[2,4]], then I; channel 1: I, zeros, then ones. The mean of the batches' means would be 3/2 for channel 0. */
static void test_ranks_are_averaged_over_images(void **state)
{
    (void)state;
    static const float first[] = {1, 1, 2, 0, 2, 0, 4, 1, /**/ 1, 0, 2, 0, 2, 0, 4, 0};
    static const float second[] = {1, 1, 0, 1, 0, 1, 1, 1};
    const struct hand_layer layer = {
        .channels = 2, .height = 2, .width = 2, .batch_count = 2, .batches = {{2, first}, {1, second}}, .threads = 3};
    double scores[2];
    hand_score_well("hrank", "", &layer, scores);
    assert_scores(scores, (double[]){4.0 / 3, 1}, 2);
}

/* values: N×places×K of a layer, drawn; a share of them is zero, as behind ReLU. */
static void draw(float *values, size_t count, double zeros, const char *stream)
{
    struct pb_rng rng;
    pb_rng_init(&rng, 3, stream);
    for (size_t i = 0; i < count; i++)
        values[i] = pb_rng_uniform(&rng) < zeros ? 0 : (float)(pb_rng_uniform(&rng) - 0.3);
}

/* A 24×17 product of 24×r and r×17 in float32 has rank r by the default tolerance, in any of 5 channels. */
static void test_ranks_of_rounded_products_are_those_of_their_factors(void **state)
{
    (void)state;
    enum { H = 24, W = 17, CHANNELS = 5 };
    static float left[H * 9], right[9 * W], maps[H * W * CHANNELS];
    double scores[CHANNELS], expected[CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
        const int rank = 2 * c + 1;
        draw(left, sizeof left / sizeof *left, 0, "left");
        draw(right, sizeof right / sizeof *right, 0.5, "right");
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                double sum = 0;
                for (int r = 0; r < rank; r++)
                    sum += (double)left[y * 9 + r] * (double)right[r * W + x];
                maps[(y * W + x) * CHANNELS + c] = (float)sum;
            }
        expected[c] = rank;
    }
    const struct hand_layer layer = one_image(CHANNELS, H, W, maps);
    hand_score_well("hrank", "", &layer, scores);
    assert_scores(scores, expected, CHANNELS);
}

/* Σ of the singular values of rows×columns numbers, by one-sided Jacobi rotations (M. Hestenes, 1958), which squares nothing. */
static double nuclear_norm(const double *matrix, size_t rows, size_t columns)
{
    static double a[64 * 64];
    double sum = 0;
    assert_true(rows * columns <= sizeof a / sizeof *a);
    memcpy(a, matrix, rows * columns * sizeof *a);
    for (int sweep = 0; sweep < 40; sweep++)
        for (size_t p = 0; p < rows; p++)
            for (size_t q = p + 1; q < rows; q++) {
                double pp = 0, qq = 0, pq = 0;
                for (size_t i = 0; i < columns; i++) {
                    pp += a[p * columns + i] * a[p * columns + i];
                    qq += a[q * columns + i] * a[q * columns + i];
                    pq += a[p * columns + i] * a[q * columns + i];
                }
                if (fabs(pq) <= 1e-17 * sqrt(pp * qq) || pq == 0)
                    continue;
                const double half = (qq - pp) / (2 * pq);
                const double tangent = copysign(1, half) / (fabs(half) + hypot(1, half));
                const double cosine = 1 / hypot(1, tangent), sine = cosine * tangent;
                for (size_t i = 0; i < columns; i++) {
                    const double x = a[p * columns + i], y = a[q * columns + i];
                    a[p * columns + i] = cosine * x - sine * y;
                    a[q * columns + i] = sine * x + cosine * y;
                }
            }
    for (size_t p = 0; p < rows; p++) {
        double square = 0;
        for (size_t i = 0; i < columns; i++)
            square += a[p * columns + i] * a[p * columns + i];
        sum += sqrt(square);
    }
    return sum;
}

/* values: places×K of one image; what chip means, by its definition. */
static void define_chip(const float *values, size_t channels, size_t places, double *scores)
{
    static double a[64 * 64];
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < places; p++)
            a[c * places + p] = (double)values[p * channels + c];
    const double whole = nuclear_norm(a, channels, places);
    for (size_t c = 0; c < channels; c++) {
        double row[64];
        memcpy(row, a + c * places, places * sizeof *row);
        memset(a + c * places, 0, places * sizeof *row);
        scores[c] = whole - nuclear_norm(a, channels, places);
        memcpy(a + c * places, row, places * sizeof *row);
    }
}

/* ‖A‖_* = √3 + 1; without row 0 or 1 it is √5, as of eigenvalues (3 ± √5)/2, and without row 2 it is 2. */
static void test_what_rows_add_to_a_nuclear_norm_known_by_hand(void **state)
{
    (void)state;
    const float upright[] = {1, 0, 1, /**/ 0, 1, 1}; /* rows (1,0), (0,1), (1,1): more channels than positions */
    const float lying[] = {1, 0,      1, /**/ 0, 1,
                           1, /**/ 0, 0, 0}; /* the same with a position at which nothing is active */
    const float dependent[] = {1, 2, 0, /**/ 0, 0, 1, /**/ 0, 0, 0, /**/ 0, 0, 0};
    const double expected[] = {sqrt(3) + 1 - sqrt(5), sqrt(3) + 1 - sqrt(5), sqrt(3) - 1};
    double scores[3];
    assert_true(fabs(expected[0] - .49598) < 5e-6 && fabs(expected[2] - .73205) < 5e-6);
    struct hand_layer layer = one_image(3, 1, 2, upright);
    hand_score_well("chip", "", &layer, scores);
    assert_scores(scores, expected, 3);
    layer = one_image(3, 1, 3, lying);
    hand_score_well("chip", "", &layer, scores);
    assert_scores(scores, expected, 3);
    /* rows (1,0), (2,0), (0,1): √5 + 1, without each 3, 2, √5 */
    layer = one_image(3, 2, 2, dependent);
    hand_score_well("chip", "", &layer, scores);
    assert_scores(scores, (double[]){sqrt(5) - 2, sqrt(5) - 1, 1}, 3);
}

/* Released code rounds to four decimals, which gives 0 here, and so cannot rank. */
static void test_small_activations_are_not_rounded_away(void **state)
{
    (void)state;
    const float values[] = {1e-6f, 0, 1e-6f, /**/ 0, 1e-6f, 1e-6f};
    const struct hand_layer layer = one_image(3, 1, 2, values);
    double scores[3];
    const double small = (double)1e-6f;
    hand_score_well("chip", "", &layer, scores);
    assert_scores(
        scores, (double[]){small * (sqrt(3) + 1 - sqrt(5)), small * (sqrt(3) + 1 - sqrt(5)), small * (sqrt(3) - 1)}, 3);
}

static void test_a_dead_channel_adds_nothing_and_a_layer_of_zeros_is_defined(void **state)
{
    (void)state;
    const float values[] = {3, 0, 4, /**/ 0, 0, 5}, zeros[6] = {0};
    double scores[3];
    struct hand_layer layer = one_image(3, 2, 1, values);
    hand_score_well("chip", "", &layer, scores);
    assert_true(scores[1] == 0 && scores[0] > 0 && scores[2] > 0);
    layer = one_image(3, 2, 1, zeros);
    hand_score_well("chip", "", &layer, scores);
    assert_true(scores[0] == 0 && scores[1] == 0 && scores[2] == 0);
    /* one channel alone is its own norm */
    layer = one_image(1, 2, 3, values);
    hand_score_well("chip", "", &layer, scores);
    assert_scores(scores, (double[]){sqrt(50)}, 1);
}

/* Four images in batches of 3 and 1 on three threads, of every shape: broad, high, square, of full rank and not. */
static void test_nuclear_norms_agree_with_their_definition(void **state)
{
    (void)state;
    static const struct {
        uint32_t channels, height, width;
        double zeros;
    } shapes[] = {{5, 3, 7, 0},    {12, 2, 3, 0},  {6, 2, 3, 0}, {16, 4, 8, 0.6},
                  {40, 5, 5, 0.6}, {9, 3, 3, 0.8}, {7, 1, 1, 0}};
    static float values[4 * 64 * 64];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const size_t places = (size_t)shapes[s].height * shapes[s].width, channels = shapes[s].channels;
        double scores[64], alone[64], sums[64] = {0}, image[64];
        draw(values, 4 * places * channels, shapes[s].zeros, "maps");
        for (size_t p = 0; p < places && channels > 2;
             p++) /* the last channel is the sum of the first two, in one image */
            values[p * channels + channels - 1] = values[p * channels] + values[p * channels + 1];
        struct hand_layer layer = {.channels = shapes[s].channels,
                                   .height = shapes[s].height,
                                   .width = shapes[s].width,
                                   .batch_count = 2,
                                   .batches = {{3, values}, {1, values + 3 * places * channels}},
                                   .threads = 3};
        hand_score_well("chip", "", &layer, scores);
        layer.threads = 1;
        hand_score_well("chip", "", &layer, alone);
        assert_memory_equal(alone, scores, channels * sizeof *scores);
        for (size_t n = 0; n < 4; n++) {
            define_chip(values + n * places * channels, channels, places, image);
            for (size_t c = 0; c < channels; c++)
                sums[c] += image[c] / 4;
        }
        assert_scores(scores, sums, shapes[s].channels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks_of_maps_known_by_hand),
        cmocka_unit_test(test_a_tolerance_is_relative_to_the_largest_singular_value),
        cmocka_unit_test(test_ranks_are_averaged_over_images),
        cmocka_unit_test(test_ranks_of_rounded_products_are_those_of_their_factors),
        cmocka_unit_test(test_what_rows_add_to_a_nuclear_norm_known_by_hand),
        cmocka_unit_test(test_small_activations_are_not_rounded_away),
        cmocka_unit_test(test_a_dead_channel_adds_nothing_and_a_layer_of_zeros_is_defined),
        cmocka_unit_test(test_nuclear_norms_agree_with_their_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
