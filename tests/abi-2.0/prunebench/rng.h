/* Seeded random streams (xoshiro256**), small enough to live on the stack. */
#ifndef PRUNEBENCH_RNG_H
#define PRUNEBENCH_RNG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * State of one stream. Start it with struct pb_host's rng_init (inside the harness: pb_rng_init),
 * which derives it from the run's seed and the stream's name, so that neither thread order nor
 * the use of other streams can change it. Copy it to fork it. It is the plugin's own, and so never grows.
 */
struct pb_rng {
    uint64_t state[4];
};

/* Next 64 random bits. D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", 2018. */
static inline uint64_t pb_rng_next(struct pb_rng *rng)
{
    uint64_t *s = rng->state;
    const uint64_t scrambled = s[1] * 5;
    const uint64_t result = ((scrambled << 7) | (scrambled >> 57)) * 9;
    const uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Uniform in [0, 1), 53 bits. */
static inline double pb_rng_uniform(struct pb_rng *rng)
{
    return (double)(pb_rng_next(rng) >> 11) * 0x1.0p-53;
}

/* Uniform integer in [0, bound), unbiased; bound must be positive. D. Lemire, 2019 (rejection on the low half). */
static inline uint32_t pb_rng_below(struct pb_rng *rng, uint32_t bound)
{
    const uint32_t threshold = (uint32_t)(-bound) % bound;
    for (;;) {
        const uint64_t product = (pb_rng_next(rng) >> 32) * bound;
        if ((uint32_t)product >= threshold)
            return (uint32_t)(product >> 32);
    }
}

#ifdef __cplusplus
}
#endif
#endif
