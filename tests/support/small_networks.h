/* Small networks that between them have every operator, shared inputs, and every head. */
#ifndef TESTS_SUPPORT_SMALL_NETWORKS_H
#define TESTS_SUPPORT_SMALL_NETWORKS_H

#include "graph/network.h"

enum small_network {
    SMALL_BILINEAR, /* conv, BN, ReLU, max-pool, conv, BN, ReLU, bilinear head */
    SMALL_RESIDUAL, /* two residual blocks, one with a strided 1×1 shortcut; global average pooling */
    SMALL_FLAT, /* no BN; a linear layer over H×W×C, ReLU, dropout */
    SMALL_MIXED, /* BN on the input, grouped, depthwise and dilated convolutions, x + x, BN without ReLU, average pooling */
    SMALL_BRANCHED, /* ReLU6 that cuts, products of two branches and of one with itself, a concatenation with an input twice */
    SMALL_ISQRT, /* covariance pooling, its square root by three iterations, the upper triangle */
    SMALL_GRASSMANN, /* the projector on two singular vectors */
    SMALL_SKETCHED, /* a tensor sketch of a concatenation's products */
    SMALL_PROJECTED, /* random projections, their products, and a signed sum of squares as the classifier */
    SMALL_MOBILE, /* ReLU6 that cuts what batch norms give, max-pool behind it, depthwise conv; an addition with ReLU, and x added again */
    SMALL_NETWORK_COUNT
};

/* Initialised, with γ, β and running statistics away from their defaults. dropout: of SMALL_FLAT. Fails the test on errors. */
struct pb_network *small_network(enum small_network kind, double dropout);
const char *small_network_name(enum small_network kind);

/* Standard normal images of a batch and labels, for that network; from calloc. */
float *small_images(const struct pb_network *network, uint32_t batch, uint64_t seed);
uint32_t *small_labels(const struct pb_network *network, uint32_t batch, uint64_t seed);

#endif
