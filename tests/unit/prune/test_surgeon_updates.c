/* Optimal Brain Surgeon's change of the weights that are left: on quadratic losses as predicted, on a trained network of use. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "support/built_criterion.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"
#include "support/images.h"

enum { WEIGHTS = 4 };

/* Symmetric and positive definite (its diagonal dominates); every value and every product is exact in float. */
static const double hessian[WEIGHTS * WEIGHTS] = {
    4, 1, -1, 0.5, 1, 3, 0.75, -1, -1, 0.75, 2.5, 0.25, 0.5, -1, 0.25, 2,
};
static const float weights[WEIGHTS] = {1, -0.5f, 0.75f, 2};

/* The change of the loss ½·(w − w₀)ᵀH(w − w₀), whose minimum is at w₀. */
static double rise(size_t count, const double *h, const float *from, const float *to)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            sum += ((double)to[i] - (double)from[i]) * h[i * count + j] * ((double)to[j] - (double)from[j]) / 2;
    return sum;
}

/* Scores the weights, and repairs what masked leaves of them. */
static void surgeon(const char *options, uint32_t count, const double *h, const float *from,
                    const unsigned char *masked, double *scores, float *to)
{
    struct pb_layer_view layer = {.channels = count, .weight = from};
    struct fed fed;
    fed_open(&fed, "obs", options, &layer, 1);
    assert_int_equal(fed_products(&fed, h), count);
    fed_score_weights(&fed, 0, scores);
    fed_repair_weights(&fed, 0, masked, to);
    fed_close(&fed);
}

static void assert_close(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-6 * fabs(expected)))
        fail_msg("%.9g, not %.9g", value, expected);
}

static void test_the_other_weight_moves_as_worked_out_by_hand(void **state)
{
    (void)state;
    static const double two[] = {2, 1, 1, 3};
    static const float ones[] = {1, 1};
    double scores[2];
    float to[2];
    surgeon("estimator=exact damping=0", 2, two, ones, (const unsigned char[]){1, 0}, scores, to);
    assert_true(to[0] == 0); /* δw = (−1, 1/3) */
    assert_close((double)to[1], 4.0 / 3);
    surgeon("estimator=exact damping=0", 2, two, ones, (const unsigned char[]){0, 1}, scores, to);
    assert_close((double)to[0], 1.5); /* δw = (½, −1) */
    assert_true(to[1] == 0);
    /* [[2 + 1.25, 1], [1, 3 + 1.25]] */
    surgeon("estimator=exact damping=0.5", 2, two, ones, (const unsigned char[]){1, 0}, scores, to);
    assert_close((double)to[1], 1 + 1 / 4.25);
    surgeon("estimator=exact damping=0 update=false", 2, two, ones, (const unsigned char[]){1, 0}, scores, to);
    assert_true(to[0] == 0 && to[1] == 1);
}

static void test_the_loss_rises_by_the_score_of_the_weight_that_is_masked(void **state)
{
    (void)state;
    for (size_t q = 0; q < WEIGHTS; q++) {
        unsigned char masked[WEIGHTS] = {0};
        double scores[WEIGHTS];
        float to[WEIGHTS];
        masked[q] = 1;
        surgeon("estimator=exact damping=0", WEIGHTS, hessian, weights, masked, scores, to);
        assert_true(to[q] == 0);
        assert_close(rise(WEIGHTS, hessian, weights, to), scores[q]);
    }
}

/* ½·w_Qᵀ·([H⁻¹]_QQ)⁻¹·w_Q, which is ½·w_Qᵀ·(H_QQ − H_QS·H_SS⁻¹·H_SQ)·w_Q, for Q = {0, 2} and S = {1, 3}. */
static void test_weights_that_are_masked_together_cost_what_their_block_of_the_inverse_says(void **state)
{
    (void)state;
    static const unsigned char masked[WEIGHTS] = {1, 0, 1, 0};
    static const size_t q[] = {0, 2}, s[] = {1, 3};
    double scores[WEIGHTS], expected = 0;
    float to[WEIGHTS];
    surgeon("estimator=exact damping=0", WEIGHTS, hessian, weights, masked, scores, to);
    assert_true(to[0] == 0 && to[2] == 0);
#define H(i, j) hessian[(i)*WEIGHTS + (j)]
    const double a = H(1, 1), b = H(1, 3), d = H(3, 3), determinant = a * d - b * b;
    const double inverse[2][2] = {{d / determinant, -b / determinant}, {-b / determinant, a / determinant}};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) {
            double block = H(q[i], q[j]);
            for (size_t k = 0; k < 2; k++)
                for (size_t l = 0; l < 2; l++)
                    block -= H(q[i], s[k]) * inverse[k][l] * H(s[l], q[j]);
            expected += (double)weights[q[i]] * block * (double)weights[q[j]] / 2;
        }
