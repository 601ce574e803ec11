/* What a cell works on, by content: stage keys and digests hold this, and no path. */
#ifndef PB_PLANNING_INPUTS_H
#define PB_PLANNING_INPUTS_H

#include "engine/device.h"
#include "settings/config.h"

/*
 * Where something is unknown because it is not here, or was not opened, a digest of where it should be is in its place. Keys that are
 * made from that are provisional: equal for two cells that would share a stage, but not those that a stage is stored under.
 */
struct pb_inputs {
    char data[65], pretraining_data[65]; /* fingerprints; the second "" without a pretraining */
    char weights[65]; /* SHA-256 of the file of pretrained weights; "" without one */
    char teacher[65]; /* SHA-256 of the teacher's file; "" without one */
    char backend[192]; /* its kernel set, and its threads where they decide numbers */
    bool data_unknown, pretraining_data_unknown, weights_unknown, teacher_unknown, backend_unknown;
};

/* All of them unknown. */
PB_MUST_CHECK enum pb_status pb_inputs_unknown(const struct pb_cell_config *config, struct pb_inputs *inputs,
                                               struct pb_error *error);
/* Takes the backend from an opened device. */
void pb_inputs_take_device(struct pb_inputs *inputs, const struct pb_device *device);

/* Whether keys that are made from them are provisional: those of the pretraining, those of all other stages. */
bool pb_inputs_pretraining_is_provisional(const struct pb_inputs *inputs);
bool pb_inputs_are_provisional(const struct pb_inputs *inputs);

/* SHA-256 of images, labels, weights and teacher, the same on every machine; "" while one of them is unknown. */
void pb_inputs_digest(const struct pb_inputs *inputs, char hex[65]);

/* Key of the pretraining: nothing of the cell's own data set is part of it, so that all cells that pretrain alike share it. */
PB_MUST_CHECK enum pb_status pb_inputs_pretraining_key(const struct pb_inputs *inputs,
                                                       const struct pb_cell_config *config, char key[65],
                                                       struct pb_error *error);
/* Key of the network that the schedule starts from. pretraining_key: NULL without one. */
PB_MUST_CHECK enum pb_status pb_inputs_root_key(const struct pb_inputs *inputs, const struct pb_cell_config *config,
                                                const char *pretraining_key, char key[65], struct pb_error *error);

#endif
