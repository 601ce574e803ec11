/* What the processor's multiply-add units can do: the measure that speeds are compared with. */
#ifndef PB_BENCH_FMA_PEAK_H
#define PB_BENCH_FMA_PEAK_H

/* GFLOPS of independent multiply-adds in registers on so many threads, best of a few short runs. *isa: "avx512". */
double pb_fma_peak(int threads, const char **isa);

#endif
