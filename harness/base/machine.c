/* What this machine is, and what it lets the process use. */
#include "base/machine.h"

#include <fcntl.h>
#include <malloc.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"

void pb_cpu_name(char name[128])
{
    char line[512];
    snprintf(name, 128, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        snprintf(name, 128, "%.*s", (int)strcspn(colon + 1 + (colon[1] == ' '), "\n"), colon + 1 + (colon[1] == ' '));
        break;
    }
    if (file)
        fclose(file);
}

/* The built-in requires a literal. */
#define ADD_FLAG(name)                                                                                                 \
    if (__builtin_cpu_supports(name))                                                                                  \
        length += (size_t)snprintf(flags + length, 256 - length, "%s%s", length ? " " : "", name);

void pb_cpu_flags(char flags[256])
{
    size_t length = 0;
    flags[0] = '\0';
    __builtin_cpu_init();
    ADD_FLAG("sse2")
    ADD_FLAG("ssse3")
    ADD_FLAG("sse4.1")
    ADD_FLAG("sse4.2")
    ADD_FLAG("avx")
    ADD_FLAG("avx2")
    ADD_FLAG("fma")
    ADD_FLAG("avx512f")
    ADD_FLAG("avx512cd")
    ADD_FLAG("avx512bw")
    ADD_FLAG("avx512dq")
    ADD_FLAG("avx512vl")
    ADD_FLAG("avx512vnni")
}

uint32_t pb_machine_threads(void)
{
    cpu_set_t allowed;
    const int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    return count > 0 ? (uint32_t)count : 1;
}

void pb_memory(uint64_t *total, uint64_t *available)
{
    char line[256];
    *total = *available = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (pb_starts_with(line, "MemTotal:"))
            *total = strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024;
        else if (pb_starts_with(line, "MemAvailable:"))
            *available = strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024;
    }
    if (file)
        fclose(file);
}

uint64_t pb_resident_bytes(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "r");
    const bool read = file && fgets(line, sizeof line, file);
    if (file)
        fclose(file);
    char *second = read ? strchr(line, ' ') : NULL;
    const long page = sysconf(_SC_PAGESIZE);
    return second && page > 0 ? strtoull(second, NULL, 10) * (uint64_t)page : 0;
}

/* The highest peak before the kernel's count began again, and what was resident when it did; 0: it never did. */
static uint64_t earlier_peak, begun_at;

uint64_t pb_peak_resident_bytes(void)
{
    struct rusage usage;
    const uint64_t peak = getrusage(RUSAGE_SELF, &usage) ? 0 : (uint64_t)usage.ru_maxrss * 1024;
    return peak > earlier_peak ? peak : earlier_peak;
}

/* "VmHWM" of this process in bytes; getrusage would also count the program that this process was before exec. */
static uint64_t counted_peak(void)
{
    char line[256];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (pb_starts_with(line, "VmHWM:"))
            bytes = strtoull(line + strlen("VmHWM:"), NULL, 10) * 1024;
    if (file)
        fclose(file);
    return bytes;
}

void pb_peak_begin(void)
{
    static const char RESTART[] = "5"; /* proc(5): resets the peak resident set size */
    earlier_peak = pb_peak_resident_bytes();
    malloc_trim(0);
    const int file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    const bool restarted = file >= 0 && write(file, RESTART, strlen(RESTART)) > 0;
    if (file >= 0)
        close(file);
    begun_at = restarted ? counted_peak() : 0;
}

double pb_peak_growth(void)
{
    const uint64_t peak = counted_peak();
    return begun_at == 0 || peak < begun_at ? (double)NAN : (double)(peak - begun_at);
}

enum pb_status pb_need_open_files(uint32_t count, struct pb_error *error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return pb_fail_errno(error, "ask for the limit of open files");
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= count)
        return PB_OK;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= count) {
        limit.rlim_cur = count;
        return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? PB_OK : pb_fail_errno(error, "raise the limit of open files");
    }
    return pb_fail(error, PB_ERROR_RUN,
                   "at most %llu files can be open at a time, and this takes %u; raise the limit ('ulimit -n %u')",
                   (unsigned long long)limit.rlim_max, count, count);
}
