/* Whether a data set can carry a cell: said before anything is decoded, trained or stored. */
#ifndef PB_SETTINGS_SUITS_H
#define PB_SETTINGS_SUITS_H

#include "settings/config.h"

struct pb_data_counts {
    uint32_t classes, train, validation, test; /* images */
};

/* At least two classes, one whole batch to train on, images to select on and to test on; else PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_data_suits(const struct pb_cell_config *config, struct pb_data_counts counts,
                                           struct pb_error *error);

#endif
