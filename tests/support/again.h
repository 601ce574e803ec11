/* Running this test program again as a child, for what a process can do only once: choosing a library's kernels. */
#ifndef TESTS_SUPPORT_AGAIN_H
#define TESTS_SUPPORT_AGAIN_H

#include <stddef.h>

/*
 * Runs the program with arguments (NULL-terminated, without its name) and settings ("NAME=VALUE", NULL-terminated; NULL:
 * none) on top of the environment. Its standard output goes into output; fails the test when it does not exit with 0.
 */
void run_again(const char *const *arguments, const char *const *settings, char *output, size_t size);

#endif
