/* Starting the streams of <prunebench/rng.h>. */
#ifndef PB_BASE_RNG_H
#define PB_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include <prunebench/rng.h>

/* The stream called name of this seed: FNV-1a of the name and the seed, spread by SplitMix64. */
void pb_rng_init(struct pb_rng *rng, uint64_t seed, const char *name);

/* Standard normal (Box–Muller, one value per call). */
double pb_rng_normal(struct pb_rng *rng);

/* Fisher–Yates over count indices. */
void pb_rng_shuffle(struct pb_rng *rng, uint32_t *items, size_t count);

#endif
