/* The numbers of one cell that fit in a line. */
#include "summary/headline.h"

#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "summary/summary_parts.h"

/* Masked weights count as removed, as in the report's tables of nonzero costs. */
static double removed(uint64_t before, const struct pb_cost_record *after, uint64_t whole, uint64_t nonzero)
{
    const uint64_t left = after->has_masks ? nonzero : whole;
    return before > 0 ? 1 - (double)left / (double)before : NAN;
}

void pb_headline_of(const struct pb_record *record, struct pb_headline *headline)
{
    const struct pb_accuracy_record *final = pb_record_final(record), *base = pb_record_baseline(record);
    const struct pb_cost_record *unpruned = pb_summary_cost(record, "base");
    const struct pb_cost_record *pruned = pb_summary_cost(record, "pruned");
    const char *seconds = pb_record_find(record->provenance, record->provenance_count, "seconds");
    *headline = (struct pb_headline){.before = base ? base->top1 : NAN,
                                     .after = final ? final->top1 : NAN,
                                     .macs_removed = NAN,
                                     .params_removed = NAN,
                                     .seconds = NAN};
    if (unpruned && pruned) {
        headline->macs_removed = removed(unpruned->macs, pruned, pruned->macs, pruned->nonzero_macs);
        headline->params_removed = removed(unpruned->params, pruned, pruned->params, pruned->nonzero_params);
    }
    double parsed;
    if (seconds && pb_parse_real(seconds, &parsed))
        headline->seconds = parsed;
}

void pb_headline_text(const struct pb_headline *headline, char text[PB_HEADLINE_TEXT])
{
    char accuracy[32] = "", change[24] = "", macs[40] = "";
    if (isfinite(headline->after))
        (void)snprintf(accuracy, sizeof accuracy, "%.1f %%", 100 * headline->after);
    if (isfinite(headline->after) && isfinite(headline->before)) {
        /* the difference of the exact values, so that it may differ from that of the rounded ones */
        const double points = 100 * (headline->after - headline->before);
        const double rounded = round(10 * fabs(points)) / 10;
        (void)snprintf(change, sizeof change, " (%s%.1f)", rounded == 0 ? "±" : points < 0 ? "−" : "+", rounded);
    }
    if (isfinite(headline->macs_removed))
        (void)snprintf(macs, sizeof macs, "%s%.0f %% of MACs removed", accuracy[0] ? ", " : "",
                       100 * headline->macs_removed);
    (void)snprintf(text, PB_HEADLINE_TEXT, "%s%s%s", accuracy, change, macs);
}
