/* Criteria of activations on values that a test writes by hand. */
#include "support/hand_activations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum pb_status hand_score(const char *criterion, const char *options, const struct hand_layer *layer, double *scores,
                          struct pb_error *error)
{
    struct fed fed;
    struct pb_layer_view view = {
        .channels = layer->channels, .activation_height = layer->height, .activation_width = layer->width};
    enum pb_status status = PB_OK;
    fed_open(&fed, criterion, options, &view, 1);
    fed.host.table.threads = layer->threads ? layer->threads : 1;
    view.batch_count = layer->batch_count;
    for (uint32_t b = 0; b < layer->batch_count && status == PB_OK; b++) {
        view.batch = layer->batches[b].images;
        view.batch_index = b;
        view.activation = layer->batches[b].activation;
        status = pb_host_result(&fed.host, fed.criterion->observe(fed.self, &view), error);
    }
    view.activation = NULL;
    if (status == PB_OK)
        fed_score(&fed, 0, scores);
    fed_close(&fed);
    return status;
}

void hand_score_well(const char *criterion, const char *options, const struct hand_layer *layer, double *scores)
{
    struct pb_error error = {0};
    if (hand_score(criterion, options, layer, scores, &error) != PB_OK)
        fail_msg("%s", error.text);
}
