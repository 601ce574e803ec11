/* From a place on the axes to a cell: values, plugins, rounds. */
#include "matrix/cell_values.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "matrix/precedence.h"
#include "settings/names.h"

static enum pb_status copy_label(const char *label, char **copy, struct pb_error *error)
{
    *copy = pb_strdup(label);
    return *copy ? PB_OK : pb_fail_memory(error, strlen(label) + 1);
}

static enum pb_status fill_choices(const struct pb_document *document, const struct pb_precedence *precedence,
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
        if (place[choices[i].axis] == PB_NO_PLACE) {
            status = copy_label(PB_NO_LABEL, &choices[i].choice->label, error);
            continue;
        }
        const struct pb_entry *entry = &document->axes[choices[i].axis].list[place[choices[i].axis]];
        choices[i].choice->loaded = entry->loaded;
        status = copy_label(entry->label, &choices[i].choice->label, error);
        if (status == PB_OK)
            status =
                pb_precedence_options(document, precedence, choices[i].axis, entry, &choices[i].choice->options, error);
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
        status = copy_label(pb_place_label(document, place, PB_MATRIX_TARGET), &config->target_label, error);
    return status;
}

static enum pb_status fill_penalties(const struct pb_document *document, const struct pb_precedence *precedence,
                                     struct pb_cell_config *config, struct pb_error *error)
{
    const struct pb_entries *penalties = &document->axes[PB_MATRIX_PENALTY];
    if (!penalties->count)
        return PB_OK;
    config->penalties = pb_calloc(penalties->count, sizeof *config->penalties);
    if (!config->penalties)
        return pb_fail_memory(error, penalties->count * sizeof *config->penalties);
    config->penalty_count = penalties->count;
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < penalties->count && status == PB_OK; i++) {
        struct pb_choice *choice = &config->penalties[i];
        choice->loaded = penalties->list[i].loaded;
        status = copy_label(penalties->list[i].label, &choice->label, error);
        if (status == PB_OK)
            status = pb_precedence_options(document, precedence, PB_MATRIX_PENALTY, &penalties->list[i],
                                           &choice->options, error);
    }
    return status;
}

/*
 * Gives a round that learns from a checkpoint its teacher, and the cell the file, which it takes over from values. A cell reads one
 * file.
 */
static enum pb_status take_teacher(const struct pb_document *document, const struct pb_precedence *precedence,
                                   struct pb_cell_values *values, struct pb_cell_config *config, struct pb_error *error)
{
    const char *path = document->xml.path;
    const long line = pb_precedence_line(precedence, "retraining", "teacher");
    if (!values->teacher)
        return PB_OK;
    if (values->retraining.distillation == PB_DISTILLATION_NONE) {
        if (pb_precedence_line(precedence, "retraining", "distillation"))
            return PB_OK;
        return pb_fail_at(error, PB_ERROR_INPUT, path, line,
                          "<retraining> teacher='%s' teaches nothing without distillation; add "
                          "distillation=\"soft-targets\" or \"logits\", or say distillation=\"none\" where it is not "
                          "to teach",
                          values->teacher);
    }
    if (config->teacher && strcmp(config->teacher, values->teacher) != 0)
        return pb_fail_at(error, PB_ERROR_INPUT, path, line,
                          "<retraining> teacher='%s' and teacher='%s' are for targets of one cell, which has one "
                          "teacher file; name the same for every target, or make a matrix for each",
                          values->teacher, config->teacher);
    values->retraining.teacher = PB_STAGE_TEACHER_FILE;
    if (!config->teacher) {
        config->teacher = values->teacher;
        values->teacher = NULL;
    }
    return PB_OK;
}

