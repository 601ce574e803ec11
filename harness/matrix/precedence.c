/* Which value applies, of several that are given for one setting or option. */
#include "matrix/precedence.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static void offer_value(struct pb_chosen_value *chosen, const struct pb_assignment *value, uint32_t rank)
{
    if (rank > chosen->rank)
        *chosen = (struct pb_chosen_value){.value = value, .rank = rank};
    else if (rank == chosen->rank && strcmp(chosen->value->text, value->text) != 0)
        chosen->rival = value;
}

static bool same_option(const struct pb_option_assignment *a, const struct pb_option_assignment *b)
{
    return a->axis == b->axis && a->is_lambda == b->is_lambda && strcmp(a->name, b->name) == 0 &&
           (!a->penalty || strcmp(a->penalty, b->penalty) == 0);
}

static bool offer_option(struct pb_precedence *precedence, const struct pb_option_assignment *option, uint32_t rank)
{
    uint32_t i = 0;
    while (i < precedence->option_count && !same_option(precedence->options[i].option, option))
        i++;
    if (i == PB_OPTION_LIMIT)
        return false;
    struct pb_chosen_option *chosen = &precedence->options[i];
    if (i == precedence->option_count)
        precedence->option_count++;
    if (rank > chosen->rank)
        *chosen = (struct pb_chosen_option){.option = option, .rank = rank};
    else if (rank == chosen->rank && strcmp(chosen->option->text, option->text) != 0)
        chosen->rival = option;
    return true;
}

bool pb_precedence_offer(struct pb_precedence *precedence, const struct pb_changes *changes, uint32_t rank)
{
    bool room = true;
    for (uint32_t i = 0; i < changes->value_count; i++)
        offer_value(&precedence->values[changes->values[i].setting], &changes->values[i], rank);
    for (uint32_t i = 0; i < changes->option_count && room; i++)
        room = offer_option(precedence, &changes->options[i], rank);
    return room;
}

static char *place_name(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT])
{
    struct pb_text name = {0};
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        if (axis != PB_MATRIX_VARIANT || document->has_variants)
            pb_text_append(&name, "%s%s", name.length ? "." : "", pb_place_label(document, place, axis));
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
                                const struct pb_precedence *precedence, struct pb_error *error)
{
    char what[160];
    for (uint32_t i = 0; i < pb_setting_count; i++) {
        const struct pb_assignment *a = precedence->values[i].value, *b = precedence->values[i].rival;
        if (!b)
            continue;
        snprintf(what, sizeof what, "<%s> %s", pb_settings[i].element, pb_settings[i].name);
        return fail_tie(document, place, what, (const char *[]){a->text, b->text}, (long[]){a->line, b->line}, error);
    }
    for (uint32_t i = 0; i < precedence->option_count; i++) {
        const struct pb_option_assignment *a = precedence->options[i].option, *b = precedence->options[i].rival;
        if (!b)
            continue;
        snprintf(what, sizeof what, "%s%s%s %s%s", pb_matrix_axis_names[a->axis], a->penalty ? " " : "",
                 a->penalty ? a->penalty : "", a->is_lambda ? "" : "option ", a->name);
        return fail_tie(document, place, what, (const char *[]){a->text, b->text}, (long[]){a->line, b->line}, error);
    }
    return PB_OK;
}

static const char *value_text(const struct pb_precedence *precedence, uint32_t setting)
{
    const struct pb_assignment *value = precedence->values[setting].value;
    return value ? value->text : pb_settings[setting].default_text;
}

static bool has_batch_norm(const struct pb_precedence *precedence)
{
    bool batch_norm = true;
    return !pb_parse_bool(value_text(precedence, pb_setting_find("model", "batch-norm")), &batch_norm) || batch_norm;
}

/* λ pulls at the γ of batch norms: asked for where there are none, it would do nothing. */
enum pb_status pb_precedence_check_penalties(const struct pb_document *document, const struct pb_precedence *precedence,
                                             const char *model, struct pb_error *error)
{
    static const char *const names[] = {"lambda", "lambda-last"};
    for (size_t i = 0; i < 2 && !has_batch_norm(precedence); i++) {
        const struct pb_assignment *value = precedence->values[pb_setting_find("sparsity", names[i])].value;
        double penalty = 0;
        if (value && pb_parse_real(value->text, &penalty) && penalty > 0)
            return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, value->line,
                              "<sparsity> %s='%s' penalises the γ of batch norms, and model '%s' has none "
                              "(batch-norm='false'); add <override model=\"%s\"><sparsity lambda=\"0\"/></override>%s",
                              names[i], value->text, model, model,
                              i ? ", and give lambda-last to models with batch norm only" : "");
    }
    return PB_OK;
}

