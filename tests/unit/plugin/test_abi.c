/*
 * The plugin ABI 1.0, pinned: offsets and sizes of members, sizes of structs, constants as they were when it was published (x86-64, LP64).
 * A row here never changes while PB_ABI_MAJOR is 1. A member added at a struct's end gets a row of its own, raises
 * PB_ABI_MINOR, and may raise the struct's size: only that row of the table of sizes may be edited then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <prunebench/backend.h>
#include <prunebench/criterion.h>
#include <prunebench/dataset.h>
#include <prunebench/schedule.h>

/* A member's place and size are one number, offset·1000 + size, so that all tables are checked alike. */
struct row {
    const char *what;
    size_t is, pinned;
};
#define SIZE(type, bytes)                                                                                              \
    {                                                                                                                  \
        "sizeof " #type, sizeof(struct type), bytes                                                                    \
    }
#define MEMBER(type, member, offset, bytes)                                                                            \
    {                                                                                                                  \
#type "." #member, offsetof(struct type, member) * 1000 + sizeof(((struct type *)NULL)->member),               \
            offset * 1000 + bytes                                                                                      \
    }
#define CONSTANT(name, value)                                                                                          \
    {                                                                                                                  \
#name, (size_t)(name), value                                                                                   \
    }

static const struct row sizes[] = {
    SIZE(pb_rng, 32),        SIZE(pb_host, 88),           SIZE(pb_real_list, 16),
    SIZE(pb_option, 72),     SIZE(pb_plugin, 96),         SIZE(pb_layer_view, 176),
    SIZE(pb_criterion, 56),  SIZE(pb_target, 16),         SIZE(pb_train_spec, 160),
    SIZE(pb_round, 176),     SIZE(pb_schedule_task, 184), SIZE(pb_measurement, 40),
    SIZE(pb_verbs, 64),      SIZE(pb_schedule, 48),       SIZE(pb_view, 16),
    SIZE(pb_conv_shape, 80), SIZE(pb_pool_shape, 56),     SIZE(pb_sgd, 40),
    SIZE(pb_backend, 384),   SIZE(pb_sample, 48),         SIZE(pb_dataset_contents, 48),
    SIZE(pb_dataset, 24),    SIZE(pb_conv_norm, 144),
};

