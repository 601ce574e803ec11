/* Which value holds for a cell: defaults, the matrix's own, the axis entries', then variants and overrides by how much they name. */
#include "matrix/resolve.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Ranks below those of overrides: an override that names n axes has RANK_OVERRIDE + n. */
enum { RANK_NONE, RANK_MATRIX, RANK_ENTRY, RANK_OVERRIDE };

#define OPTION_LIMIT 256 /* different options that the changes of one cell may set */

struct chosen_value {
    const struct pb_assignment *value;
    const struct pb_assignment *rival; /* equally specific, another text */
    uint32_t rank;
};
struct chosen_option {
    const struct pb_option_assignment *option, *rival;
    uint32_t rank;
};
struct resolution {
    struct chosen_value values[PB_SETTING_LIMIT];
    struct chosen_option options[OPTION_LIMIT];
    uint32_t option_count;
};

static void offer_value(struct chosen_value *chosen, const struct pb_assignment *value, uint32_t rank)
{
    if (rank > chosen->rank)
        *chosen = (struct chosen_value){.value = value, .rank = rank};
    else if (rank == chosen->rank && strcmp(chosen->value->text, value->text) != 0)
        chosen->rival = value;
}

static bool offer_option(struct resolution *resolution, const struct pb_option_assignment *option, uint32_t rank)
{
    uint32_t i = 0;
    while (i < resolution->option_count && (resolution->options[i].option->axis != option->axis ||
                                            strcmp(resolution->options[i].option->name, option->name) != 0))
        i++;
    if (i == OPTION_LIMIT)
        return false;
    struct chosen_option *chosen = &resolution->options[i];
    if (i == resolution->option_count)
        resolution->option_count++;
    if (rank > chosen->rank)
        *chosen = (struct chosen_option){.option = option, .rank = rank};
    else if (rank == chosen->rank && strcmp(chosen->option->text, option->text) != 0)
        chosen->rival = option;
    return true;
}

static bool offer(struct resolution *resolution, const struct pb_changes *changes, uint32_t rank)
{
    bool room = true;
    for (uint32_t i = 0; i < changes->value_count; i++)
        offer_value(&resolution->values[changes->values[i].setting], &changes->values[i], rank);
    for (uint32_t i = 0; i < changes->option_count && room; i++)
        room = offer_option(resolution, &changes->options[i], rank);
    return room;
}

static char *place_name(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT])
{
    struct pb_text name = {0};
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        if (axis != PB_MATRIX_VARIANT || document->has_variants)
            pb_text_append(&name, "%s%s", name.length ? "." : "", document->axes[axis].list[place[axis]].label);
    if (name.failed)
        pb_text_free(&name);
    return name.data;
}

static enum pb_status fail_tie(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                               const char *what, const char *texts[2], const long lines[2], struct pb_error *error)
{
    char *name = place_name(document, place);
    const int later = lines[1] >= lines[0];
    const enum pb_status status =
        pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, lines[later],
                   "%s='%s' contradicts %s='%s' on line %ld for cell '%s', and both name equally many axes; "
                   "let one of them name one axis more",
                   what, texts[later], what, texts[!later], lines[!later], name ? name : "?");
    pb_free(name);
    return status;
}

static enum pb_status find_ties(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                const struct resolution *resolution, struct pb_error *error)
{
    char what[160];
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_assignment *a = resolution->values[i].value, *b = resolution->values[i].rival;
        snprintf(what, sizeof what, "<%s> %s", pb_settings[i].element, pb_settings[i].name);
        if (b)
            return fail_tie(document, place, what, (const char *[]){a->text, b->text}, (long[]){a->line, b->line},
                            error);
    }
    for (uint32_t i = 0; i < resolution->option_count; i++) {
        const struct pb_option_assignment *a = resolution->options[i].option, *b = resolution->options[i].rival;
        if (!b)
            continue;
        snprintf(what, sizeof what, "%s option %s", pb_matrix_axis_names[a->axis], a->name);
        return fail_tie(document, place, what, (const char *[]){a->text, b->text}, (long[]){a->line, b->line}, error);
    }
    return PB_OK;
}

/* Fills resolution for one place. */
static enum pb_status collect(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                              struct resolution *resolution, struct pb_error *error)
{
    *resolution = (struct resolution){0};
    bool room = offer(resolution, &document->base, RANK_MATRIX);
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT && room; axis++)
        room = offer(resolution, &document->axes[axis].list[place[axis]].own, RANK_ENTRY);
    for (uint32_t i = 0; i < document->override_count && room; i++) {
        const struct pb_override *override = &document->overrides[i];
        if (pb_condition_holds(&override->condition, place))
            room = offer(resolution, &override->changes, RANK_OVERRIDE + override->condition.specificity);
    }
    if (!room)
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, 0, "more than %d different options for one cell",
                          OPTION_LIMIT);
    return find_ties(document, place, resolution, error);
}

