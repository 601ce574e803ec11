#include "bench/fma_peak.h"

#include <omp.h>

#include "base/clock.h"

/* Enough independent sums to hide the latency of a multiply-add on two units. */
#define SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
enum { SUM_COUNT = 12 };

/* Each from another value: equal sums would be computed once. */
#define DECLARE(i) vector sum##i = factor + (i);
#define STEP(i) sum##i = sum##i * factor + term;
#define ADD(i) total += sum##i;

/* rounds multiply-adds of every sum; the result keeps the compiler from dropping them. */
#define DEFINE_LOOP(name, lanes, features)                                                                             \
    __attribute__((target(features), noinline)) static float name(long rounds, float start)                            \
    {                                                                                                                  \
        typedef float vector __attribute__((vector_size((lanes) * sizeof(float))));                                    \
        vector factor = {0}, term = {0}, total = {0};                                                                  \
        factor += start;                                                                                               \
        term += 1 - start;                                                                                             \
        SUMS(DECLARE)                                                                                                  \
        for (long i = 0; i < rounds; i++) {                                                                            \
            SUMS(STEP)                                                                                                 \
        }                                                                                                              \
        SUMS(ADD)                                                                                                      \
        return total[0];                                                                                               \
    }

DEFINE_LOOP(loop_avx512, 16, "avx512f,prefer-vector-width=512")
DEFINE_LOOP(loop_avx2, 8, "avx2,fma")
DEFINE_LOOP(loop_sse2, 4, "sse2")

struct kernel {
    float (*loop)(long rounds, float start);
    int lanes;
    const char *isa;
};

static struct kernel best_kernel(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return (struct kernel){loop_avx512, 16, "avx512"};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct kernel){loop_avx2, 8, "avx2"};
    return (struct kernel){loop_sse2, 4, "sse2"};
}

double pb_fma_peak(int threads, const char **isa)
{
    enum { ROUNDS = 4000000, RUNS = 5 };
    const struct kernel kernel = best_kernel();
    double best = 0;
    for (int run = 0; run < RUNS; run++) {
        float sink = 0;
        double start = 0;
        int team = 1;
#pragma omp parallel num_threads(threads) reduction(+ : sink)
        {
#pragma omp master
            team = omp_get_num_threads();
#pragma omp barrier
#pragma omp master
            start = pb_clock();
            sink += kernel.loop(ROUNDS, 0.9999f);
        }
        const double flops = 2.0 * kernel.lanes * SUM_COUNT * ROUNDS * team;
        const double gflops = flops / (pb_clock() - start) * 1e-9;
        best = gflops > best && sink > 0 ? gflops : best;
    }
    *isa = kernel.isa;
    return best;
}
