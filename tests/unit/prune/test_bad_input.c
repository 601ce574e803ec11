/*
 * Every criterion that comes with the harness on bad input: it prunes as much as it is asked to, from finite scores, or it is refused
 * with the layer's name and what to change.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/cost.h"
#include "plugin/criterion_data.h"
#include "prune/masking.h"
#include "support/built_plugin.h"
#include "support/calibration.h"
#include "support/folder.h"
#include "support/graphs.h"

static struct calibrated calibrated;

/* The network's channels or weights, as one criterion would prune them. */
struct attempt {
    struct pb_loaded loaded;
    struct pb_options options;
    double share;
    struct pb_error error;
};

static void assert_finite(const char *name, const double *scores, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(scores[i]))
            fail_msg("'%s' gave the score %g", name, scores[i]);
}

/* As many channels are left as the ranking says, and of every layer one at least. */
static void assert_mask(const char *name, const struct pb_pruning *pruning)
{
    assert_true(isfinite(pruning->threshold) && isfinite(pruning->achieved));
    for (uint32_t g = 0; g < pruning->group_count; g++) {
        uint32_t kept = 0;
        for (uint32_t c = 0; c < pruning->layers[g].before; c++)
            kept += pruning->keep.keep[g][c];
        if (kept == 0 || kept != pruning->layers[g].after)
            fail_msg("'%s' keeps %u channels of layer %u, not %u", name, kept, g, pruning->layers[g].after);
    }
}

static enum pb_status prune_channels(struct attempt *attempt)
{
    const struct pb_criterion *criterion = attempt->loaded.plugin->criterion;
    const struct pb_cost cost = pb_graph_cost(calibrated.network->graph);
    const struct pb_original original = {.channels = calibrated.groups.total, .params = cost.params, .macs = cost.macs};
    const struct pb_target target = {.size = sizeof target, .measure = PB_MEASURE_CHANNELS, .amount = attempt->share};
    const struct pb_ranking ranking = {.scope = (enum pb_scope)criterion->scope,
                                       .normalise = (enum pb_normalise)criterion->normalise,
                                       .floor = 1,
                                       .round_to = 1};
    struct pb_scores scores = {0};
    struct pb_pruning pruning = {0};
    enum pb_status status =
        pb_score_network(&attempt->loaded, &attempt->options, calibrated.network, &calibrated.groups,
                         (enum pb_coupling)criterion->coupling, &calibrated.calibration, &scores, &attempt->error);
    for (uint32_t g = 0; status == PB_OK && g < scores.group_count; g++)
        assert_finite(attempt->loaded.plugin->name, scores.values[g], scores.channels[g]);
    if (status == PB_OK)
        status = pb_rank(calibrated.network, &calibrated.groups, &scores, &ranking, target, &original, &pruning,
                         &attempt->error);
    if (status == PB_OK && criterion->select)
        status = pb_select_channels(&attempt->loaded, &attempt->options, calibrated.network, &calibrated.groups,
                                    &calibrated.calibration, NULL, &pruning, &attempt->error);
    if (status == PB_OK)
        assert_mask(attempt->loaded.plugin->name, &pruning);
    pb_pruning_free(&pruning);
    pb_scores_free(&scores);
    return status;
}

static enum pb_status mask_weights(struct attempt *attempt)
{
    const struct pb_criterion *criterion = attempt->loaded.plugin->criterion;
    const struct pb_ranking ranking = {.scope = (enum pb_scope)criterion->scope,
                                       .normalise = (enum pb_normalise)criterion->normalise,
                                       .floor = 1,
                                       .round_to = 1};
    struct pb_weight_scores scores = {0};
    struct pb_masking masking = {0};
    struct pb_network *masked = NULL;
    enum pb_status status = pb_score_weights(&attempt->loaded, &attempt->options, calibrated.network,
                                             &calibrated.groups, &calibrated.calibration, &scores, &attempt->error);
    for (uint32_t l = 0; status == PB_OK && l < scores.count; l++)
        assert_finite(attempt->loaded.plugin->name, scores.layers[l].scores, scores.layers[l].count);
    if (status == PB_OK)
        status = pb_network_copy(calibrated.network, &masked, &attempt->error);
    if (status == PB_OK)
        status = pb_mask_weights(masked, &scores, &ranking, attempt->share, &masking, &attempt->error);
    for (uint32_t l = 0; status == PB_OK && l < masking.count; l++)
        assert_true(masking.layers[l].masked < masking.layers[l].weights);
    pb_masking_free(&masking);
    pb_weight_scores_free(&scores);
    pb_network_free(&masked);
    return status;
}

