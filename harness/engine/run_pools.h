/* What both poolings share. */
#ifndef PB_ENGINE_RUN_POOLS_H
#define PB_ENGINE_RUN_POOLS_H

#include "engine/run_table.h"

enum pb_status pb_pool_prepare(struct pb_engine *engine, uint32_t i, struct pb_error *error);
/* Of node i; dx is for the caller to fill. */
struct pb_pool_arguments pb_pool_arguments_of(const struct pb_engine *engine, uint32_t i);

#endif
