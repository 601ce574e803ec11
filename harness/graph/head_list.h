/* The heads that may end any trunk: a number, the name in C, the name in files. Each has a file head_NAME.c here. */
#ifndef PB_GRAPH_HEAD_LIST_H
#define PB_GRAPH_HEAD_LIST_H

#define PB_HEADS(ROW)                                                                                                  \
    ROW(BILINEAR, bilinear, "bilinear")                                                                                \
    ROW(GAP, gap, "gap")                                                                                               \
    ROW(ISQRT, isqrt, "isqrt-cov")                                                                                     \
    ROW(GRASSMANN, grassmann, "grassmann")                                                                             \
    ROW(TENSOR_SKETCH, tensor_sketch, "tensor-sketch")                                                                 \
    ROW(RANDOM_MACLAURIN, random_maclaurin, "random-maclaurin")                                                        \
    ROW(LOW_RANK, low_rank, "low-rank")                                                                                \
    ROW(HBP, hbp, "hbp")

#endif
