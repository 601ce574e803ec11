/* Keys of stages: equal exactly when two cells share the work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "planning/chain.h"

static enum pb_status no_score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    (void)layer;
    (void)scores;
    return PB_ERROR_RUN;
}
static enum pb_status no_repair(void *self, const struct pb_repair_view *layer, float *weight, float *bias)
{
    (void)self;
    (void)layer;
    (void)weight;
    (void)bias;
    return PB_ERROR_RUN;
}
static enum pb_status no_select(void *self, const struct pb_network_view *network, uint32_t group, uint32_t remove,
                                uint32_t *removed)
{
    (void)self;
    (void)network;
    (void)group;
    (void)remove;
    (void)removed;
    return PB_ERROR_RUN;
}
static const struct pb_criterion scorer = {.size = sizeof scorer, .score = no_score, .score_weights = no_score};
static const struct pb_plugin scoring = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "scoring", .version = "1",
                                         .criterion = &scorer};
static const struct pb_plugin other_scoring = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "other", .version = "1",
                                               .criterion = &scorer};
static const struct pb_plugin data = {PB_PLUGIN_HEADER(PB_KIND_DATASET), .name = "data", .version = "1"};
static const struct pb_plugin backend = {PB_PLUGIN_HEADER(PB_KIND_BACKEND), .name = "backend", .version = "1"};

static struct pb_loaded loaded(const struct pb_plugin *plugin)
{
    return (struct pb_loaded){.plugin = plugin, .file = "test", .sha256 = "00"};
}

struct fixture {
    struct pb_cell_config config;
};

static const struct pb_train_spec training = {.epochs = 3, .lr = .1};

static struct fixture make(void)
{
    static struct pb_loaded objects[4];
    objects[0] = loaded(&data);
    objects[1] = loaded(&scoring);
    objects[2] = loaded(&backend);
    objects[3] = loaded(&other_scoring);
    struct fixture fixture = {0};
    struct pb_cell_config *config = &fixture.config;
    pb_preprocess_default(&config->preprocess);
    config->dataset.loaded = &objects[0];
    config->criterion.loaded = &objects[1];
    config->backend.loaded = &objects[2];
    config->dataset_root = (char *)(uintptr_t) "data";
    config->model = (struct pb_model_spec){.name = "vgg11-bcnn", .image_size = 32, .width_multiplier = 1};
    config->seed = 1;
    config->training = training;
    return fixture;
}

/* Opened data of that content, on kernels of that name. */
static struct pb_inputs inputs_of(const char *content, const char *kernels)
{
    struct pb_inputs inputs = {0};
    snprintf(inputs.data, sizeof inputs.data, "%s", content);
    snprintf(inputs.backend, sizeof inputs.backend, "%s", kernels);
    return inputs;
}

/* Key of base → score → prune(amount) → retrain(epochs) under config. */
static void key_of(const struct pb_cell_config *config, double amount, uint32_t epochs, char keys[4][65])
{
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link = NULL;
    const struct pb_train_spec retraining = {.epochs = epochs, .lr = .1};
    const struct pb_inputs inputs = inputs_of("images", "skx");
    assert_int_equal(pb_chain_start(&chain, config, &error), PB_OK);
    assert_int_equal(pb_chain_set_inputs(&chain, &inputs, &error), PB_OK);
    assert_int_equal(pb_chain_add_baseline(&chain, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_string_equal(link->name, "base");
    memcpy(keys[0], link->key, 65);
    assert_int_equal(pb_chain_score(&chain, &link, &error), PB_OK);
    memcpy(keys[1], link->key, 65);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = amount}, &link, &error),
        PB_OK);
    memcpy(keys[2], link->key, 65);
    assert_int_equal(pb_chain_train(&chain, &retraining, &link, &error), PB_OK);
    memcpy(keys[3], link->key, 65);
    assert_int_equal(link->depth, 4);
    pb_chain_free(&chain);
}

