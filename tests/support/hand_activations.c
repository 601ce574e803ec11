/* Criteria of activations on values that a test writes by hand. */
#include "support/hand_activations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <prunebench/criterion.h>

#include "plugin/host.h"

struct pb_loaded hand_load(const char *criterion)
{
    struct pb_error error = {0};
    struct pb_object object;
    char file[512];
    snprintf(file, sizeof file, PB_TEST_BUILD "/plugins/criterion-%s.so", criterion);
    if (pb_object_open(file, &object, &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_string_equal(object.plugins[0]->name, criterion);
    return (struct pb_loaded){.plugin = object.plugins[0], .file = "built"};
}

static void set_option(struct pb_options *options, const char *option)
{
    struct pb_error error = {0};
    char name[64];
    const char *equals = strchr(option, '=');
    assert_non_null(equals);
    snprintf(name, sizeof name, "%.*s", (int)(equals - option), option);
    if (pb_options_set(options, name, equals + 1, NULL, &error) != PB_OK)
        fail_msg("%s", error.text);
}

static struct pb_layer_view view_of(const struct hand_layer *layer)
{
    return (struct pb_layer_view){.size = sizeof(struct pb_layer_view),
                                  .layers = 1,
                                  .name = "hand",
                                  .channels = layer->channels,
                                  .activation_height = layer->height,
                                  .activation_width = layer->width};
}

static enum pb_status call_hooks(const struct pb_criterion *criterion, struct pb_host_services *host,
                                 const struct pb_options *options, const struct hand_layer *layer, double *scores,
                                 struct pb_error *error)
{
    struct pb_layer_view view = view_of(layer);
    void *self = NULL;
    enum pb_status status = pb_host_result(host, criterion->create(&host->table, options->values, &self), error);
    for (uint32_t b = 0; b < layer->batch_count && status == PB_OK; b++) {
        view.batch = layer->batches[b].images;
        view.batch_index = b;
        view.batch_count = layer->batch_count;
        view.activation = layer->batches[b].activation;
        status = pb_host_result(host, criterion->observe(self, &view), error);
    }
    view = view_of(layer);
    if (status == PB_OK)
        status = pb_host_result(host, criterion->score(self, &view, scores), error);
    if (self)
        criterion->destroy(self);
    return status;
}

enum pb_status hand_score(const char *criterion, const char *option, const struct hand_layer *layer, double *scores,
                          struct pb_error *error)
{
    const struct pb_loaded loaded = hand_load(criterion);
    struct pb_options options = {0};
    struct pb_host_services host;
    if (pb_options_create(loaded.plugin, &options, error) != PB_OK)
        fail_msg("%s", error->text);
    if (option)
        set_option(&options, option);
    pb_host_init(&host, criterion, 1, layer->threads ? layer->threads : 1);
    const enum pb_status status = call_hooks(loaded.plugin->criterion, &host, &options, layer, scores, error);
    pb_host_close(&host);
    pb_options_free(&options);
    return status;
}

void hand_score_well(const char *criterion, const char *option, const struct hand_layer *layer, double *scores)
{
    struct pb_error error = {0};
    if (hand_score(criterion, option, layer, scores, &error) != PB_OK)
        fail_msg("%s", error.text);
}

void hand_expect(const double *scores, const double *expected, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c++)
        if (!(fabs(scores[c] - expected[c]) <= 1e-6 * fabs(expected[c])))
            fail_msg("channel %u: %.9g is not %.9g", c, scores[c], expected[c]);
}
