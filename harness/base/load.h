/* Is this machine busy with other things while something is measured? */
#ifndef PB_BASE_LOAD_H
#define PB_BASE_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the kernel and this process have counted so far, in seconds of processor time of all processors together. */
struct pb_load_sample {
    double clock; /* pb_clock() */
    double busy; /* all processes, this one's included */
    double idle;
    double steal; /* a virtual machine's: ready to run, but the host ran another machine */
    double own; /* all threads of this process */
    uint32_t ready; /* threads of all processes that run or could run; 0: not known */
    uint32_t own_ready; /* of this process: the caller, and OpenMP's threads as long as they spin */
};

/* What happened between two samples. */
struct pb_load {
    double seconds;
    uint32_t processors;
    bool counted; /* others and steal are known */
    double others; /* processors that other processes kept busy, as far as it is certain */
    double steal; /* share of the processors' time that went to other machines */
    double waiting; /* threads of other processes that ran or could run, mean of the two samples */
};

/* Now. Where the kernel does not say, nothing is counted, and nothing will be found busy.
 * PRUNEBENCH_PROC: a folder in place of /proc. */
void pb_load_sample(struct pb_load_sample *sample);
/* The counters in the text of /proc/stat; ticks: per second. */
void pb_load_parse(const char *text, long ticks, struct pb_load_sample *sample);

struct pb_load pb_load_between(const struct pb_load_sample *before, const struct pb_load_sample *after,
                               uint32_t processors);
/* Between an earlier sample and now, on this machine. */
struct pb_load pb_load_since(const struct pb_load_sample *before);

#define PB_LOAD_REASON 96
/* Whether so many threads could not have had their processors to themselves. reason: "other processes kept 1.4 of 2
 * processors busy"; "" when they could. */
bool pb_load_is_busy(const struct pb_load *load, uint32_t threads, char reason[PB_LOAD_REASON]);

/* Inter-quartile range of sorted values, as a share of their median; NaN for fewer than three. */
double pb_relative_spread(const double *sorted, size_t count);
/* From here on a spread counts as large. */
#define PB_LARGE_SPREAD 0.05

#endif