/* base → score → prune → repair, then what a schedule's own repair adds. */
static void repairs_of(const struct pb_cell_config *config, char keys[2][65], bool *again)
{
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link = NULL;
    const struct pb_target target = {.measure = PB_MEASURE_CHANNELS, .amount = .4};
    const struct pb_inputs inputs = inputs_of("images", "skx");
    assert_int_equal(pb_chain_start(&chain, config, &error), PB_OK);
    assert_int_equal(pb_chain_set_inputs(&chain, &inputs, &error), PB_OK);
    assert_int_equal(pb_chain_add_baseline(&chain, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_int_equal(pb_chain_score(&chain, &link, &error), PB_OK);
    assert_int_equal(pb_chain_prune(&chain, target, &link, &error), PB_OK);
    memcpy(keys[0], link->key, 65);
    assert_int_equal(pb_chain_repair(&chain, &link, &error), PB_OK);
    memcpy(keys[1], link->key, 65);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_int_equal(pb_chain_repair(&chain, &link, &error), PB_OK);
    *again = link != NULL;
    pb_chain_free(&chain);
}

static void test_the_rule_and_the_calibration_are_part_of_a_repairs_key_and_a_matrix_repairs_once(void **state)
{
    (void)state;
    static const struct pb_criterion repairing = {
        .size = sizeof repairing, .score = no_score, .repair = no_repair, .repair_rows = 1};
    static const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "repairing", .version = "1",
                                            .criterion = &repairing};
    struct pb_loaded criterion = loaded(&plugin);
    struct fixture fixture = make();
    char none[2][65], own[2][65], mean[2][65], more[2][65];
    bool again;
    fixture.config.criterion.loaded = &criterion;
    repairs_of(&fixture.config, none, &again);
    assert_true(again); /* the schedule's own repairs are as many as it asks for */
    fixture.config.repair = PB_REPAIR_CRITERION;
    repairs_of(&fixture.config, own, &again);
    assert_false(again);
    assert_string_equal(own[1], none[1]);
    fixture.config.repair = PB_REPAIR_MEAN;
    repairs_of(&fixture.config, mean, &again);
    assert_false(again);
    assert_string_equal(mean[0], none[0]);
    assert_string_not_equal(mean[1], none[1]);
    fixture.config.calibration_batches++;
    repairs_of(&fixture.config, more, &again);
    assert_string_not_equal(more[1], mean[1]);
}

static void test_cells_that_differ_in_rate_share_training_and_scores(void **state)
{
    (void)state;
    struct fixture fixture = make();
    char a[4][65], b[4][65];
    key_of(&fixture.config, .2, 5, a);
    key_of(&fixture.config, .4, 5, b);
    assert_string_equal(a[0], b[0]);
    assert_string_equal(a[1], b[1]);
    assert_string_not_equal(a[2], b[2]);
    assert_string_not_equal(a[3], b[3]);
}

static void test_cells_that_differ_in_criterion_share_the_base_only(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_loaded other = loaded(&other_scoring);
    char a[4][65], b[4][65];
    key_of(&fixture.config, .2, 5, a);
    fixture.config.criterion.loaded = &other;
    key_of(&fixture.config, .2, 5, b);
    assert_string_equal(a[0], b[0]);
    assert_string_not_equal(a[1], b[1]);
    assert_string_not_equal(a[2], b[2]);
}

static void test_seed_data_and_plugin_build_are_part_of_every_key(void **state)
{
    (void)state;
    struct fixture fixture = make();
    char a[4][65], b[4][65];
    key_of(&fixture.config, .2, 5, a);
    fixture.config.seed = 2;
    key_of(&fixture.config, .2, 5, b);
    assert_string_not_equal(a[0], b[0]);
    fixture.config.seed = 1;
    fixture.config.preprocess.rotate += 1;
    key_of(&fixture.config, .2, 5, b);
    assert_string_not_equal(a[0], b[0]);
    fixture = make();
    struct pb_loaded rebuilt = loaded(&backend);
    strcpy(rebuilt.sha256, "11");
    fixture.config.backend.loaded = &rebuilt;
    key_of(&fixture.config, .2, 5, b);
    assert_string_not_equal(a[0], b[0]);
}

/* Beside a list of the convolutions' widths the multiplier still decides the fully connected layers'. */
static void test_the_multiplier_beside_widths_counts_where_it_makes_layers(void **state)
{
    static struct pb_model_width widths[8] = {{"", 1}, {"", 2}, {"", 3}, {"", 4}, {"", 5}, {"", 6}, {"", 7}, {"", 8}};
    static const struct {
        const char *model;
        bool same;
    } heads[] = {{"vgg11-bcnn", true}, {"vgg11-gap", true}, {"vgg11", false}};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct fixture fixture = make();
        char whole[4][65], quarter[4][65];
        fixture.config.model.name = heads[i].model;
        fixture.config.model.widths = (struct pb_model_widths){widths, 8};
        key_of(&fixture.config, .2, 5, whole);
        fixture.config.model.width_multiplier = .25;
        key_of(&fixture.config, .2, 5, quarter);
        assert_int_equal(strcmp(whole[0], quarter[0]) == 0, heads[i].same);
    }
}

