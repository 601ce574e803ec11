/* The report over a made-up run. With a folder as its argument, this program only writes such a run there, for
 * tests/cli/report.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "results/report.h"
#include "results/summary.h"
#include "support/folder.h"
#include "support/results.h"

static void test_console(void **state)
{
    const char *out = *state;
    struct pb_text text = {0};
    struct pb_error error = {0};
    results_write(out, (struct results_spec){.datasets = 1, .rates = 2, .seeds = 2});
    assert_int_equal(pb_report_console(out, &text, &error), PB_OK);
    pb_text_free(&text);
}

int main(int argc, char **argv)
{
    (void)setenv("PRUNEBENCH_PROGRAM", PB_TEST_BUILD "/prunebench", 1);
    if (argc > 1) {
        struct results_spec spec = {.datasets = 2, .rates = 2, .seeds = 2, .failures = true};
        if (argc > 4)
            spec = (struct results_spec){(uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]),
                                         argc > 5};
        results_write(argv[1], spec);
        return EXIT_SUCCESS;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_console, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
