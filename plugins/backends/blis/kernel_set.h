/* Which of BLIS's kernel sets this CPU can run, and which is best: a table, so that it can be tested without the CPUs. */
#ifndef BLIS_KERNEL_SET_H
#define BLIS_KERNEL_SET_H

#include <stdbool.h>
#include <stdint.h>

/* Instruction sets that the operating system lets us use. */
struct cpu_flags {
    bool ssse3, avx, avx2, fma;
    bool avx512; /* F, CD, BW, DQ and VL */
    bool amx; /* AMX for bfloat16, tile registers granted */
    bool vaes; /* tells Zen 3 and later from Zen and Zen 2 */
    bool amd;
};

/* In the order of the option's choices; AUTO is resolved by kernel_set_best. */
enum kernel_set {
    KERNELS_AUTO,
    KERNELS_AMX, /* BLIS's skx, and AMX where our own code uses it */
    KERNELS_SKX,
    KERNELS_HASWELL,
    KERNELS_ZEN3,
    KERNELS_ZEN2,
    KERNELS_ZEN,
    KERNELS_SANDYBRIDGE,
    KERNELS_PENRYN,
    KERNELS_GENERIC,
    KERNELS_COUNT
};

/* The instruction sets of our own vector code that go with a kernel set. */
enum vector_isa { VECTOR_SSE2, VECTOR_AVX2, VECTOR_AVX512 };

/* The option's choices: names in the order of enum kernel_set, NULL at the end. */
extern const char *const kernel_set_names[];

struct cpu_flags cpu_flags_read(void);
enum kernel_set kernel_set_best(const struct cpu_flags *cpu);
/* NULL when the CPU has all that the set needs, else what it lacks: "AVX-512 (F, CD, BW, DQ, VL)". */
const char *kernel_set_lacks(enum kernel_set set, const struct cpu_flags *cpu);
enum vector_isa kernel_set_isa(enum kernel_set set);

#endif
