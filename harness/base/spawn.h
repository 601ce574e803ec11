/* Starting a program. By posix_spawn, never fork: this process may have OpenMP threads. */
#ifndef PB_BASE_SPAWN_H
#define PB_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor of this process, and the number under which the program has it. */
struct pb_spawn_descriptor {
    int given, as;
};

struct pb_spawn {
    const char *const *words; /* NULL-terminated; the first is the program, found by $PATH where it has no slash */
    char *const *variables; /* its environment, NULL-terminated; NULL: this process's */
    const struct pb_spawn_descriptor
        *descriptors; /* beside its input, which is /dev/null; none of them is another one's number */
    size_t descriptor_count;
    bool silent; /* its standard error is /dev/null */
    bool group; /* it has a process group of its own, so that it can be killed with what it starts */
};

/* Starts it with no signal blocked or ignored. 0, or errno's value. */
int pb_spawn(const struct pb_spawn *spawn, pid_t *pid);

#endif
