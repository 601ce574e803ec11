/* A run that is added to a history. */
#ifndef PB_HISTORY_HISTORY_ADD_H
#define PB_HISTORY_HISTORY_ADD_H

#include <stdbool.h>

#include "history/history.h"
#include "summary/summary.h"

struct pb_history_entry {
    const struct pb_summary *run;
    const char *folder; /* where the run is */
    const char *name; /* NULL: the folder's name, with .2 and so on where the history has a run of that name */
    const char *note; /* NULL: none */
    bool
        judged; /* state is what a comparison said; else the run is good unless a cell failed or a document was left out */
    enum pb_run_state state;
};

/*
 * Makes the folder where there is none. A run whose documents are those of a run in the history, byte for byte, is not added again:
 * *known is true then. *file, from pb_calloc: the name of the run's file in the folder. A name that is taken is PB_ERROR_INPUT.
 */
PB_MUST_CHECK enum pb_status pb_history_add(const char *folder, const struct pb_history_entry *entry, char **file,
                                            bool *known, struct pb_error *error);

#endif
