/* The blis backend: every kernel set and algorithm against double precision, and the same bits on any thread count. */
#include <cpuid.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/again.h"
#include "support/backends.h"
#include "support/operators.h"
#include "support/training.h"

/* Winograd's transforms cost a digit of the convolutions that they are used for; generic kernels go without. */
static const double TOLERANCE = 1e-5, WINOGRAD_TOLERANCE = 2e-4, SUMS = 3e-6;

static double tolerance_of(const char *options)
{
    static const char *const without[] = {"algorithm=gemm", "algorithm=direct", "algorithm=products",
                                          "kernels=generic"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strstr(options, without[i]))
            return TOLERANCE;
    return WINOGRAD_TOLERANCE;
}

/* What a child does with its settings and thread counts. */
static const char *settings, *task;

/* Prints "description: suite training" for the thread count; the suite is 0 where only the training is asked for. */
static void report(uint32_t threads, bool with_suite)
{
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open("blis", settings, threads, &backend, &error))
        fail_msg("%s", error.text);
    /* What the suite tests where it is there. */
    const struct pb_device_operators *ops = &backend.device->ops;
    assert_true(ops->conv_filter_transform.call && ops->conv_norm_evaluate.call && ops->conv_norm_forward.call &&
                ops->bn_relu_backward.call && ops->norm_pools.call && ops->bn_relu_pool_backward.call &&
                ops->add_relu_forward.call && ops->product_pool_forward.call && backend.device->norms_clamp);
    const uint64_t suite = with_suite ? operators_pass(backend.device, tolerance_of(settings), SUMS) : 0;
    if (with_suite)
        training_inference(backend.device);
    const uint64_t training = training_digest(backend.device);
    printf("%s: %016" PRIx64 " %016" PRIx64 "\n", backend.device->description, suite, training);
    assert_false(backend.device->thread_dependent);
    backend_close(&backend);
}

/* Sanitizers look at memory, not at bits, and are slow: one run does. Others compare it with that of one thread. */
#ifdef __SANITIZE_ADDRESS__
enum { FEWEST_THREADS = 2 };
#else
enum { FEWEST_THREADS = 1 };
#endif

static void child_digests(void **state)
{
    (void)state;
    for (uint32_t threads = FEWEST_THREADS; threads <= 2; threads++)
        report(threads, strcmp(task, "suite") == 0);
}

/* Prints the status and message of opening with settings; the kernel sets that the process has run before are in task. */
static void child_refusal(void **state)
{
    (void)state;
    struct backend backend;
    struct pb_error error = {0};
    const char *before = task + strlen("refuse");
    if (*before) {
        assert_int_equal(backend_open("blis", before + 1, 1, &backend, &error), PB_OK);
        backend_close(&backend);
    }
    const enum pb_status status = backend_open("blis", settings, 1, &backend, &error);
    printf("%d %s\n", (int)status, error.text);
    if (!status)
        backend_close(&backend);
}

/* batch, height, width, channels, filters, kernel, stride, groups */
static const uint32_t shapes[][8] = {
    {2, 15, 15, 33, 33, 3, 2, 33}, /* depthwise */
    {1, 1, 1, 2, 2, 5, 1, 2}, /* … of two channels */
    {2, 15, 15, 33, 66, 3, 1, 33}, /* two filters per channel */
    {2, 15, 15, 33, 33, 3, 1, 11}, /* groups of three */
    {2, 15, 15, 1, 1, 5, 1, 1}, /* one channel and one filter in one group */
};

/* Prints "algorithms:" and what computes each of the shapes. */
static void child_algorithms(void **state)
{
    (void)state;
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open("blis", settings, 1, &backend, &error))
        fail_msg("%s", error.text);
    printf("algorithms:");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t *row = shapes[i], kernel = row[5], stride = row[6];
        const struct pb_conv_shape shape = {.size = sizeof shape,
                                            .batch = row[0],
                                            .height = row[1],
                                            .width = row[2],
                                            .channels = row[3],
                                            .filters = row[4],
                                            .kernel_height = kernel,
                                            .kernel_width = kernel,
                                            .stride_height = stride,
                                            .stride_width = stride,
                                            .pad_height = kernel / 2,
                                            .pad_width = kernel / 2,
                                            .dilation_height = 1,
                                            .dilation_width = 1,
                                            .groups = row[7],
                                            .output_height = (row[1] - 1) / stride + 1,
                                            .output_width = (row[2] - 1) / stride + 1,
                                            .training = true};
        struct pb_conv_plan *plan;
        assert_int_equal(PB_CALL(backend.device, conv_plan_create, &shape, &plan), PB_OK);
        printf(" %s", PB_CALL(backend.device, conv_algorithm, plan));
        PB_CALL(backend.device, conv_plan_destroy, plan);
    }
    printf("\n");
    backend_close(&backend);
}

