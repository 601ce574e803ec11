/* The ready matrices of the thesis: which cells they have, and whether their values are the published ones. */
#include <stdlib.h>

#include "support/matrix_text.h"

#include "plugin/registry.h"

struct ready {
    struct pb_registry registry;
    struct pb_matrix *thesis, *mini;
};

static struct pb_matrix *read_ready(const struct pb_registry *registry, const char *path)
{
    struct pb_error error = {0};
    struct pb_matrix *matrix = NULL;
    if (pb_matrix_read(path, registry, &matrix, &error) != PB_OK)
        fail_msg("%s", error.text);
    return matrix;
}

static int read_both(void **state)
{
    static struct ready ready;
    struct pb_error error = {0};
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
    if (pb_registry_open(NULL, &ready.registry, &error) != PB_OK)
        return -1;
    ready.thesis = read_ready(&ready.registry, PB_TEST_BUILD "/studies/thesis/thesis.xml");
    ready.mini = read_ready(&ready.registry, PB_TEST_BUILD "/studies/thesis/thesis-mini.xml");
    *state = &ready;
    return 0;
}

static int free_both(void **state)
{
    struct ready *ready = *state;
    pb_matrix_free(&ready->thesis);
    pb_matrix_free(&ready->mini);
    pb_registry_close(&ready->registry);
    return 0;
}

static bool is(const char *requested, const char *label)
{
    return requested == NULL || strcmp(requested, label) == 0;
}

/* Cells of these labels, NULL for all; of one data set and seed. */
static uint32_t count(const struct pb_matrix *matrix, const char *model, const char *criterion, const char *schedule,
                      const char *variant, const char *target)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < matrix->cell_count; i++) {
        const struct pb_cell_config *c = matrix->cells[i];
        found += is(model, c->model_label) && is(criterion, c->criterion.label) && is(schedule, c->schedule.label) &&
                 is(variant, c->variant_label) && is(target, c->target_label);
    }
    assert_int_equal(found % 9, 0); /* three data sets, three seeds */
    return found / 9;
}

static void assert_structure(const struct pb_matrix *matrix, const char *bcnn, const char *scratch,
                             const char *pretrained)
{
    static const char *const schedules[] = {"one-shot", "iterative", "soft-filters", "soft-gamma-beta"};
    static const char *const variants[] = {"plain", "heavier", "unpenalised", "test", "unpenalised-test"};
    static const char *const targets[] = {"r20", "r40", "r60", "r80"};
    assert_int_equal(matrix->cell_count, 9 * (5 * 4 + 4 + 3 * 4 + 3));
    for (size_t t = 0; t < 4; t++) {
        for (size_t s = 0; s < 4; s++)
            assert_int_equal(count(matrix, bcnn, "bn-scale", schedules[s], "plain", targets[t]), 1);
        for (size_t v = 0; v < 5; v++)
            assert_int_equal(count(matrix, bcnn, "bn-scale", "one-shot", variants[v], targets[t]), 1);
        assert_int_equal(count(matrix, bcnn, "random", "one-shot", "plain", targets[t]), 1);
    }
    assert_int_equal(count(matrix, NULL, "random", NULL, NULL, NULL), 4);
    /* a row of the ablation is one cell */
    assert_int_equal(count(matrix, "bcnn-no-bn", NULL, NULL, NULL, NULL), 1);
    assert_int_equal(count(matrix, scratch, NULL, NULL, NULL, NULL), 1);
    assert_int_equal(count(matrix, pretrained, NULL, NULL, NULL, NULL), 1);
    assert_int_equal(count(matrix, NULL, NULL, "train", NULL, NULL), 3);
}

static void test_both_matrices_have_the_same_cells(void **state)
{
    const struct ready *ready = *state;
    assert_structure(ready->thesis, "vgg16-bcnn", "vgg16-scratch", "vgg16-pretrained");
    assert_structure(ready->mini, "vgg11-bcnn", "vgg11-scratch", "vgg11-pretrained");
}

