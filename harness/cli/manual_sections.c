/* The manual's sections about the program as a whole: examples, files, exit codes, environment. */
#include "cli/manual.h"

struct item {
    const char *term, *text;
};

static const struct item examples[] = {
    {"prunebench synth images && prunebench check matrix.xml", "draw small images, then see what a matrix would run"},
    {"prunebench run matrix.xml -o out -j 2", "run it, two cells at a time; the same command again resumes"},
    {"prunebench status out --watch", "in another terminal: how far it is"},
    {"prunebench show out ID", "one cell, by its id or the beginning of it"},
    {"prunebench report out", "tables, figures and the page out/report/index.html"},
    {"prunebench compare last-night tonight --fail-on quality=1pt,speed=5%",
     "exit with 1 where tonight is worse than last night"},
    {"prunebench check changed.xml --diff out", "what a changed matrix would run anew in out, and why"},
    {"prunebench plan matrix.xml --json | jq .totals.critical_path",
     "the cells that no number of machines can make end sooner"},
    {"prunebench audit out --rules team.xml", "does the run keep the rules of a submission, and a team's own?"},
    {"prunebench run matrix.xml -o out --json | jq '.cells[] | select(.status != \"ok\") | .id'",
     "the cells that did not end well"},
    {0},
};

static const struct item files[] = {
    {"OUT/cells/ID.xml", "the result of a cell; schema/prunebench-result-1.xsd describes it"},
    {"OUT/logs/ID.log", "what the cell printed"},
    {"OUT/matrix.xml", "the matrix with every default written out; a matrix of the same cells"},
    {"OUT/matrix-cells.txt", "the cells of the matrix that was run last, each with the digest of its settings"},
    {"OUT/plans.txt, OUT/planned-stages.txt", "the stages of every cell, and how many cells need each"},
    {"OUT/work-list.json", "the cells that the last 'run' found to be run, and with which program and plugins"},
    {"OUT/queue", "claims of the cells that are being run, and marks of those that have ended"},
    {"OUT/worker.sbatch, OUT/logs/worker-JOB.log", "the job that 'run --executor slurm' submits, and what it printed"},
    {"OUT/running.json", "how far a run is; there while it runs, and after it was interrupted"},
    {"OUT/stages, OUT/cache, OUT/latency",
     "stored stages, decoded images (but for --cache) and measured latencies; what is removed is made again"},
    {"OUT/summary.xml, OUT/report", "what 'report' writes"},
    {"PREFIX/lib/prunebench/plugins", "plugins of the installation"},
    {"PREFIX/share/prunebench", "schemas, stylesheets, example matrices and published results"},
    {"$XDG_CACHE_HOME/prunebench",
     "(else ~/.cache/prunebench) digests of files and measured speeds; what is removed is made again"},
    {0},
};

static const struct item codes[] = {
    {"0", "done"},
    {"1", "a cell failed, a check fell short, or 'compare' found a regression"},
    {"2", "wrong usage or input; nothing was run"},
    {"3, 4", "'compare': not comparable; cells that failed"},
    {"75", "SIGTERM ended 'cell' or 'worker' in order: what it has done is stored, and the same command resumes"},
    {"130, 143, 129", "SIGINT, SIGTERM or SIGHUP ended 'run': what is finished is kept, and the same command resumes"},
    {0},
};

static const struct item environment[] = {
    {"PRUNEBENCH_PLUGIN_PATH", "folders to look for plugins in, separated by colons"},
    {"PRUNEBENCH_PLAN_SECONDS", "how long a schedule may take to plan one cell (20)"},
    {"PRUNEBENCH_PROBE_SECONDS", "how long a plugin's object may take to load"},
    {"PRUNEBENCH_OPERATOR_SECONDS", "how long 'verify --operators' waits for one operator"},
    {"PRUNEBENCH_LEASE",
     "two numbers of seconds, BEAT EXPIRY: how often a process shows that it works, and after how long without that a "
     "process on another host takes over its cell (5 60); the same for all that share a folder"},
    {"PRUNEBENCH_GNUPLOT", "the gnuplot that draws figures"},
    {"XDG_CACHE_HOME", "where digests of files and measured speeds are kept (~/.cache)"},
    {"SLURM_TMPDIR", "a job's own folder on its node: a worker keeps decoded images there"},
    {"TMPDIR", "where temporary folders are made (/tmp)"},
    {"NO_COLOR", "if not empty: no colours on a terminal"},
    {0},
};

static void append_section(struct pb_text *text, const char *title, const struct item *items)
{
    pb_text_append(text, ".SH %s\n", title);
    for (; items->term; items++) {
        pb_text_append(text, ".TP\n\\fB");
        pb_manual_troff(text, items->term);
        pb_text_append(text, "\\fR\n");
        pb_manual_troff(text, items->text);
        pb_text_append(text, "\n");
    }
}

void pb_manual_sections(struct pb_text *text)
{
    append_section(text, "EXAMPLES", examples);
    append_section(text, "FILES", files);
    append_section(text, "EXIT STATUS", codes);
    append_section(text, "ENVIRONMENT", environment);
}
