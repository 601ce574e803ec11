/* Settings as text: one writer of key=value lines serves records, digests and stage keys. */
#ifndef PB_SETTINGS_SETTINGS_H
#define PB_SETTINGS_SETTINGS_H

#include "base/text.h"
#include "settings/config.h"

/* Takes one setting at a time. Keys are dotted: "training.lr". */
struct pb_settings_sink {
    void (*add)(void *argument, const char *key, const char *value);
    void *argument;
    /* Where things are and what the matrix calls them, too ("dataset.root"): for readers. Keys and digests hold what things are. */
    bool places;
};

void pb_settings_train(const struct pb_settings_sink *sink, const char *prefix, const struct pb_train_spec *spec);
/* The file of the cell's teacher, which is a place: "retraining.teacher". */
void pb_settings_teacher(const struct pb_settings_sink *sink, const struct pb_cell_config *config);
/* The schedule's own part of a train spec: how it starts, what it masks, what it returns. */
void pb_settings_train_mode(const struct pb_settings_sink *sink, const struct pb_train_spec *spec);
void pb_settings_model(const struct pb_settings_sink *sink, const struct pb_cell_config *config);
void pb_settings_data(const struct pb_settings_sink *sink, const struct pb_cell_config *config);
void pb_settings_ranking(const struct pb_settings_sink *sink, const struct pb_cell_config *config);
/* How prunings are repaired, where they are: "ranking.repair". */
void pb_settings_repair(const struct pb_settings_sink *sink, const struct pb_cell_config *config);
/* Plugin and options: "criterion.plugin", "criterion.option.grad", with hash also "criterion.sha256"; nothing where there is none. */
void pb_settings_choice(const struct pb_settings_sink *sink, const char *prefix, const struct pb_choice *choice,
                        bool hash);

/* What criterion and model are, for readers that must not know them by name: "criterion.traits" = "random",
 * "scales comparable", ""; "model.head" = "bilinear". */
void pb_settings_kinds(const struct pb_settings_sink *sink, const struct pb_cell_config *config);
/* λ of every penalty of the matrix, by label: "training.penalty.ssl.lambda". */
void pb_settings_penalty_lambdas(const struct pb_settings_sink *sink, const char *prefix,
                                 const struct pb_cell_config *config, const struct pb_train_spec *spec);
/* Plugin and options of every one of them: "penalty.ssl.plugin". */
void pb_settings_penalty_choices(const struct pb_settings_sink *sink, const struct pb_cell_config *config, bool hash);
/* The penalties that a training has, with λ, plugin, options and digest, by number: for keys, which no label is part of. */
void pb_settings_penalties(const struct pb_settings_sink *sink, const struct pb_cell_config *config,
                           const struct pb_train_spec *spec);

/* Of a pretraining: "pretraining.training.lr", … The backend is the cell's. */
void pb_settings_pretraining(const struct pb_settings_sink *sink, const struct pb_cell_config *pretraining);
/* The plugin that reads its data set: "pretraining.dataset.plugin", … */
void pb_settings_pretraining_choice(const struct pb_settings_sink *sink, const struct pb_cell_config *pretraining,
                                    bool hash);

/* A sink that appends "key=value\n" to a struct pb_text. */
struct pb_settings_sink pb_settings_into(struct pb_text *text);

#endif