#undef H
    assert_close(rise(WEIGHTS, hessian, weights, to), expected);
    assert_true(expected < rise(WEIGHTS, hessian, weights, (const float[]){0, weights[1], 0, weights[3]}));
}

static void test_a_weight_that_was_masked_before_stays_out_of_it(void **state)
{
    (void)state;
    static const double three[] = {2, 1, 5, 1, 3, 7, 5, 7, 50};
    static const float from[] = {1, 1, 0};
    double scores[3];
    float to[3];
    surgeon("estimator=exact damping=0", 3, three, from, (const unsigned char[]){1, 0, 1}, scores, to);
    assert_close((double)to[1], 4.0 / 3);
    assert_true(to[0] == 0 && to[2] == 0);
}

enum { IMAGES = 120, SEEDS = 3, STEPS = 1500 };

/* A max-pool, so that it is quick, → conv (3), ReLU → gap → fc. */
static struct pb_network *toy(uint64_t seed)
{
    struct pb_graph *graph = graph_begin("toy", 16, 16, 3);
    uint32_t node =
        graph_add(graph, (struct pb_graph_node){.op = PB_OP_MAX_POOL, .name = "pool", .pool = {.kernel = {4, 4}}}, 0);
    node = graph_add(graph,
                     (struct pb_graph_node){
                         .op = PB_OP_CONV2D, .name = "conv", .channels = 4, .bias = true, .conv = {.kernel = {1, 1}}},
                     node);
    node = graph_relu(graph, "relu", node);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    struct pb_network *network = network_of(graph, seed);
    pb_network_initialise(network, seed);
    pb_network_drop_velocity(network);
    return network;
}

/* Blocks of random colours, in which the class's is a little brighter: three features do not separate all of them. */
static void draw_images(struct fake_dataset *fake, const char *folder)
{
    enum { SIDE = 20, BLOCK = 5, BLOCKS = SIDE / BLOCK };
    struct pb_rng rng;
    fake_init(fake, folder, CALIBRATION_CLASSES);
    pb_rng_init(&rng, 7, "images");
    for (uint32_t n = 0; n <= IMAGES; n++) {
        const uint32_t label = n % CALIBRATION_CLASSES, brighter = (label + (n / 3 % 3 == 0)) % CALIBRATION_CLASSES;
        uint8_t blocks[BLOCKS][BLOCKS][3], pixels[SIDE][SIDE][3];
        char name[32];
        for (size_t i = 0; i < sizeof blocks; i++)
            (&blocks[0][0][0])[i] = (uint8_t)(pb_rng_below(&rng, 200) + (i % 3 == brighter ? 50 : 0));
        for (size_t y = 0; y < SIDE; y++)
            for (size_t x = 0; x < SIDE; x++)
                memcpy(pixels[y][x], blocks[y / BLOCK][x / BLOCK], 3);
        snprintf(name, sizeof name, "%u.jpg", (unsigned)n);
        images_put_jpeg(folder, name, SIDE, SIDE, pixels[0][0]);
        fake_add(fake, name, label, n < IMAGES ? PB_SPLIT_TRAIN : PB_SPLIT_TEST);
    }
}

