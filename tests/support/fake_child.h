/* Replaces `prunebench cell`: does nothing slowly, fails as its cell's criterion label says, and keeps a diary. */
#ifndef PB_TEST_FAKE_CHILD_H
#define PB_TEST_FAKE_CHILD_H

/*
 * A test's main calls this first; it returns when the program was not started as a child. By the cell's criterion label:
 *   crash    SIGSEGV while scoring          hang    sleeps while scoring, deaf to SIGTERM
 *   fail     writes a failed document       silent  ends with exit code 3 and no document
 *   alone    writes one that names no stage as the failed one
 *   hog      touches 300 MiB                base    fails while training its base
 *   stop     sends SIGTERM to its parent    deaf    cannot be planned
 *   mute     is killed between an ok document and its word of it; mute-fail: a failed document
 *   leave    ends as one that somebody has asked to, each time; return: the first three times
 *   freeze   stops itself until it gets SIGCONT
 * any other: ok. OUT/diary gets "parent PID", as the child is told, "read ID" when it has read the matrix, "start ID THREADS", "stored KEY", "end ID", "latency ID THREADS" as they happen.
 * Where the environment has FAKE_CHILD_MEET, labels of data sets separated by spaces, no cell makes a stage before a cell
 * of each of them has started; one that has waited a minute fails.
 * Where it has FAKE_CHILD_RUN_AFTER, a path, cells that have started make no stage before that file is there; FAKE_CHILD_PLAN_AFTER:
 * nothing is planned before; FAKE_CHILD_READ_AFTER: a cell does not read the matrix before; FAKE_CHILD_CHECK_AFTER: it has, but does not
 * read its plan.
 */
#define FAKE_CHILD_MEET "PRUNEBENCH_TEST_MEET"
#define FAKE_CHILD_RUN_AFTER "PRUNEBENCH_TEST_RUN_AFTER"
#define FAKE_CHILD_PLAN_AFTER "PRUNEBENCH_TEST_PLAN_AFTER"
#define FAKE_CHILD_READ_AFTER "PRUNEBENCH_TEST_READ_AFTER"
#define FAKE_CHILD_CHECK_AFTER "PRUNEBENCH_TEST_CHECK_AFTER"
void fake_child(int argc, char **argv);

#endif
