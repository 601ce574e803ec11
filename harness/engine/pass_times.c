/* What passes take: the clock over phases and nodes. */
#include "engine/engine_operator.h"

#include <string.h>

enum pb_phase pb_node_phase(enum pb_op op, enum pb_pass pass)
{
    return pb_engine_operator(op)->phases[pass];
}

const char *pb_phase_name(enum pb_phase phase)
{
    static const char *const names[PB_PHASE_COUNT] = {
        [PB_PHASE_CONV_FORWARD] = "convolution forward",
        [PB_PHASE_CONV_BACKWARD_DATA] = "convolution backward data",
        [PB_PHASE_CONV_BACKWARD_WEIGHTS] = "convolution backward weights",
        [PB_PHASE_NORM] = "batch norm and ReLU",
        [PB_PHASE_POOL] = "pooling",
        [PB_PHASE_HEAD] = "head",
        [PB_PHASE_OPTIMISER] = "optimiser",
        [PB_PHASE_TRANSFER] = "transfer",
    };
    return (unsigned)phase < PB_PHASE_COUNT ? names[phase] : "unknown";
}

void pb_engine_clock(struct pb_engine *engine, double start, enum pb_phase phase, uint32_t node, enum pb_pass pass)
{
    const double seconds = pb_clock() - start;
    engine->times.phase[phase] += seconds;
    if (node != UINT32_MAX)
        engine->times.node[node][pass] += seconds;
}

const struct pb_engine_times *pb_engine_times(const struct pb_engine *engine)
{
    return &engine->times;
}

void pb_engine_times_reset(struct pb_engine *engine)
{
    memset(engine->times.phase, 0, sizeof engine->times.phase);
    memset(engine->times.node, 0, engine->times.node_count * sizeof *engine->times.node);
}
