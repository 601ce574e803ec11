/* Hessian times direction: against the Hessian of a linear network, worked out by hand, and against second differences of the loss. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

enum { K = 4, C = 3, CLASSES = CALIBRATION_CLASSES, PIXELS = 16 * 16 };

static struct calibrated calibrated;
static uint32_t directed, shown, derived; /* calls of hooks */
static enum { DRAWN, SAME, NOT_A_NUMBER, ZERO } direction_is;
static double step;
static double conv_direction[K * (C + 1)], conv_product[K * (C + 1)]; /* K×C weights, then K biases */
static double forms[2][2]; /* forms[i][j]: direction i times H times direction j */
static uint64_t sums[2]; /* of the bits of each product */

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host, (void)options;
    *self = NULL;
    directed = shown = derived = 0;
    memset(forms, 0, sizeof forms);
    memset(sums, 0, sizeof sums);
    return PB_OK;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    return PB_OK;
}

static uint32_t two(void *self)
{
    (void)self;
    return 2;
}

/* A value of direction number `product`, for every parameter another one. */
static float drawn(uint32_t product, uint32_t layer, uint32_t part, size_t i)
{
    return (float)sin(1.0 + 3.7 * product + 1.3 * layer + 0.7 * part + 2.1 * (double)i) * (part == 0 ? 0.2F : 0.1F);
}

static size_t weight_count(const struct pb_layer_view *layer)
{
    return (size_t)layer->channels * layer->kernel_height * layer->kernel_width * layer->input_channels;
}

static enum pb_status give_direction(void *self, const struct pb_layer_view *layer, uint32_t product,
                                     struct pb_direction *direction)
{
    float *const parts[] = {direction->weight, direction->bias, direction->gamma, direction->beta};
    (void)self;
    directed++;
    assert_int_equal(direction->size, sizeof *direction);
    assert_int_equal(layer->batch_count, 0);
    for (uint32_t k = 0; k < 4; k++)
        for (size_t i = 0; parts[k] && i < (k ? layer->channels : weight_count(layer)); i++) {
            assert_true(parts[k][i] == 0);
            if (direction_is != ZERO)
                parts[k][i] = drawn(direction_is == SAME ? 0 : product, layer->index, k, i);
        }
    if (direction_is == NOT_A_NUMBER && layer->index == 1)
        direction->beta[2] = NAN;
    return PB_OK;
}

static enum pb_status run(const struct pb_criterion *criterion, struct pb_error *error)
{
    const struct pb_plugin plugin = {.name = "probe", .criterion = criterion};
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "built"};
    struct pb_scores scores = {0};
    const enum pb_status status = pb_score_network(&loaded, NULL, calibrated.network, &calibrated.groups, PB_COUPLE_SUM,
                                                   &calibrated.calibration, &scores, error);
    pb_scores_free(&scores);
    return status;
}

static void runs(const struct pb_criterion *criterion)
{
    struct pb_error error = {0};
    if (run(criterion, &error) != PB_OK)
        fail_msg("%s", error.text);
}

/* conv (1×1, no ReLU) → mean over the pixels → fc: the logits are F·(W·x̄ + b) + c. */
static struct pb_network *linear_network(void)
{
    struct pb_graph *graph = graph_begin("linear", 16, 16, C);
    uint32_t node =
        graph_add(graph,
                  (struct pb_graph_node){
                      .op = PB_OP_CONV2D, .name = "conv", .channels = K, .bias = true, .conv = {.kernel = {1, 1}}},
                  0);
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    return network_of(graph, 5);
}

/* Its parameters in double precision, or a vector over them. */
struct linear {
    double w[K][C], b[K], f[CLASSES][K], c[CLASSES];
};
enum { LINEAR = sizeof(struct linear) / sizeof(double) };

static struct linear parameters(void)
{
    struct linear p;
    const struct pb_graph *graph = calibrated.network->graph;
    const uint32_t conv = pb_graph_find(graph, "conv"), fc = pb_graph_find(graph, "fc");
    const float *w = pb_network_values(calibrated.network, conv, PB_ROLE_WEIGHT);
    const float *f = pb_network_values(calibrated.network, fc, PB_ROLE_WEIGHT);
    for (int k = 0; k < K; k++) {
        for (int c = 0; c < C; c++)
            p.w[k][c] = (double)w[k * C + c];
        for (int j = 0; j < CLASSES; j++)
            p.f[j][k] = (double)f[j * K + k];
        p.b[k] = (double)pb_network_values(calibrated.network, conv, PB_ROLE_BIAS)[k];
    }
    for (int j = 0; j < CLASSES; j++)
        p.c[j] = (double)pb_network_values(calibrated.network, fc, PB_ROLE_BIAS)[j];
    return p;
}