static void test_a_retraining_that_differs_changes_its_own_key_only(void **state)
{
    (void)state;
    struct fixture fixture = make();
    char a[4][65], b[4][65];
    key_of(&fixture.config, .2, 5, a);
    key_of(&fixture.config, .2, 6, b);
    assert_string_equal(a[2], b[2]);
    assert_string_not_equal(a[3], b[3]);
}

/* The root key of the fixture with these inputs. */
static void root_of(const struct pb_cell_config *config, const struct pb_inputs *inputs, char root[65])
{
    struct pb_chain chain = {0};
    struct pb_error error;
    assert_int_equal(pb_chain_start(&chain, config, &error), PB_OK);
    assert_int_equal(pb_chain_set_inputs(&chain, inputs, &error), PB_OK);
    memcpy(root, chain.root, 65);
    pb_chain_free(&chain);
}

static void test_content_and_kernels_are_part_of_every_key_and_no_place_is(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_inputs inputs = inputs_of("images", "skx");
    char root[65], other[65];
    root_of(&fixture.config, &inputs, root);
    fixture.config.dataset_root = (char *)(uintptr_t) "/mnt/elsewhere";
    fixture.config.dataset.label = (char *)(uintptr_t) "other-name";
    root_of(&fixture.config, &inputs, other);
    assert_string_equal(root, other);
    inputs = inputs_of("other images", "skx");
    root_of(&fixture.config, &inputs, other);
    assert_string_not_equal(root, other);
    inputs = inputs_of("images", "haswell");
    root_of(&fixture.config, &inputs, other);
    assert_string_not_equal(root, other);
    inputs = inputs_of("images", "skx");
    fixture.config.pretrained = (char *)(uintptr_t) "weights.safetensors";
    snprintf(inputs.weights, sizeof inputs.weights, "some");
    root_of(&fixture.config, &inputs, root);
    fixture.config.pretrained = (char *)(uintptr_t) "/mnt/weights.safetensors";
    root_of(&fixture.config, &inputs, other);
    assert_string_equal(root, other);
    snprintf(inputs.weights, sizeof inputs.weights, "others");
    root_of(&fixture.config, &inputs, other);
    assert_string_not_equal(root, other);
}

static void test_what_was_not_opened_gives_provisional_keys_that_distinguish_places(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_error error;
    struct pb_inputs unknown, known = inputs_of("images", "skx");
    char root[65], other[65], digest[65];
    assert_int_equal(pb_inputs_unknown(&fixture.config, &unknown, &error), PB_OK);
    assert_true(pb_inputs_are_provisional(&unknown));
    assert_false(pb_inputs_are_provisional(&known));
    pb_inputs_digest(&unknown, digest);
    assert_string_equal(digest, "");
    pb_inputs_digest(&known, digest);
    assert_int_equal(strlen(digest), 64);
    known.backend_unknown = true; /* the digest is of images, labels and weights alone */
    pb_inputs_digest(&known, other);
    assert_string_equal(digest, other);
    root_of(&fixture.config, &unknown, root);
    fixture.config.dataset_root = (char *)(uintptr_t) "other-data";
    assert_int_equal(pb_inputs_unknown(&fixture.config, &unknown, &error), PB_OK);
    root_of(&fixture.config, &unknown, other);
    assert_string_not_equal(root, other);
}

/* Planning makes the links first and learns the inputs afterwards; running knows them from the start. */
static void test_keys_are_the_same_whether_inputs_are_known_before_the_links_or_after(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain planned = {0}, run = {0};
    struct pb_error error;
    const struct pb_link *link;
    const struct pb_train_spec brief = {.epochs = 1, .lr = .1};
    const struct pb_inputs inputs = inputs_of("images", "skx");
    struct pb_chain *const chains[] = {&planned, &run};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pb_chain_start(chains[i], &fixture.config, &error), PB_OK);
        if (chains[i] == &run)
            assert_int_equal(pb_chain_set_inputs(&run, &inputs, &error), PB_OK);
        assert_int_equal(pb_chain_add_baseline(chains[i], &error), PB_OK);
        assert_int_equal(pb_chain_train(chains[i], &brief, &link, &error), PB_OK);
        assert_string_equal(link->name, "train");
        assert_int_equal(pb_chain_train(chains[i], &training, &link, &error), PB_OK);
        assert_string_equal(link->name, "train#2"); /* behind another stage it is not the baseline */
        assert_int_equal(pb_chain_rewind(chains[i], 2, &link, &error), PB_OK);
        assert_int_equal(chains[i]->count, 4);
    }
    assert_string_equal(planned.links[0].key, "");
    assert_int_equal(pb_chain_set_inputs(&planned, &inputs, &error), PB_OK);
    for (uint32_t i = 0; i < planned.count; i++) {
        assert_int_equal(strlen(run.links[i].key), 64);
        assert_string_equal(planned.links[i].key, run.links[i].key);
    }
    pb_chain_free(&planned);
    pb_chain_free(&run);
}

