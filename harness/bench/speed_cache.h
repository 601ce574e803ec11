/*
 * Speeds that 'check' measured, kept from one call to the next in $XDG_CACHE_HOME/prunebench (else ~/.cache/prunebench).
 * What is not there, or is damaged, is measured again; what cannot be kept is not: neither is an error.
 */
#ifndef PB_BENCH_SPEED_CACHE_H
#define PB_BENCH_SPEED_CACHE_H

#include <stdbool.h>

struct pb_kept_speed {
    double macs_per_second;
    char measured[32]; /* "2026-01-31T12:00:00Z" */
};

/* key: a text that holds all that decides the speed. */
bool pb_speed_recall(const char *key, struct pb_kept_speed *speed);
void pb_speed_keep(const char *key, const struct pb_kept_speed *speed);

#endif