static void succeed(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

/* All images, as one batch. */
struct examples {
    float images[IMAGES][CALIBRATION_FLOATS];
    uint32_t labels[IMAGES];
};

static void open_examples(struct calibrated *calibrated, const char *folder, struct examples *examples)
{
    struct pb_error error = {0};
    struct pb_batch batch;
    draw_images(&calibrated->scene.fake, folder);
    calibrated_open_filled(calibrated, folder, 1);
    const struct pb_batches_spec spec = {.samples = calibrated->scene.data->train,
                                         .sample_count = calibrated->scene.data->train_count,
                                         .batch = IMAGES,
                                         .threads = 1};
    struct pb_calibration *calibration = &calibrated->calibration;
    pb_batches_free(&calibration->batches);
    calibration->batch = IMAGES;
    succeed(pb_batches_create(calibrated->cache, &calibrated->scene.preprocess, &spec, &calibration->batches, &error),
            &error);
    succeed(pb_batches_start(calibration->batches, 0, &error), &error);
    succeed(pb_batches_next(calibration->batches, &batch, &error), &error);
    assert_int_equal(batch.count, IMAGES);
    memcpy(examples->images, batch.images, sizeof examples->images);
    memcpy(examples->labels, batch.labels, sizeof examples->labels);
}

static struct pb_engine *open_engine(const struct calibrated *calibrated, const struct pb_network *network)
{
    struct pb_error error = {0};
    struct pb_engine *engine = NULL;
    const struct pb_engine_options options = {.batch = IMAGES, .mode = PB_ENGINE_TRAIN};
    succeed(pb_engine_create(calibrated->calibration.device, network, &options, &engine, &error), &error);
    return engine;
}

static double loss_of(const struct calibrated *calibrated, const struct examples *examples,
                      const struct pb_network *network)
{
    struct pb_error error = {0};
    struct pb_engine *engine = open_engine(calibrated, network);
    double loss;
    succeed(pb_engine_backward(engine, examples->images[0], examples->labels, &loss, NULL, &error), &error);
    pb_engine_free(&engine);
    return loss;
}

/* To a minimum of the loss over these images: the second-order model is one of minima. */
static void train(const struct calibrated *calibrated, const struct examples *examples)
{
    struct pb_error error = {0};
    struct pb_engine *engine = open_engine(calibrated, calibrated->network);
    double loss;
    for (int step = 0; step < STEPS; step++) {
        succeed(pb_engine_backward(engine, examples->images[0], examples->labels, &loss, NULL, &error), &error);
        succeed(pb_engine_step(engine, &(struct pb_step){.lr = 0.2, .momentum = 0.9}, &error), &error);
    }
    succeed(pb_engine_store(engine, calibrated->network, &error), &error);
    pb_engine_free(&engine);
}

/* By how much the loss rises once 30 % of each layer's weights are masked. */
static double rise_with(const char *criterion, const char *options, const struct calibrated *calibrated,
                        const struct examples *examples)
{
    const struct pb_ranking ranking = {.scope = PB_SCOPE_LAYER, .floor = 1};
    struct pb_error error = {0};
    struct pb_network *masked = NULL;
    struct pb_masking masking = {0};
    succeed(built_mask(criterion, options, calibrated->network, &calibrated->calibration, &ranking, 0.3, &masked,
                       &masking, &error),
            &error);
    assert_int_equal(masking.masked, 4 + 4); /* of 12 and 12 */
    pb_masking_free(&masking);
    const double after = loss_of(calibrated, examples, masked);
    pb_network_free(&masked);
    return after - loss_of(calibrated, examples, calibrated->network);
}

/* Not quite a minimum for every direction, as ReLUs have kinks: hence the damping. */
static void test_a_trained_network_loses_least_by_the_surgeon(void **state)
{
    struct calibrated calibrated;
    static struct examples examples;
    open_examples(&calibrated, *state, &examples);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        calibrated_use(&calibrated, toy(seed));
        calibrated.calibration.seed = seed;
        train(&calibrated, &examples);
        const double surgeon = rise_with("obs", "estimator=exact damping=0.25", &calibrated, &examples);
        const double without = rise_with("obs", "estimator=exact damping=0.25 update=false", &calibrated, &examples);
        const double damage = rise_with("obd", "estimator=exact", &calibrated, &examples);
        const double any = rise_with("random", "", &calibrated, &examples);
        if (!(surgeon <= damage && damage <= any && surgeon < without && surgeon > 0))
            fail_msg("seed %d: OBS %g, OBD %g, random %g; OBS without its update %g", (int)seed, surgeon, damage, any,
                     without);
    }
    calibrated_close(&calibrated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_other_weight_moves_as_worked_out_by_hand),
        cmocka_unit_test(test_the_loss_rises_by_the_score_of_the_weight_that_is_masked),
        cmocka_unit_test(test_weights_that_are_masked_together_cost_what_their_block_of_the_inverse_says),
        cmocka_unit_test(test_a_weight_that_was_masked_before_stays_out_of_it),
        cmocka_unit_test_setup_teardown(test_a_trained_network_loses_least_by_the_surgeon, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