/* The retraining of one round is that of the cell whose own target it is: so cells share their rounds. */
static enum pb_status fill_round(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                 uint32_t target, struct pb_cell_config *config, struct pb_error *error)
{
    uint32_t there[PB_MATRIX_COUNT];
    struct pb_precedence precedence = {0};
    struct pb_cell_values values = {0};
    memcpy(there, place, sizeof there);
    there[PB_MATRIX_TARGET] = target;
    enum pb_status status = pb_precedence_collect(document, there, &precedence, error);
    if (status == PB_OK)
        status = pb_precedence_fill(document, &precedence, &values, error);
    if (status == PB_OK)
        status = take_teacher(document, &precedence, &values, config, error);
    if (status == PB_OK)
        config->rounds[config->round_count++] = (struct pb_cell_round){
            .target = document->axes[PB_MATRIX_TARGET].list[target].target, .retraining = values.retraining};
    pb_free(values.pretraining);
    pb_free(values.teacher);
    pb_cell_config_free(&values.cell);
    return status;
}

/* The rounds below the cell's own target, in ascending order. */
static enum pb_status fill_lower_rounds(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                        const struct pb_cell_config *below, struct pb_cell_config *config,
                                        struct pb_error *error)
{
    const struct pb_entries *targets = &document->axes[PB_MATRIX_TARGET];
    const struct pb_target own = targets->list[place[PB_MATRIX_TARGET]].target;
    if (below) {
        memcpy(config->rounds, below->rounds, below->round_count * sizeof *config->rounds);
        config->round_count = below->round_count;
        return below->teacher ? copy_label(below->teacher, &config->teacher, error) : PB_OK;
    }
    for (uint32_t i = 0; i < targets->count; i++) {
        if (targets->list[i].target.measure != own.measure || targets->list[i].target.amount >= own.amount)
            continue;
        const enum pb_status status = fill_round(document, place, i, config, error);
        if (status != PB_OK)
            return status;
    }
    return PB_OK;
}

static enum pb_status fill_rounds(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                  const struct pb_cell_config *below, const struct pb_precedence *precedence,
                                  struct pb_cell_values *values, struct pb_error *error)
{
    struct pb_cell_config *config = &values->cell;
    const struct pb_entries *targets = &document->axes[PB_MATRIX_TARGET];
    const bool trains_only = place[PB_MATRIX_TARGET] == PB_NO_PLACE;
    const size_t most = trains_only ? 1 : below ? (size_t)below->round_count + 1 : targets->count;
    config->rounds = pb_calloc(most, sizeof *config->rounds);
    if (!config->rounds)
        return pb_fail_memory(error, most * sizeof *config->rounds);
    enum pb_status status = trains_only ? PB_OK : fill_lower_rounds(document, place, below, config, error);
    if (status == PB_OK)
        status = take_teacher(document, precedence, values, config, error);
    if (status != PB_OK)
        return status;
    struct pb_cell_round *last = &config->rounds[config->round_count++];
    last->retraining = values->retraining;
    if (!trains_only)
        last->target = targets->list[place[PB_MATRIX_TARGET]].target;
    return PB_OK;
}

/* An allocation compares scores within layers alone. */
static enum pb_status apply_allocation(const struct pb_document *document, const struct pb_precedence *precedence,
                                       struct pb_cell_config *cell, struct pb_error *error)
{
    if (cell->ranking.allocation == PB_ALLOCATION_SCOPE)
        return PB_OK;
    const char *allocation = pb_allocation_names[cell->ranking.allocation];
    if (cell->scope_given && cell->ranking.scope == PB_SCOPE_GLOBAL)
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path,
                          pb_precedence_line(precedence, "ranking", "allocation"),
                          "allocation=\"%s\" decides what each layer loses, and scope=\"global\" (line %ld) lets the "
                          "scores decide it; leave one of them out, or set scope=\"layer\" beside the allocation",
                          allocation, pb_precedence_line(precedence, "ranking", "scope"));
    cell->ranking.scope = PB_SCOPE_LAYER;
    if (cell->ranking.count != PB_COUNT_THRESHOLD)
        return PB_OK;
    return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path,
                      pb_precedence_line(precedence, "ranking", "allocation"),
                      "allocation=\"%s\" counts exactly; leave out count=\"%s\" (line %ld)", allocation,
                      pb_count_rule_names[cell->ranking.count], pb_precedence_line(precedence, "ranking", "count"));
}

