/* The input: its values are uploaded before the forward pass. */
#include "engine/run_table.h"

static enum pb_status forward(struct pb_engine *engine, uint32_t i, bool training, struct pb_error *error)
{
    (void)engine, (void)i, (void)training, (void)error;
    return PB_OK;
}

const struct pb_engine_operator pb_run_input = {
    .phases = {PB_PHASE_TRANSFER, PB_PHASE_TRANSFER, PB_PHASE_TRANSFER},
    .forward = forward,
};
