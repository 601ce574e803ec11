/* The operators that a network is made of. Each has a file operators/op_NAME.c. */
#ifndef PB_GRAPH_OP_LIST_H
#define PB_GRAPH_OP_LIST_H

#define PB_OPERATORS(ROW)                                                                                              \
    ROW(INPUT, input)                                                                                                  \
    ROW(CONV2D, conv2d)                                                                                                \
    ROW(BATCH_NORM, batch_norm)                                                                                        \
    ROW(RELU, relu)                                                                                                    \
    ROW(MAX_POOL, max_pool)                                                                                            \
    ROW(AVG_POOL, avg_pool)                                                                                            \
    ROW(ADD, add)                                                                                                      \
    ROW(BILINEAR_POOL, bilinear_pool)                                                                                  \
    ROW(SIGNED_SQRT, signed_sqrt)                                                                                      \
    ROW(L2_NORM, l2_norm)                                                                                              \
    ROW(LINEAR, linear)                                                                                                \
    ROW(DROPOUT, dropout)                                                                                              \
    ROW(RELU6, relu6)                                                                                                  \
    ROW(MULTIPLY, multiply)                                                                                            \
    ROW(CONCAT, concat)                                                                                                \
    ROW(COVARIANCE_POOL, covariance_pool)                                                                              \
    ROW(MATRIX_SQRT, matrix_sqrt)                                                                                      \
    ROW(UPPER_TRIANGLE, upper_triangle)                                                                                \
    ROW(GRASSMANN_POOL, grassmann_pool)                                                                                \
    ROW(TENSOR_SKETCH, tensor_sketch)                                                                                  \
    ROW(SIGN_PROJECTION, sign_projection)                                                                              \
    ROW(SIGNED_SUM, signed_sum)

#endif
