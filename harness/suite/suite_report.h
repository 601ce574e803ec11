/* What the suite finds: how far each operator is off, and what else is wrong with it. */
#ifndef PB_SUITE_SUITE_REPORT_H
#define PB_SUITE_SUITE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* How an output's deviation is measured. A NaN that is missing, or one too many, is an infinite deviation. */
enum pb_suite_measure {
    PB_SUITE_BY_ELEMENT, /* |value − expected|/|expected|, of the worst element */
    /* |value − expected|/max(|expected|, root mean square of the expected output), of the worst element: for sums, whose
     * terms may cancel. */
    PB_SUITE_BY_RMS,
    PB_SUITE_NOT_COMPARED, /* it has no output of its own: memory, plans, sizes */
};

/* What came of one operator. */
struct pb_suite_result {
    const char *name; /* its slot: "conv_forward" */
    bool portable; /* it is the host's */
    enum pb_suite_measure measure;
    double tolerance;
    bool skipped; /* it was not called, for the caller said so */
    bool
        unchecked; /* the device has it, but every case that needs it ended before: at another operator, which failed or was skipped */
    double worst; /* deviation */
    char where[240]; /* the worst one's: "dx of conv N2 7x7x6 …" */
    uint32_t outputs; /* how many were compared; 0: the device has not got it */
    char problem
        [320]; /* the first thing that is wrong whatever the tolerance: a write outside an output, a refusal; or "" */
};

enum { PB_SUITE_RESULTS_MAX = 64 };
struct pb_suite_report {
    struct pb_suite_result results[PB_SUITE_RESULTS_MAX];
    uint32_t count;
    uint64_t digest; /* of every output bit, for comparing runs and thread counts */
};

#endif
