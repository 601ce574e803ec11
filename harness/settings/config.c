/* Giving a resolved cell back. */
#include "settings/config.h"

#include "base/memory.h"

static void free_choice(struct pb_choice *choice)
{
    pb_free(choice->label);
    pb_options_free(&choice->options);
}

void pb_cell_config_free(struct pb_cell_config *config)
{
    if (!config)
        return;
    free_choice(&config->dataset);
    free_choice(&config->criterion);
    free_choice(&config->schedule);
    free_choice(&config->backend);
    for (uint32_t i = 0; i < config->penalty_count; i++)
        free_choice(&config->penalties[i]);
    pb_free(config->penalties);
    pb_free(config->id);
    pb_free(config->matrix_name);
    pb_free(config->dataset_root);
    pb_free(config->variant_label);
    pb_free(config->target_label);
    pb_free(config->model_label);
    pb_free((void *)(uintptr_t)config->model.name);
    pb_widths_free(&config->model.widths);
    pb_free(config->pretrained);
    pb_free(config->teacher);
    pb_cell_config_free(config->pretraining);
    pb_free(config->pretraining);
    pb_free(config->rounds);
    *config = (struct pb_cell_config){0};
}
