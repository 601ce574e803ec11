/* How many threads a test has started, in whatever library. */
#ifndef TESTS_SUPPORT_THREAD_COUNT_H
#define TESTS_SUPPORT_THREAD_COUNT_H

/* Since the program began: calls of pthread_create, before which this stands. */
unsigned long threads_started(void);

#endif
