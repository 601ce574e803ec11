/* What became of a cell: its result document, looked at before a run and written where a child could not. */
#ifndef PB_COORDINATOR_OUTCOME_H
#define PB_COORDINATOR_OUTCOME_H

#include "base/xml.h"
#include "cell/cell.h"
#include "coordinator/child.h"
#include "summary/headline.h"

enum pb_outcome {
    PB_OUTCOME_MISSING, /* no document, or one that cannot be read (warned about) */
    PB_OUTCOME_CHANGED, /* of a cell that the matrix has changed since */
    PB_OUTCOME_OK,
    PB_OUTCOME_FAILED, /* any other status */
    PB_OUTCOME_BLOCKED,
};

/* OUT/cells/<id>.xml and OUT/logs/<id>.log, from pb_calloc; NULL when memory is out. */
char *pb_result_path(const char *out, const char *id);
char *pb_log_path(const char *out, const char *id);
/* The log's last lines, at most 12 of those from byte start on; "" where there are none. From pb_calloc; NULL when memory is out. */
char *pb_log_tail(const char *out, const char *id, off_t start);

/* What is stored of a cell. */
struct pb_stored_result {
    enum pb_outcome outcome;
    enum pb_cell_status status; /* as its document has it */
    struct pb_headline headline;
    bool measured; /* has latencies */
    char latency_setup[PB_LATENCY_SETUP]; /* where they were measured; "" */
    char digest[65]; /* of the cell's configuration and inputs, as far as they are known */
    char failed_stage[65]; /* key of the stage that failed; "" */
    char *message; /* of a failure; NULL */
    /* PB_OUTCOME_CHANGED: "training.epochs was 6 and is 3"; where nothing is written, also of a document whose configuration would only be
     * written anew; else NULL */
    char *why;
};
/* What is known of a cell when its document is looked at. Both "" while unknown. */
struct pb_expected {
    const char *
        last_key; /* of the cell's last stage: a document of this stage is the cell's own even where a setting that does
                             not touch it has changed. Its configuration is then written anew. */
    const char *inputs; /* pb_inputs_digest */
    bool look_only; /* nothing is written */
};
/* schema: PB_RESULT_SCHEMA, open. */
PB_MUST_CHECK enum pb_status pb_outcome_look(const char *out, const struct pb_cell_config *cell,
                                             const struct pb_expected *expected, const struct pb_xml_schema *schema,
                                             struct pb_stored_result *stored, struct pb_error *error);
void pb_stored_result_free(struct pb_stored_result *stored);

/* The document of a cell whose child could not write one, or that was never started. */
struct pb_failure {
    enum pb_cell_status status;
    const char *message;
    const char *signal; /* "SIGSEGV"; NULL */
    const char *inputs; /* pb_inputs_digest; NULL: unknown */
    const char *failed_stage; /* key; NULL */
    const char *log_left_out; /* what of the child's output is not in the log; NULL */
    off_t log_start; /* where the child's lines begin in the log */
    bool has_log;
    double seconds;
    uint64_t peak_memory;
};
/* How much of what a child printed and plugins logged is not in the log: "120 lines of plugins, 3000 bytes"; "" for nothing. */
#define PB_LEFT_OUT_TEXT 100
void pb_describe_left_out(const struct pb_child *child, char text[PB_LEFT_OUT_TEXT]);
/* Says so in the document that the child wrote. */
PB_MUST_CHECK enum pb_status pb_outcome_add_left_out(const char *out, const struct pb_cell_config *cell,
                                                     const char *left_out, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_outcome_write(const char *out, const struct pb_cell_config *cell,
                                              const struct pb_failure *failure, struct pb_error *error);

#endif
