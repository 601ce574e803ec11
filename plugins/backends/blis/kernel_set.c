/* The kernel-set table. BLIS 0.9.0 knows no CPU newer than Zen 3 and Ice Lake by name and runs `generic` there. */
#include "kernel_set.h"

#include <cpuid.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const kernel_set_names[] = {"auto", "amx",         "skx",    "haswell", "zen3", "zen2",
                                        "zen",  "sandybridge", "penryn", "generic", NULL};

/* Tile registers are large: the system grants them to a process that asks (Linux, Documentation/arch/x86/xstate.rst). */
static bool amx_granted(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24 };
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !(edx & AMX_BF16) || !(edx & AMX_TILE))
        return false;
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

struct cpu_flags cpu_flags_read(void)
{
    __builtin_cpu_init();
    return (struct cpu_flags){
        .ssse3 = __builtin_cpu_supports("ssse3"),
        .avx = __builtin_cpu_supports("avx"),
        .avx2 = __builtin_cpu_supports("avx2"),
        .fma = __builtin_cpu_supports("fma"),
        .avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl"),
        .amx = amx_granted(),
        .vaes = __builtin_cpu_supports("vpclmulqdq"),
        .amd = __builtin_cpu_is("amd"),
    };
}

const char *kernel_set_lacks(enum kernel_set set, const struct cpu_flags *cpu)
{
    switch (set) {
    case KERNELS_AMX:
        if (!cpu->amx)
            return "AMX for bfloat16, granted by the system";
        return kernel_set_lacks(KERNELS_SKX, cpu);
    case KERNELS_SKX:
        if (!cpu->avx512)
            return "AVX-512 (F, CD, BW, DQ, VL)";
        return cpu->avx2 && cpu->fma ? NULL : "AVX2 and FMA";
    case KERNELS_HASWELL:
    case KERNELS_ZEN3:
    case KERNELS_ZEN2:
    case KERNELS_ZEN:
        return cpu->avx2 && cpu->fma ? NULL : "AVX2 and FMA";
    case KERNELS_SANDYBRIDGE:
        return cpu->avx ? NULL : "AVX";
    case KERNELS_PENRYN:
        return cpu->ssse3 ? NULL : "SSSE3";
    default:
        return NULL;
    }
}

enum kernel_set kernel_set_best(const struct cpu_flags *cpu)
{
    static const enum kernel_set intel[] = {KERNELS_AMX, KERNELS_SKX, KERNELS_HASWELL, KERNELS_SANDYBRIDGE,
                                            KERNELS_PENRYN};
    static const enum kernel_set amd[] = {KERNELS_SKX, KERNELS_ZEN3, KERNELS_ZEN, KERNELS_SANDYBRIDGE, KERNELS_PENRYN};
    const enum kernel_set *order = cpu->amd ? amd : intel;
    const size_t count = cpu->amd ? sizeof amd / sizeof *amd : sizeof intel / sizeof *intel;
    for (size_t i = 0; i < count; i++) {
        if (order[i] == KERNELS_ZEN3 && !cpu->vaes)
            continue;
        if (!kernel_set_lacks(order[i], cpu))
            return order[i];
    }
    return KERNELS_GENERIC;
}

enum vector_isa kernel_set_isa(enum kernel_set set)
{
    switch (set) {
    case KERNELS_AMX:
    case KERNELS_SKX:
        return VECTOR_AVX512;
    case KERNELS_HASWELL:
    case KERNELS_ZEN3:
    case KERNELS_ZEN2:
    case KERNELS_ZEN:
        return VECTOR_AVX2;
    default:
        return VECTOR_SSE2;
    }
}
