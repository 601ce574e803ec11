/* What is likely to be wrong with a ranking: raw scores of unlike layers compared, layers that are nearly emptied. */
#include "prune/warnings.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

#define UNLIKE 10 /* times that medians may lie apart */
#define STARVED 0.05 /* share of its channels that a layer should keep */

bool pb_ranking_compares_unlike(const struct pb_ranking *ranking, const struct pb_criterion *criterion)
{
    return ranking->scope == PB_SCOPE_GLOBAL && ranking->normalise == PB_NORMALISE_NONE &&
           !(criterion->traits & PB_TRAIT_COMPARABLE);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the magnitudes that are not 0: masked channels say nothing of a layer. 0 where all are. */
static enum pb_status median(const double *scores, uint32_t count, double *middle, struct pb_error *error)
{
    double *sorted = pb_calloc(count, sizeof *sorted);
    uint32_t used = 0;
    if (!sorted)
        return pb_fail_memory(error, count * sizeof *sorted);
    for (uint32_t c = 0; c < count; c++)
        if (scores[c] != 0)
            sorted[used++] = fabs(scores[c]);
    qsort(sorted, used, sizeof *sorted, ascending);
    *middle = used ? sorted[used / 2] : 0;
    pb_free(sorted);
    return PB_OK;
}

static const char *name_of(const struct pb_network *network, const struct pb_channel_groups *groups, uint32_t group)
{
    return network->graph->nodes[groups->groups[group].producers[0]].name;
}

static enum pb_status warn_of_unlike(const struct pb_network *network, const struct pb_channel_groups *groups,
                                     const struct pb_scores *scores, const char *criterion, struct pb_text *lines,
                                     struct pb_error *error)
{
    double low = INFINITY, high = 0;
    uint32_t lowest = 0, highest = 0;
    for (uint32_t g = 0; g < groups->count; g++) {
        double middle = 0;
        const enum pb_status status = median(scores->values[g], scores->channels[g], &middle, error);
        if (status != PB_OK)
            return status;
        if (middle > 0 && middle < low) {
            low = middle;
            lowest = g;
        }
        if (middle > high) {
            high = middle;
            highest = g;
        }
    }
    if (high > UNLIKE * low)
        pb_text_append(
            lines,
            "criterion '%s' has raw scores of unlike layers compared: the median of layer '%s' is %.3g, that "
            "of layer '%s' %.3g; set normalise=\"mean\" or scope=\"layer\"\n",
            criterion, name_of(network, groups, lowest), low, name_of(network, groups, highest), high);
    return PB_OK;
}

static void warn_of_starved(const struct pb_network *network, const struct pb_channel_groups *groups,
                            const struct pb_pruning *pruning, struct pb_text *lines)
{
    uint64_t kept = 0, all = 0;
    for (uint32_t g = 0; g < groups->count; g++) {
        kept += (uint64_t)pruning->layers[g].after * groups->groups[g].repeats;
        all += (uint64_t)network->original_widths[g] * groups->groups[g].repeats;
    }
    for (uint32_t g = 0; g < groups->count && (double)kept >= STARVED * (double)all; g++) {
        const uint32_t repeats = groups->groups[g].repeats;
        const uint32_t after = pruning->layers[g].after * repeats, original = network->original_widths[g] * repeats;
        if (after < STARVED * original)
            pb_text_append(
                lines,
                "layer '%s' keeps %u of its %u channels (%.1f %%) where the network keeps %.1f %%; a floor or "
                "scope=\"layer\" keeps it wider\n",
                name_of(network, groups, g), after, original, 100.0 * after / original,
                100.0 * (double)kept / (double)all);
    }
}

enum pb_status pb_pruning_warnings(const struct pb_network *network, const struct pb_channel_groups *groups,
                                   const struct pb_scores *scores, const struct pb_ranking *ranking,
                                   const struct pb_plugin *criterion, const struct pb_pruning *pruning,
                                   struct pb_text *lines, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    if (pb_ranking_compares_unlike(ranking, criterion->criterion))
        status = warn_of_unlike(network, groups, scores, criterion->name, lines, error);
    warn_of_starved(network, groups, pruning, lines);
    return status == PB_OK && lines->failed ? pb_fail_memory(error, lines->capacity) : status;
}