/* The retraining up to a target, as published. */
struct published {
    const char *rest; /* of the cell's name, behind data set and model */
    uint32_t epochs;
    double lr;
};

static void test_epochs_and_rates_of_retraining_are_the_published_ones(void **state)
{
    static const struct published rows[] = {
        {"bn-scale.one-shot.blis.plain.r20.s1", 30, 0.05},
        {"bn-scale.one-shot.blis.heavier.r40.s2", 80, 0.1},
        {"bn-scale.one-shot.blis.test.r60.s3", 150, 0.1},
        {"bn-scale.one-shot.blis.plain.r80.s1", 300, 0.5},
        {"random.one-shot.blis.plain.r80.s1", 300, 0.5},
        {"bn-scale.soft-filters.blis.plain.r20.s1", 50, 0.01},
        {"bn-scale.soft-gamma-beta.blis.plain.r40.s1", 100, 0.01},
        {"bn-scale.soft-gamma-beta.blis.plain.r60.s1", 150, 0.01},
        {"bn-scale.soft-filters.blis.plain.r80.s1", 200, 0.01},
    };
    static const char *const datasets[] = {"aircraft", "birds", "cars"};
    const struct ready *ready = *state;
    for (size_t d = 0; d < 3; d++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char id[128];
            snprintf(id, sizeof id, "%s.vgg16-bcnn.%s", datasets[d], rows[i].rest);
            const struct pb_cell_config *c = cell(ready->thesis, id);
            const struct pb_train_spec *last = &c->rounds[c->round_count - 1].retraining;
            assert_int_equal(last->epochs, rows[i].epochs);
            assert_true(last->lr == rows[i].lr);
            assert_int_equal(last->lr_policy, PB_LR_PLATEAU);
            assert_int_equal(c->training.epochs, 60);
            assert_true(c->training.lr == (d == 2 ? 0.1 : 0.01));
        }
}

static void test_the_iterative_schedule_walks_the_shares_with_each_ones_retraining(void **state)
{
    const struct ready *ready = *state;
    const struct pb_cell_config *c = cell(ready->thesis, "birds.vgg16-bcnn.bn-scale.iterative.blis.plain.r80.s1");
    /* what is left of the channels, of the round before: 20, 25, 33 and 50 % go */
    static const double goes[] = {0.2, 0.25, 1.0 / 3, 0.5};
    static const uint32_t epochs[] = {30, 80, 150, 300};
    double left = 1;
    assert_int_equal(c->round_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const double after = 1 - c->rounds[i].target.amount;
        assert_true(after / left - (1 - goes[i]) < 1e-12 && (1 - goes[i]) - after / left < 1e-12);
        assert_int_equal(c->rounds[i].retraining.epochs, epochs[i]);
        left = after;
    }
}

static void test_the_settings_of_training_are_the_published_ones(void **state)
{
    const struct ready *ready = *state;
    for (uint32_t i = 0; i < ready->thesis->cell_count; i++) {
        const struct pb_cell_config *c = ready->thesis->cells[i];
        const bool cars = strcmp(c->dataset.label, "cars") == 0, heavier = strcmp(c->variant_label, "heavier") == 0;
        const bool pruned = strcmp(c->model_label, "vgg16-bcnn") == 0;
        const bool test = strstr(c->variant_label, "test") != NULL;
        const bool penalised = strstr(c->variant_label, "unpenalised") == NULL;
        const double last = heavier ? cars ? 5e-4 : 1e-3 : 1e-4;
        const struct pb_train_spec *retraining = &c->rounds[0].retraining;
        assert_int_equal(c->batch, 48);
        assert_int_equal(c->model.image_size, 224);
        assert_true(c->training.momentum == 0.9 && c->training.nesterov && c->training.weight_decay == 1e-5);
        assert_true(c->training.lr_factor == 0.1 && c->training.lr_threshold == 1e-4 && c->training.lr_min == 1e-6);
        assert_int_equal(c->training.lr_patience, 10);
        assert_int_equal(c->ranking.count, PB_COUNT_THRESHOLD);
        assert_true(c->training.lambda[PB_PENALTY_NORMS] == (pruned ? 1e-4 : 0));
        assert_true(c->training.lambda[PB_PENALTY_LAST_NORM] == (pruned ? last : 0));
        assert_true(retraining->lambda[PB_PENALTY_NORMS] == (pruned && penalised ? 1e-4 : 0));
        assert_true(retraining->lambda[PB_PENALTY_LAST_NORM] == (pruned && penalised ? last : 0));
        assert_int_equal(c->select_on_test, test);
        assert_true(c->split.validation == (test ? 0 : 0.1));
    }
}