static void test_a_rewind_to_another_stage_has_another_key(void **state)
{
    (void)state;
    struct fixture fixture = make();
    const struct pb_inputs inputs = inputs_of("images", "skx");
    const struct pb_train_spec brief = {.epochs = 1, .lr = .1};
    char keys[3][65];
    for (pb_stage to = 0; to < 3; to++) {
        struct pb_chain chain = {0};
        struct pb_error error;
        const struct pb_link *link;
        assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
        assert_int_equal(pb_chain_set_inputs(&chain, &inputs, &error), PB_OK);
        assert_int_equal(pb_chain_train(&chain, &brief, &link, &error), PB_OK);
        assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
        assert_int_equal(pb_chain_rewind(&chain, to, &link, &error), PB_OK);
        memcpy(keys[to], link->key, 65);
        pb_chain_free(&chain);
    }
    assert_string_not_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[1], keys[2]);
    assert_string_not_equal(keys[0], keys[2]);
}

/* Key of base → one more epoch → retraining with that teacher. */
static void taught_key(pb_stage teacher, double weight, char key[65])
{
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link = NULL;
    const struct pb_train_spec more = {.epochs = 1, .lr = .1};
    const struct pb_train_spec taught = {
        .epochs = 1, .lr = .1, .distillation = PB_DISTILLATION_LOGITS, .teacher = teacher, .teacher_weight = weight};
    const struct pb_inputs inputs = inputs_of("images", "skx");
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_set_inputs(&chain, &inputs, &error), PB_OK);
    assert_int_equal(pb_chain_add_baseline(&chain, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &more, &link, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &taught, &link, &error), PB_OK);
    memcpy(key, link->key, 65);
    pb_chain_free(&chain);
}

static void test_a_teacher_is_part_of_the_key_however_it_is_named(void **state)
{
    (void)state;
    char unpruned[65], base[65], other[65], heavier[65];
    taught_key(PB_STAGE_UNPRUNED, .5, unpruned);
    taught_key(1, .5, base);
    taught_key(2, .5, other);
    taught_key(1, .75, heavier);
    assert_string_equal(unpruned, base);
    assert_string_not_equal(base, other);
    assert_string_not_equal(base, heavier);
}

/* Key of base → retraining from the checkpoint path, whose content is known by sha256. */
static void file_taught_key(const char *path, const char *sha256, char key[65])
{
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link = NULL;
    const struct pb_train_spec taught = {.epochs = 1,
                                         .lr = .1,
                                         .distillation = PB_DISTILLATION_LOGITS,
                                         .teacher = PB_STAGE_TEACHER_FILE,
                                         .teacher_weight = .5};
    struct pb_inputs inputs = inputs_of("images", "skx");
    snprintf(inputs.teacher, sizeof inputs.teacher, "%s", sha256);
    fixture.config.teacher = (char *)(uintptr_t)path;
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_add_baseline(&chain, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &taught, &link, &error), PB_OK);
    assert_int_equal(link->to, 0);
    assert_true(pb_link_learns_from_file(link));
    assert_int_equal(pb_chain_set_inputs(&chain, &inputs, &error), PB_OK); /* planned first, opened later */
    memcpy(key, chain.links[1].key, 65);
    assert_int_equal(pb_chain_restore(&chain, 1, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &taught, &link, &error), PB_OK);
    assert_string_equal(link->key, key);
    assert_false(pb_link_learns_from_file(&chain.links[0]));
    pb_chain_free(&chain);
}

static void test_a_teachers_file_is_part_of_the_key_by_its_content(void **state)
{
    (void)state;
    char unpruned[65], one[65], moved[65], other[65];
    taught_key(1, .5, unpruned);
    file_taught_key("big.safetensors", "aa", one);
    file_taught_key("elsewhere/big.safetensors", "aa", moved);
    file_taught_key("big.safetensors", "bb", other);
    assert_string_equal(one, moved);
    assert_string_not_equal(one, other);
    assert_string_not_equal(one, unpruned);
}

