/* The onednn backend against double precision, and the same bits when it runs again on as many threads. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/again.h"
#include "support/backends.h"
#include "support/operators.h"
#include "support/training.h"

static const double CONVOLUTIONS = 2e-5, SUMS = 3e-6;
static const char *settings;

/* Prints a digest of what a small training ends with; the operators are checked first where the suite is asked for. */
static void report(uint32_t threads, bool with_suite)
{
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open("onednn", settings, threads, &backend, &error))
        fail_msg("%s", error.text);
    const uint64_t suite = with_suite ? operators_pass(backend.device, CONVOLUTIONS, SUMS) : 0;
    const uint64_t training = training_digest(backend.device), again = training_digest(backend.device);
    assert_true(training == again);
    assert_int_equal(strncmp(backend.device->description, "onednn 2.", 9), 0);
    assert_true(backend.device->thread_dependent);
    assert_non_null(strstr(backend.device->fallbacks, "max_pool_forward"));
    assert_null(strstr(backend.device->fallbacks, "conv_forward"));
    printf("%" PRIu32 " threads: %016" PRIx64 " %016" PRIx64 "\n", threads, suite, training);
    backend_close(&backend);
}

static void child_suite(void **state)
{
    (void)state;
    report(1, true);
    report(2, true);
}

static void child_training(void **state)
{
    (void)state;
    report(2, false);
}

static void test_operators_and_training_are_right_and_repeat_on_every_instruction_set(void **state)
{
    (void)state;
    static const char *const tried[] = {"", "isa=avx2"};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        char output[4096];
        run_again((const char *const[]){"suite", tried[i], NULL}, NULL, output, sizeof output);
    }
}

/* Dynamic teams on a busy machine once left gradients unwritten. */
static void test_the_environment_changes_nothing_but_a_limit_of_threads(void **state)
{
    (void)state;
    static const char *const hostile[] = {"OMP_NUM_THREADS=3", "OMP_DYNAMIC=true", NULL};
    static const char *const limited[] = {"OMP_THREAD_LIMIT=1", NULL};
    char plain[4096], disturbed[4096];
    run_again((const char *const[]){"training", "", NULL}, NULL, plain, sizeof plain);
    run_again((const char *const[]){"training", "", NULL}, hostile, disturbed, sizeof disturbed);
    assert_string_equal(disturbed, plain);
    run_again((const char *const[]){"training", "", NULL}, limited, disturbed, sizeof disturbed);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        settings = argv[2];
        const struct CMUnitTest child[] = {
            cmocka_unit_test(strcmp(argv[1], "suite") == 0 ? child_suite : child_training)};
        return cmocka_run_group_tests(child, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_and_training_are_right_and_repeat_on_every_instruction_set),
        cmocka_unit_test(test_the_environment_changes_nothing_but_a_limit_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
