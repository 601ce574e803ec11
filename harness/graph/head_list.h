/* The heads that may end any trunk: a number, the name in C, the name in files. Each has a file head_NAME.c here. */
#ifndef PB_GRAPH_HEAD_LIST_H
#define PB_GRAPH_HEAD_LIST_H

#define PB_HEADS(ROW)                                                                                                  \
    ROW(BILINEAR, bilinear, "bilinear")                                                                                \
    ROW(GAP, gap, "gap")                                                                                               \
    ROW(ISQRT, isqrt, "isqrt-cov")                                                                                     \
    ROW(GRASSMANN, grassmann, "grassmann")

#endif