static void test_only_the_taught_training_depends_on_the_teachers_file(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_inputs inputs = inputs_of("images", "skx"), unknown;
    struct pb_error error;
    char root[65], digest[65], other[65], expected[65];
    static const char alone[] = "data=images\npretraining=\nweights=\n";
    root_of(&fixture.config, &inputs, root);
    pb_inputs_digest(&inputs, digest);
    pb_sha256_of(alone, strlen(alone), expected); /* as it was before there were such files */
    assert_string_equal(digest, expected);
    snprintf(inputs.teacher, sizeof inputs.teacher, "aa");
    fixture.config.teacher = (char *)(uintptr_t) "big.safetensors";
    root_of(&fixture.config, &inputs, other);
    assert_string_equal(root, other);
    pb_inputs_digest(&inputs, other);
    assert_string_not_equal(digest, other);
    assert_int_equal(pb_inputs_unknown(&fixture.config, &unknown, &error), PB_OK);
    assert_true(unknown.teacher_unknown);
    inputs.teacher_unknown = true;
    assert_true(pb_inputs_are_provisional(&inputs));
    pb_inputs_digest(&inputs, other);
    assert_string_equal(other, "");
}

static void test_a_teachers_file_that_the_matrix_does_not_name_is_refused(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link = NULL;
    const struct pb_train_spec taught = {.epochs = 1,
                                         .lr = .1,
                                         .distillation = PB_DISTILLATION_LOGITS,
                                         .teacher = PB_STAGE_TEACHER_FILE,
                                         .teacher_weight = .5};
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &taught, &link, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "the schedule asked for the matrix's teacher file, and the cell has none"));
    pb_chain_free(&chain);
}

static void test_shares_that_are_not_above_those_before_are_refused(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link;
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = 0}, &link, &error),
        PB_ERROR_RUN);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = .4}, &link, &error), PB_OK);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = .4}, &link, &error),
        PB_ERROR_RUN);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = .2}, &link, &error),
        PB_ERROR_RUN);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_CHANNELS, .amount = .5}, &link, &error), PB_OK);
    pb_chain_free(&chain);
}

static void mask_fails(struct pb_chain *chain, uint32_t measure, double share, const char *message)
{
    struct pb_error error = {0};
    const struct pb_link *link;
    const uint32_t before = chain->count;
    assert_true(pb_chain_mask(chain, (struct pb_target){.measure = measure, .amount = share}, &link, &error) != PB_OK);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_int_equal(chain->count, before);
}

static void test_masks_grow_and_name_what_follows_and_removals_beside_them_count_for_themselves(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error = {0};
    const struct pb_link *link;
    const struct pb_target half = {.measure = PB_MEASURE_WEIGHTS, .amount = .5}, channels = {.amount = .2};
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    mask_fails(&chain, PB_MEASURE_MACS, .5, "by a target that counts no weights");
    mask_fails(&chain, PB_MEASURE_WEIGHTS, 1, "shares are between 0 and 1");
    assert_int_equal(pb_chain_mask(&chain, half, &link, &error), PB_OK);
    assert_string_equal(link->name, "mask-50");
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_string_equal(link->name, "retrain-50");
    mask_fails(&chain, PB_MEASURE_WEIGHTS, .5, "each target must be above the one before");
    assert_int_equal(pb_chain_prune(&chain, channels, &link, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_string_equal(link->name, "retrain-20");
    mask_fails(&chain, PB_MEASURE_WEIGHTS, .5, "50 % were to be masked before");
    assert_int_equal(pb_chain_restore(&chain, 0, &error), PB_OK); /* before the first mask */
    assert_int_equal(pb_chain_mask(&chain, half, &link, &error), PB_OK);
    assert_string_equal(link->name, "mask-50#2");
    pb_chain_free(&chain);
}

static void test_masks_that_cannot_be_and_weights_where_channels_are_meant_are_refused(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error = {0};
    const struct pb_link *link;
    const struct pb_criterion channels_only = {.size = sizeof channels_only, .score = no_score},
                              weights_only = {.size = sizeof weights_only, .score_weights = no_score};
    struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "one", .criterion = &channels_only};
    const struct pb_loaded one = loaded(&plugin);
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(
        pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_WEIGHTS, .amount = .4}, &link, &error),
        PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "leave out measure=\"weights\""));
    assert_int_equal(pb_chain_train(&chain,
                                    &(struct pb_train_spec){.epochs = 1,
                                                            .lr = .1,
                                                            .soft_zero = PB_ZERO_FILTERS,
                                                            .soft_measure = PB_MEASURE_WEIGHTS,
                                                            .soft_amount = .5},
                                    &link, &error),
                     PB_ERROR_INPUT);
    fixture.config.ranking.round_to = 8;
    mask_fails(&chain, PB_MEASURE_WEIGHTS, .5, "one by one");
    fixture.config.ranking = (struct pb_ranking){.count = PB_COUNT_THRESHOLD};
    mask_fails(&chain, PB_MEASURE_WEIGHTS, .5, "counted exactly");
    fixture.config.ranking = (struct pb_ranking){0};
    fixture.config.criterion.loaded = &one;
    mask_fails(&chain, PB_MEASURE_WEIGHTS, .5, "criterion 'one' scores no single weights");
    plugin.criterion = &weights_only;
    assert_int_equal(pb_chain_score(&chain, &link, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "criterion 'one' scores single weights, not channels"));
    pb_chain_free(&chain);
}

