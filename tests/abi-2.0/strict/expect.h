/* What the plugins of this folder expect of the host. */
#ifndef STRICT_EXPECT_H
#define STRICT_EXPECT_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <prunebench/host.h>

/* In a function that returns a status: fails it with the place and the words of what does not hold. */
#define EXPECT(host, condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return (host)->fail((host), PB_ERROR_RUN, "%s:%d: expected %s", __FILE__, __LINE__, #condition);           \
    } while (0)
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const enum pb_status status_ = (call);                                                                         \
        if (status_ != PB_OK)                                                                                          \
            return status_;                                                                                            \
    } while (0)

/* Equal up to float's rounding of sums whose terms add up to scale without their signs. */
static inline bool near(double a, double b, double scale)
{
    return fabs(a - b) <= 1e-4 * (scale + fabs(a)) + 1e-9;
}

/* Bytes behind a struct that the host fills as far as the plugin knows it. */
enum { BEHIND = 64, UNTOUCHED = 0xA5 };
#define WITH_BEHIND(type, name)                                                                                        \
    struct {                                                                                                           \
        struct type is;                                                                                                \
        unsigned char behind[BEHIND];                                                                                  \
    } name = {.is = {.size = sizeof(struct type)}};                                                                    \
    memset(name.behind, UNTOUCHED, BEHIND)
static inline bool untouched(const unsigned char behind[BEHIND])
{
    for (int i = 0; i < BEHIND; i++)
        if (behind[i] != UNTOUCHED)
            return false;
    return true;
}

#endif
