/* What a parameter is to its operator. A row: NUMBER, the name in files, the words in messages, whether it learns. */
#ifndef PB_GRAPH_ROLE_LIST_H
#define PB_GRAPH_ROLE_LIST_H

#define PB_ROLES(ROW)                                                                                                  \
    ROW(WEIGHT, weight, "weights", true)                                                                               \
    ROW(BIAS, bias, "biases", true)                                                                                    \
    ROW(GAMMA, gamma, "γ", true)                                                                                       \
    ROW(BETA, beta, "β", true)                                                                                         \
    ROW(RUNNING_MEAN, running_mean, "running mean", false)                                                             \
    ROW(RUNNING_VAR, running_var, "running variance", false)                                                           \
    ROW(HASH, hash, "hashes", false)

#endif