static void prune_fails(struct pb_chain *chain, struct pb_target target, const char *message)
{
    struct pb_error error = {0};
    const struct pb_link *link;
    assert_int_equal(pb_chain_prune(chain, target, &link, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
}

static void test_thresholds_name_their_stages_and_are_refused_where_a_share_is_meant(void **state)
{
    (void)state;
    struct fixture fixture = make();
    const struct pb_target low = {.measure = PB_MEASURE_THRESHOLD, .amount = .01},
                           high = {.measure = PB_MEASURE_THRESHOLD, .amount = 20},
                           gap = {.measure = PB_MEASURE_GAP, .amount = .01},
                           half = {.measure = PB_MEASURE_THRESHOLD, .amount = .005};
    struct pb_cell_round rounds[] = {{.target = low}, {.target = high}, {.target = gap}};
    const struct pb_criterion selecting = {.size = sizeof selecting, .select = no_select};
    const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), .name = "selecting", .criterion = &selecting};
    const struct pb_loaded selects = loaded(&plugin), *scores = fixture.config.criterion.loaded;
    const struct pb_inputs inputs = inputs_of("images", "skx");
    struct pb_chain chain = {0};
    struct pb_error error = {0};
    const struct pb_link *link;
    char keys[3][65];
    fixture.config.rounds = rounds;
    fixture.config.round_count = 3;
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_set_inputs(&chain, &inputs, &error), PB_OK);
    const struct pb_target targets[] = {low, high, gap};
    static const char *const names[] = {"prune-threshold", "prune-threshold#2", "prune-gap"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pb_chain_prune(&chain, targets[i], &link, &error), PB_OK);
        assert_string_equal(link->name, names[i]);
        memcpy(keys[i], link->arguments, 65);
        assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
        assert_int_equal(strncmp(link->name, "retrain", 7), 0);
    }
    assert_string_not_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[0], keys[2]);
    prune_fails(&chain, half, "divides its target into steps, and measure=\"threshold\"");
    assert_int_equal(pb_chain_train(&chain,
                                    &(struct pb_train_spec){.epochs = 1,
                                                            .lr = .1,
                                                            .soft_zero = PB_ZERO_FILTERS,
                                                            .soft_measure = PB_MEASURE_GAP,
                                                            .soft_amount = .01},
                                    &link, &error),
                     PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "masks a share of the channels after every epoch"));
    fixture.config.ranking.count = PB_COUNT_THRESHOLD;
    prune_fails(&chain, low, "allocation and count=\"threshold\" divide and count a share");
    fixture.config.ranking = (struct pb_ranking){.scope = PB_SCOPE_LAYER, .allocation = PB_ALLOCATION_ERK};
    prune_fails(&chain, gap, "leave them out");
    fixture.config.ranking.allocation = PB_ALLOCATION_SCOPE;
    fixture.config.criterion.loaded = &selects;
    prune_fails(&chain, low, "criterion 'selecting' chooses channels and gives no scores");
    fixture.config.criterion.loaded = scores;
    pb_chain_free(&chain);
}

static struct pb_train_spec piece(uint32_t first_epoch, uint32_t first_step, uint32_t last_epoch, uint32_t last_step)
{
    struct pb_train_spec spec = training;
    spec.first_epoch = first_epoch;
    spec.first_step = first_step;
    spec.last_epoch = last_epoch;
    spec.last_step = last_step;
    return spec;
}

