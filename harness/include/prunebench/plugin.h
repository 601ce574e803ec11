/*
 * What a plugin is: a shared object that exports one symbol, prunebench_plugin, and hides the rest.
 *
 * Build: cc -std=c17 -fPIC -fvisibility=hidden -shared -Wl,-z,defs $(pkg-config --cflags prunebench)
 * `prunebench-new-plugin [--language c++] KIND NAME` writes a complete one.
 *
 * C++ (17 and later) assigns members where C names them in an initialiser, which g++ warns about where any is left out:
 *
 *     static constexpr pb_plugin describe()
 *     {
 *         pb_plugin plugin = pb_plugin_header(PB_KIND_CRITERION);
 *         plugin.name = "mine";
 *         plugin.summary = "what it computes";
 *         plugin.version = "1.0.0";
 *         plugin.criterion = &criterion;
 *         return plugin;
 *     }
 *     static constexpr pb_plugin plugin = describe();
 *
 * No exception may leave a hook.
 */
#ifndef PRUNEBENCH_PLUGIN_H
#define PRUNEBENCH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include <prunebench/host.h>
#include <prunebench/option.h>
#include <prunebench/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PB_PLUGIN_MAGIC 0x4e425250u /* "PRBN" */

/*
 * The ABI rule: the host loads a plugin whose magic and abi_major equal its own and whose abi_minor
 * is not above its own. Structures only grow at their end, and each growth raises the minor number.
 * Whoever makes an object sets its size, and nobody reads or writes past it. No struct lies by value in an array, or in
 * front of other members, unless its stride is stated beside it.
 */
#define PB_ABI_MAJOR 2
#define PB_ABI_MINOR 1

enum pb_plugin_kind {
    PB_KIND_CRITERION = 1,
    PB_KIND_SCHEDULE = 2,
    PB_KIND_BACKEND = 3,
    PB_KIND_DATASET = 4,
    PB_KIND_PENALTY = 5
};

/* What a plugin is among those of its kind, for choices that must not know it by name. */
enum pb_plugin_traits {
    PB_PLUGIN_DEFAULT = 1 << 0, /* used where none of its kind is named; at most one plugin of a kind may say so */
};

struct pb_criterion;
struct pb_schedule;
struct pb_backend;
struct pb_dataset;
struct pb_penalty;

/* One plugin. Constant data with static storage; the host never writes to it. */
struct pb_plugin {
    uint32_t magic; /* PB_PLUGIN_MAGIC */
    uint16_t abi_major; /* PB_ABI_MAJOR and PB_ABI_MINOR of the headers it was built against */
    uint16_t abi_minor;
    uint32_t size; /* sizeof(struct pb_plugin) */
    uint32_t kind; /* enum pb_plugin_kind */

    const char *name; /* required; kebab-case, unique within its kind */
    const char *summary; /* required; one line */
    const char *version; /* required; the plugin's own, "1.0.0" */
    const char *reference; /* paper or DOI; may be NULL */

    const struct pb_option *options; /* option_count rows; may be NULL when there are none; see PB_OPTIONS */
    uint32_t option_count;
    uint32_t option_stride; /* sizeof(struct pb_option) */
    uint32_t options_size; /* sizeof the struct that the offsets point into */

    uint32_t traits; /* enum pb_plugin_traits, or-ed */

    /* Required: the operations of its kind, the others NULL. */
    const struct pb_criterion *criterion;
    const struct pb_schedule *schedule;
    const struct pb_backend *backend;
    const struct pb_dataset *dataset;
    const struct pb_penalty *penalty;

    const char *reference_code; /* what published code does otherwise; one line; may be NULL */

    /* Names that earlier versions had for what this plugin does, each followed by what a matrix writes instead, one line each; NULL
     * after the last; may be NULL. Who asks for such a name is told what to write. Since ABI 2.1. */
    const char *const *formerly;
};

#if defined(__GNUC__)
#define PB_EXPORT __attribute__((visibility("default")))
#else
#define PB_EXPORT
#endif

/* The plugins of this object, index 0 first, NULL after the last. Pure: no side effects, no allocation. */
PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index);

/* The first members of every struct pb_plugin, in C; C++ begins with pb_plugin_header. */
#define PB_PLUGIN_HEADER(kind_)                                                                                        \
    .magic = PB_PLUGIN_MAGIC, .abi_major = PB_ABI_MAJOR, .abi_minor = PB_ABI_MINOR,                                    \
    .size = (uint32_t)sizeof(struct pb_plugin), .kind = (kind_)

/* The members for an option table (an array) whose offsets point into struct_; C only. */
#define PB_OPTIONS(table_, struct_)                                                                                    \
    .options = (table_), .option_count = (uint32_t)(sizeof(table_) / sizeof *(table_)),                                \
    .option_stride = (uint32_t)sizeof *(table_), .options_size = (uint32_t)sizeof(struct_)

#ifdef __cplusplus
}

#if __cplusplus >= 201703L
/* A plugin with its first members filled in and every other one zero. */
constexpr pb_plugin pb_plugin_header(pb_plugin_kind kind)
{
    pb_plugin plugin{};
    plugin.magic = PB_PLUGIN_MAGIC;
    plugin.abi_major = PB_ABI_MAJOR;
    plugin.abi_minor = PB_ABI_MINOR;
    plugin.size = sizeof(pb_plugin);
    plugin.kind = kind;
    return plugin;
}
#endif
#endif
#endif
