/* Cells of a matrix: product, names, overrides, excludes, rounds, defaults. */
#include "support/matrix_text.h"

#include "cell/cell.h"
#include "graph/checkpoint.h"
#include "support/graphs.h"

static void test_cells_are_the_product_in_the_documents_order_with_readable_names(void **state)
{
    struct pb_matrix *matrix = read_matrix(state, HEAD "<seeds>7 1</seeds>" TAIL);
    assert_int_equal(matrix->cell_count, 2 * 2 * 2 * 2);
    assert_string_equal(matrix->cells[0]->id, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s7");
    assert_string_equal(matrix->cells[1]->id, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1");
    assert_string_equal(matrix->cells[2]->id, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r40.s7");
    assert_string_equal(matrix->cells[15]->id, "cars.vgg11-bcnn.bn-scale.iterative.blis.r40.s1");
    assert_int_equal(matrix->cells[0]->seed, 7);
    assert_int_equal(matrix->cells[0]->split.seed, 7);
    assert_string_equal(matrix->cells[0]->variant_label, "");
    pb_matrix_free(&matrix);
}

static void test_variants_and_labels_are_in_the_names(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<sparsity lambda='1e-4'/><variant label='plain'/><variant label='heavy'>"
                                "<sparsity lambda-last='1e-3'/></variant>"
                                "<criterion plugin='bn-scale' label='again' scope='layer'/>" TAIL);
    const struct pb_cell_config *plain = cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.plain.r20.s1");
    const struct pb_cell_config *heavy = cell(matrix, "birds.vgg11-bcnn.again.one-shot.blis.heavy.r20.s1");
    assert_true(plain->training.lambda[PB_PENALTY_LAST_NORM] == 1e-4); /* follows lambda */
    assert_true(heavy->training.lambda[PB_PENALTY_LAST_NORM] == 1e-3);
    assert_true(heavy->rounds[0].retraining.lambda[PB_PENALTY_LAST_NORM] == 1e-3);
    assert_int_equal(plain->ranking.scope, PB_SCOPE_GLOBAL);
    assert_int_equal(heavy->ranking.scope, PB_SCOPE_LAYER);
    assert_string_equal(heavy->variant_label, "heavy");
    pb_matrix_free(&matrix);
}

static void test_targets_of_other_measures_and_fractions_have_names_that_are_file_names(void **state)
{
    struct pb_matrix *matrix = read_matrix(
        state, HEAD "<targets measure='params'>0.125 0.5</targets><targets measure='macs'>0.07</targets>"
                    "<targets measure='threshold'>0.015 20</targets><targets measure='gap'>0.01</targets>" TAIL);
    assert_non_null(cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.p12p5.s1"));
    assert_non_null(cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.m7.s1"));
    /* rounds stay within a measure */
    const struct pb_cell_config *half = cell(matrix, "cars.vgg11-bcnn.bn-scale.iterative.blis.p50.s1");
    const struct pb_cell_config *below = cell(matrix, "cars.vgg11-bcnn.bn-scale.iterative.blis.t20.s1");
    assert_int_equal(below->round_count, 2);
    assert_true(below->rounds[0].target.measure == PB_MEASURE_THRESHOLD && below->rounds[0].target.amount == 0.015);
    assert_non_null(cell(matrix, "cars.vgg11-bcnn.bn-scale.iterative.blis.t0p015.s1"));
    assert_non_null(cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.g0p01.s1"));
    assert_int_equal(half->round_count, 2);
    assert_int_equal(half->rounds[0].target.measure, PB_MEASURE_PARAMETERS);
    assert_true(half->rounds[0].target.amount == 0.125);
    pb_matrix_free(&matrix);
}

static void test_defaults_are_the_published_ones_without_the_penalty(void **state)
{
    struct pb_matrix *matrix = read_matrix(state, HEAD TAIL);
    const struct pb_cell_config *c = matrix->cells[0];
    assert_int_equal(c->batch, 48);
    assert_int_equal(c->evaluate_batch, 48);
    assert_int_equal(c->calibration_batch, 48);
    assert_true(c->training.lr == 0.01 && c->training.momentum == 0.9 && c->training.nesterov);
    assert_true(c->training.weight_decay == 1e-5 && c->training.lambda[PB_PENALTY_NORMS] == 0);
    assert_true(c->training.lambda[PB_PENALTY_LAST_NORM] == 0 &&
                c->rounds[0].retraining.lambda[PB_PENALTY_NORMS] == 0); /* a penalty must be asked for */
    assert_int_equal(c->training.lr_policy, PB_LR_PLATEAU);
    assert_int_equal(c->training.lr_patience, 10);
    assert_true(c->training.lr_threshold == 1e-4 && c->training.lr_min == 1e-6);
    assert_true(c->preprocess.flip == 0.5 && c->preprocess.rotate == 15);
    assert_true(c->preprocess.mean[2] == 0.5 && c->preprocess.std[0] == 0.5 && !c->preprocess.short_side);
    assert_int_equal(c->preprocess.image_size, 32);
    assert_int_equal(c->ranking.count, PB_COUNT_EXACT);
    assert_int_equal(c->ranking.floor, 1);
    assert_false(c->select_on_test);
    assert_true(c->model.batch_norm && c->model.width_multiplier == 1);
    assert_null(c->pretrained);
    assert_true(c->time_limit == 0 && c->memory_limit == 0 && !c->keep_stages);
    pb_matrix_free(&matrix);
}

static void test_means_and_deviations_are_numbers_or_imagenets(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<preprocess mean='imagenet' std='0.2 0.3 0.4'/>"
                                "<override dataset='cars'><preprocess mean='0.1' std='imagenet'/></override>" TAIL);
    const struct pb_preprocess *birds = &cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1")->preprocess;
    const struct pb_preprocess *cars = &cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1")->preprocess;
    /* torchvision's transforms for its pretrained models */
    assert_true(birds->mean[0] == 0.485 && birds->mean[1] == 0.456 && birds->mean[2] == 0.406);
    assert_true(birds->std[0] == 0.2 && birds->std[1] == 0.3 && birds->std[2] == 0.4);
    assert_true(cars->mean[0] == 0.1 && cars->mean[1] == 0.1 && cars->mean[2] == 0.1);
    assert_true(cars->std[0] == 0.229 && cars->std[1] == 0.224 && cars->std[2] == 0.225);
    assert_non_null(strstr(matrix->written, "mean=\"imagenet\""));
    pb_matrix_free(&matrix);
}

static void test_retraining_follows_training_where_it_says_nothing(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<training lr='0.2' epochs='9' head-epochs='3'/><retraining epochs='4'/>"
                                "<sparsity lambda='1e-3' retraining='false'/>"
                                "<override target='0.4'><retraining lr='0.7'/></override>"
                                "<override dataset='cars'><training momentum='0.5'/></override>" TAIL);
    const struct pb_cell_config *c = cell(matrix, "cars.vgg11-bcnn.bn-scale.iterative.blis.r40.s1");
    assert_int_equal(c->round_count, 2);
    assert_int_equal(c->training.epochs, 9);
    assert_int_equal(c->training.head_epochs, 3);
    assert_int_equal(c->rounds[0].retraining.epochs, 4);
    assert_int_equal(c->rounds[0].retraining.head_epochs, 0); /* a pruned network's head is not new */
    assert_true(c->rounds[0].retraining.lr == 0.2);
    assert_true(c->rounds[1].retraining.lr == 0.7);
    assert_true(c->rounds[1].retraining.momentum == 0.5);
    assert_true(c->training.lambda[PB_PENALTY_NORMS] == 1e-3 && c->rounds[1].retraining.lambda[PB_PENALTY_NORMS] == 0);
    pb_matrix_free(&matrix);
}

static void test_the_override_that_names_more_axes_wins_wherever_it_stands(void **state)
{
    struct pb_matrix *matrix = read_matrix(
        state, HEAD "<override dataset='cars' schedule='iterative' target='0.4'><training lr='0.3'/></override>"
                    "<override dataset='cars' schedule='iterative'><training lr='0.2' batch='8'/></override>"
                    "<override dataset='cars'><training lr='0.1' batch='16'/></override>"
                    "<training lr='0.9' batch='32'/>" TAIL);
    assert_true(cell(matrix, "birds.vgg11-bcnn.bn-scale.iterative.blis.r40.s1")->training.lr == 0.9);
    assert_true(cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.r40.s1")->training.lr == 0.1);
    assert_int_equal(cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.r40.s1")->batch, 16);
    assert_true(cell(matrix, "cars.vgg11-bcnn.bn-scale.iterative.blis.r20.s1")->training.lr == 0.2);
    const struct pb_cell_config *most = cell(matrix, "cars.vgg11-bcnn.bn-scale.iterative.blis.r40.s1");
    assert_true(most->training.lr == 0.3);
    assert_int_equal(most->batch, 8); /* value by value */
    pb_matrix_free(&matrix);
}

static void test_overrides_change_options_models_roots_and_limits(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<criterion plugin='taylor'><option name='share' value='0.25'/></criterion>"
                                "<override dataset='cars'><model image-size='64' widths='4 5 6'/><dataset root='d'/>"
                                "<limits time='1.5h' memory='512M'/></override>"
                                "<override dataset='cars' criterion='taylor'><criterion permute='true'>"
                                "<option name='grad' value='no'/></criterion></override>" TAIL);
    const struct pb_cell_config *c = cell(matrix, "cars.vgg11-bcnn.taylor.one-shot.blis.r20.s1");
    assert_string_equal(c->dataset_root, "d");
    assert_int_equal(c->model.image_size, 64);
    assert_int_equal(c->preprocess.image_size, 64);
    assert_int_equal(c->model.widths.count, 3);
    assert_int_equal(c->model.widths.list[2].channels, 6);
    assert_true(c->time_limit == 5400);
    assert_int_equal(c->memory_limit, 512u << 20);
    assert_true(c->ranking.permute);
    assert_string_equal(c->criterion.options.texts[0], "false");
    assert_string_equal(c->criterion.options.texts[1], "0.25");
    assert_int_equal(c->ranking.normalise, PB_NORMALISE_L2); /* the criterion's own */
    assert_int_equal(c->coupling, PB_COUPLE_MEAN);
    assert_false(c->normalise_given);
    c = cell(matrix, "birds.vgg11-bcnn.taylor.one-shot.blis.r20.s1");
    assert_string_equal(c->criterion.options.texts[0], "true");
    assert_false(c->ranking.permute);
    assert_string_equal(c->dataset_root, "b");
    pb_matrix_free(&matrix);
}

static void test_scope_and_normalisation_are_the_criterions_own_unless_the_document_sets_them(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<criterion plugin='taylor'/><criterion plugin='taylor' label='all' scope='global'/>"
                                "<criterion plugin='random' scope='layer' normalise='max'/>"
                                "<criterion plugin='taylor' label='own' scope='criterion'/>"
                                "<criterion plugin='bn-scale' label='erk' allocation='erk'/>" TAIL);
    const struct {
        const char *id;
        enum pb_scope scope;
        enum pb_normalise normalise;
        enum pb_allocation allocation;
    } expected[] = {
        {"birds.vgg11-bcnn.bn-scale.one-shot.blis.r20.s1", PB_SCOPE_GLOBAL, PB_NORMALISE_NONE, PB_ALLOCATION_SCOPE},
        {"birds.vgg11-bcnn.taylor.one-shot.blis.r20.s1", PB_SCOPE_LAYER, PB_NORMALISE_L2, PB_ALLOCATION_SCOPE},
        {"birds.vgg11-bcnn.all.one-shot.blis.r20.s1", PB_SCOPE_GLOBAL, PB_NORMALISE_L2, PB_ALLOCATION_SCOPE},
        {"birds.vgg11-bcnn.random.one-shot.blis.r20.s1", PB_SCOPE_LAYER, PB_NORMALISE_MAX, PB_ALLOCATION_SCOPE},
        {"birds.vgg11-bcnn.own.one-shot.blis.r20.s1", PB_SCOPE_LAYER, PB_NORMALISE_L2, PB_ALLOCATION_SCOPE},
        {"birds.vgg11-bcnn.erk.one-shot.blis.r20.s1", PB_SCOPE_LAYER, PB_NORMALISE_NONE, PB_ALLOCATION_ERK},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const struct pb_cell_config *c = cell(matrix, expected[i].id);
        assert_int_equal(c->ranking.scope, expected[i].scope);
        assert_int_equal(c->ranking.normalise, expected[i].normalise);
        assert_int_equal(c->ranking.allocation, expected[i].allocation);
    }
    pb_matrix_free(&matrix);
}

static void test_excluded_cells_are_left_out_but_stay_rounds_of_others(void **state)
{
    struct pb_matrix *matrix = read_matrix(state, HEAD "<exclude schedule='iterative' target='r20'/>"
                                                       "<exclude dataset='birds' schedule='one-shot'/>" TAIL);
    assert_int_equal(matrix->cell_count, 8 - 2 - 2);
    assert_null(pb_matrix_find(matrix, "birds.vgg11-bcnn.bn-scale.iterative.blis.r20.s1"));
    assert_int_equal(cell(matrix, "birds.vgg11-bcnn.bn-scale.iterative.blis.r40.s1")->round_count, 2);
    pb_matrix_free(&matrix);
}

static void test_one_attribute_may_name_several_labels(void **state)
{
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<override dataset='cars birds'><training epochs='2'/></override>" TAIL);
    for (uint32_t i = 0; i < matrix->cell_count; i++)
        assert_int_equal(matrix->cells[i]->training.epochs, 2);
    pb_matrix_free(&matrix);
}

/* The resolved document reads back to the same cells, and resolving it once more changes nothing. */
static void test_the_resolved_document_reads_back_to_equal_cells(void **state)
{
    struct pb_matrix *matrix = read_matrix(
        state,
        "<matrix xmlns=\"urn:prunebench:matrix:1\" name=\"a &amp; &quot;b&quot;\">\n"
        "<override dataset='cars'><sparsity lambda='2e-4'/><criterion><option name='grad' "
        "value='0'/></criterion></override>"
        "<model name='vgg11-bcnn' image-size='32'/><model name='vgg11-bcnn' label='wide' width-multiplier='2.5'/>"
        "<dataset plugin='birds' root='x &lt; y'/><dataset plugin='cars' root='c'/>"
        "<criterion plugin='taylor' scope='layer'/><schedule plugin='soft'><option name='zero' "
        "value='gamma-beta'/></schedule>"
        "<schedule plugin='iterative'/><variant label='plain'/>"
        "<variant label='published'><training selection='test'/><ranking count='threshold'/></variant>"
        "<training batch='7'/><retraining epochs='3'/><limits memory='1G'/>"
        "<targets>0.25 0.5</targets><targets measure='macs'>0.3</targets><seeds>3 2</seeds>"
        "<override target='0.5' seed='3'><retraining lr='0.5'/><calibration batches='3'/></override>"
        "<exclude model='wide' variant='published'/></matrix>");
    static const char *const written[] = {"lr-patience=\"10\"",
                                          "momentum=\"0.9\"",
                                          "lambda-last=\"lambda\"",
                                          "batch=\"7\"",
                                          "<option name=\"share\" value=\"0.5\"/>",
                                          "batch-norm=\"true\"",
                                          "<backend plugin=\"blis\" label=\"blis\"/>"};
    struct pb_error error = {0};
    struct pb_matrix *again = NULL;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (!strstr(matrix->written, written[i]))
            fail_msg("%s is not in\n%s", written[i], matrix->written);
    const char *path = folder_path(state, "resolved.xml");
    assert_int_equal(pb_file_write_atomic(path, matrix->written, strlen(matrix->written), &error), PB_OK);
    if (pb_matrix_read(path, &fake_registry, &again, &error) != PB_OK)
        fail_msg("%s\n%s", error.text, matrix->written);
    assert_string_equal(again->written, matrix->written);
    assert_int_equal(again->cell_count, matrix->cell_count);
    assert_int_equal(matrix->cell_count, (2 * 2 * 1 * 2 * 2 * 3 * 2) * 3 / 4);
    for (uint32_t i = 0; i < matrix->cell_count; i++) {
        char before[65], after[65];
        assert_string_equal(again->cells[i]->id, matrix->cells[i]->id);
        assert_int_equal(pb_cell_digest(matrix->cells[i], "", before, &error), PB_OK);
        assert_int_equal(pb_cell_digest(again->cells[i], "", after, &error), PB_OK);
        assert_string_equal(after, before);
        assert_true(again->cells[i]->memory_limit == (uint64_t)1 << 30);
    }
    pb_matrix_free(&again);
    pb_matrix_free(&matrix);
}

static void test_running_out_of_memory_anywhere_is_an_error_not_a_crash(void **state)
{
    const char *text = HEAD "<variant label='a'/><variant label='b'><training lr='1'/></variant>"
                            "<retraining distillation='logits' teacher='t.safetensors'/>"
                            "<override dataset='cars'><model widths='1 2'/></override>"
                            "<exclude dataset='birds' target='0.2'/>" TAIL;
    struct pb_error error = {0};
    struct pb_matrix *matrix = read_matrix(state, text);
    const char *path = matrix->path;
    char *kept = pb_strdup(path);
    pb_matrix_free(&matrix);
    bool complete = false;
    for (long n = 0; !complete; n += n < 40 ? 1 : 13) {
        pb_memory_fail_after(n);
        const enum pb_status status = pb_matrix_read(kept, &fake_registry, &matrix, &error);
        pb_memory_fail_after(-1);
        complete = status == PB_OK;
        if (!complete && status != PB_ERROR_MEMORY)
            fail_msg("allocation %ld: %s", n, error.text);
        pb_matrix_free(&matrix);
        assert_true(n < 100000);
    }
    pb_free(kept);
}

/* Of one cell: others that name the same files have not been checked. */
static enum pb_status check_files(const struct pb_matrix *matrix, uint32_t index, struct pb_error *error)
{
    bool *asked = pb_calloc(matrix->cell_count, sizeof *asked);
    assert_non_null(asked);
    asked[index] = true;
    const enum pb_status status = pb_matrix_check_files(matrix, asked, error);
    pb_free(asked);
    return status;
}

static void test_a_missing_root_or_weights_file_is_named_with_its_line(void **state)
{
    struct pb_error error = {0};
    struct pb_matrix *matrix = read_matrix(state, HEAD "<override dataset='cars'>\n<dataset root='nowhere/at-all'/>"
                                                       "</override>" TAIL);
    assert_int_equal(check_files(matrix, matrix->cell_count - 1, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "m.xml:10: dataset 'cars': there is no folder 'nowhere/at-all'; "));
    pb_matrix_free(&matrix);
    matrix = read_matrix(state, HEAD "<override dataset='cars'>\n<dataset root='/tmp'/>\n"
                                     "<model pretrained='no.safetensors'/></override>" TAIL);
    assert_int_equal(check_files(matrix, matrix->cell_count - 1, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "m.xml:11: model 'vgg11-bcnn': there is no file 'no.safetensors'; "));
    pb_matrix_free(&matrix);
}

static void test_a_teachers_file_belongs_to_the_rounds_that_learn_from_it(void **state)
{
    struct pb_error error = {0};
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<retraining distillation='logits' teacher='big.safetensors'/>"
                                "<override dataset='cars'><retraining distillation='none'/></override>"
                                "<override dataset='birds' schedule='iterative' target='0.2'>"
                                "<retraining teacher='unpruned'/></override>" TAIL);
    const struct pb_cell_config *c = cell(matrix, "birds.vgg11-bcnn.bn-scale.one-shot.blis.r40.s1");
    assert_string_equal(c->teacher, "big.safetensors");
    assert_int_equal(c->rounds[0].retraining.teacher, PB_STAGE_TEACHER_FILE);
    assert_int_equal(c->rounds[1].retraining.teacher, PB_STAGE_TEACHER_FILE);
    c = cell(matrix, "birds.vgg11-bcnn.bn-scale.iterative.blis.r40.s1");
    assert_string_equal(c->teacher, "big.safetensors");
    assert_int_equal(c->rounds[0].retraining.teacher, PB_STAGE_UNPRUNED);
    assert_int_equal(c->rounds[1].retraining.teacher, PB_STAGE_TEACHER_FILE);
    c = cell(matrix, "birds.vgg11-bcnn.bn-scale.iterative.blis.r20.s1");
    assert_null(c->teacher);
    assert_int_equal(c->rounds[0].retraining.teacher, PB_STAGE_UNPRUNED);
    c = cell(matrix, "cars.vgg11-bcnn.bn-scale.one-shot.blis.r40.s1");
    assert_null(c->teacher);
    assert_int_equal(c->rounds[1].retraining.teacher, PB_STAGE_UNPRUNED);
    pb_matrix_free(&matrix);
    /* alone, the cell has the rounds below its target, too */
    if (pb_matrix_read_cell(folder_path(state, "m.xml"), &fake_registry,
                            "birds.vgg11-bcnn.bn-scale.one-shot.blis.r40.s1", &matrix, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_string_equal(matrix->cells[0]->teacher, "big.safetensors");
    assert_int_equal(matrix->cells[0]->rounds[0].retraining.teacher, PB_STAGE_TEACHER_FILE);
    pb_matrix_free(&matrix);
}

/* The digest of a cell's settings, and the value that its record has for the teacher's file. */
static const char *described_teacher(const struct pb_matrix *matrix, const char *inputs, struct pb_record *record,
                                     char digest[65])
{
    struct pb_error error = {0};
    pb_record_init(record);
    if (pb_cell_digest(matrix->cells[0], inputs, digest, &error) || pb_cell_describe(matrix->cells[0], record, &error))
        fail_msg("%s", error.text);
    return pb_record_find(record->config, record->config_count, "retraining.teacher");
}

static void test_a_cells_digest_holds_no_place_of_its_teacher(void **state)
{
    struct pb_record record;
    char digest[65], moved[65], unpruned[65];
    struct pb_matrix *matrix =
        read_matrix(state, HEAD "<retraining distillation='logits' teacher='big.safetensors'/>" TAIL);
    assert_string_equal(described_teacher(matrix, "same", &record, digest), "big.safetensors");
    assert_string_equal(pb_record_find(record.config, record.config_count, "retraining.0.2.teacher"), "file");
    pb_record_free(&record);
    pb_matrix_free(&matrix);
    matrix = read_matrix(state, HEAD "<retraining distillation='logits' teacher='elsewhere/t.safetensors'/>" TAIL);
    assert_string_equal(described_teacher(matrix, "same", &record, moved), "elsewhere/t.safetensors");
    assert_string_equal(digest, moved);
    pb_record_free(&record);
    pb_matrix_free(&matrix);
    matrix = read_matrix(state, HEAD "<retraining distillation='logits'/>" TAIL);
    assert_null(described_teacher(matrix, "same", &record, unpruned));
    assert_null(pb_record_find(record.config, record.config_count, "retraining.0.2.teacher"));
    assert_string_not_equal(digest, unpruned);
    pb_record_free(&record);
    pb_matrix_free(&matrix);
}

static void test_a_teacher_that_cannot_teach_is_named_with_its_line(void **state)
{
    struct pb_error error = {0};
    struct pb_graph *graph = graph_begin("teacher", 16, 16, 3);
    graph_bilinear_head(graph, graph_conv(graph, "conv1", 0, 2), 3);
    struct pb_network *network = network_of(graph, 1);
    if (pb_checkpoint_save(folder_path(state, "small.safetensors"), network, true, NULL, &error) != PB_OK)
        fail_msg("%s", error.text);
    pb_network_free(&network);
    static const char *const words[] = {
        "m.xml:11: <retraining> teacher: there is no file '",
        "small.safetensors' takes images of 16×16 pixels, and the cell's have 32×32; name a teacher"};
    for (size_t i = 0; i < 2; i++) {
        char *text = pb_format(HEAD "<override dataset='birds'>\n<dataset root='/tmp'/>\n"
                                    "<retraining distillation='logits' teacher='%s'/></override>" TAIL,
                               folder_path(state, i ? "small.safetensors" : "no.safetensors"));
        struct pb_matrix *matrix = read_matrix(state, text);
        assert_int_equal(check_files(matrix, 0, &error), PB_ERROR_INPUT);
        assert_non_null(strstr(error.text, "m.xml:11: <retraining> teacher"));
        assert_non_null(strstr(error.text, words[i]));
        pb_matrix_free(&matrix);
        pb_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cells_are_the_product_in_the_documents_order_with_readable_names,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_variants_and_labels_are_in_the_names, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_targets_of_other_measures_and_fractions_have_names_that_are_file_names,
                                        folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_defaults_are_the_published_ones_without_the_penalty, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_means_and_deviations_are_numbers_or_imagenets, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_retraining_follows_training_where_it_says_nothing, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_the_override_that_names_more_axes_wins_wherever_it_stands, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_overrides_change_options_models_roots_and_limits, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(
            test_scope_and_normalisation_are_the_criterions_own_unless_the_document_sets_them, folder_setup,
            folder_teardown),
        cmocka_unit_test_setup_teardown(test_excluded_cells_are_left_out_but_stay_rounds_of_others, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_one_attribute_may_name_several_labels, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(test_the_resolved_document_reads_back_to_equal_cells, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_running_out_of_memory_anywhere_is_an_error_not_a_crash, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_missing_root_or_weights_file_is_named_with_its_line, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_teachers_file_belongs_to_the_rounds_that_learn_from_it, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_cells_digest_holds_no_place_of_its_teacher, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(test_a_teacher_that_cannot_teach_is_named_with_its_line, folder_setup,
                                        folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
