/* The families of models. Each has a file model_NAME.c here. */
#ifndef PB_GRAPH_FAMILY_LIST_H
#define PB_GRAPH_FAMILY_LIST_H

#define PB_FAMILIES(ROW)                                                                                               \
    ROW(vgg)                                                                                                           \
    ROW(alexnet)                                                                                                       \
    ROW(resnet)                                                                                                        \
    ROW(mobilenet)                                                                                                     \
    ROW(densenet)

#endif
