/* From a <pretraining> and the model that starts from it to the configuration of that training. */
#include <string.h>

#include "base/memory.h"
#include "matrix/precedence.h"

/* NULL, with a message, where the matrix has none of that label. */
static const struct pb_pretraining *find_pretraining(const struct pb_document *document, const char *label, long line,
                                                     struct pb_error *error)
{
    struct pb_text known = {0};
    for (uint32_t i = 0; i < document->pretraining_count; i++) {
        const struct pb_pretraining *pretraining = &document->pretrainings[i];
        if (strcmp(pretraining->entry.label, label) == 0) {
            pb_text_free(&known);
            return pretraining;
        }
        pb_text_append(&known, "%s%s", i ? ", " : "", pretraining->entry.label);
    }
    (void)pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, line,
                     "<model> pretraining='%s': there is no <pretraining> of that label; the matrix has: %s", label,
                     known.data ? known.data : "none");
    pb_text_free(&known);
    return NULL;
}

/* The model that is pretrained: the one that the pretraining names, with its own head; else the cell's with the cell's head. */
static enum pb_status copy_model(const struct pb_cell_config *cell, const char *name,
                                 struct pb_cell_config *pretraining, struct pb_error *error)
{
    char *copy = pb_strdup(name ? name : cell->model.name);
    struct pb_model_widths widths = {0};
    const enum pb_status status =
        copy ? pb_widths_copy(&cell->model.widths, &widths, error) : pb_fail_memory(error, strlen(cell->model.name));
    if (status != PB_OK) {
        pb_free(copy);
        return status;
    }
    pretraining->model = cell->model;
    pretraining->model.name = copy;
    if (name)
        pretraining->model.head = (struct pb_head_spec){0};
    pretraining->model.widths = widths;
    pretraining->preprocess.image_size = cell->model.image_size;
    return PB_OK;
}

/* Of a pretraining hold the matrix's own values and its element's, but no axis, variant or override changes them: so all
 * cells share it. The matrix's λ is for networks that are to be pruned: a pretraining has none but its own. */
static enum pb_status fill_values(const struct pb_document *document, const struct pb_pretraining *pretraining,
                                  struct pb_precedence *precedence, struct pb_cell_values *values,
                                  struct pb_error *error)
{
    static const char *const penalties[] = {"lambda", "lambda-last"};
    if (!pb_precedence_offer(precedence, &document->base, PB_RANK_MATRIX) ||
        !pb_precedence_offer(precedence, &pretraining->entry.own, PB_RANK_OVERRIDE))
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, pretraining->entry.line,
                          "more than %d different options for one pretraining", PB_OPTION_LIMIT);
    for (size_t i = 0; i < 2; i++) {
        struct pb_chosen_value *chosen = &precedence->values[pb_setting_find("sparsity", penalties[i])];
        if (chosen->rank < PB_RANK_OVERRIDE)
            *chosen = (struct pb_chosen_value){0};
    }
    enum pb_status status = pb_precedence_fill(NULL, precedence, values, error);
    if (status == PB_OK && !values->cell.dataset_root)
        status = pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, pretraining->entry.line,
                            "<pretraining>: attribute 'root' is missing; it says which folder has its images");
    values->cell.dataset.loaded = pretraining->entry.loaded;
    values->cell.dataset.label = pb_strdup(pretraining->entry.label);
    if (status == PB_OK && !values->cell.dataset.label)
        status = pb_fail_memory(error, strlen(pretraining->entry.label) + 1);
    return status == PB_OK ? pb_precedence_options(document, precedence, PB_MATRIX_DATASET, &pretraining->entry,
                                                   &values->cell.dataset.options, error)
                           : status;
}

enum pb_status pb_pretraining_values_fill(const struct pb_document *document, const struct pb_precedence *cells,
                                          const char *label, struct pb_cell_config *cell, long *line,
                                          struct pb_error *error)
{
    const long named = pb_precedence_line(cells, "model", "pretraining");
    if (!label)
        return PB_OK;
    if (cell->pretrained)
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, named,
                          "<model> has pretraining='%s' and pretrained='%s'; a trunk starts from one of them", label,
                          cell->pretrained);
    const struct pb_pretraining *pretraining = find_pretraining(document, label, named, error);
    if (!pretraining)
        return PB_ERROR_INPUT;
    struct pb_precedence *precedence = pb_calloc(1, sizeof *precedence);
    struct pb_cell_values values = {0};
    cell->pretraining = pb_calloc(1, sizeof *cell->pretraining);
    enum pb_status status = precedence && cell->pretraining ? PB_OK : pb_fail_memory(error, sizeof *precedence);
    if (status == PB_OK)
        status = fill_values(document, pretraining, precedence, &values, error);
    if (status == PB_OK)
        status = copy_model(cell, pretraining->model, &values.cell, error);
    if (status == PB_OK && !cell->model.batch_norm &&
        (values.cell.training.lambda[PB_PENALTY_NORMS] > 0 || values.cell.training.lambda[PB_PENALTY_LAST_NORM] > 0))
        status = pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, pretraining->entry.line,
                            "<pretraining>: its <sparsity> penalises the γ of batch norms, and model '%s' has none "
                            "(batch-norm='false')",
                            cell->model_label);
    if (status == PB_OK) {
        values.cell.seed = pretraining->has_seed ? pretraining->entry.seed : cell->seed;
        values.cell.split.seed = values.cell.seed;
        *cell->pretraining = values.cell;
        values.cell = (struct pb_cell_config){0};
        *line = pretraining->entry.line;
    }
    pb_free(values.pretraining);
    pb_free(values.teacher);
    pb_cell_config_free(&values.cell);
    pb_free(precedence);
    return status;
}