/* Of one image: the mean pixel, what the convolution makes of it, and the softmax of the logits. */
struct pass {
    double x[C], h[K], p[CLASSES];
};

static struct pass forward(const struct linear *net, uint32_t image)
{
    struct pass pass = {0};
    double sum = 0;
    for (int i = 0; i < PIXELS * C; i++)
        pass.x[i % C] += (double)calibrated.images[image][i] / PIXELS;
    for (int k = 0; k < K; k++) {
        pass.h[k] = net->b[k];
        for (int c = 0; c < C; c++)
            pass.h[k] += net->w[k][c] * pass.x[c];
    }
    for (int j = 0; j < CLASSES; j++) {
        pass.p[j] = net->c[j];
        for (int k = 0; k < K; k++)
            pass.p[j] += net->f[j][k] * pass.h[k];
        sum += pass.p[j] = exp(pass.p[j]);
    }
    for (int j = 0; j < CLASSES; j++)
        pass.p[j] /= sum;
    return pass;
}

/* Of the mean cross-entropy over all images. */
static struct linear gradient(const struct linear *net)
{
    struct linear g = {0};
    for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++) {
        const struct pass pass = forward(net, n);
        for (int j = 0; j < CLASSES; j++) {
            const double dz = (pass.p[j] - (calibrated.labels[n] == (uint32_t)j)) / CALIBRATION_IMAGES;
            g.c[j] += dz;
            for (int k = 0; k < K; k++) {
                g.f[j][k] += dz * pass.h[k];
                g.b[k] += dz * net->f[j][k];
                for (int c = 0; c < C; c++)
                    g.w[k][c] += dz * net->f[j][k] * pass.x[c];
            }
        }
    }
    return g;
}

static void compare_products(const double *expected, double tolerance)
{
    double difference = 0, length = 0;
    for (int i = 0; i < K * (C + 1); i++) {
        difference += (conv_product[i] - expected[i]) * (conv_product[i] - expected[i]);
        length += expected[i] * expected[i];
    }
    assert_true(length > 0);
    if (!(sqrt(difference / length) <= tolerance))
        fail_msg("‖H·v‖ is wrong by %g of %g", sqrt(difference), sqrt(length));
}

static enum pb_status keep_product(void *self, const struct pb_layer_view *layer, const struct pb_product_view *product)
{
    (void)self;
    shown++;
    assert_string_equal(layer->name, "conv");
    assert_int_equal(product->size, sizeof *product);
    assert_int_equal(product->product * 10 + product->products, 1);
    assert_null(product->gamma_product);
    assert_null(product->beta_direction);
    for (int i = 0; i < K * C; i++) {
        conv_direction[i] = (double)product->weight_direction[i];
        conv_product[i] = (double)product->weight_product[i];
    }
    for (int k = 0; k < K; k++) {
        conv_direction[K * C + k] = (double)product->bias_direction[k];
        conv_product[K * C + k] = (double)product->bias_product[k];
    }
    step = product->step;
    return PB_OK;
}

/* H·V = mean of Fᵀ·(diag p − p·pᵀ)·F·(V·x̄ + v_b) ⊗ (x̄, 1): the logits are linear in the convolution's parameters. */
static void test_the_product_is_that_of_the_hessian_worked_out_by_hand(void **state)
{
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_HESSIAN_PRODUCTS,
                                           .hessian_step = 0.003,
                                           .create = create,
                                           .direction = give_direction,
                                           .observe_product = keep_product,
                                           .score = score};
    double expected[K * (C + 1)] = {0}, length = 0, moved = 0;
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, linear_network());
    direction_is = DRAWN;
    runs(&criterion);
    assert_int_equal(directed, 1);
    assert_int_equal(shown, 1);
    const struct linear net = parameters();
    for (uint32_t n = 0; n < CALIBRATION_IMAGES; n++) {
        const struct pass pass = forward(&net, n);
        double u[CLASSES] = {0}, mean = 0;
        for (int j = 0; j < CLASSES; j++) {
            for (int k = 0; k < K; k++) {
                double change = conv_direction[K * C + k];
                for (int c = 0; c < C; c++)
                    change += conv_direction[k * C + c] * pass.x[c];
                u[j] += net.f[j][k] * change;
            }
            mean += pass.p[j] * u[j];
        }
        for (int k = 0; k < K; k++) {
            double row = 0;
            for (int j = 0; j < CLASSES; j++)
                row += net.f[j][k] * pass.p[j] * (u[j] - mean) / CALIBRATION_IMAGES;
            for (int c = 0; c < C; c++)
                expected[k * C + c] += row * pass.x[c];
            expected[K * C + k] += row;
        }
    }
    compare_products(expected, 1e-3);
    for (int i = 0; i < K * (C + 1); i++) {
        length += conv_direction[i] * conv_direction[i];
        moved += i < K * C ? net.w[i / C][i % C] * net.w[i / C][i % C] : net.b[i - K * C] * net.b[i - K * C];
    }
    assert_true(fabs(step / (0.003 * sqrt(moved / length)) - 1) < 1e-12); /* the classifier does not move */
    calibrated_close(&calibrated);
}

