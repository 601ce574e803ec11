/* Criteria of consumers on rows that a test writes by hand. */
#include "support/hand_consumers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct pb_consumer_view *show_consumer(const struct pb_network_view *network, uint32_t group,
                                                    uint32_t index)
{
    const struct consumed *consumed = network->context;
    return group == 0 && index < consumed->fed.group.consumer_count ? &consumed->consumers[index] : NULL;
}

static const struct pb_rows_view *show_rows(const struct pb_network_view *network, uint32_t group, uint32_t index)
{
    const struct consumed *consumed = network->context;
    return group == 0 && index < consumed->fed.group.consumer_count ? &consumed->rows[index] : NULL;
}

void consumed_open(struct consumed *consumed, const char *criterion, const char *options, uint32_t channels,
                   uint32_t consumers)
{
    static const char *const names[] = {"next", "other"};
    assert_in_range(consumers, 0, 2);
    *consumed = (struct consumed){.layer = {.channels = channels}};
    fed_open(&consumed->fed, criterion, options, &consumed->layer, 1);
    consumed->fed.group.consumer_count = consumers;
    consumed->fed.network.consumer = show_consumer;
    consumed->fed.network.rows = show_rows;
    for (uint32_t c = 0; c < 2; c++) {
        consumed->consumers[c] = (struct pb_consumer_view){.size = sizeof *consumed->consumers,
                                                           .name = names[c],
                                                           .kernel_height = 1,
                                                           .kernel_width = 1,
                                                           .input_channels = channels};
        consumed->rows[c].size = sizeof *consumed->rows;
    }
}

void consumed_close(struct consumed *consumed)
{
    fed_close(&consumed->fed);
}

void consumed_read(struct consumed *consumed, uint32_t index, uint32_t outputs, const float *weight, uint32_t rows,
                   const float *inputs, const float *given)
{
    static float made[2][64];
    const uint32_t width = consumed->consumers[index].input_channels;
    assert_in_range(rows * outputs, 1, 64);
    for (uint32_t n = 0; n < rows; n++)
        for (uint32_t m = 0; m < outputs; m++) {
            made[index][n * outputs + m] = 0;
            for (uint32_t k = 0; k < width; k++)
                made[index][n * outputs + m] += weight[m * width + k] * inputs[n * width + k];
        }
    consumed->consumers[index].outputs = outputs;
    consumed->consumers[index].weight = weight;
    consumed->rows[index].rows = rows;
    consumed->rows[index].width = width;
    consumed->rows[index].outputs = outputs;
    consumed->rows[index].input_rows = inputs;
    consumed->rows[index].output_rows = given ? given : made[index];
}

enum pb_status consumed_select(struct consumed *consumed, uint32_t remove, uint32_t *removed, struct pb_error *error)
{
    struct fed *fed = &consumed->fed;
    enum pb_status status = pb_host_result(&fed->host, fed->criterion->observe(fed->self, &consumed->layer), error);
    if (status == PB_OK)
        status =
            pb_host_result(&fed->host, fed->criterion->select(fed->self, &fed->network, 0, remove, removed), error);
    return status;
}

enum pb_status hand_repair(const char *criterion, const char *options, const struct pb_repair_view *layer,
                           float *weight, float *bias, struct pb_error *error)
{
    struct consumed consumed;
    consumed_open(&consumed, criterion, options, 1, 0);
    struct fed *fed = &consumed.fed;
    const enum pb_status status =
        pb_host_result(&fed->host, fed->criterion->repair(fed->self, layer, weight, bias), error);
    consumed_close(&consumed);
    return status;
}
