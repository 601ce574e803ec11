/* The larger services, each in a file of its own. Internal to host.c. */
#ifndef PB_PLUGIN_HOST_PARTS_H
#define PB_PLUGIN_HOST_PARTS_H

#include "plugin/host.h"

/* alloc and free: memory between patterns, which are looked at when it is given back and after every hook (host_memory.c). */
void *pb_host_memory_get(struct pb_host_services *services, size_t bytes);
void pb_host_memory_give_back(struct pb_host_services *services, void *memory);
PB_MUST_CHECK enum pb_status pb_host_memory_check(struct pb_host_services *services, struct pb_error *error);

/* log: a plugin's lines, up to PB_HOST_LOG_BYTES of them in one process (host_log.c). */
#define PB_HOST_LOG_BYTES (1u << 20)
void pb_host_log_line(const char *plugin, enum pb_log_level level, const char *text);

#endif
