/* Starting random streams, and the distributions beyond the uniform one. */
#include "base/rng.h"

#include <math.h>

/* FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo). */
static uint64_t fnv1a(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * 0x100000001b3u;
}

/* S. Vigna's SplitMix64, the seeding that xoshiro's authors recommend. */
static uint64_t splitmix64(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void pb_rng_init(struct pb_rng *rng, uint64_t seed, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = name; *c != '\0'; c++)
        hash = fnv1a(hash, (unsigned char)*c);
    for (unsigned shift = 0; shift < 64; shift += 8)
        hash = fnv1a(hash, (unsigned char)(seed >> shift));
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix64(&hash);
}

double pb_rng_normal(struct pb_rng *rng)
{
    const double radius = sqrt(-2.0 * log(1.0 - pb_rng_uniform(rng))); /* 1 − u is in (0, 1] */
    return radius * cos(2.0 * M_PI * pb_rng_uniform(rng));
}

void pb_rng_shuffle(struct pb_rng *rng, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        const size_t j = pb_rng_below(rng, (uint32_t)i);
        const uint32_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}