static const struct pb_link *train_piece(struct pb_chain *chain, struct pb_train_spec spec)
{
    const struct pb_link *link = NULL;
    struct pb_error error = {0};
    if (pb_chain_train(chain, &spec, &link, &error) != PB_OK)
        fail_msg("%s", error.text);
    return link;
}

static void piece_fails(struct pb_chain *chain, struct pb_train_spec spec, const char *message)
{
    const struct pb_link *link;
    struct pb_error error = {0};
    assert_int_equal(pb_chain_train(chain, &spec, &link, &error), PB_ERROR_RUN);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
}

static void test_pieces_join_across_masks_and_rewinds_and_are_seeded_by_the_first(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error = {0};
    const struct pb_link *link;
    const struct pb_target half = {.measure = PB_MEASURE_WEIGHTS, .amount = .5};
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    piece_fails(&chain, piece(0, 5, 0, 0),
                "begins after 0 epochs and 5 steps; the training before it does not end there");
    assert_int_equal(train_piece(&chain, training)->training_depth, 1); /* whole: nothing continues it */
    piece_fails(&chain, piece(3, 0, 0, 0), "does not end there");
    assert_int_equal(train_piece(&chain, piece(0, 0, 1, 2))->training_depth, 2);
    const pb_stage early = chain.current;
    piece_fails(&chain, piece(1, 1, 0, 0), "does not end there");
    assert_int_equal(pb_chain_mask(&chain, half, &link, &error), PB_OK);
    link = train_piece(&chain, piece(1, 2, 0, 0));
    assert_int_equal(link->depth, 4);
    assert_int_equal(link->training_depth, 2);
    piece_fails(&chain, piece(1, 2, 0, 0), "does not end there"); /* the last one did, before it */
    assert_int_equal(pb_chain_rewind(&chain, early, &link, &error), PB_OK);
    link = train_piece(&chain, piece(1, 2, 2, 0));
    assert_int_equal(link->depth, 6);
    assert_int_equal(link->training_depth, 2);
    struct pb_train_spec best = piece(2, 0, 2, 1), soft = piece(2, 0, 0, 0);
    best.return_state = PB_RETURN_BEST;
    piece_fails(&chain, best, "set its return_state to PB_RETURN_LAST");
    soft.soft_zero = PB_ZERO_FILTERS;
    soft.soft_amount = .5;
    piece_fails(&chain, soft, "zeroes channels");
    best = piece(2, 0, 0, 0);
    best.return_state = PB_RETURN_BEST;
    assert_int_equal(train_piece(&chain, best)->training_depth, 2); /* the last may */
    pb_chain_free(&chain);
}

static void test_an_allocation_is_part_of_the_keys_behind_it_and_refused_beside_given_channels(void **state)
{
    (void)state;
    struct fixture fixture = make();
    char by_scope[4][65], uniform[4][65], erk[4][65];
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link;
    fixture.config.ranking.scope = PB_SCOPE_LAYER;
    key_of(&fixture.config, .4, 2, by_scope);
    fixture.config.ranking.allocation = PB_ALLOCATION_UNIFORM;
    key_of(&fixture.config, .4, 2, uniform);
    fixture.config.ranking.allocation = PB_ALLOCATION_ERK;
    key_of(&fixture.config, .4, 2, erk);
    assert_string_equal(erk[0], by_scope[0]);
    assert_string_not_equal(uniform[2], by_scope[2]);
    assert_string_not_equal(erk[2], uniform[2]);
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_prune_to(&chain, (const uint32_t[]){1}, 1, &link, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "allocation=\"erk\" says what each layer loses, and so does this schedule"));
    pb_chain_free(&chain);
}

static void test_trainings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link;
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &(struct pb_train_spec){.lr = .1}, &link, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_chain_train(&chain, &(struct pb_train_spec){.epochs = 1}, &link, &error), PB_ERROR_INPUT);
    assert_int_equal(pb_chain_prune(&chain, (struct pb_target){.measure = PB_MEASURE_MACS, .amount = 1}, &link, &error),
                     PB_ERROR_RUN);
    assert_int_equal(pb_chain_rewind(&chain, 1, &link, &error), PB_ERROR_RUN);
    assert_int_equal(chain.count, 0);
    pb_chain_free(&chain);
}

static bool is_dropped(struct pb_chain *chain, pb_stage stage)
{
    struct pb_error error;
    bool dropped = false;
    assert_int_equal(pb_chain_drop(chain, stage, &dropped, &error), PB_OK);
    return dropped;
}

