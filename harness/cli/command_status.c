/* prunebench status: how far a run is, also while it runs. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/status_report.h"

enum { SHOWN_WHILE_WATCHING = 10 };

static const struct pb_cli_option options[] = {
    {"json", 0, NULL, "print one JSON object"},
    {"watch", 0, NULL, "print it again every second until the run has ended; on a terminal in the same place"},
    {NULL, 0, NULL, NULL},
};

/* Bytes of the line's first letters, no more of them than columns: a line that wraps would shift what is below it. */
static int bytes_of(const char *line, unsigned columns)
{
    int bytes = 0;
    for (; line[bytes] && line[bytes] != '\n'; bytes++)
        if (((unsigned char)line[bytes] & 0xc0) != 0x80 && columns-- == 0)
            break;
    return bytes;
}

/* In the place of what was printed before, as far as the terminal has room. */
static enum pb_status redraw(const char *out, const struct pb_run_status *status, struct pb_error *error)
{
    struct pb_text text = {0};
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row < 2)
        size = (struct winsize){.ws_col = 80, .ws_row = 24};
    pb_status_text(out, status, SHOWN_WHILE_WATCHING, &text);
    fputs("\033[H", stdout);
    unsigned row = 1;
    for (const char *line = text.data ? text.data : ""; *line && row < size.ws_row; row++) {
        printf("%.*s\033[K\n", bytes_of(line, size.ws_col), line);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    fputs("\033[J", stdout);
    const bool failed = text.failed;
    pb_text_free(&text);
    return failed ? pb_fail_memory(error, 1) : PB_OK;
}

/* A line where the counts have changed. */
static enum pb_status print_changes(const struct pb_run_status *status, struct pb_text *before, struct pb_error *error)
{
    struct pb_text now = {0};
    pb_status_counts(status, &now);
    const bool failed = now.failed;
    if (failed || (before->data && strcmp(before->data, now.data) == 0)) {
        pb_text_free(&now);
        return failed ? pb_fail_memory(error, 1) : PB_OK;
    }
    printf("%s\n", now.data);
    pb_text_free(before);
    *before = now;
    return PB_OK;
}

static enum pb_status print_whole(const char *out, const struct pb_run_status *status, struct pb_error *error)
{
    struct pb_text text = {0};
    pb_status_text(out, status, PB_STATUS_CELLS, &text);
    return pb_print_text(&text, error);
}

static enum pb_status watch(const char *out, struct pb_error *error)
{
    struct pb_text before = {0};
    enum pb_status good = PB_OK;
    const bool terminal = isatty(STDOUT_FILENO);
    if (terminal)
        fputs("\033[2J", stdout);
    for (bool live = true; live && good == PB_OK;) {
        struct pb_run_status status = {0};
        good = pb_status_of(out, &status, error);
        if (good != PB_OK)
            break;
        live = pb_status_is_live(&status);
        if (terminal)
            good = redraw(out, &status, error);
        else
            good = live ? print_changes(&status, &before, error) : print_whole(out, &status, error);
        pb_run_status_free(&status);
        fflush(stdout);
        if (live)
            (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    pb_text_free(&before);
    return good;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    (void)exit_code;
    const char *out = arguments->words[0];
    const bool json = pb_argument(arguments, "json") != NULL;
    struct pb_run_status status = {0};
    if (json && pb_argument(arguments, "watch"))
        return pb_fail(error, PB_ERROR_INPUT, "status: --json prints once; leave --watch out");
    if (pb_argument(arguments, "watch"))
        return watch(out, error);
    enum pb_status good = pb_status_of(out, &status, error);
    if (good == PB_OK)
        good = json ? pb_status_print_json(out, &status, error) : print_whole(out, &status, error);
    pb_run_status_free(&status);
    return good;
}

const struct pb_command pb_command_status = {
    .name = "status",
    .usage = "OUT [--json] [--watch]",
    .summary = "say how far a run is, also while it runs",
    .details =
        "Counts the cells that are ok, failed, blocked, running and waiting. Of each running cell it prints the "
        "stage,\n"
        "the epoch and the time left; of each failed or blocked one the reason. It changes nothing and waits for\n"
        "nothing: it can be called from another terminal, or another host with the same folder.\n\n"
        "A run writes OUT/running.json every second and removes it when it ends. Where its process was killed, or a\n"
        "signal ended it, status says so and prints the command that resumes it. Where no run is under way, cells are\n"
        "counted from their documents: those of the matrix that was run last in OUT.\n\n"
        "Exit code: 0 whatever the run's state is; 2 wrong usage, or a folder without a run.",
    .options = options,
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
