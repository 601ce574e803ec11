/* The table of the engine's operators: its rows are in the files run_*.c. */
#include "engine/run_table.h"

#define ROW(NUMBER, name) [PB_OP_##NUMBER] = &pb_run_##name,
static const struct pb_engine_operator *const table[PB_OP_COUNT] = {PB_OPERATORS(ROW)};

const struct pb_engine_operator *pb_engine_operator(enum pb_op op)
{
    return table[op];
}