/* What the matrix leaves to the criterion. */
/* A model from a file is in the file that `pretrained` names. */
static enum pb_status find_model_file(const struct pb_document *document, const struct pb_precedence *precedence,
                                      struct pb_cell_config *cell, struct pb_error *error)
{
    if (strcmp(cell->model.name, PB_MODEL_OF_FILE) != 0)
        return PB_OK;
    cell->model.file = cell->pretrained;
    if (cell->pretraining)
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path,
                          pb_precedence_line(precedence, "model", "pretraining"),
                          "model '%s' comes with its weights; leave pretraining out", cell->model_label);
    return cell->model.file ? PB_OK
                            : pb_fail(error, PB_ERROR_INPUT,
                                      "'%s': <model name=\"" PB_MODEL_OF_FILE
                                      "\"> takes its network from a file; give it pretrained=\"net.onnx\"",
                                      document->xml.path);
}

static void follow_criterion(struct pb_cell_config *cell)
{
    if (!cell->criterion.loaded)
        return;
    const struct pb_criterion *criterion = cell->criterion.loaded->plugin->criterion;
    if (!cell->scope_given)
        cell->ranking.scope = (enum pb_scope)criterion->scope;
    if (!cell->normalise_given)
        cell->ranking.normalise = (enum pb_normalise)criterion->normalise;
    if (!cell->coupling_given)
        cell->coupling = (enum pb_coupling)criterion->coupling;
}

enum pb_status pb_cell_values_fill(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                   const struct pb_cell_config *below, struct pb_cell_config *config,
                                   struct pb_cell_lines *lines, struct pb_error *error)
{
    struct pb_cell_values values = {0};
    struct pb_cell_config *cell = &values.cell;
    struct pb_precedence precedence = {0};
    const struct pb_entry *dataset = &document->axes[PB_MATRIX_DATASET].list[place[PB_MATRIX_DATASET]];
    enum pb_status status = pb_precedence_collect(document, place, &precedence, error);
    if (status == PB_OK)
        status = pb_precedence_fill(document, &precedence, &values, error);
    if (status == PB_OK && !cell->dataset_root)
        status =
            pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, dataset->line,
                       "<dataset>: attribute 'root' is missing; it says which folder has the images of dataset '%s'",
                       dataset->label);
    if (status == PB_OK)
        status = fill_choices(document, &precedence, place, cell, error);
    if (status == PB_OK)
        status = fill_penalties(document, &precedence, cell, error);
    if (status == PB_OK)
        status = fill_rounds(document, place, below, &precedence, &values, error);
    cell->seed = document->axes[PB_MATRIX_SEED].list[place[PB_MATRIX_SEED]].seed;
    if (status == PB_OK)
        status =
            pb_pretraining_values_fill(document, &precedence, values.pretraining, cell, &lines->pretraining, error);
    if (status == PB_OK)
        status = find_model_file(document, &precedence, cell, error);
    if (status == PB_OK) {
        follow_criterion(cell);
        status = apply_allocation(document, &precedence, cell, error);
    }
    if (status == PB_OK) {
        cell->split.seed = cell->ranking.seed = cell->seed;
        cell->threads = 1;
        *config = *cell;
        lines->dataset_root = pb_precedence_line(&precedence, "dataset", "root");
        lines->pretrained = pb_precedence_line(&precedence, "model", "pretrained");
        lines->teacher = pb_precedence_line(&precedence, "retraining", "teacher");
        lines->schedule = document->axes[PB_MATRIX_SCHEDULE].list[place[PB_MATRIX_SCHEDULE]].line;
        *cell = (struct pb_cell_config){0};
    }
    pb_free(values.pretraining);
    pb_free(values.teacher);
    pb_cell_config_free(cell);
    return status;
}