static const char *value_text(const struct resolution *resolution, uint32_t setting)
{
    const struct pb_assignment *value = resolution->values[setting].value;
    return value ? value->text : pb_settings[setting].default_text;
}

/* Stores the settings of element (retraining), or of all others. */
static enum pb_status store_values(const struct resolution *resolution, bool retraining, struct pb_cell_values *values,
                                   struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < pb_setting_count && status == PB_OK; i++) {
        const char *text = value_text(resolution, i);
        if (text && (strcmp(pb_settings[i].element, "retraining") == 0) == retraining)
            status = pb_setting_store(&pb_settings[i], text, values, error);
    }
    return status;
}

static bool is_given(const struct resolution *resolution, const char *element, const char *name)
{
    const uint32_t setting = pb_setting_find(element, name);
    return !pb_setting_follows(&pb_settings[setting], value_text(resolution, setting));
}

/* Everything but plugins, names and rounds. */
static enum pb_status fill_values(const struct resolution *resolution, struct pb_cell_values *values,
                                  struct pb_error *error)
{
    struct pb_cell_config *cell = &values->cell;
    cell->training.size = sizeof cell->training;
    cell->training.return_state = PB_RETURN_BEST;
    enum pb_status status = store_values(resolution, false, values, error);
    if (status != PB_OK)
        return status;
    if (!is_given(resolution, "sparsity", "lambda-last"))
        cell->training.lambda_last = cell->training.lambda;
    if (!is_given(resolution, "training", "evaluate-batch"))
        cell->evaluate_batch = cell->batch;
    if (!is_given(resolution, "calibration", "batch"))
        cell->calibration_batch = cell->batch;
    cell->normalise_given = is_given(resolution, "ranking", "normalise");
    cell->coupling_given = is_given(resolution, "ranking", "coupling");
    cell->preprocess.image_size = cell->model.image_size;
    values->retraining = cell->training;
    if (!values->sparse_retraining)
        values->retraining.lambda = values->retraining.lambda_last = 0;
    return store_values(resolution, true, values, error);
}

static enum pb_status set_options(const struct pb_document *document, const struct resolution *resolution,
                                  enum pb_matrix_axis axis, const struct pb_entry *entry, struct pb_options *options,
                                  struct pb_error *error)
{
    enum pb_status status = pb_options_create(entry->loaded->plugin, options, error);
    for (uint32_t i = 0; i < resolution->option_count && status == PB_OK; i++) {
        const struct pb_option_assignment *option = resolution->options[i].option;
        if (option->axis != axis)
            continue;
        char *where = pb_format("%s:%ld", document->xml.path, option->line);
        status = where ? pb_options_set(options, option->name, option->text, where, error)
                       : pb_fail_memory(error, strlen(document->xml.path));
        pb_free(where);
    }
    if (status != PB_OK)
        return status;
    char *where = pb_format("%s:%ld", document->xml.path, entry->line);
    status = where ? pb_options_finish(options, where, error) : pb_fail_memory(error, strlen(document->xml.path));
    pb_free(where);
    return status;
}

static enum pb_status copy_label(const char *label, char **copy, struct pb_error *error)
{
    *copy = pb_strdup(label);
    return *copy ? PB_OK : pb_fail_memory(error, strlen(label) + 1);
}

static enum pb_status fill_choices(const struct pb_document *document, const struct resolution *resolution,
                                   const uint32_t place[PB_MATRIX_COUNT], struct pb_cell_config *config,
                                   struct pb_error *error)
{
    const struct {
        enum pb_matrix_axis axis;
        struct pb_choice *choice;
    } choices[] = {{PB_MATRIX_DATASET, &config->dataset},
                   {PB_MATRIX_CRITERION, &config->criterion},
                   {PB_MATRIX_SCHEDULE, &config->schedule},
                   {PB_MATRIX_BACKEND, &config->backend}};
    enum pb_status status = PB_OK;
    for (size_t i = 0; i < sizeof choices / sizeof *choices && status == PB_OK; i++) {
        const struct pb_entry *entry = &document->axes[choices[i].axis].list[place[choices[i].axis]];
        choices[i].choice->loaded = entry->loaded;
        status = copy_label(entry->label, &choices[i].choice->label, error);
        if (status == PB_OK)
            status = set_options(document, resolution, choices[i].axis, entry, &choices[i].choice->options, error);
    }
    const struct pb_entry *model = &document->axes[PB_MATRIX_MODEL].list[place[PB_MATRIX_MODEL]];
    char *name = NULL;
    if (status == PB_OK)
        status = copy_label(model->plugin, &name, error);
    config->model.name = name;
    if (status == PB_OK)
        status = copy_label(model->label, &config->model_label, error);
    if (status == PB_OK)
        status = copy_label(document->axes[PB_MATRIX_VARIANT].list[place[PB_MATRIX_VARIANT]].label,
                            &config->variant_label, error);
    if (status == PB_OK)
        status = copy_label(document->axes[PB_MATRIX_TARGET].list[place[PB_MATRIX_TARGET]].label, &config->target_label,
                            error);
    return status;
}

