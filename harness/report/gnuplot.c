/* gnuplot as a child process. */
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/spawn.h"

extern char **environ;

/* gnuplot -d -c TEMPLATE arguments NULL; the strings are the caller's. */
static enum pb_status make_argv(const char *program, const char *template_path, const char *const *arguments,
                                const char ***argv, struct pb_error *error)
{
    size_t count = 0;
    while (arguments[count] != NULL)
        count++;
    const char **made = pb_calloc(count + 5, sizeof *made);
    if (made == NULL)
        return pb_fail_memory(error, (count + 5) * sizeof *made);
    made[0] = program;
    made[1] = "-d"; /* no ~/.gnuplot: a figure must not depend on who draws it */
    made[2] = "-c";
    made[3] = template_path;
    for (size_t i = 0; i < count; i++)
        made[4 + i] = arguments[i];
    *argv = made;
    return PB_OK;
}

/* The environment with numbers and messages in the C locale, text as UTF-8. */
static enum pb_status make_environment(char ***variables, struct pb_error *error)
{
    size_t count = 0, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **made = pb_calloc(count + 2, sizeof *made);
    if (made == NULL)
        return pb_fail_memory(error, (count + 2) * sizeof *made);
    for (size_t i = 0; i < count; i++)
        if (!pb_starts_with(environ[i], "LC_") && !pb_starts_with(environ[i], "LANG") &&
            !pb_starts_with(environ[i], "GNUPLOT_"))
            made[kept++] = environ[i];
    made[kept] = "LC_ALL=C.UTF-8";
    *variables = made;
    return PB_OK;
}

/* All that the child writes, up to what a message holds; the rest is read and dropped. */
static void read_all(int fd, struct pb_text *text)
{
    char buffer[1024];
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        if (text->length < 600)
            pb_text_append_bytes(text, buffer, (size_t)got);
    }
}

static enum pb_status start(const char *const *argv, char **variables, int write_end, pid_t *pid,
                            struct pb_error *error)
{
    const struct pb_spawn_descriptor descriptors[] = {{write_end, STDOUT_FILENO}, {write_end, STDERR_FILENO}};
    const struct pb_spawn spawn = {
        .words = argv, .variables = variables, .descriptors = descriptors, .descriptor_count = 2};
    const int failed = pb_spawn(&spawn, pid);
    if (failed == ENOENT)
        return pb_fail(error, PB_ERROR_RUN,
                       "'%s' was not found, and figures are drawn by gnuplot; install the package gnuplot-nox (Debian, "
                       "Ubuntu) or gnuplot, or leave the figures out with --format",
                       argv[0]);
    errno = failed;
    return failed == 0 ? PB_OK : pb_fail_errno(error, "start '%s'", argv[0]);
}

static enum pb_status wait_for(pid_t pid, const char *template_path, const struct pb_text *said, struct pb_error *error)
{
    int state = 0;
    while (waitpid(pid, &state, 0) < 0)
        if (errno != EINTR)
            return pb_fail_errno(error, "wait for gnuplot");
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return PB_OK;
    const char *text = said->data == NULL ? "no message" : said->data;
    while (*text == '\n' || *text == ' ')
        text++;
    if (WIFSIGNALED(state))
        return pb_fail_at(error, PB_ERROR_RUN, template_path, 0, "gnuplot ended with signal %d: %s", WTERMSIG(state),
                          text);
    return pb_fail_at(error, PB_ERROR_RUN, template_path, 0, "gnuplot failed (exit code %d): %s", WEXITSTATUS(state),
                      text);
}

enum pb_status pb_gnuplot(const char *template_path, const char *const *arguments, struct pb_error *error)
{
    const char *program = getenv("PRUNEBENCH_GNUPLOT");
    const char **argv = NULL;
    char **variables = NULL;
    struct pb_text said = {0};
    int ends[2] = {-1, -1};
    pid_t pid = 0;
    enum pb_status status =
        make_argv(program == NULL || *program == '\0' ? "gnuplot" : program, template_path, arguments, &argv, error);
    if (status == PB_OK)
        status = make_environment(&variables, error);
    if (status == PB_OK && pipe2(ends, O_CLOEXEC) != 0)
        status = pb_fail_errno(error, "make a pipe for gnuplot");
    if (status == PB_OK)
        status = start(argv, variables, ends[1], &pid, error);
    if (ends[1] >= 0)
        (void)close(ends[1]);
    if (status == PB_OK) {
        read_all(ends[0], &said);
        status = wait_for(pid, template_path, &said, error);
    }
    if (ends[0] >= 0)
        (void)close(ends[0]);
    pb_text_free(&said);
    pb_free(argv);
    pb_free(variables);
    return status;
}

#define LOOKS_LIKE_GREATER "\u203a"

/* gnuplot writes text into SVG as <![CDATA[…]]>, and does not look for what ends it. */
static bool ends_data(const char *text, const char *c)
{
    return *c == '>' && c >= text + 2 && c[-1] == ']' && c[-2] == ']';
}

char *pb_gnuplot_argument(const char *value)
{
    struct pb_text text = {0};
    pb_text_append(&text, "%s", "");
    for (const char *c = value; *c != '\0'; c++)
        if (ends_data(value, c))
            pb_text_append(&text, LOOKS_LIKE_GREATER);
        else
            pb_text_append_bytes(&text, c, 1);
    if (text.failed)
        pb_text_free(&text);
    return text.data;
}

void pb_gnuplot_field(struct pb_text *text, const char *label, bool tic)
{
    for (const char *c = label; *c != '\0'; c++) {
        if (ends_data(label, c))
            pb_text_append(text, LOOKS_LIKE_GREATER);
        else if ((unsigned char)*c < ' ' || *c == 0x7f)
            pb_text_append(text, " ");
        else if (*c == '"')
            pb_text_append(text, "\u201d");
        else if (*c == '\\')
            pb_text_append(text, "\u2216");
        else if (*c == '%' && tic)
            pb_text_append(text, "%%%%");
        else
            pb_text_append_bytes(text, c, 1);
    }
}