/* What GraSP asks for: H·g, over all parameters, the classifier's too. */
static void test_without_a_direction_it_is_the_mean_gradient_of_every_parameter(void **state)
{
    const struct pb_criterion criterion = {.size = sizeof criterion,
                                           .needs = PB_DATA_HESSIAN_PRODUCTS,
                                           .hessian_step = 0.003,
                                           .create = create,
                                           .observe_product = keep_product,
                                           .score = score};
    const double h = 1e-6;
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, linear_network());
    runs(&criterion);
    const struct linear net = parameters(), v = gradient(&net);
    struct linear sides[2] = {net, net};
    for (int i = 0; i < LINEAR; i++) {
        ((double *)&sides[0])[i] += h * ((const double *)&v)[i];
        ((double *)&sides[1])[i] -= h * ((const double *)&v)[i];
    }
    const struct linear above = gradient(&sides[0]), below = gradient(&sides[1]);
    double expected[K * (C + 1)];
    for (int i = 0; i < K * (C + 1); i++) { /* w, then b */
        const double g = i < K * C ? v.w[i / C][i % C] : v.b[i - K * C];
        assert_true(fabs(conv_direction[i] - g) <= 1e-5 * (fabs(g) + 1e-3));
        expected[i] = (((const double *)&above)[i] - ((const double *)&below)[i]) / (2 * h);
    }
    compare_products(expected, 1e-3);
    calibrated_close(&calibrated);
}

/* Polynomials of the parameters all the way to the logits: no ReLU whose bend differences would meet. */
static struct pb_network *smooth_network(void)
{
    struct pb_graph *graph = graph_begin("smooth", 16, 16, 3);
    uint32_t node = graph_norm(graph, "bn1", graph_conv(graph, "conv1", 0, 4));
    node = graph_norm(graph, "bn2", graph_conv(graph, "conv2", node, 5));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CLASSES);
    return network_of(graph, 8);
}

static uint64_t bits_of(const float *values, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        sum = sum * 31 + bits;
    }
    return sum;
}

static enum pb_status add_forms(void *self, const struct pb_layer_view *layer, const struct pb_product_view *product)
{
    const float *const parts[] = {product->weight_product, product->bias_product, product->gamma_product,
                                  product->beta_product};
    (void)self;
    shown++;
    assert_int_equal(product->products, 2);
    for (uint32_t k = 0; k < 4; k++) {
        const size_t count = k ? layer->channels : weight_count(layer);
        sums[product->product] = sums[product->product] * 31 + bits_of(parts[k], count);
        for (uint32_t i = 0; i < 2; i++)
            for (size_t place = 0; place < count; place++)
                forms[i][product->product] += (double)drawn(i, layer->index, k, place) * (double)parts[k][place];
    }
    return PB_OK;
}

static enum pb_status derive_loss(void *self, const struct pb_logits_view *batch, float *derivative)
{
    (void)self;
    derived++;
    for (uint32_t n = 0; n < batch->batch; n++) {
        const float *z = batch->logits + n * batch->classes;
        double sum = 0;
        for (uint32_t j = 0; j < batch->classes; j++)
            sum += exp((double)z[j]);
        for (uint32_t j = 0; j < batch->classes; j++)
            derivative[n * batch->classes + j] = (float)(exp((double)z[j]) / sum - (j == batch->labels[n]));
    }
    return PB_OK;
}

