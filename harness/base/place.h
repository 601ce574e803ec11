/* Where this process is in foreign code: noted in memory that outlives it, so that its parent can name what it died of. */
#ifndef PB_BASE_PLACE_H
#define PB_BASE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

#define PB_PLACE_DEPTH 6 /* a schedule's run, the verb it called, the criterion's hook, and room */

/* A plugin's hook that was called and has not returned; or, verb, a service of the host that the hook called. */
struct pb_place_frame {
    char plugin[96]; /* "criterion 'my-score'" */
    char hook[32]; /* "score" */
    char layer[64]; /* "" where there is none */
    uint32_t batch, batches; /* batches 0: not about one */
    double entered; /* pb_clock */
    uint8_t verb; /* flags are no bool: what another process wrote may be neither true nor false */
    char hint[600]; /* why a pointer may be NULL here */
};

/* An array that a hook was given, and what an access did to it. */
enum pb_overstep { PB_OVERSTEP_NONE, PB_OVERSTEP_INSIDE, PB_OVERSTEP_BEHIND, PB_OVERSTEP_BEFORE };
enum pb_access { PB_ACCESS_UNKNOWN, PB_ACCESS_READ, PB_ACCESS_WRITE };

/* What the signal handler found (base/fault.c). */
struct pb_fault {
    int32_t signal; /* 0: there was none */
    uint8_t has_address, near_stack;
    uint64_t address;
    uint32_t access; /* enum pb_access */
    uint32_t overstep; /* enum pb_overstep; NONE: it was no guarded array */
    char array[32]; /* "gamma" */
    uint64_t bytes; /* the array's size */
    uint64_t distance; /* from the array's begin (inside), end (behind) or begin backwards (before) */
};

struct pb_place {
    uint32_t depth;
    struct pb_place_frame frames[PB_PLACE_DEPTH];
    /* The operator of a backend that is running; operation "" when none is. */
    char backend[96]; /* "backend 'blis'" */
    char operation[32];
    char node[64];
    uint8_t portable; /* it is the host's operator, for the backend has none */
    double operation_entered;
    struct pb_fault fault;
    char verdict[500]; /* damage that was found: the process may not live long enough to write it down; "" */
    uint64_t log_lines_left_out; /* lines of plugins that exceeded their share of the log */
};

/* This process's own; written by the thread that calls hooks. Never NULL. */
extern struct pb_place *pb_place;

/* Whether another process reads the notes. */
bool pb_place_is_shared(void);
/* Moves the notes into the memory behind a descriptor (of pb_place_create), which is closed. */
PB_MUST_CHECK enum pb_status pb_place_share(int descriptor, struct pb_error *error);
/* For a parent: memory to share with a child. The descriptor is closed when the process runs another program. */
PB_MUST_CHECK enum pb_status pb_place_create(struct pb_place **place, int *descriptor, struct pb_error *error);
void pb_place_destroy(struct pb_place **place);

/* Around every call of a hook. leave: the innermost one has returned. */
void pb_place_enter(const char *plugin, const char *hook);
void pb_place_enter_layer(const char *plugin, const char *hook, const char *layer, uint32_t batch, uint32_t batches);
void pb_place_enter_verb(const char *plugin, const char *verb);
void pb_place_leave(void);
/* Room for the innermost hook's hint; for snprintf. */
char *pb_place_hint(size_t *size);

/* A node of a network begins; its operators are noted by PB_PLACE_OPERATION. */
void pb_place_node(const char *backend, const char *node, double now);
/* name: a literal. Some instructions only: this is called for every operator. */
#define PB_PLACE_OPERATION(name, is_portable)                                                                          \
    (memcpy(pb_place->operation, name, sizeof(name)), pb_place->portable = (is_portable))
static inline void pb_place_operation_end(void)
{
    pb_place->operation[0] = '\0';
}

#endif
