/* Replaces `prunebench cell`. */
#include "support/fake_child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "matrix/matrix.h"
#include "coordinator/outcome.h"
#include "coordinator/child.h"
#include "coordinator/plan_lines.h"
#include "support/fake_plugins.h"

static const char *argument(int argc, char **argv, const char *name)
{
    for (int i = 0; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

static bool argument_given(int argc, char **argv, const char *name)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

static void note(const char *out, const char *what, const char *subject, const char *more)
{
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/diary", out);
    const int length = snprintf(line, sizeof line, "%s %s%s%s\n", what, subject, more ? " " : "", more ? more : "");
    const int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (file < 0 || write(file, line, (size_t)length) != length)
        _exit(90);
    close(file);
}

static void nap(long milliseconds)
{
    const struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void tell(const char *line)
{
    if (write(PB_CHILD_PIPE, line, strlen(line)) < 0)
        _exit(91);
}

/* The base of a data set is shared by all, the score by all cells of one criterion, the rest by none. */
static void stage_keys(const struct pb_cell_config *cell, char keys[3][65])
{
    snprintf(keys[0], 65, "base-%s", cell->dataset.label);
    snprintf(keys[1], 65, "score-%s-%s", cell->dataset.label, cell->criterion.label);
    snprintf(keys[2], 65, "prune-%.40s", cell->id);
}

/* Until the file that the environment names is there; where it names none, at once. */
static void await_file(const char *variable)
{
    for (int naps = 0; getenv(variable) && !pb_file_exists(getenv(variable)); naps++) {
        if (naps > 6000)
            _exit(93);
        nap(10);
    }
}

static void plan(const struct pb_matrix *matrix, int argc, char **argv)
{
    await_file(FAKE_CHILD_PLAN_AFTER);
    static const char *const names[] = {"base", "score", "prune"};
    const char *first = argument(argc, argv, "--first"), *skip = argument(argc, argv, "--skip");
    for (uint32_t i = (uint32_t)strtoul(first, NULL, 10); i < matrix->cell_count; i++) {
        char keys[3][65], line[320];
        const struct pb_cell_config *cell = matrix->cells[i];
        const bool skipped = skip && strcmp(skip, cell->schedule.label) == 0;
        if (strcmp(cell->schedule.label, "deaf") == 0 && !skipped)
            abort();
        stage_keys(cell, keys);
        for (int s = 0; s < 3 && !skipped; s++) {
            snprintf(line, sizeof line, "stage %s %s %d %d 0 0 %s 1000 0 0\n", keys[s], names[s], s, s, keys[s]);
            tell(line);
        }
        tell("planned\n");
    }
}

/* failed: the number of the stage that failed; NO_STAGE where none did. */
enum { NO_STAGE = 3 };
static void put_document(const struct pb_cell_config *cell, const char *out, enum pb_cell_status status, int failed)
{
    char keys[3][65];
    struct pb_error error = {0};
    stage_keys(cell, keys);
    const struct pb_failure document = {.status = status,
                                        .message = status == PB_CELL_OK ? NULL : "it did not work",
                                        .seconds = pb_clock(), /* no two documents are alike */
                                        .failed_stage = failed == NO_STAGE ? NULL : keys[failed]};
    if (pb_outcome_write(out, cell, &document, &error) != PB_OK) {
        fprintf(stderr, "prunebench: %s\n", error.text);
        _exit(1);
    }
}

static void write_document(const struct pb_cell_config *cell, const char *out, enum pb_cell_status status, int failed)
{
    put_document(cell, out, status, failed);
    tell("result\n");
}

/* How many lines of the diary begin so. */
static uint32_t times_noted(const char *out, const char *what, const char *subject)
{
    char path[512], line[512], begin[512];
    snprintf(path, sizeof path, "%s/diary", out);
    snprintf(begin, sizeof begin, "%s %s", what, subject);
    FILE *file = fopen(path, "r");
    if (!file)
        _exit(90);
    uint32_t times = 0;
    while (fgets(line, sizeof line, file))
        times += strncmp(line, begin, strlen(begin)) == 0;
    fclose(file);
    return times;
}

static void misbehave(const struct pb_cell_config *cell, const char *out)
{
    const char *how = cell->criterion.label;
    fprintf(stderr, "about to %s\n", how);
    if (strcmp(how, "crash") == 0) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    } else if (strcmp(how, "hang") == 0) {
        signal(SIGTERM, SIG_IGN);
        nap(60000);
    } else if (strcmp(how, "silent") == 0) {
        exit(3);
    } else if (strcmp(how, "leave") == 0 || (strcmp(how, "return") == 0 && times_noted(out, "start", cell->id) <= 3)) {
        exit(75);
    } else if (strcmp(how, "mute") == 0) {
        put_document(cell, out, PB_CELL_OK, NO_STAGE);
        raise(SIGKILL);
    } else if (strcmp(how, "mute-fail") == 0) {
        put_document(cell, out, PB_CELL_FAILED, 1);
        raise(SIGKILL);
    } else if (strcmp(how, "freeze") == 0) {
        raise(SIGSTOP);
    } else if (strcmp(how, "fail") == 0 || strcmp(how, "alone") == 0) {
        write_document(cell, out, PB_CELL_FAILED, strcmp(how, "fail") == 0 ? 1 : NO_STAGE);
        exit(1);
    } else if (strcmp(how, "stop") == 0) {
        kill(getppid(), SIGTERM);
        nap(60000);
    } else if (strcmp(how, "hog") == 0) {
        const size_t size = (size_t)300 << 20;
        volatile char *memory = malloc(size);
        for (size_t i = 0; memory && i < size; i += 4096)
            memory[i] = 1;
        nap(60000);
    }
}

/* Returns when a cell of every data set in `labels` (separated by spaces) has started; a minute is too long. */
static void meet(const char *out, const char *labels)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", labels);
    int naps = 0;
    char *rest = NULL;
    for (const char *label = strtok_r(copy, " ", &rest); label; label = strtok_r(NULL, " ", &rest))
        while (times_noted(out, "start", label) == 0) {
            if (++naps > 6000)
                _exit(92);
            nap(10);
        }
}

static void run(const struct pb_cell_config *cell, const char *out)
{
    char keys[3][65], line[128];
    stage_keys(cell, keys);
    note(out, "start", cell->id, getenv("OMP_NUM_THREADS"));
    if (getenv(FAKE_CHILD_MEET))
        meet(out, getenv(FAKE_CHILD_MEET));
    await_file(FAKE_CHILD_RUN_AFTER);
    for (int s = 0; s < 3; s++) {
        nap(20);
        if (s == 0 && strcmp(cell->criterion.label, "base") == 0) {
            write_document(cell, out, PB_CELL_FAILED, 0);
            exit(1);
        }
        if (s == 1)
            misbehave(cell, out);
        note(out, "stored", keys[s], NULL);
        snprintf(line, sizeof line, "progress %.2f %d stage %d\n", (s + 1) / 3.0, s + 1, s);
        tell(line);
    }
    note(out, "end", cell->id, NULL);
    write_document(cell, out, PB_CELL_OK, NO_STAGE);
}

/* A cell whose matrix or plan is another than its coordinator knows ends as `prunebench cell` does. */
static const struct pb_cell_config *planned_cell(const struct pb_matrix *matrix, int argc, char **argv)
{
    struct pb_error error = {0};
    struct pb_cell_plan unused = {0};
    const struct pb_plan_of of = {.id = argv[3], .matrix = matrix->sha256};
    const struct pb_cell_config *cell = pb_matrix_find(matrix, argv[3]);
    const size_t offset = (size_t)strtoul(argument(argc, argv, "--plans-at"), NULL, 10);
    enum pb_status status = cell ? PB_OK : pb_fail(&error, PB_ERROR_INPUT, "the matrix has no cell '%s'", argv[3]);
    if (status == PB_OK)
        status = pb_plan_lines_read_file(argument(argc, argv, "--plans"), offset, &of, &unused, &error);
    if (status == PB_ERROR_STOPPED)
        tell("stale\n");
    if (status != PB_OK) {
        fprintf(stderr, "prunebench: %s\n", error.text);
        exit(pb_exit_code(status));
    }
    pb_cell_plan_free(&unused);
    return cell;
}

/* The plugins that the coordinator names; the fake ones where it names none. */
static void open_plugins(int argc, char **argv, struct pb_registry *registry)
{
    enum { MOST = 16 };
    struct pb_error error = {0};
    const char *files[MOST + 1] = {NULL};
    size_t count = 0;
    for (int i = 0; i + 1 < argc && count < MOST; i++)
        if (strcmp(argv[i], "--plugin-file") == 0)
            files[count++] = argv[i + 1];
    *registry = fake_registry;
    if (count > 0 && pb_registry_open_files(files, registry, &error) != PB_OK) {
        fprintf(stderr, "fake child: %s\n", error.text);
        exit(2);
    }
}

void fake_child(int argc, char **argv)
{
    if (argc < 3 || strcmp(argv[1], "cell") != 0)
        return;
    struct pb_error error = {0};
    struct pb_registry registry;
    struct pb_matrix *matrix = NULL;
    const char *out = argument(argc, argv, "-o"), *parent = argument(argc, argv, PB_CHILD_PARENT_OPTION);
    const bool plans = argument_given(argc, argv, "--plan"), measures = argument_given(argc, argv, "--latency");
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    open_plugins(argc, argv, &registry);
    if (out && !plans && !measures) {
        note(out, "parent", parent ? parent : "none", NULL);
        await_file(FAKE_CHILD_READ_AFTER);
    }
    if ((!out && !plans) || pb_matrix_read(argv[2], &registry, &matrix, &error) != PB_OK) {
        fprintf(stderr, "fake child: %s\n", error.text);
        exit(2);
    }
    if (plans) {
        plan(matrix, argc, argv);
    } else if (measures) {
        note(out, "latency", argv[3], getenv("OMP_NUM_THREADS"));
        tell("result\n");
    } else {
        note(out, "read", argv[3], NULL);
        await_file(FAKE_CHILD_CHECK_AFTER);
        run(planned_cell(matrix, argc, argv), out);
    }
    pb_matrix_free(&matrix);
    exit(0);
}