/* base 1; score 2 and prune 3, from which retrain 4 and retrain 5 branch. */
static void test_a_stage_is_dropped_only_when_nothing_that_is_not_dropped_builds_on_it(void **state)
{
    (void)state;
    struct fixture fixture = make();
    struct pb_chain chain = {0};
    struct pb_error error;
    const struct pb_link *link;
    const struct pb_train_spec longer = {.epochs = 5, .lr = .1};
    bool dropped = true;
    assert_int_equal(pb_chain_start(&chain, &fixture.config, &error), PB_OK);
    assert_int_equal(pb_chain_add_baseline(&chain, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_int_equal(pb_chain_score(&chain, &link, &error), PB_OK);
    assert_int_equal(pb_chain_prune(&chain, (struct pb_target){.amount = .5}, &link, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &training, &link, &error), PB_OK);
    assert_false(is_dropped(&chain, 4)); /* the current one */
    assert_int_equal(pb_chain_restore(&chain, 3, &error), PB_OK);
    assert_int_equal(pb_chain_train(&chain, &longer, &link, &error), PB_OK);
    assert_true(is_dropped(&chain, 4));
    assert_false(is_dropped(&chain, 3)); /* leads to the current one */
    assert_int_equal(pb_chain_restore(&chain, 1, &error), PB_OK);
    assert_false(is_dropped(&chain, 3)); /* 5 builds on it */
    assert_true(is_dropped(&chain, 5));
    assert_true(is_dropped(&chain, 3));
    assert_int_equal(pb_chain_restore(&chain, 0, &error), PB_OK);
    assert_true(is_dropped(&chain, 2));
    assert_false(is_dropped(&chain, 1)); /* the baseline */
    assert_false(is_dropped(&chain, 0));
    assert_int_equal(pb_chain_drop(&chain, 6, &dropped, &error), PB_ERROR_RUN);
    assert_int_equal(pb_chain_restore(&chain, 5, &error), PB_OK);
    assert_int_equal(pb_chain_restore(&chain, 1, &error), PB_OK);
    assert_true(is_dropped(&chain, 5)); /* it had been gone back to */
    assert_int_equal(chain.count, 5);
    pb_chain_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_that_differ_in_rate_share_training_and_scores),
        cmocka_unit_test(test_the_rule_and_the_calibration_are_part_of_a_repairs_key_and_a_matrix_repairs_once),
        cmocka_unit_test(test_cells_that_differ_in_criterion_share_the_base_only),
        cmocka_unit_test(test_seed_data_and_plugin_build_are_part_of_every_key),
        cmocka_unit_test(test_the_multiplier_beside_widths_counts_where_it_makes_layers),
        cmocka_unit_test(test_a_retraining_that_differs_changes_its_own_key_only),
        cmocka_unit_test(test_content_and_kernels_are_part_of_every_key_and_no_place_is),
        cmocka_unit_test(test_what_was_not_opened_gives_provisional_keys_that_distinguish_places),
        cmocka_unit_test(test_keys_are_the_same_whether_inputs_are_known_before_the_links_or_after),
        cmocka_unit_test(test_a_rewind_to_another_stage_has_another_key),
        cmocka_unit_test(test_a_teacher_is_part_of_the_key_however_it_is_named),
        cmocka_unit_test(test_a_teachers_file_is_part_of_the_key_by_its_content),
        cmocka_unit_test(test_only_the_taught_training_depends_on_the_teachers_file),
        cmocka_unit_test(test_a_teachers_file_that_the_matrix_does_not_name_is_refused),
        cmocka_unit_test(test_shares_that_are_not_above_those_before_are_refused),
        cmocka_unit_test(test_masks_grow_and_name_what_follows_and_removals_beside_them_count_for_themselves),
        cmocka_unit_test(test_masks_that_cannot_be_and_weights_where_channels_are_meant_are_refused),
        cmocka_unit_test(test_thresholds_name_their_stages_and_are_refused_where_a_share_is_meant),
        cmocka_unit_test(test_pieces_join_across_masks_and_rewinds_and_are_seeded_by_the_first),
        cmocka_unit_test(test_an_allocation_is_part_of_the_keys_behind_it_and_refused_beside_given_channels),
        cmocka_unit_test(test_trainings_that_cannot_be_are_refused),
        cmocka_unit_test(test_a_stage_is_dropped_only_when_nothing_that_is_not_dropped_builds_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