/* The retraining of one round is that of the cell whose own target it is: so cells share their rounds. */
static enum pb_status fill_round(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                 uint32_t target, struct pb_round *round, struct pb_error *error)
{
    uint32_t there[PB_MATRIX_COUNT];
    struct resolution *resolution = pb_calloc(1, sizeof *resolution);
    struct pb_cell_values values = {0};
    if (!resolution)
        return pb_fail_memory(error, sizeof *resolution);
    memcpy(there, place, sizeof there);
    there[PB_MATRIX_TARGET] = target;
    enum pb_status status = collect(document, there, resolution, error);
    if (status == PB_OK)
        status = fill_values(resolution, &values, error);
    if (status == PB_OK)
        *round = (struct pb_round){.target = document->axes[PB_MATRIX_TARGET].list[target].target,
                                   .retraining = values.retraining};
    pb_cell_config_free(&values.cell);
    pb_free(resolution);
    return status;
}

static enum pb_status fill_rounds(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                  struct pb_cell_config *config, struct pb_error *error)
{
    const struct pb_entries *targets = &document->axes[PB_MATRIX_TARGET];
    const struct pb_target own = targets->list[place[PB_MATRIX_TARGET]].target;
    config->rounds = pb_calloc(targets->count, sizeof *config->rounds);
    if (!config->rounds)
        return pb_fail_memory(error, targets->count * sizeof *config->rounds);
    for (uint32_t i = 0; i < targets->count; i++) {
        if (targets->list[i].target.measure != own.measure || targets->list[i].target.amount > own.amount)
            continue;
        const enum pb_status status = fill_round(document, place, i, &config->rounds[config->round_count], error);
        if (status != PB_OK)
            return status;
        config->round_count++;
    }
    return PB_OK;
}

static long line_of(const struct resolution *resolution, const char *element, const char *name)
{
    const struct pb_assignment *value = resolution->values[pb_setting_find(element, name)].value;
    return value ? value->line : 0;
}

enum pb_status pb_resolve_cell(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                               struct pb_cell_config *config, struct pb_cell_lines *lines, struct pb_error *error)
{
    struct pb_cell_values values = {0};
    struct pb_cell_config *cell = &values.cell;
    struct resolution *resolution = pb_calloc(1, sizeof *resolution);
    if (!resolution)
        return pb_fail_memory(error, sizeof *resolution);
    const struct pb_entry *dataset = &document->axes[PB_MATRIX_DATASET].list[place[PB_MATRIX_DATASET]];
    enum pb_status status = collect(document, place, resolution, error);
    if (status == PB_OK)
        status = fill_values(resolution, &values, error);
    if (status == PB_OK && !cell->dataset_root)
        status = pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, dataset->line,
                            "<dataset>: attribute 'root' is missing; it says which folder dataset '%s' lies in",
                            dataset->label);
    if (status == PB_OK)
        status = fill_choices(document, resolution, place, cell, error);
    if (status == PB_OK)
        status = fill_rounds(document, place, cell, error);
    if (status == PB_OK) {
        const struct pb_criterion *criterion = cell->criterion.loaded->plugin->criterion;
        if (!cell->normalise_given)
            cell->ranking.normalise = (enum pb_normalise)criterion->normalise;
        if (!cell->coupling_given)
            cell->coupling = (enum pb_coupling)criterion->coupling;
        cell->seed = document->axes[PB_MATRIX_SEED].list[place[PB_MATRIX_SEED]].seed;
        cell->split.seed = cell->ranking.seed = cell->seed;
        cell->threads = 1;
        *config = *cell;
        *lines = (struct pb_cell_lines){.dataset_root = line_of(resolution, "dataset", "root"),
                                        .pretrained = line_of(resolution, "model", "pretrained")};
        *cell = (struct pb_cell_config){0};
    }
    pb_cell_config_free(cell);
    pb_free(resolution);
    return status;
}
