/* Failure with a message: what is wrong, where, and what to do. */
#ifndef PB_BASE_ERROR_H
#define PB_BASE_ERROR_H

#include <prunebench/host.h>
#include <prunebench/status.h>

#define PB_MUST_CHECK __attribute__((warn_unused_result))

/* Filled by the function that fails first; callers may add context in front, never swallow it. */
struct pb_error {
    enum pb_status status;
    char text[1200];
};

/* Writes the message and returns status, so that `return pb_fail(error, PB_ERROR_INPUT, "…")` reads well. */
enum pb_status pb_fail(struct pb_error *error, enum pb_status status, const char *format, ...) PB_PRINTF(3, 4);

/* The same with "file:line: " in front; line 0 leaves the line out. */
enum pb_status pb_fail_at(struct pb_error *error, enum pb_status status, const char *file, long line,
                          const char *format, ...) PB_PRINTF(5, 6);

/* Puts "context: " in front of the message already there; returns its status. */
enum pb_status pb_fail_context(struct pb_error *error, const char *format, ...) PB_PRINTF(2, 3);

/* PB_ERROR_RUN with strerror(errno) at the end: "write 'a.xml': No space left on device". */
enum pb_status pb_fail_errno(struct pb_error *error, const char *format, ...) PB_PRINTF(2, 3);

/* PB_ERROR_MEMORY for an allocation of bytes. Inline, so that compilers and analysers see that it is never PB_OK. */
void pb_describe_memory(struct pb_error *error, size_t bytes);
static inline enum pb_status pb_fail_memory(struct pb_error *error, size_t bytes)
{
    pb_describe_memory(error, bytes);
    return PB_ERROR_MEMORY;
}

/* The program's exit code for a status: 0, 1 (run), 2 (input) or 75 (stopped: EX_TEMPFAIL, "try again later"). */
int pb_exit_code(enum pb_status status);

#endif
