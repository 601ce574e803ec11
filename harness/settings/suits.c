/* Whether a data set can carry a cell. */
#include "settings/suits.h"

enum pb_status pb_data_suits(const struct pb_cell_config *config, struct pb_data_counts counts, struct pb_error *error)
{
    const char *label = config->dataset.label;
    if (counts.classes < 2)
        return pb_fail(error, PB_ERROR_INPUT,
                       "data set '%s' in '%s' has one class only, so there is nothing to learn; give it two at least",
                       label, config->dataset_root);
    if (counts.train < config->batch)
        return pb_fail(error, PB_ERROR_INPUT,
                       "data set '%s' in '%s' has %u training images (and %u to validate), which do not fill one batch "
                       "of %u; give <training> a smaller batch",
                       label, config->dataset_root, counts.train, counts.validation, config->batch);
    if (counts.validation == 0 && !config->select_on_test)
        return pb_fail(error, PB_ERROR_INPUT,
                       "data set '%s' in '%s' leaves no images to select on; give <training> a validation share above "
                       "0, or selection=\"test\" to select on the test images",
                       label, config->dataset_root);
    if (counts.test == 0)
        return pb_fail(error, PB_ERROR_INPUT, "data set '%s' in '%s' has no test images that can be used", label,
                       config->dataset_root);
    return PB_OK;
}
