/* Leases that other processes hold. */
#include "support/held_lease.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/lease.h"
#include "base/memory.h"
#include "base/text.h"

void hold_elsewhere(const char *path, int beats)
{
    struct pb_error error = {0};
    char *content =
        pb_format("abcdef-01234567-%ld-89abcdef %020d elsewhere %ld -\n", (long)getpid(), beats, (long)getpid());
    assert_non_null(content);
    assert_int_equal(pb_file_replace(path, content, strlen(content), &error), PB_OK);
    pb_free(content);
}

pid_t start_holder(const char *path)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct pb_error error = {0};
        struct pb_lease *lease = NULL;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not leave it behind */
        if (pb_lease_take(path, PB_UNTIL_FREE, &lease, &error) == PB_OK && write(ends[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

void kill_process(pid_t process)
{
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}