static const struct row members[] = {
    MEMBER(pb_rng, state, 0, 32),
    MEMBER(pb_host, size, 0, 8),
    MEMBER(pb_host, context, 8, 8),
    MEMBER(pb_host, threads, 16, 4),
    MEMBER(pb_host, seed, 24, 8),
    MEMBER(pb_host, log, 32, 8),
    MEMBER(pb_host, fail, 40, 8),
    MEMBER(pb_host, alloc, 48, 8),
    MEMBER(pb_host, free, 56, 8),
    MEMBER(pb_host, rng_init, 64, 8),
    MEMBER(pb_host, parallel_for, 72, 8),
    MEMBER(pb_host, clock, 80, 8),
    MEMBER(pb_real_list, values, 0, 8),
    MEMBER(pb_real_list, count, 8, 8),
    MEMBER(pb_option, name, 0, 8),
    MEMBER(pb_option, help, 8, 8),
    MEMBER(pb_option, type, 16, 4),
    MEMBER(pb_option, unit, 24, 8),
    MEMBER(pb_option, default_text, 32, 8),
    MEMBER(pb_option, min, 40, 8),
    MEMBER(pb_option, max, 48, 8),
    MEMBER(pb_option, choices, 56, 8),
    MEMBER(pb_option, offset, 64, 8),
    MEMBER(pb_plugin, magic, 0, 4),
    MEMBER(pb_plugin, abi_major, 4, 2),
    MEMBER(pb_plugin, abi_minor, 6, 2),
    MEMBER(pb_plugin, size, 8, 4),
    MEMBER(pb_plugin, kind, 12, 4),
    MEMBER(pb_plugin, name, 16, 8),
    MEMBER(pb_plugin, summary, 24, 8),
    MEMBER(pb_plugin, version, 32, 8),
    MEMBER(pb_plugin, reference, 40, 8),
    MEMBER(pb_plugin, options, 48, 8),
    MEMBER(pb_plugin, option_count, 56, 4),
    MEMBER(pb_plugin, options_size, 60, 4),
    MEMBER(pb_plugin, criterion, 64, 8),
    MEMBER(pb_plugin, schedule, 72, 8),
    MEMBER(pb_plugin, backend, 80, 8),
    MEMBER(pb_plugin, dataset, 88, 8),
    MEMBER(pb_layer_view, size, 0, 8),
    MEMBER(pb_layer_view, index, 8, 4),
    MEMBER(pb_layer_view, layers, 12, 4),
    MEMBER(pb_layer_view, name, 16, 8),
    MEMBER(pb_layer_view, channels, 24, 4),
    MEMBER(pb_layer_view, input_channels, 28, 4),
    MEMBER(pb_layer_view, kernel_height, 32, 4),
    MEMBER(pb_layer_view, kernel_width, 36, 4),
    MEMBER(pb_layer_view, output_height, 40, 4),
    MEMBER(pb_layer_view, output_width, 44, 4),
    MEMBER(pb_layer_view, macs, 48, 8),
    MEMBER(pb_layer_view, weight, 56, 8),
    MEMBER(pb_layer_view, bias, 64, 8),
    MEMBER(pb_layer_view, gamma, 72, 8),
    MEMBER(pb_layer_view, beta, 80, 8),
    MEMBER(pb_layer_view, running_mean, 88, 8),
    MEMBER(pb_layer_view, running_var, 96, 8),
    MEMBER(pb_layer_view, weight_grad, 104, 8),
    MEMBER(pb_layer_view, bias_grad, 112, 8),
    MEMBER(pb_layer_view, gamma_grad, 120, 8),
    MEMBER(pb_layer_view, beta_grad, 128, 8),
    MEMBER(pb_layer_view, activation, 136, 8),
    MEMBER(pb_layer_view, activation_grad, 144, 8),
    MEMBER(pb_layer_view, batch, 152, 4),
    MEMBER(pb_layer_view, batch_index, 156, 4),
    MEMBER(pb_layer_view, batch_count, 160, 4),
    MEMBER(pb_layer_view, activation_height, 164, 4),
    MEMBER(pb_layer_view, activation_width, 168, 4),
    MEMBER(pb_criterion, size, 0, 8),
    MEMBER(pb_criterion, needs, 8, 4),
    MEMBER(pb_criterion, coupling, 12, 4),
    MEMBER(pb_criterion, normalise, 16, 4),
    MEMBER(pb_criterion, create, 24, 8),
    MEMBER(pb_criterion, observe, 32, 8),
    MEMBER(pb_criterion, score, 40, 8),
    MEMBER(pb_criterion, destroy, 48, 8),
    MEMBER(pb_target, measure, 0, 4),
    MEMBER(pb_target, amount, 8, 8),
    MEMBER(pb_train_spec, size, 0, 8),
    MEMBER(pb_train_spec, epochs, 8, 4),
    MEMBER(pb_train_spec, lr, 16, 8),
    MEMBER(pb_train_spec, lr_policy, 24, 4),
    MEMBER(pb_train_spec, lr_factor, 32, 8),
    MEMBER(pb_train_spec, lr_patience, 40, 4),
    MEMBER(pb_train_spec, lr_threshold, 48, 8),
    MEMBER(pb_train_spec, lr_min, 56, 8),
    MEMBER(pb_train_spec, warmup_epochs, 64, 4),
    MEMBER(pb_train_spec, early_stop, 68, 4),
    MEMBER(pb_train_spec, momentum, 72, 8),
    MEMBER(pb_train_spec, nesterov, 80, 1),
    MEMBER(pb_train_spec, weight_decay, 88, 8),
    MEMBER(pb_train_spec, lambda, 96, 8),
    MEMBER(pb_train_spec, lambda_last, 104, 8),
    MEMBER(pb_train_spec, head_epochs, 112, 4),
    MEMBER(pb_train_spec, head_lr, 120, 8),
    MEMBER(pb_train_spec, continue_optimiser, 128, 1),
    MEMBER(pb_train_spec, return_state, 132, 4),
    MEMBER(pb_train_spec, soft_zero, 136, 4),
    MEMBER(pb_train_spec, soft_target, 144, 16),
    MEMBER(pb_round, target, 0, 16),
    MEMBER(pb_round, retraining, 16, 160),
    MEMBER(pb_schedule_task, size, 0, 8),
    MEMBER(pb_schedule_task, training, 8, 160),
    MEMBER(pb_schedule_task, rounds, 168, 8),
    MEMBER(pb_schedule_task, round_count, 176, 4),
    MEMBER(pb_measurement, size, 0, 8),
    MEMBER(pb_measurement, top1, 8, 8),
    MEMBER(pb_measurement, top5, 16, 8),
    MEMBER(pb_measurement, loss, 24, 8),
    MEMBER(pb_measurement, images, 32, 8),
    MEMBER(pb_verbs, size, 0, 8),
    MEMBER(pb_verbs, context, 8, 8),
    MEMBER(pb_verbs, train, 16, 8),
    MEMBER(pb_verbs, score, 24, 8),
    MEMBER(pb_verbs, prune, 32, 8),
    MEMBER(pb_verbs, recalibrate_bn, 40, 8),
    MEMBER(pb_verbs, rewind, 48, 8),
    MEMBER(pb_verbs, evaluate, 56, 8),
    MEMBER(pb_schedule, size, 0, 8),
    MEMBER(pb_schedule, adaptive, 8, 1),
    MEMBER(pb_schedule, create, 16, 8),
    MEMBER(pb_schedule, run, 24, 8),
    MEMBER(pb_schedule, destroy, 32, 8),
    MEMBER(pb_schedule, trains_only, 40, 1),
    MEMBER(pb_view, buffer, 0, 8),
    MEMBER(pb_view, offset, 8, 8),
    MEMBER(pb_conv_shape, size, 0, 8),
    MEMBER(pb_conv_shape, batch, 8, 4),
    MEMBER(pb_conv_shape, height, 12, 4),
    MEMBER(pb_conv_shape, width, 16, 4),
    MEMBER(pb_conv_shape, channels, 20, 4),
    MEMBER(pb_conv_shape, filters, 24, 4),
    MEMBER(pb_conv_shape, kernel_height, 28, 4),
    MEMBER(pb_conv_shape, kernel_width, 32, 4),
    MEMBER(pb_conv_shape, stride_height, 36, 4),
    MEMBER(pb_conv_shape, stride_width, 40, 4),
    MEMBER(pb_conv_shape, pad_height, 44, 4),
    MEMBER(pb_conv_shape, pad_width, 48, 4),
    MEMBER(pb_conv_shape, dilation_height, 52, 4),
    MEMBER(pb_conv_shape, dilation_width, 56, 4),
    MEMBER(pb_conv_shape, groups, 60, 4),
    MEMBER(pb_conv_shape, output_height, 64, 4),
    MEMBER(pb_conv_shape, output_width, 68, 4),
    MEMBER(pb_conv_shape, training, 72, 1),
    MEMBER(pb_pool_shape, size, 0, 8),
    MEMBER(pb_pool_shape, batch, 8, 4),
    MEMBER(pb_pool_shape, height, 12, 4),
    MEMBER(pb_pool_shape, width, 16, 4),
    MEMBER(pb_pool_shape, channels, 20, 4),
    MEMBER(pb_pool_shape, kernel_height, 24, 4),
    MEMBER(pb_pool_shape, kernel_width, 28, 4),
    MEMBER(pb_pool_shape, stride_height, 32, 4),
    MEMBER(pb_pool_shape, stride_width, 36, 4),
    MEMBER(pb_pool_shape, pad_height, 40, 4),
    MEMBER(pb_pool_shape, pad_width, 44, 4),
    MEMBER(pb_pool_shape, output_height, 48, 4),
    MEMBER(pb_pool_shape, output_width, 52, 4),
    MEMBER(pb_sgd, lr, 0, 8),
    MEMBER(pb_sgd, momentum, 8, 8),
    MEMBER(pb_sgd, weight_decay, 16, 8),
    MEMBER(pb_sgd, l1, 24, 8),
    MEMBER(pb_sgd, nesterov, 32, 1),
    MEMBER(pb_backend, size, 0, 8),
    MEMBER(pb_backend, on_host, 8, 1),
    MEMBER(pb_backend, create, 16, 8),
    MEMBER(pb_backend, destroy, 24, 8),
    MEMBER(pb_backend, describe, 32, 8),
    MEMBER(pb_backend, thread_dependent, 40, 8),
    MEMBER(pb_backend, buffer_create, 48, 8),
    MEMBER(pb_backend, buffer_destroy, 56, 8),
    MEMBER(pb_backend, upload, 64, 8),
    MEMBER(pb_backend, download, 72, 8),
    MEMBER(pb_backend, fill, 80, 8),
    MEMBER(pb_backend, synchronise, 88, 8),
    MEMBER(pb_backend, conv_plan_create, 96, 8),
    MEMBER(pb_backend, conv_plan_destroy, 104, 8),
    MEMBER(pb_backend, conv_workspace, 112, 8),
    MEMBER(pb_backend, conv_algorithm, 120, 8),
    MEMBER(pb_backend, conv_forward, 128, 8),
    MEMBER(pb_backend, conv_backward_data, 136, 8),
    MEMBER(pb_backend, conv_backward_weights, 144, 8),
    MEMBER(pb_backend, bn_forward, 152, 8),
    MEMBER(pb_backend, bn_evaluate, 160, 8),
    MEMBER(pb_backend, bn_backward, 168, 8),
    MEMBER(pb_backend, bn_evaluate_backward, 176, 8),
    MEMBER(pb_backend, relu_forward, 184, 8),
    MEMBER(pb_backend, relu_backward, 192, 8),
    MEMBER(pb_backend, add_forward, 200, 8),
    MEMBER(pb_backend, accumulate, 208, 8),
    MEMBER(pb_backend, multiply, 216, 8),
    MEMBER(pb_backend, max_pool_forward, 224, 8),
    MEMBER(pb_backend, max_pool_backward, 232, 8),
    MEMBER(pb_backend, avg_pool_forward, 240, 8),
    MEMBER(pb_backend, avg_pool_backward, 248, 8),
    MEMBER(pb_backend, linear_forward, 256, 8),
    MEMBER(pb_backend, linear_backward_data, 264, 8),
    MEMBER(pb_backend, linear_backward_weights, 272, 8),
    MEMBER(pb_backend, bilinear_forward, 280, 8),
    MEMBER(pb_backend, bilinear_backward, 288, 8),
    MEMBER(pb_backend, signed_sqrt_forward, 296, 8),
    MEMBER(pb_backend, signed_sqrt_backward, 304, 8),
    MEMBER(pb_backend, l2_norm_forward, 312, 8),
    MEMBER(pb_backend, l2_norm_backward, 320, 8),
    MEMBER(pb_backend, softmax_cross_entropy, 328, 8),
    MEMBER(pb_backend, sgd_step, 336, 8),
    MEMBER(pb_backend, conv_filter_floats, 344, 8),
    MEMBER(pb_backend, conv_filter_transform, 352, 8),
    MEMBER(pb_backend, conv_norm_evaluate, 360, 8),
    MEMBER(pb_backend, conv_norm_forward, 368, 8),
    MEMBER(pb_backend, bn_relu_backward, 376, 8),
    MEMBER(pb_conv_norm, size, 0, 8),
    MEMBER(pb_conv_norm, eps, 8, 8),
    MEMBER(pb_conv_norm, momentum, 16, 8),
    MEMBER(pb_conv_norm, relu, 24, 1),
    MEMBER(pb_conv_norm, gamma, 32, 16),
    MEMBER(pb_conv_norm, beta, 48, 16),
    MEMBER(pb_conv_norm, running_mean, 64, 16),
    MEMBER(pb_conv_norm, running_var, 80, 16),
    MEMBER(pb_conv_norm, saved_mean, 96, 16),
    MEMBER(pb_conv_norm, saved_inv_std, 112, 16),
    MEMBER(pb_conv_norm, convolved, 128, 16),
    MEMBER(pb_sample, path, 0, 8),
    MEMBER(pb_sample, source, 8, 8),
    MEMBER(pb_sample, line, 16, 4),
    MEMBER(pb_sample, label, 20, 4),
    MEMBER(pb_sample, split, 24, 4),
    MEMBER(pb_sample, box, 28, 16),
    MEMBER(pb_dataset_contents, size, 0, 8),
    MEMBER(pb_dataset_contents, class_count, 8, 4),
    MEMBER(pb_dataset_contents, class_names, 16, 8),
    MEMBER(pb_dataset_contents, sample_count, 24, 4),
    MEMBER(pb_dataset_contents, samples, 32, 8),
    MEMBER(pb_dataset_contents, crop_bottom, 40, 4),
    MEMBER(pb_dataset, size, 0, 8),
    MEMBER(pb_dataset, open, 8, 8),
    MEMBER(pb_dataset, close, 16, 8),
};

