/* The runs of many nights: a folder with one file for each, to which files are only added. */
#ifndef PB_HISTORY_HISTORY_H
#define PB_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/lease.h"
#include "history/history_file.h"

#define PB_HISTORY_FOLDER "history"

/* What is known of a run as a whole; several values are separated by "; ". */
enum pb_history_fact {
    PB_FACT_MATRIX,
    PB_FACT_MATRIX_DIGEST,
    PB_FACT_VERSION,
    PB_FACT_GIT,
    PB_FACT_NUMERICS,
    PB_FACT_HOST,
    PB_FACT_CPU,
    PB_FACT_THREADS,
    PB_FACT_KERNELS,
    PB_FACT_FOLDER, /* where its results were, as an absolute path */
    PB_HISTORY_FACTS,
};
/* "matrix", "matrix-sha256", "version", "git", "numerics", "host", "cpu", "threads", "kernels", "folder" */
extern const char *const pb_history_fact_names[PB_HISTORY_FACTS];

/* How the night ended, as compare judges it. */
enum pb_run_state { PB_RUN_GOOD, PB_RUN_REGRESSION, PB_RUN_NOT_COMPARABLE, PB_RUN_FAILED };
extern const char *const pb_run_states[]; /* "good", "regression", "not-comparable", "failed", NULL */

struct pb_history_run {
    uint32_t number; /* grows with every run that is added: the order of nights, whatever clocks say */
    char *file; /* its name in the folder */
    char *name; /* what it is called; mostly one run's alone */
    char *time; /* when its first cell began, in UTC; else when it was added */
    char *note; /* "" without one */
    char *digest; /* SHA-256 of its result documents as they were stored */
    char *facts[PB_HISTORY_FACTS]; /* "" where not known */
    enum pb_run_state state;
    uint32_t cells, failed, left_out; /* left_out: documents that could not be read, or are of another matrix */
    bool whole; /* its result documents are there; else its numbers alone */
    char *known; /* what annotate said of it, a line for each time; NULL: nothing */
};

struct pb_history {
    char *folder;
    struct pb_history_run *runs; /* by number */
    uint32_t run_count;
    uint32_t last_number; /* also of files that cannot be read; 0: there is none */
    uint32_t damaged; /* files that were skipped */
};

/*
 * Reads what is known of every run. A file that is no record, cut or damaged is skipped with a warning. Without such a folder:
 * PB_ERROR_INPUT. *history is freed by pb_history_close.
 */
PB_MUST_CHECK enum pb_status pb_history_open(const char *folder, struct pb_history *history, struct pb_error *error);
void pb_history_close(struct pb_history *history);

/* Whether one of the history's runs began before the one that was added before it: a clock ran backwards, or it was added later. */
bool pb_history_is_backwards(const struct pb_history *history, const struct pb_history_run *run);

/*
 * A run by its name, its number, its file's name, "last", or "last-good": the last one that was good, or whose change is known
 * (annotated). A word that no run or several runs have is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_history_find(const struct pb_history *history, const char *word,
                                             const struct pb_history_run **run, struct pb_error *error);
/* A part of its file, from pb_calloc. */
PB_MUST_CHECK enum pb_status pb_history_read(const struct pb_history *history, const struct pb_history_run *run,
                                             enum pb_history_part part, char **data, size_t *length,
                                             struct pb_error *error);

/* Says that the change of this run is known: a line more in a file beside its own, which stays as it is. */
PB_MUST_CHECK enum pb_status pb_history_annotate(const struct pb_history *history, const struct pb_history_run *run,
                                                 const char *text, struct pb_error *error);

/* Held while files are made, changed or removed, and while it is chosen which. Without such a folder: PB_ERROR_INPUT. */
PB_MUST_CHECK enum pb_status pb_history_lock(const char *folder, struct pb_lease **lock, struct pb_error *error);

/* The facts of a run as JSON, and back; of text that is no UTF-8, only ASCII is kept. file: for messages. *run is cleared by
 * pb_history_run_clear. */
PB_MUST_CHECK enum pb_status pb_history_run_format(const struct pb_history_run *run, char **text, size_t *length,
                                                   struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_history_run_parse(const char *file, const char *text, size_t length,
                                                  struct pb_history_run *run, struct pb_error *error);
void pb_history_run_clear(struct pb_history_run *run);

#endif