static const struct pb_cell_config *ablation(const struct pb_matrix *matrix, const char *model)
{
    char id[128];
    snprintf(id, sizeof id, "cars.%s.none.train.blis.plain.none.s1", model);
    return cell(matrix, id);
}

static void test_the_ablation_starts_from_weights_that_fit_or_from_none(void **state)
{
    const struct ready *ready = *state;
    const struct pb_cell_config *c = ablation(ready->thesis, "bcnn-no-bn");
    assert_string_equal(c->model.name, "vgg16-bcnn");
    assert_false(c->model.batch_norm);
    assert_string_equal(c->pretrained, "vgg16.safetensors");
    assert_null(ablation(ready->thesis, "vgg16-scratch")->pretrained);
    c = ablation(ready->thesis, "vgg16-pretrained");
    assert_string_equal(c->model.name, "vgg16");
    assert_string_equal(c->pretrained, "vgg16_bn.safetensors");
    c = cell(ready->thesis, "cars.vgg16-bcnn.bn-scale.one-shot.blis.plain.r20.s1");
    assert_string_equal(c->pretrained, "vgg16_bn.safetensors");
    c = ablation(ready->mini, "bcnn-no-bn");
    assert_false(c->model.batch_norm || c->pretraining->model.batch_norm);
    assert_null(ablation(ready->mini, "vgg11-scratch")->pretraining);
}

/* One trunk for all: whatever starts from fish with batch norm needs the same stage. */
static void test_every_network_of_the_small_matrix_starts_from_the_same_fish(void **state)
{
    const struct ready *ready = *state;
    const struct pb_cell_config *first = ready->mini->cells[0]->pretraining;
    for (uint32_t i = 0; i < ready->mini->cell_count; i++) {
        const struct pb_cell_config *c = ready->mini->cells[i], *trunk = c->pretraining;
        assert_null(c->pretrained);
        if (strcmp(c->model_label, "vgg11-scratch") == 0 || strcmp(c->model_label, "bcnn-no-bn") == 0)
            continue;
        assert_string_equal(trunk->dataset.loaded->plugin->name, "folder");
        assert_string_equal(trunk->dataset_root, "data-mini/fish");
        assert_string_equal(trunk->model.name, "vgg11-bcnn");
        assert_int_equal(trunk->seed, 1);
        assert_true(pb_widths_equal(&trunk->model.widths, &first->model.widths));
        assert_int_equal(trunk->model.widths.count, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_matrices_have_the_same_cells),
        cmocka_unit_test(test_epochs_and_rates_of_retraining_are_the_published_ones),
        cmocka_unit_test(test_the_iterative_schedule_walks_the_shares_with_each_ones_retraining),
        cmocka_unit_test(test_the_settings_of_training_are_the_published_ones),
        cmocka_unit_test(test_the_ablation_starts_from_weights_that_fit_or_from_none),
        cmocka_unit_test(test_every_network_of_the_small_matrix_starts_from_the_same_fish),
    };
    return cmocka_run_group_tests(tests, read_both, free_both);
}
