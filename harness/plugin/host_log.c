/* Log lines of plugins: a bounded number, so that a chatty one does not fill the disk or hide the others. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/place.h"
#include "plugin/host_parts.h"

enum { PLUGINS = 16 }; /* more in one process share the last entry */

/* What each plugin has written so far. Instances come and go: a criterion has one per scoring. */
static struct share {
    char plugin[96];
    size_t bytes;
    unsigned long left_out;
} shares[PLUGINS];
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static struct share *share_of(const char *plugin)
{
    for (size_t i = 0; i < PLUGINS; i++) {
        if (shares[i].plugin[0] == '\0')
            (void)snprintf(shares[i].plugin, sizeof shares[i].plugin, "%s", plugin);
        if (strcmp(shares[i].plugin, plugin) == 0)
            return &shares[i];
    }
    return &shares[PLUGINS - 1];
}

static void report_left_out(void)
{
    for (size_t i = 0; i < PLUGINS; i++)
        if (shares[i].left_out > 0)
            pb_log(PB_LOG_WARNING, "%s: %lu more lines left out", shares[i].plugin, shares[i].left_out);
}

void pb_host_log_line(const char *plugin, enum pb_log_level level, const char *text)
{
    if (!pb_log_shows(level))
        return;
    pthread_mutex_lock(&counting);
    struct share *share = share_of(plugin);
    const bool fits = share->bytes < PB_HOST_LOG_BYTES;
    const bool first = !fits && pb_place->log_lines_left_out == 0;
    share->bytes += strlen(plugin) + strlen(text) + 3;
    const bool full = fits && share->bytes >= PB_HOST_LOG_BYTES;
    if (!fits) {
        share->left_out++;
        pb_place->log_lines_left_out++;
    }
    pthread_mutex_unlock(&counting);
    if (first)
        (void)atexit(report_left_out);
    if (fits)
        pb_log(level, "%s: %s", plugin, text);
    if (full)
        pb_log(PB_LOG_WARNING, "%s: has logged %u KiB; its further lines are left out", plugin,
               PB_HOST_LOG_BYTES >> 10);
}
