/* The rules by which relevance is shared out among the terms of a sum (S. Bach et al. 2015; G. Montavon et al. 2017). */
#ifndef PB_PRUNE_RELEVANCE_TERMS_H
#define PB_PRUNE_RELEVANCE_TERMS_H

#include <stdbool.h>
#include <stddef.h>

struct pb_relevance_sharing {
    bool positive; /* z⁺; else ε */
    double epsilon;
};

/* What each term t of a sum gets: factor·t⁺ + even for z⁺, factor·t + even for ε. */
struct pb_relevance_shares {
    double factor, even;
};

/* sum: of the n terms, or their positive parts. */
static inline struct pb_relevance_shares pb_relevance_share(const struct pb_relevance_sharing *sharing, double sum,
                                                            double bias, size_t n, double relevance)
{
    if (sharing->positive && sum == 0)
        return (struct pb_relevance_shares){.even = relevance / (double)n};
    if (sharing->positive)
        return (struct pb_relevance_shares){.factor = relevance / sum};
    const double rest = bias + (sum + bias < 0 ? -sharing->epsilon : sharing->epsilon);
    const double factor = relevance / (sum + rest);
    return (struct pb_relevance_shares){.factor = factor, .even = rest * factor / (double)n};
}

/* A term as it counts; a NaN stays one. */
static inline double pb_relevance_term(bool positive, double term)
{
    return positive && term < 0 ? 0 : term;
}

/* Σ R and Σ |R|. */
double pb_relevance_total(const float *relevance, size_t count);
double pb_relevance_size(const float *relevance, size_t count);

/* Terms scale·x·w, count of them: their sum, and the relevance that they get, which is added to what is there. */
double pb_relevance_sum(const float *x, const float *w, size_t count, double scale, bool positive);
void pb_relevance_add(const float *x, const float *w, size_t count, double scale, bool positive,
                      struct pb_relevance_shares shares, float *relevance);

#endif