/* The line of digests that a child prints for each number of threads, which must be the same. */
static void digests_of(const char *what, const char *options, const char *const *environment, char *digest, size_t size)
{
    char output[4096];
    run_again((const char *const[]){what, options, NULL}, environment, output, sizeof output);
    const char *line = strstr(output, "blis ");
    assert_non_null(line);
    const size_t length = strcspn(line, "\n") + 1;
    assert_true(length < size);
    const char *second = FEWEST_THREADS == 1 ? strstr(line + length, "blis ") : line;
    if (!second || strncmp(second, line, length) != 0)
        fail_msg("%s: not the same bits on one thread and on two:\n%s", options, output);
    memcpy(digest, line, length - 1);
    digest[length - 1] = '\0';
}

/* Linux, Documentation/arch/x86/xstate.rst */
static bool amx_granted(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_BF16) && (d & AMX_TILE) &&
           syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static bool this_cpu_can(const char *kernels)
{
    __builtin_cpu_init();
    if (strstr(kernels, "amx") && !amx_granted())
        return false;
    if (strstr(kernels, "skx") || strstr(kernels, "amx"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
    if (strstr(kernels, "haswell") || strstr(kernels, "zen"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strstr(kernels, "sandybridge"))
        return __builtin_cpu_supports("avx");
    return !strstr(kernels, "penryn") || __builtin_cpu_supports("ssse3");
}

static void skip_unless_this_cpu_can(const char *kernels)
{
    if (this_cpu_can(kernels))
        return;
    print_message("this processor cannot run %s\n", kernels);
    skip();
}

/* The state of these two: the backend's settings. */
static void test_operators_and_training_are_right_and_repeat(void **state)
{
    char digest[256];
    skip_unless_this_cpu_can(*state);
    digests_of("suite", *state, NULL, digest, sizeof digest);
}

static void test_training_repeats(void **state)
{
    char digest[256];
    skip_unless_this_cpu_can(*state);
    digests_of("training", *state, NULL, digest, sizeof digest);
}

static void test_the_environment_changes_nothing(void **state)
{
    (void)state;
    static const char *const hostile[] = {"BLIS_ARCH_TYPE=99",
                                          "BLIS_NUM_THREADS=7",
                                          "BLIS_JC_NT=3",
                                          "BLIS_IC_NT=5",
                                          "BLIS_JR_NT=2",
                                          "OMP_NUM_THREADS=1",
                                          "OMP_THREAD_LIMIT=1",
                                          "OMP_DYNAMIC=true",
                                          "OMP_PROC_BIND=true",
                                          "OMP_SCHEDULE=guided",
                                          NULL};
    char plain[256], disturbed[256];
    digests_of("training", "algorithm=gemm", NULL, plain, sizeof plain);
    digests_of("training", "algorithm=gemm", hostile, disturbed, sizeof disturbed);
    assert_string_equal(disturbed, plain);
}

static void refusal(const char *before, const char *options, char *output, size_t size)
{
    char name[128];
    snprintf(name, sizeof name, "refuse%s%s", *before ? " " : "", before);
    run_again((const char *const[]){name, options, NULL}, NULL, output, size);
}

static void test_a_kernel_set_that_this_cpu_lacks_is_refused_and_any_other_runs(void **state)
{
    (void)state;
    static const char *const sets[] = {"kernels=amx",         "kernels=skx",    "kernels=haswell",
                                       "kernels=zen3",        "kernels=zen2",   "kernels=zen",
                                       "kernels=sandybridge", "kernels=penryn", "kernels=generic"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char output[2048], expected[16];
        refusal("", sets[i], output, sizeof output);
        snprintf(expected, sizeof expected, "%d ", this_cpu_can(sets[i]) ? PB_OK : PB_ERROR_INPUT);
        if (!strstr(output, expected))
            fail_msg("%s: %s", sets[i], output);
    }
}

static void test_a_second_kernel_set_in_one_process_is_refused(void **state)
{
    (void)state;
    char output[2048];
    refusal("kernels=generic", "kernels=penryn", output, sizeof output);
    assert_non_null(strstr(output, "2 backend 'blis': BLIS already runs its 'generic' kernels in this process"));
    refusal("kernels=generic", "kernels=generic", output, sizeof output);
    assert_non_null(strstr(output, "0 \n"));
}

static void test_own_convolutions_are_refused_without_their_instruction_set(void **state)
{
    (void)state;
    char output[2048];
    refusal("", "kernels=generic algorithm=direct", output, sizeof output);
    assert_non_null(strstr(output, "1 backend 'blis': algorithm=direct needs AVX2 and FMA"));
    refusal("", "kernels=generic algorithm=winograd", output, sizeof output);
    assert_non_null(strstr(output, "1 backend 'blis': algorithm=winograd needs AVX2 and FMA"));
    refusal("", "kernels=generic algorithm=products", output, sizeof output);
    assert_non_null(strstr(output, "1 backend 'blis': algorithm=products needs kernel set amx, not 'generic'"));
}

static void test_one_filter_per_channel_is_computed_without_a_matrix_product(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"kernels=generic", "algorithms: depthwise depthwise gemm gemm gemm\n"},
        {"kernels=haswell", "algorithms: depthwise depthwise direct direct direct\n"},
        {"kernels=skx", "algorithms: depthwise depthwise direct direct direct\n"},
        {"kernels=haswell algorithm=winograd", "algorithms: depthwise depthwise direct direct direct\n"},
        {"kernels=haswell algorithm=direct", "algorithms: gemm direct direct direct direct\n"},
        {"kernels=generic algorithm=gemm", "algorithms: gemm gemm gemm gemm gemm\n"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char output[2048];
        if (!this_cpu_can(expected[i][0]))
            continue;
        run_again((const char *const[]){"algorithms", expected[i][0], NULL}, NULL, output, sizeof output);
        if (!strstr(output, expected[i][1]))
            fail_msg("%s: %s", expected[i][0], output);
    }
}

#define SUITE(options)                                                                                                 \
    {                                                                                                                  \
        "operators and training are right and repeat: " options, test_operators_and_training_are_right_and_repeat,     \
            NULL, NULL, options                                                                                        \
    }
#define TRAINING(options)                                                                                              \
    {                                                                                                                  \
        "training repeats: " options, test_training_repeats, NULL, NULL, options                                       \
    }

int main(int argc, char **argv)
{
    if (argc == 3) {
        task = argv[1];
        settings = argv[2];
        const struct CMUnitTest child[] = {
            cmocka_unit_test(strncmp(task, "refuse", 6) == 0   ? child_refusal
                             : strcmp(task, "algorithms") == 0 ? child_algorithms
                                                               : child_digests),
        };
        return cmocka_run_group_tests(child, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        SUITE(""),
        SUITE("algorithm=gemm"),
        SUITE("algorithm=direct"),
        SUITE("algorithm=winograd"),
        SUITE("kernels=amx"),
        SUITE("kernels=amx algorithm=products"),
        SUITE("kernels=skx"),
        SUITE("kernels=skx algorithm=winograd"),
        SUITE("kernels=haswell"),
        SUITE("kernels=haswell algorithm=gemm"),
        SUITE("kernels=haswell algorithm=direct"),
        SUITE("kernels=haswell algorithm=winograd"),
        SUITE("kernels=generic"),
        TRAINING("kernels=zen3 algorithm=gemm"),
        TRAINING("kernels=zen2 algorithm=gemm"),
        TRAINING("kernels=zen algorithm=gemm"),
        TRAINING("kernels=sandybridge"),
        TRAINING("kernels=penryn"),
        cmocka_unit_test(test_the_environment_changes_nothing),
        cmocka_unit_test(test_a_kernel_set_that_this_cpu_lacks_is_refused_and_any_other_runs),
        cmocka_unit_test(test_a_second_kernel_set_in_one_process_is_refused),
        cmocka_unit_test(test_own_convolutions_are_refused_without_their_instruction_set),
        cmocka_unit_test(test_one_filter_per_channel_is_computed_without_a_matrix_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