static const struct pb_criterion two_products = {.size = sizeof two_products,
                                                 .needs = PB_DATA_HESSIAN_PRODUCTS,
                                                 .hessian_step = 0.003,
                                                 .objective = PB_OBJECTIVE_GIVEN,
                                                 .objective_grad = derive_loss,
                                                 .create = create,
                                                 .products = two,
                                                 .direction = give_direction,
                                                 .observe_product = add_forms,
                                                 .score = score};

/* The loss at w + t·v of direction number `product`. */
static double loss_beside(uint32_t product, double t)
{
    static const char *const nodes[2][2] = {{"conv1", "bn1"}, {"conv2", "bn2"}};
    static const enum pb_role roles[] = {PB_ROLE_WEIGHT, PB_ROLE_BIAS, PB_ROLE_GAMMA, PB_ROLE_BETA};
    struct pb_network *whole = calibrated.network, *moved = NULL;
    struct pb_error error = {0};
    assert_int_equal(pb_network_copy(whole, &moved, &error), PB_OK);
    for (uint32_t layer = 0; layer < 2; layer++)
        for (uint32_t k = 0; k < 4; k++) {
            const uint32_t node = pb_graph_find(moved->graph, nodes[layer][k / 2]);
            const size_t count = moved->graph->parameters[moved->graph->nodes[node].parameters[roles[k]]].count;
            float *values = pb_network_values(moved, node, roles[k]);
            for (size_t i = 0; i < count; i++)
                values[i] = (float)((double)values[i] + t * (double)drawn(product, layer, k, i));
        }
    calibrated.network = moved;
    const double loss = calibrated_mean(&calibrated, 0, CALIBRATION_IMAGES, calibrated_cross_entropy);
    calibrated.network = whole;
    pb_network_free(&moved);
    return loss;
}

static void test_products_of_all_parameters_fit_second_differences_of_the_loss_and_are_symmetric(void **state)
{
    const double t = 0x1p-7;
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, smooth_network());
    const size_t bytes = calibrated.network->graph->value_count * sizeof(float);
    float *before = pb_calloc(1, bytes);
    assert_non_null(before);
    memcpy(before, calibrated.network->values, bytes);
    direction_is = DRAWN;
    runs(&two_products);
    for (uint32_t i = 0; i < 2; i++) {
        const double second = (loss_beside(i, t) - 2 * loss_beside(i, 0) + loss_beside(i, -t)) / (t * t);
        if (!(fabs(forms[i][i] - second) <= 2e-3 * fabs(second)))
            fail_msg("direction %u: %g is not %g", i, forms[i][i], second);
    }
    assert_true(fabs(forms[0][1] - forms[1][0]) <= 2e-3 * fabs(forms[0][1]));
    assert_memory_equal(before, calibrated.network->values, bytes); /* running statistics included */
    pb_free(before);
    calibrated_close(&calibrated);
}

static void test_a_product_leaves_nothing_behind_and_makes_two_passes_alone(void **state)
{
    struct pb_criterion criterion = two_products;
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, smooth_network());
    direction_is = SAME;
    runs(&criterion);
    assert_int_equal(directed, 2 * 2);
    assert_int_equal(shown, 2 * 2);
    assert_int_equal(derived, 2 * 2 * 3); /* no pass before them: nobody looks at its gradients */
    assert_true(sums[0] == sums[1] && sums[0] != 0); /* the second began from the same bits */
    criterion.direction = NULL;
    runs(&criterion);
    assert_int_equal(derived, 3 + 2 * 2 * 3); /* the mean gradient takes one */
    calibrated_close(&calibrated);
}

static void test_directions_that_are_not_finite_or_zero_are_refused_by_name(void **state)
{
    struct pb_error error = {0};
    calibrated_open(&calibrated, *state);
    calibrated_use(&calibrated, smooth_network());
    direction_is = NOT_A_NUMBER;
    assert_int_equal(run(&two_products, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "criterion 'probe' gave direction 0 a beta of "));
    assert_non_null(strstr(error.text, " in layer 'conv2'; directions must be finite"));
    assert_int_equal(derived, 0);
    direction_is = ZERO;
    assert_int_equal(run(&two_products, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "criterion 'probe': direction 0 has a length of 0"));
    assert_int_equal(shown, 0);
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_product_is_that_of_the_hessian_worked_out_by_hand),
        TEST(test_without_a_direction_it_is_the_mean_gradient_of_every_parameter),
        TEST(test_products_of_all_parameters_fit_second_differences_of_the_loss_and_are_symmetric),
        TEST(test_a_product_leaves_nothing_behind_and_makes_two_passes_alone),
        TEST(test_directions_that_are_not_finite_or_zero_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
