/* Penalties in a training: the host's own, those of plugins, what stops them, and that a stop changes nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <prunebench/penalty.h>

#include "support/folder.h"
#include "support/whole_training.h"
#include "training/penalties.h"

/* What the plugin of a test does; its hooks see no other. */
static struct pb_penalty_term terms[3];
static uint32_t term_count;
static double (*coefficient)(const struct pb_penalty_view *layer, uint32_t unit);
static uint32_t asked;
static uint64_t asked_at[64];

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    (void)self;
    return PB_OK;
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    (void)self;
    return index < term_count ? &terms[index] : NULL;
}

static enum pb_status coefficients(void *self, uint32_t index, const struct pb_penalty_view *layer, double *written)
{
    (void)self;
    (void)index;
    if (layer->index == 0 && asked < 64)
        asked_at[asked++] = layer->step;
    for (uint32_t u = 0; u < layer->units; u++)
        written[u] = coefficient ? coefficient(layer, u) : 1;
    return PB_OK;
}

static struct pb_penalty penalty = {
    .size = sizeof penalty, .create = create, .term = term, .coefficients = coefficients};
static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_PENALTY), .name = "of-a-test", .version = "1",
                                        .penalty = &penalty};
static const struct pb_loaded loaded = {.plugin = &plugin};
static struct pb_choice choice = {.label = "of-a-test", .loaded = &loaded};

/* spec with the plugin's λ in its place. */
static struct pb_train_spec spec_of(double lambda)
{
    return (struct pb_train_spec){.epochs = 3,
                                  .lr = 0.05,
                                  .lr_policy = PB_LR_CONSTANT,
                                  .momentum = 0.9,
                                  .nesterov = true,
                                  .weight_decay = 1e-4,
                                  .penalty_count = PB_PENALTY_PLUGINS + 1,
                                  .lambda = {0, 0, lambda}};
}

static void open_penalised(struct training *training, void **state, const struct pb_train_spec *spec, uint32_t unit,
                           uint32_t rule)
{
    open_training(training, state, spec);
    training->config.penalties = &choice;
    training->config.penalty_count = 1;
    terms[0] = (struct pb_penalty_term){.size = sizeof terms[0], .unit = unit, .rule = rule, .parameter = 1};
    term_count = 1;
    coefficient = NULL;
    asked = 0;
}

static bool same_values(const struct training *a, const struct training *b)
{
    return memcmp(a->network->values, b->network->values, a->network->graph->value_count * sizeof(float)) == 0;
}

/* λ·|γ| of a plugin is the host's own, bit for bit. */
static void test_a_plugin_can_be_the_hosts_own_penalty(void **state)
{
    struct pb_train_spec own = spec_of(0), plugins = spec_of(1e-2);
    struct training a, b;
    own.lambda[PB_PENALTY_NORMS] = own.lambda[PB_PENALTY_LAST_NORM] = 1e-2;
    open_penalised(&a, state, &own, PB_UNIT_NORM_SCALES, PB_RULE_L1);
    run_training(&a, "own");
    assert_int_equal(asked, 0); /* λ 0: it is not even created */
    open_penalised(&b, state, &plugins, PB_UNIT_NORM_SCALES, PB_RULE_L1);
    run_training(&b, "plugin");
    assert_true(same_values(&a, &b));
    const uint32_t steps = 27 / 9;
    assert_int_equal(asked, 3);
    for (uint32_t i = 0; i < asked; i++)
        assert_int_equal(asked_at[i], i * steps);
    struct pb_train_spec none = spec_of(0);
    a.job.spec = &none;
    run_training(&a, "none");
    assert_false(same_values(&a, &b));
    close_training(&a);
    close_training(&b);
}

static double of_layer(const struct pb_penalty_view *layer, uint32_t unit)
{
    return layer->linear ? 0 : unit % 2;
}

/* The units of every second filter reach exact zeros, the others do not. */
static void test_group_lasso_reaches_exact_zeros_where_its_coefficients_are(void **state)
{
    struct pb_train_spec spec = spec_of(1e6);
    struct training training;
    open_penalised(&training, state, &spec, PB_UNIT_FILTERS, PB_RULE_GROUP_LASSO);
    coefficient = of_layer;
    run_training(&training, "lasso");
    const struct pb_network *network = training.network;
    for (uint32_t p = 0; p < network->graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &network->graph->parameters[p];
        if (parameter->role != PB_ROLE_WEIGHT)
            continue;
        const size_t filter = parameter->count / parameter->dims[0];
        for (size_t k = 0; k < parameter->dims[0]; k++) {
            bool zero = true;
            for (size_t i = 0; i < filter; i++)
                zero = zero && network->values[parameter->offset + k * filter + i] == 0;
            assert_int_equal(zero, parameter->rank == 4 && k % 2 == 1);
        }
    }
    close_training(&training);
}

