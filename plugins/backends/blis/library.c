/* The BLIS library: started on the chosen kernel set, and its matrix product with thread-independent sums. */
#include "blis_instance.h"

#include <blis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* BLIS's own number of each set, from the header it was built with. */
static const arch_t arch_ids[KERNELS_COUNT] = {
    [KERNELS_AMX] = BLIS_ARCH_SKX,
    [KERNELS_SKX] = BLIS_ARCH_SKX,
    [KERNELS_HASWELL] = BLIS_ARCH_HASWELL,
    [KERNELS_ZEN3] = BLIS_ARCH_ZEN3,
    [KERNELS_ZEN2] = BLIS_ARCH_ZEN2,
    [KERNELS_ZEN] = BLIS_ARCH_ZEN,
    [KERNELS_SANDYBRIDGE] = BLIS_ARCH_SANDYBRIDGE,
    [KERNELS_PENRYN] = BLIS_ARCH_PENRYN,
    [KERNELS_GENERIC] = BLIS_ARCH_GENERIC,
};

enum pb_status blis_library_start(const struct pb_host *host, enum kernel_set kernels, char *version,
                                  size_t version_size)
{
    /* BLIS reads this at its first call, and only then. A number that it lacks would abort the process. */
    char number[16];
    snprintf(number, sizeof number, "%d", (int)arch_ids[kernels]);
    if (setenv("BLIS_ARCH_TYPE", number, 1))
        return host->fail(host, PB_ERROR_MEMORY, "cannot set BLIS_ARCH_TYPE: no memory");
    bli_init();
    const arch_t running = bli_arch_query_id();
    if (running != arch_ids[kernels])
        return host->fail(host, PB_ERROR_RUN,
                          "BLIS already runs its '%s' kernels in this process, and cannot change to '%s'; use one "
                          "kernel set per process",
                          bli_arch_string(running), kernel_set_names[kernels]);
    snprintf(version, version_size, "%s", bli_info_get_version_str());
    return PB_OK;
}

/* BLIS packs a block of a and one of b, as large as its caches need them or the matrices are. */
size_t blis_product_packing(size_t m, size_t n, size_t k)
{
    cntx_t *context = bli_gks_query_cntx();
    const size_t rows = (size_t)bli_cntx_get_blksz_max_dt(BLIS_FLOAT, BLIS_MC, context);
    const size_t columns = (size_t)bli_cntx_get_blksz_max_dt(BLIS_FLOAT, BLIS_NC, context);
    const size_t depth = (size_t)bli_cntx_get_blksz_max_dt(BLIS_FLOAT, BLIS_KC, context);
    const size_t deep = k < depth ? k : depth;
    return ((m < rows ? m : rows) + (n < columns ? n : columns)) * deep;
}

void blis_product(size_t m, size_t n, size_t k, struct matrix a, struct matrix b, float beta, float *c, size_t c_row)
{
    rntm_t runtime;
    bli_rntm_init(&runtime);
    bli_rntm_set_ways(1, 1, 1, 1, 1, &runtime);
    bli_rntm_disable_l3_sup(&runtime);
    const float one = 1;
    /* BLIS's prototypes lack const; it only reads a, b and the scalars. */
    union {
        const float *in;
        float *out;
    } left = {a.data}, right = {b.data}, alpha = {&one};
    bli_sgemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, (dim_t)m, (dim_t)n, (dim_t)k, alpha.out, left.out, (inc_t)a.row,
                 (inc_t)a.column, right.out, (inc_t)b.row, (inc_t)b.column, &beta, c, (inc_t)c_row, 1, NULL, &runtime);
}
