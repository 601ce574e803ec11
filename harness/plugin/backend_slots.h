/* The slots of a backend's table that an opened device calls, by what may be missing. */
#ifndef PB_PLUGIN_BACKEND_SLOTS_H
#define PB_PLUGIN_BACKEND_SLOTS_H

/* Slots that share something (a kind of memory, a plan), and so come together. */
#define PB_MEMORY_SLOTS(SLOT)                                                                                          \
    SLOT(buffer_create)                                                                                                \
    SLOT(buffer_destroy)                                                                                               \
    SLOT(upload)                                                                                                       \
    SLOT(download)                                                                                                     \
    SLOT(fill)                                                                                                         \
    SLOT(synchronise)
#define PB_CONVOLUTION_SLOTS(SLOT)                                                                                     \
    SLOT(conv_plan_create)                                                                                             \
    SLOT(conv_plan_destroy)                                                                                            \
    SLOT(conv_workspace)                                                                                               \
    SLOT(conv_forward)                                                                                                 \
    SLOT(conv_backward_data)                                                                                           \
    SLOT(conv_backward_weights)
/* Slots that a CPU backend may leave to the host one by one. */
#define PB_SINGLE_SLOTS(SLOT)                                                                                          \
    SLOT(bn_forward)                                                                                                   \
    SLOT(bn_evaluate)                                                                                                  \
    SLOT(bn_backward)                                                                                                  \
    SLOT(bn_evaluate_backward)                                                                                         \
    SLOT(relu_forward)                                                                                                 \
    SLOT(relu_backward)                                                                                                \
    SLOT(relu6_forward)                                                                                                \
    SLOT(relu6_backward)                                                                                               \
    SLOT(add_forward)                                                                                                  \
    SLOT(accumulate)                                                                                                   \
    SLOT(multiply)                                                                                                     \
    SLOT(copy_columns)                                                                                                 \
    SLOT(max_pool_forward)                                                                                             \
    SLOT(max_pool_backward)                                                                                            \
    SLOT(avg_pool_forward)                                                                                             \
    SLOT(avg_pool_backward)                                                                                            \
    SLOT(linear_forward)                                                                                               \
    SLOT(linear_backward_data)                                                                                         \
    SLOT(linear_backward_weights)                                                                                      \
    SLOT(bilinear_forward)                                                                                             \
    SLOT(bilinear_backward)                                                                                            \
    SLOT(signed_sqrt_forward)                                                                                          \
    SLOT(signed_sqrt_backward)                                                                                         \
    SLOT(l2_norm_forward)                                                                                              \
    SLOT(l2_norm_backward)                                                                                             \
    SLOT(softmax_cross_entropy)                                                                                        \
    SLOT(sgd_step)                                                                                                     \
    SLOT(penalise)
/* Slots that came with 2.1, by operator. A CPU backend may leave them to the host; a device backend has all of a group or none, and a
 * network that needs what it has not is refused. */
#define PB_COVARIANCE_SLOTS(SLOT) SLOT(centre_positions)
#define PB_MATRIX_ROOT_SLOTS(SLOT)                                                                                     \
    SLOT(matrix_product)                                                                                               \
    SLOT(matrix_root_begin)                                                                                            \
    SLOT(matrix_root_end)                                                                                              \
    SLOT(matrix_root_backward)
#define PB_GRASSMANN_SLOTS(SLOT)                                                                                       \
    SLOT(grassmann_forward)                                                                                            \
    SLOT(grassmann_backward)
#define PB_TENSOR_SKETCH_SLOTS(SLOT)                                                                                   \
    SLOT(tensor_sketch_forward)                                                                                        \
    SLOT(tensor_sketch_backward)
#define PB_SIGNED_SUM_SLOTS(SLOT)                                                                                      \
    SLOT(signed_sum_forward)                                                                                           \
    SLOT(signed_sum_backward_data)                                                                                     \
    SLOT(signed_sum_backward_bias)
#define PB_LATER_SLOTS(SLOT)                                                                                           \
    PB_COVARIANCE_SLOTS(SLOT)                                                                                          \
    PB_MATRIX_ROOT_SLOTS(SLOT)                                                                                         \
    PB_GRASSMANN_SLOTS(SLOT) PB_TENSOR_SKETCH_SLOTS(SLOT) PB_SIGNED_SUM_SLOTS(SLOT)
/* Those that come together, each as a GROUP(list of its slots, its operator's name). */
#define PB_LATER_GROUPS(GROUP)                                                                                         \
    GROUP(PB_MATRIX_ROOT_SLOTS, "matrix_sqrt")                                                                         \
    GROUP(PB_GRASSMANN_SLOTS, "grassmann_pool")                                                                        \
    GROUP(PB_TENSOR_SKETCH_SLOTS, "tensor_sketch")                                                                     \
    GROUP(PB_SIGNED_SUM_SLOTS, "signed_sum")
/* Slots that may be empty: nothing replaces them. */
#define PB_OPTIONAL_SLOTS(SLOT)                                                                                        \
    SLOT(conv_algorithm)                                                                                               \
    SLOT(conv_filter_floats)                                                                                           \
    SLOT(conv_filter_transform)                                                                                        \
    SLOT(conv_norm_evaluate)                                                                                           \
    SLOT(conv_norm_forward)                                                                                            \
    SLOT(norm_pools)                                                                                                   \
    SLOT(bn_relu_pool_backward)                                                                                        \
    SLOT(bn_relu_backward)                                                                                             \
    SLOT(operator_memory)                                                                                              \
    SLOT(add_relu_forward)                                                                                             \
    SLOT(add_relu_backward)                                                                                            \
    SLOT(product_pool_forward)                                                                                         \
    SLOT(product_pool_backward)
#define PB_DEVICE_SLOTS(SLOT)                                                                                          \
    PB_MEMORY_SLOTS(SLOT)                                                                                              \
    PB_CONVOLUTION_SLOTS(SLOT) PB_SINGLE_SLOTS(SLOT) PB_LATER_SLOTS(SLOT) PB_OPTIONAL_SLOTS(SLOT)

#endif