/* What must hold of one bad input. */
struct bad {
    double share; /* 0: one half */
    uint32_t refused; /* criteria that ask for any of these data are refused */
    uint32_t missing; /* and those that cannot do without any of these */
    uint32_t left_out; /* criteria that ask for any of these are not tried */
    bool all_refused;
    bool may_refuse; /* others may be refused */
    const char *only; /* the criterion that is tried; NULL: all */
    const char *option, *value; /* set where a criterion has this option; others are left out */
    const char *words[3]; /* of a refusal, beside the criterion's name */
};

static bool has_option(const struct pb_plugin *plugin, const char *name)
{
    for (uint32_t i = 0; i < plugin->option_count; i++)
        if (strcmp(plugin->options[i].name, name) == 0)
            return true;
    return false;
}

static void judge(const struct bad *bad, struct attempt *attempt, enum pb_status status)
{
    const struct pb_plugin *plugin = attempt->loaded.plugin;
    const bool refused = bad->all_refused || (pb_criterion_asks(plugin->criterion) & bad->refused) != 0 ||
                         (plugin->criterion->needs & bad->missing) != 0;
    if (status == PB_OK && refused)
        fail_msg("'%s' was not refused", plugin->name);
    if (status == PB_OK)
        return;
    if (!refused && !bad->may_refuse)
        fail_msg("'%s' was refused: %s", plugin->name, attempt->error.text);
    if (!strstr(attempt->error.text, plugin->name))
        fail_msg("'%s' is not named in: %s", plugin->name, attempt->error.text);
    for (size_t i = 0; i < 3 && bad->words[i]; i++)
        if (!strstr(attempt->error.text, bad->words[i]))
            fail_msg("'%s' is refused without \"%s\": %s", plugin->name, bad->words[i], attempt->error.text);
}

/* Every criterion, on channels and on weights, as far as it scores them. */
static void try_all(const struct bad *bad)
{
    uint32_t tried = 0;
    for (const struct pb_plugin *const *plugin = built_plugins(PB_KIND_CRITERION); *plugin; plugin++) {
        const struct given given = {bad->option, bad->value};
        if ((bad->only && strcmp((*plugin)->name, bad->only) != 0) ||
            (bad->option && !has_option(*plugin, bad->option)) ||
            (pb_criterion_asks((*plugin)->criterion) & bad->left_out) != 0)
            continue;
        struct attempt attempt = {.loaded = {.plugin = *plugin, .file = "built"},
                                  .options = built_options(*plugin, &given, 1),
                                  .share = bad->share > 0 ? bad->share : 0.5};
        if ((*plugin)->criterion->score || (*plugin)->criterion->select)
            judge(bad, &attempt, prune_channels(&attempt));
        if ((*plugin)->criterion->score_weights)
            judge(bad, &attempt, mask_weights(&attempt));
        pb_options_free(&attempt.options);
        tried++;
    }
    assert_true(tried >= (bad->option || bad->only ? 1 : 20));
}

static float *values(const char *node, enum pb_role role, size_t *count)
{
    const struct pb_graph *graph = calibrated.network->graph;
    const uint32_t found = pb_graph_find(graph, node);
    *count = graph->parameters[graph->nodes[found].parameters[role]].count;
    return pb_network_values(calibrated.network, found, role);
}

static void fill(const char *node, enum pb_role role, float value)
{
    size_t count;
    float *filled = values(node, role, &count);
    for (size_t i = 0; i < count; i++)
        filled[i] = value;
}

static void fill_layer(const char *layer, const char *norm, float value)
{
    fill(layer, PB_ROLE_WEIGHT, value);
    fill(layer, PB_ROLE_BIAS, value);
    fill(norm, PB_ROLE_GAMMA, value);
    fill(norm, PB_ROLE_BETA, value);
}

static void test_constant_scores_prune_exactly_as_much_as_any(void **state)
{
    calibrated_open(&calibrated, *state);
    fill_layer("conv1", "bn1", 0.5F);
    fill_layer("conv2", "bn2", 0.5F);
    fill("fc", PB_ROLE_WEIGHT, 0.5F);
    try_all(&(struct bad){0});
    calibrated_close(&calibrated);
}

