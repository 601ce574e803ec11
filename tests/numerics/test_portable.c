/* The portable operators against double-precision loops, and against themselves on other thread counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/operators.h"

static uint64_t run(uint32_t threads)
{
    struct pb_device *device = portable_device(threads);
    const uint64_t digest = operators_pass(device, 2e-5, 2e-6);
    operator_device_close(&device);
    return digest;
}

static void test_operators_agree_with_their_definitions_bit_for_bit_on_any_thread_count(void **state)
{
    (void)state;
    const uint64_t one = run(1);
    assert_true(run(2) == one);
    assert_true(run(3) == one);
    assert_true(run(1) == one);
}

static void test_a_backend_without_operators_falls_back_on_every_one_by_name(void **state)
{
    (void)state;
    struct pb_device *device = portable_device(1);
    assert_memory_equal(device->description, "plain; portable operators", strlen("plain; portable operators"));
    assert_string_equal(device->fallbacks,
                        "conv_forward conv_backward_data conv_backward_weights bn_forward bn_evaluate bn_backward "
                        "bn_evaluate_backward relu_forward relu_backward relu6_forward relu6_backward add_forward "
                        "accumulate multiply copy_columns "
                        "max_pool_forward max_pool_backward avg_pool_forward avg_pool_backward linear_forward "
                        "linear_backward_data linear_backward_weights bilinear_forward bilinear_backward "
                        "signed_sqrt_forward signed_sqrt_backward l2_norm_forward l2_norm_backward "
                        "softmax_cross_entropy sgd_step penalise centre_positions matrix_product "
                        "matrix_root_begin matrix_root_end matrix_root_backward grassmann_forward "
                        "grassmann_backward tensor_sketch_forward tensor_sketch_backward "
                        "signed_sum_forward signed_sum_backward_data signed_sum_backward_bias");
    operator_device_close(&device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_agree_with_their_definitions_bit_for_bit_on_any_thread_count),
        cmocka_unit_test(test_a_backend_without_operators_falls_back_on_every_one_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
