/* The blis backend: options, instance, operator table. Operators that it leaves out run at memory speed as they are. */
#include <stdio.h>
#include <string.h>

#include "blis_instance.h"
#include "norm_pool.h"
#include "rows.h"
#include "vector.h"

struct options {
    int32_t kernels, algorithm;
};

static const char *const algorithm_names[] = {"auto", "gemm", "direct", "winograd", "products", NULL};

static const struct pb_option option_table[] = {
    {.name = "kernels",
     .help = "BLIS's kernel set and our vector code with it (amx: skx, products by AMX); auto takes the best here",
     .type = PB_OPTION_ENUM,
     .default_text = "auto",
     .choices = kernel_set_names,
     .offset = offsetof(struct options, kernels)},
    {.name = "algorithm",
     .help = "how convolutions are computed; auto decides per layer by its shape, never by timing",
     .type = PB_OPTION_ENUM,
     .default_text = "auto",
     .choices = algorithm_names,
     .offset = offsetof(struct options, algorithm)},
};

static const struct vector_kernels *vector_for(enum kernel_set kernels)
{
    switch (kernel_set_isa(kernels)) {
    case VECTOR_AVX512:
        return &vector_avx512;
    case VECTOR_AVX2:
        return &vector_avx2;
    default:
        return &vector_sse2;
    }
}

/* The kernel set that was asked for, if this CPU can run it. */
static enum pb_status resolve_kernels(const struct pb_host *host, enum kernel_set asked, enum kernel_set *kernels)
{
    const struct cpu_flags cpu = cpu_flags_read();
    if (asked == KERNELS_AUTO) {
        *kernels = kernel_set_best(&cpu);
        return PB_OK;
    }
    const char *lacks = kernel_set_lacks(asked, &cpu);
    if (lacks)
        return host->fail(host, PB_ERROR_INPUT, "kernels=%s needs %s, which this CPU lacks; auto would take %s",
                          kernel_set_names[asked], lacks, kernel_set_names[kernel_set_best(&cpu)]);
    *kernels = asked;
    return PB_OK;
}

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    const struct options *options = given;
    char version[32];
    enum kernel_set kernels = KERNELS_GENERIC;
    enum pb_status status = resolve_kernels(host, (enum kernel_set)options->kernels, &kernels);
    if (status)
        return status;
    const bool own = options->algorithm == ALGORITHM_DIRECT || options->algorithm == ALGORITHM_WINOGRAD;
    if (own && !vector_for(kernels)->tile_rows)
        return host->fail(host, PB_ERROR_INPUT,
                          "algorithm=%s needs AVX2 and FMA, which kernel set '%s' goes without; use auto or gemm",
                          algorithm_names[options->algorithm], kernel_set_names[kernels]);
    if (options->algorithm == ALGORITHM_PRODUCTS && kernels != KERNELS_AMX)
        return host->fail(host, PB_ERROR_INPUT, "algorithm=products needs kernel set amx, not '%s'; use auto",
                          kernel_set_names[kernels]);
    status = blis_library_start(host, kernels, version, sizeof version);
    if (status)
        return status;
    struct blis *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    made->host = host;
    made->threads = (int)host->threads;
    made->kernels = kernels;
    made->algorithm = (enum algorithm)options->algorithm;
    made->vector = vector_for(kernels);
    snprintf(made->description, sizeof made->description, "blis %s %s", version, kernel_set_names[kernels]);
    host->log(host, PB_LOG_DEBUG, "BLIS %s runs its '%s' kernels on %d threads", version, kernel_set_names[kernels],
              made->threads);
    *self = made;
    return PB_OK;
}

static void destroy(void *opaque)
{
    struct blis *self = opaque;
    const struct pb_host *host = self->host;
    host->free(host, self->scratch);
    host->free(host, self);
}

static const char *describe(void *self)
{
    return ((const struct blis *)self)->description;
}

static bool thread_dependent(void *self)
{
    (void)self;
    return false;
}

enum pb_status blis_scratch(struct blis *self, size_t floats, float **scratch)
{
    if (floats > self->scratch_floats) {
        float *larger = self->host->alloc(self->host, floats * sizeof *larger);
        if (!larger)
            return PB_ERROR_MEMORY;
        self->host->free(self->host, self->scratch);
        self->scratch = larger;
        self->scratch_floats = floats;
    }
    *scratch = self->scratch;
    return PB_OK;
}

static const struct pb_backend operators = {
    .size = sizeof(struct pb_backend),
    .on_host = true,
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .thread_dependent = thread_dependent,
    .conv_plan_create = blis_conv_plan_create,
    .conv_plan_destroy = blis_conv_plan_destroy,
    .conv_workspace = blis_conv_workspace,
    .conv_algorithm = blis_conv_algorithm,
    .conv_forward = blis_conv_forward,
    .conv_backward_data = blis_conv_backward_data,
    .conv_backward_weights = blis_conv_backward_weights,
    .conv_filter_floats = blis_conv_filter_floats,
    .conv_filter_transform = blis_conv_filter_transform,
    .conv_norm_evaluate = blis_conv_norm_evaluate,
    .conv_norm_forward = blis_conv_norm_forward,
    .bn_forward = blis_bn_forward,
    .bn_evaluate = blis_bn_evaluate,
    .bn_backward = blis_bn_backward,
    .bn_relu_backward = blis_bn_relu_backward,
    .norm_pools = blis_norm_pools,
    .bn_relu_pool_backward = blis_bn_relu_pool_backward,
    .bn_evaluate_backward = blis_bn_evaluate_backward,
    .max_pool_forward = blis_max_pool_forward,
    .max_pool_backward = blis_max_pool_backward,
    .linear_forward = blis_linear_forward,
    .linear_backward_data = blis_linear_backward_data,
    .linear_backward_weights = blis_linear_backward_weights,
    .bilinear_forward = blis_bilinear_forward,
    .bilinear_backward = blis_bilinear_backward,
    .matrix_product = blis_matrix_product,
    .operator_memory = blis_operator_memory,
    .norms_clamp = true,
};

const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    static const struct pb_plugin plugin = {
        PB_PLUGIN_HEADER(PB_KIND_BACKEND),
        .name = "blis",
        .summary = "Matrix products by BLIS and our own vector code, on the best kernels of this CPU",
        .version = "1.0.0",
        .reference = "F. G. Van Zee, R. A. van de Geijn: BLIS, ACM TOMS 41(3), 2015; doi:10.1145/2764454",
        PB_OPTIONS(option_table, struct options),
        .traits = PB_PLUGIN_DEFAULT,
        .backend = &operators,
    };
    return index == 0 ? &plugin : NULL;
}