static void test_a_layer_of_zeros_is_scored(void **state)
{
    calibrated_open(&calibrated, *state);
    fill_layer("conv2", "bn2", 0);
    /* Weights that are 0 do not move, and without the others no gradient reaches conv1: movement has nothing to say, and nothing flows to the output. */
    try_all(&(struct bad){.share = 0.4, .may_refuse = true, .words = {"layer 'conv", "scores would be 0"}});
    calibrated_close(&calibrated);
}

static void use_batches(uint32_t batch, uint32_t count)
{
    struct pb_error error = {0};
    struct pb_batches *batches = NULL;
    const struct pb_batches_spec spec = {.samples = calibrated.scene.data->train,
                                         .sample_count = calibrated.scene.data->train_count,
                                         .batch = batch,
                                         .threads = 1};
    if (pb_batches_create(calibrated.cache, &calibrated.scene.preprocess, &spec, &batches, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_batches_free(&calibrated.calibration.batches);
    calibrated.calibration.batches = batches;
    calibrated.calibration.batch = batch;
    calibrated.calibration.batch_count = count;
}

static void test_fewer_images_than_a_batch_are_one_batch(void **state)
{
    calibrated_open(&calibrated, *state);
    use_batches(4 * CALIBRATION_IMAGES, 3);
    try_all(&(struct bad){0});
    calibrated_close(&calibrated);
}

static void test_without_an_image_only_criteria_that_look_at_some_are_refused(void **state)
{
    calibrated_open(&calibrated, *state);
    calibrated.calibration.batch_count = 0;
    try_all(&(struct bad){.refused = PB_DATA_FROM_BATCHES, .words = {"at least one calibration batch"}});
    calibrated_close(&calibrated);
}

/* The logits overflow, and every gradient is NaN; the activations are finite. */
static void test_outputs_that_overflow_are_refused_by_layer_and_channel(void **state)
{
    calibrated_open(&calibrated, *state);
    fill("fc", PB_ROLE_WEIGHT, 3e38F);
    try_all(&(struct bad){.refused = PB_DATA_FROM_BATCHES, .words = {"'fc', channel ", "lower learning rate"}});
    calibrated_close(&calibrated);
}

static void test_activations_that_overflow_are_refused_by_layer_and_channel(void **state)
{
    size_t count;
    calibrated_open(&calibrated, *state);
    fill("bn1", PB_ROLE_GAMMA, 1e30F);
    values("bn2", PB_ROLE_GAMMA, &count)[2] = 1e30F;
    try_all(&(struct bad){.refused = PB_DATA_FROM_BATCHES, .words = {"', channel ", "lower learning rate"}});
    calibrated_close(&calibrated);
}

static void scale(const char *node, enum pb_role role, float factor)
{
    size_t count;
    float *scaled = values(node, role, &count);
    for (size_t i = 0; i < count; i++)
        scaled[i] *= factor;
}

/* The output is finite, for conv2 makes up for what bn1 makes small; the gradient behind bn1 is 10⁴². */
static void test_gradients_that_overflow_are_refused_by_layer_and_channel(void **state)
{
    calibrated_open(&calibrated, *state);
    scale("bn1", PB_ROLE_GAMMA, 1e-22F);
    scale("bn1", PB_ROLE_BETA, 1e-22F);
    scale("conv2", PB_ROLE_WEIGHT, 1e22F);
    scale("fc", PB_ROLE_WEIGHT, 1e22F);
    /* Gradients at the consumers are finite. Relevance overflows as well, and is refused because it is not conserved. */
    try_all(&(struct bad){.left_out = PB_DATA_RELEVANCE,
                          .refused = (PB_DATA_OBSERVED_BACKWARD & ~PB_DATA_CONSUMER_GRADIENTS) | PB_DATA_ACCUMULATED,
                          .words = {"layer '", "', channel ", "lower learning rate"}});
    calibrated_close(&calibrated);
}

static void test_parameters_that_are_not_numbers_are_refused_by_layer_and_channel(void **state)
{
    size_t count;
    calibrated_open(&calibrated, *state);
    values("bn2", PB_ROLE_GAMMA, &count)[3] = NAN;
    try_all(&(struct bad){.all_refused = true, .words = {"'bn2', channel 3", "nan", "lower learning rate"}});
    calibrated_close(&calibrated);
}

static void test_a_share_that_would_empty_a_layer_leaves_one_channel_of_each(void **state)
{
    calibrated_open(&calibrated, *state);
    try_all(&(struct bad){.share = 0.999});
    calibrated_close(&calibrated);
}

static void test_criteria_of_norms_name_the_layer_without_one(void **state)
{
    calibrated_open(&calibrated, *state);
    struct pb_graph *graph = graph_begin("plain", 16, 16, 3);
    uint32_t node = graph_relu(graph, "relu1", graph_conv(graph, "conv1", 0, 4));
    node = graph_relu(graph, "relu2", graph_conv(graph, "conv2", node, 5));
    node = graph_add(graph, (struct pb_graph_node){.op = PB_OP_AVG_POOL, .name = "gap"}, node);
    graph_linear(graph, "fc", node, CALIBRATION_CLASSES);
    calibrated_use(&calibrated, network_of(graph, 8));
    try_all(&(struct bad){.missing = PB_DATA_OF_NORMS,
                          .words = {"layer 'conv1' has none", "choose another criterion or a model with batch norm"}});
    calibrated_close(&calibrated);
}

/*
 * Not a Hessian of zeros: the Fisher information of three batches has three dimensions, so that the fourth weight depends on those
 * before it; and the second moments of conv2's inputs are singular because its channels 0 and 1 are equal. Damping makes both regular.
 */
static void test_a_singular_hessian_without_damping_names_layer_channel_and_option(void **state)
{
    size_t count;
    calibrated_open(&calibrated, *state);
    float *filters = values("conv1", PB_ROLE_WEIGHT, &count);
    const enum pb_role roles[] = {PB_ROLE_GAMMA, PB_ROLE_BETA, PB_ROLE_RUNNING_MEAN, PB_ROLE_RUNNING_VAR};
    memcpy(filters + count / 4, filters, count / 4 * sizeof *filters);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        float *of_norm = values("bn1", roles[i], &count);
        of_norm[1] = of_norm[0];
    }
    values("conv1", PB_ROLE_BIAS, &count)[1] = values("conv1", PB_ROLE_BIAS, &count)[0];
    struct bad undamped = {.option = "damping", .value = "0", .all_refused = true};
    undamped.only = "obs";
    undamped.words[0] = "layer 'conv1', channel 0: its Hessian with damping 0 is not positive definite";
    undamped.words[1] = "from weight 3 of";
    undamped.words[2] = "set a larger damping";
    try_all(&undamped);
    undamped.only = "kron-obs";
    undamped.words[0] = "layer 'conv2', input channel 1: ";
    undamped.words[1] = "singular with damping 0";
    try_all(&undamped);
    try_all(&(struct bad){.only = "obs"});
    try_all(&(struct bad){.only = "kron-obs"});
    calibrated_close(&calibrated);
}

/* Nothing depends on conv1 and conv2, so that every Hessian of theirs is 0. */
static void test_a_hessian_of_zeros_without_damping_is_scored_or_refused_by_layer_and_option(void **state)
{
    calibrated_open(&calibrated, *state);
    fill("fc", PB_ROLE_WEIGHT, 0);
    try_all(&(struct bad){.may_refuse = true, .option = "damping", .value = "0", .words = {"layer 'conv", "damping"}});
    calibrated_close(&calibrated);
}

static void test_a_loss_that_depends_on_no_channel_is_scored_or_refused_by_layer(void **state)
{
    calibrated_open(&calibrated, *state);
    fill("fc", PB_ROLE_WEIGHT, 0);
    try_all(&(struct bad){.may_refuse = true, .words = {"layer '"}});
    calibrated_close(&calibrated);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_constant_scores_prune_exactly_as_much_as_any),
        TEST(test_a_layer_of_zeros_is_scored),
        TEST(test_fewer_images_than_a_batch_are_one_batch),
        TEST(test_without_an_image_only_criteria_that_look_at_some_are_refused),
        TEST(test_outputs_that_overflow_are_refused_by_layer_and_channel),
        TEST(test_activations_that_overflow_are_refused_by_layer_and_channel),
        TEST(test_gradients_that_overflow_are_refused_by_layer_and_channel),
        TEST(test_parameters_that_are_not_numbers_are_refused_by_layer_and_channel),
        TEST(test_a_share_that_would_empty_a_layer_leaves_one_channel_of_each),
        TEST(test_criteria_of_norms_name_the_layer_without_one),
        TEST(test_a_singular_hessian_without_damping_names_layer_channel_and_option),
        TEST(test_a_hessian_of_zeros_without_damping_is_scored_or_refused_by_layer_and_option),
        TEST(test_a_loss_that_depends_on_no_channel_is_scored_or_refused_by_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