/* A coefficient that depends on the values, the step and the epoch. */
static double of_values(const struct pb_penalty_view *layer, uint32_t unit)
{
    const uint32_t stride = layer->units == layer->filters ? layer->unit_values : 1;
    return fabs((double)layer->values[unit * stride]) + (double)layer->step + layer->epoch;
}

/* Coefficients are asked for at every epoch's start and after every period; a stop changes neither them nor the network. */
static void test_a_stopped_training_gets_the_coefficients_that_it_would_have_had(void **state)
{
    struct pb_train_spec spec = spec_of(1e-3);
    struct training whole, again;
    open_penalised(&whole, state, &spec, PB_UNIT_FILTERS, PB_RULE_L2);
    terms[0].period = 2;
    coefficient = of_values;
    whole.keep = "cut";
    run_training(&whole, "whole");
    static const uint64_t expected[] = {0, 2, 3, 4, 6, 8}; /* three steps make an epoch */
    assert_int_equal(asked, 6);
    assert_memory_equal(asked_at, expected, sizeof expected);
    for (uint32_t epoch = 1; epoch < 3; epoch++) {
        char name[32];
        snprintf(name, sizeof name, "cut-%u", epoch);
        again = whole;
        again.keep = NULL;
        again.network = NULL;
        again.rows = NULL;
        asked = 0;
        run_training(&again, name);
        assert_int_equal(asked, epoch == 1 ? 4 : 2);
        assert_int_equal(asked_at[0], epoch * 3);
        assert_true(same_values(&whole, &again));
        json_decref(again.rows);
        pb_network_free(&again.network);
    }
    close_training(&whole);
}

/* Polarization of two scales of four: γ = 0, 0, 1, 1 is at rest but for its L1 part, which t alone scales. */
static void test_polarization_is_the_papers(void **state)
{
    struct pb_train_spec spec = spec_of(1e-2);
    struct training training;
    open_penalised(&training, state, &spec, PB_UNIT_NORM_SCALES, PB_RULE_POLARIZATION);
    terms[0].parameter = 1.4;
    terms[1] = (struct pb_penalty_term){
        .size = sizeof terms[1], .unit = PB_UNIT_NORM_SCALES, .rule = PB_RULE_INTERVAL, .parameter = 1};
    term_count = 2;
    /* one step without a gradient to speak of: the loss of a network whose classifier is zero has none in the trunk */
    struct pb_engine *engine = NULL;
    struct pb_error error = {0};
    const struct pb_engine_options options = {.batch = BATCH, .mode = PB_ENGINE_TRAIN, .seed = 1};
    must(pb_network_copy(training.initial, &training.network, &error), &error);
    const struct pb_graph *graph = training.network->graph;
    float *values = training.network->values;
    struct pb_penalised list[16];
    float strengths[4096];
    uint32_t count = 0;
    size_t units = 0, scales = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        if (graph->nodes[parameter->node].op == PB_OP_LINEAR)
            memset(values + parameter->offset, 0, parameter->count * sizeof(float));
        if (parameter->role != PB_ROLE_GAMMA)
            continue;
        list[count++] = (struct pb_penalised){
            .parameter = p, .unit = PB_UNIT_NORM_SCALES, .rule = PB_RULE_POLARIZATION, .limit = 1.4};
        for (size_t i = 0; i < parameter->count; i++, units++)
            strengths[units] = 0.5f;
        for (size_t i = 0; i < parameter->count; i++, scales++)
            values[parameter->offset + i] = scales % 2 ? 1.0f : 0.25f;
    }
    assert_int_equal(units % 2, 0);
    must(pb_engine_create(training.backend.device, training.network, &options, &engine, &error), &error);
    must(pb_engine_penalise_norms(engine, 1, 1, &error), &error); /* as many entries of as many units, replaced */
    must(pb_engine_penalise(engine, list, count, strengths, &error), &error);
    static float images[BATCH * 32 * 32 * 3];
    static const uint32_t labels[BATCH] = {0, 1, 2, 0, 1, 2, 0, 1, 2};
    double loss;
    must(pb_engine_backward(engine, images, labels, &loss, NULL, &error), &error);
    must(pb_engine_step(engine, &(struct pb_step){.lr = 0.1}, &error), &error);
    must(pb_engine_store(engine, training.network, &error), &error);
    /* mean 0.625, as many above as below it: d/dγ = t·sign(γ) − sign(γ − mean), 0.4 for the large and 2.4 for the small */
    scales = 0;
    for (uint32_t p = 0; p < graph->parameter_count; p++)
        for (size_t i = 0; graph->parameters[p].role == PB_ROLE_GAMMA && i < graph->parameters[p].count;
             i++, scales++) {
            const double expected = scales % 2 ? 1 - 0.1 * 0.5 * 0.4 : 0.25 - 0.1 * 0.5 * 2.4;
            assert_true(fabs((double)values[graph->parameters[p].offset + i] - expected) < 1e-6);
        }
    pb_engine_free(&engine);
    close_training(&training);
}