static const struct row constants[] = {
    CONSTANT(PB_PLUGIN_MAGIC, 0x4e425250),
    CONSTANT(PB_ABI_MAJOR, 1),
    CONSTANT(PB_ABI_MINOR, 2),
    CONSTANT(PB_OK, 0),
    CONSTANT(PB_ERROR_INPUT, 1),
    CONSTANT(PB_ERROR_RUN, 2),
    CONSTANT(PB_ERROR_MEMORY, 3),
    CONSTANT(PB_ERROR_UNSUPPORTED, 4),
    CONSTANT(PB_LOG_ERROR, 0),
    CONSTANT(PB_LOG_WARNING, 1),
    CONSTANT(PB_LOG_INFO, 2),
    CONSTANT(PB_LOG_DEBUG, 3),
    CONSTANT(PB_OPTION_INT, 0),
    CONSTANT(PB_OPTION_REAL, 1),
    CONSTANT(PB_OPTION_BOOL, 2),
    CONSTANT(PB_OPTION_ENUM, 3),
    CONSTANT(PB_OPTION_STRING, 4),
    CONSTANT(PB_OPTION_LIST, 5),
    CONSTANT(PB_KIND_CRITERION, 1),
    CONSTANT(PB_KIND_SCHEDULE, 2),
    CONSTANT(PB_KIND_BACKEND, 3),
    CONSTANT(PB_KIND_DATASET, 4),
    CONSTANT(PB_NEEDS_WEIGHTS, 1),
    CONSTANT(PB_NEEDS_BATCH_NORM, 2),
    CONSTANT(PB_NEEDS_GRADIENTS, 4),
    CONSTANT(PB_NEEDS_ACTIVATIONS, 8),
    CONSTANT(PB_NEEDS_ACTIVATION_GRADIENTS, 16),
    CONSTANT(PB_COUPLE_SUM, 0),
    CONSTANT(PB_COUPLE_MEAN, 1),
    CONSTANT(PB_COUPLE_MAX, 2),
    CONSTANT(PB_NORMALISE_NONE, 0),
    CONSTANT(PB_NORMALISE_SUM, 1),
    CONSTANT(PB_NORMALISE_MEAN, 2),
    CONSTANT(PB_NORMALISE_MAX, 3),
    CONSTANT(PB_NORMALISE_L2, 4),
    CONSTANT(PB_NORMALISE_LAMP, 5),
    CONSTANT(PB_LR_PLATEAU, 0),
    CONSTANT(PB_LR_STEP, 1),
    CONSTANT(PB_LR_COSINE, 2),
    CONSTANT(PB_LR_ONE_CYCLE, 3),
    CONSTANT(PB_LR_CONSTANT, 4),
    CONSTANT(PB_RETURN_LAST, 0),
    CONSTANT(PB_RETURN_BEST, 1),
    CONSTANT(PB_ZERO_NONE, 0),
    CONSTANT(PB_ZERO_FILTERS, 1),
    CONSTANT(PB_ZERO_GAMMA_BETA, 2),
    CONSTANT(PB_MEASURE_CHANNELS, 0),
    CONSTANT(PB_MEASURE_PARAMETERS, 1),
    CONSTANT(PB_MEASURE_MACS, 2),
    CONSTANT(PB_EVALUATE_TRAIN, 0),
    CONSTANT(PB_EVALUATE_VALIDATION, 1),
    CONSTANT(PB_SPLIT_TRAIN, 0),
    CONSTANT(PB_SPLIT_TEST, 1),
};

static void check(const struct row *rows, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].is == rows[i].pinned)
            continue;
        print_error("%s is %zu, was published as %zu\n", rows[i].what, rows[i].is, rows[i].pinned);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void test_no_member_of_any_sdk_struct_has_moved(void **state)
{
    (void)state;
    check(members, sizeof members / sizeof members[0]);
}

static void test_no_sdk_struct_has_another_size(void **state)
{
    (void)state;
    check(sizes, sizeof sizes / sizeof sizes[0]);
}

static void test_no_constant_of_the_sdk_has_another_value(void **state)
{
    (void)state;
    check(constants, sizeof constants / sizeof constants[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_member_of_any_sdk_struct_has_moved),
        cmocka_unit_test(test_no_sdk_struct_has_another_size),
        cmocka_unit_test(test_no_constant_of_the_sdk_has_another_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
