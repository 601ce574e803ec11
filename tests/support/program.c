/* Tests run in programs of their own: what starts prunebench again, or looks beside it, shall find the built one. */
#include <stdlib.h>

static void __attribute__((constructor)) name_the_program(void)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 0);
}