enum pb_status pb_precedence_collect(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                     struct pb_precedence *precedence, struct pb_error *error)
{
    *precedence = (struct pb_precedence){0};
    bool room = pb_precedence_offer(precedence, &document->base, PB_RANK_MATRIX);
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT && room; axis++)
        room = place[axis] == PB_NO_PLACE ||
               pb_precedence_offer(precedence, &document->axes[axis].list[place[axis]].own, PB_RANK_ENTRY);
    for (uint32_t i = 0; i < document->axes[PB_MATRIX_PENALTY].count && room; i++)
        room = pb_precedence_offer(precedence, &document->axes[PB_MATRIX_PENALTY].list[i].own, PB_RANK_ENTRY);
    for (uint32_t i = 0; i < document->override_count && room; i++) {
        const struct pb_override *override = &document->overrides[i];
        if (pb_condition_holds(&override->condition, place))
            room =
                pb_precedence_offer(precedence, &override->changes, PB_RANK_OVERRIDE + override->condition.specificity);
    }
    if (!room)
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, 0, "more than %d different options for one cell",
                          PB_OPTION_LIMIT);
    const enum pb_status status = find_ties(document, place, precedence, error);
    return status == PB_OK ? pb_precedence_check_penalties(document, precedence,
                                                           pb_place_label(document, place, PB_MATRIX_MODEL), error)
                           : status;
}

/* Stores the settings of element (retraining), or of all others. */
static enum pb_status store_values(const struct pb_precedence *precedence, bool retraining,
                                   struct pb_cell_values *values, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < pb_setting_count && status == PB_OK; i++) {
        const char *text = value_text(precedence, i);
        if (text && (strcmp(pb_settings[i].element, "retraining") == 0) == retraining)
            status = pb_setting_store(&pb_settings[i], text, values, error);
    }
    return status;
}

bool pb_precedence_gives(const struct pb_precedence *precedence, const char *element, const char *name)
{
    const uint32_t setting = pb_setting_find(element, name);
    return !pb_setting_follows(&pb_settings[setting], value_text(precedence, setting));
}

/* λ of the matrix's penalties, which were checked when they were read. */
static void fill_penalties(const struct pb_document *document, const struct pb_precedence *precedence,
                           struct pb_train_spec *spec)
{
    const struct pb_entries *penalties = &document->axes[PB_MATRIX_PENALTY];
    for (uint32_t i = 0; i < penalties->count; i++) {
        double *lambda = &spec->lambda[spec->penalty_count++];
        for (uint32_t o = 0; o < precedence->option_count; o++) {
            const struct pb_option_assignment *option = precedence->options[o].option;
            if (option->is_lambda && strcmp(option->penalty, penalties->list[i].label) == 0)
                (void)pb_parse_real(option->text, lambda);
        }
    }
}

enum pb_status pb_precedence_fill(const struct pb_document *document, const struct pb_precedence *precedence,
                                  struct pb_cell_values *values, struct pb_error *error)
{
    struct pb_cell_config *cell = &values->cell;
    cell->training.size = sizeof cell->training;
    cell->training.return_state = PB_RETURN_BEST;
    enum pb_status status = store_values(precedence, false, values, error);
    if (status != PB_OK)
        return status;
    cell->training.penalty_count = PB_PENALTY_PLUGINS;
    if (!pb_precedence_gives(precedence, "sparsity", "lambda-last"))
        cell->training.lambda[PB_PENALTY_LAST_NORM] = cell->training.lambda[PB_PENALTY_NORMS];
    if (document)
        fill_penalties(document, precedence, &cell->training);
    if (!pb_precedence_gives(precedence, "training", "evaluate-batch"))
        cell->evaluate_batch = cell->batch;
    if (!pb_precedence_gives(precedence, "calibration", "batch"))
        cell->calibration_batch = cell->batch;
    cell->scope_given = pb_precedence_gives(precedence, "ranking", "scope");
    cell->normalise_given = pb_precedence_gives(precedence, "ranking", "normalise");
    cell->coupling_given = pb_precedence_gives(precedence, "ranking", "coupling");
    cell->preprocess.image_size = cell->model.image_size;
    values->retraining = cell->training;
    values->retraining.teacher = PB_STAGE_UNPRUNED;
    if (!values->sparse_retraining)
        memset(values->retraining.lambda, 0, sizeof values->retraining.lambda);
    return store_values(precedence, true, values, error);
}

enum pb_status pb_precedence_options(const struct pb_document *document, const struct pb_precedence *precedence,
                                     enum pb_matrix_axis axis, const struct pb_entry *entry, struct pb_options *options,
                                     struct pb_error *error)
{
    enum pb_status status = pb_options_create(entry->loaded->plugin, options, error);
    for (uint32_t i = 0; i < precedence->option_count && status == PB_OK; i++) {
        const struct pb_option_assignment *option = precedence->options[i].option;
        if (option->axis != axis || option->is_lambda ||
            (option->penalty && strcmp(option->penalty, entry->label) != 0))
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

long pb_precedence_line(const struct pb_precedence *precedence, const char *element, const char *name)
{
    const struct pb_assignment *value = precedence->values[pb_setting_find(element, name)].value;
    return value ? value->line : 0;
}
