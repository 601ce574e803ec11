/* What this program is. */
#ifndef PB_BASE_VERSION_H
#define PB_BASE_VERSION_H

extern const char pb_version[]; /* "0.1.0" */
extern const char pb_git[]; /* commit it was built from, "unknown" outside a checkout */
/* SHA-256 of the sources and compiler flags that decide what a cell computes (scripts/numerics-digest): part of the key of
 * every stage and of every cell's configuration. */
extern const char pb_numerics[];

#endif