static double negative(const struct pb_penalty_view *layer, uint32_t unit)
{
    return layer->index == 1 && unit == 2 ? -0.5 : 1;
}
static double not_a_number(const struct pb_penalty_view *layer, uint32_t unit)
{
    return layer->index == 0 && unit == 1 ? NAN : 1;
}

static void fails(struct training *training, const char *what)
{
    struct pb_error error = {0};
    assert_int_equal(try_training(training, "wrong", &error), PB_ERROR_RUN);
    if (!strstr(error.text, what))
        fail_msg("'%s' does not say '%s'", error.text, what);
}

static void test_what_a_penalty_does_wrong_is_named(void **state)
{
    struct pb_train_spec spec = spec_of(1e-3);
    struct training training;
    open_penalised(&training, state, &spec, PB_UNIT_FILTERS, PB_RULE_L2);
    coefficient = negative;
    fails(&training, "penalty 'of-a-test' gave layer 'conv2_1', unit 2, the coefficient -0.5");
    coefficient = not_a_number;
    fails(&training, "penalty 'of-a-test' gave layer 'conv1_1', unit 1, the coefficient nan");
    coefficient = NULL;
    term_count = 0;
    fails(&training, "penalty 'of-a-test' has no term");
    term_count = 1;
    terms[0].rule = 77;
    fails(&training, "its term 0 has unit 1 and rule 77");
    terms[0].rule = PB_RULE_INTERVAL;
    terms[0].parameter = 0;
    fails(&training, "its term 0 has the parameter 0; its rule needs one above 0");
    terms[0].size = 8;
    fails(&training, "its term 0 states a size of 8 bytes");
    close_training(&training);
}

/* A strength of every unit on the host and on the device, and beside them what a hook is shown of the largest layer. */
static void test_predicted_memory_counts_the_units_of_every_term(void **state)
{
    struct pb_train_spec spec = spec_of(1e-3);
    struct training training;
    struct pb_error error = {0};
    uint64_t filters = 0, weights = 0, both = 0, none = 1;
    size_t filter_units = 0, weight_units = 0, most_filters = 0, most_weights = 0;
    open_penalised(&training, state, &spec, PB_UNIT_FILTERS, PB_RULE_L1);
    const struct pb_graph *graph = training.initial->graph;
    for (uint32_t p = 0; p < graph->parameter_count; p++) {
        const struct pb_parameter *parameter = &graph->parameters[p];
        if (parameter->role != PB_ROLE_WEIGHT)
            continue;
        filter_units += parameter->dims[0];
        weight_units += parameter->count;
        most_filters = parameter->dims[0] > most_filters ? parameter->dims[0] : most_filters;
        most_weights = parameter->count > most_weights ? parameter->count : most_weights;
    }
    must(pb_penalty_set_predict(&training.job, graph, &filters, &error), &error);
    terms[0].unit = PB_UNIT_WEIGHTS;
    must(pb_penalty_set_predict(&training.job, graph, &weights, &error), &error);
    assert_int_equal(weights - filters, 2 * sizeof(float) * (weight_units - filter_units) +
                                            sizeof(double) * (most_weights - most_filters));
    assert_true(filters > 2 * sizeof(float) * filter_units + sizeof(float) * most_weights);
    terms[1] = terms[0];
    terms[1].unit = PB_UNIT_FILTERS;
    term_count = 2;
    must(pb_penalty_set_predict(&training.job, graph, &both, &error), &error);
    assert_true(both - weights >= 2 * sizeof(float) * filter_units);
    spec.lambda[PB_PENALTY_PLUGINS] = 0;
    must(pb_penalty_set_predict(&training.job, graph, &none, &error), &error);
    assert_int_equal(none, 0);
    assert_int_equal(asked, 0); /* no coefficient was asked for */
    close_training(&training);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_predicted_memory_counts_the_units_of_every_term, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_plugin_can_be_the_hosts_own_penalty, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_group_lasso_reaches_exact_zeros_where_its_coefficients_are, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_stopped_training_gets_the_coefficients_that_it_would_have_had,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_polarization_is_the_papers, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_what_a_penalty_does_wrong_is_named, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
