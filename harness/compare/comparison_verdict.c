/* What a comparison comes to: the exit code, and the sentence that a reader sees first. */
#include "compare/comparison.h"

#include <math.h>
#include <string.h>

bool pb_comparison_is_unlike(const struct pb_comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->change_count; i++)
        if (comparison->changes[i].unlike)
            return true;
    return comparison->gap_count > 0 || comparison->cell_count == 0;
}

const struct pb_compared_group *pb_comparison_most(const struct pb_comparison *comparison,
                                                   enum pb_quality_verdict verdict, uint32_t *count)
{
    const struct pb_compared_group *most = NULL;
    *count = 0;
    for (uint32_t i = 0; i < comparison->group_count; i++) {
        const struct pb_compared_group *group = &comparison->groups[i];
        if (group->cell_count == 0 || group->same || group->quality.verdict != verdict)
            continue;
        ++*count;
        if (!most || fabs(group->quality.effect) > fabs(most->quality.effect))
            most = group;
    }
    return most;
}

static uint32_t count_slower(const struct pb_speed_comparison *speed, enum pb_speed_kind kind,
                             enum pb_quality_verdict verdict, const struct pb_speed_row **most)
{
    uint32_t count = 0;
    *most = NULL;
    for (uint32_t i = 0; i < speed->row_count; i++) {
        const struct pb_speed_row *row = &speed->rows[i];
        if (speed->metrics[row->metric].kind != kind || row->verdict != verdict)
            continue;
        count++;
        if (!*most || fabs(log(row->ratio)) > fabs(log((*most)->ratio)))
            *most = row;
    }
    return count;
}

/* Whether anything that is measured with noise can be judged over all cells. */
static bool can_judge(const struct pb_speed_comparison *speed, enum pb_speed_kind kind)
{
    for (uint32_t i = 0; i < speed->row_count; i++) {
        const struct pb_speed_row *row = &speed->rows[i];
        const struct pb_speed_metric *metric = &speed->metrics[row->metric];
        if (row->group == PB_ALL_GROUPS && metric->kind == kind && !metric->exact && row->verdict != PB_QUALITY_UNKNOWN)
            return true;
    }
    return false;
}

const char *pb_comparison_blind(const struct pb_comparison *comparison, const struct pb_gate *gate)
{
    uint32_t unknown;
    (void)pb_comparison_most(comparison, PB_QUALITY_UNKNOWN, &unknown);
    if (gate->quality && unknown > 0)
        return "quality has groups that cannot be judged: one seed alone has no spread; run at least two seeds";
    if (gate->speed && !can_judge(&comparison->speed, PB_KIND_SPEED))
        return "speed cannot be judged: no time was measured for four cells at least that share no measurement";
    if (gate->memory && !can_judge(&comparison->speed, PB_KIND_MEMORY))
        return "memory cannot be judged: four cells at least must have a peak of their own";
    return NULL;
}

static bool has_regressed(const struct pb_comparison *comparison, const struct pb_gate *gate)
{
    uint32_t worse;
    const struct pb_speed_row *most;
    (void)pb_comparison_most(comparison, PB_QUALITY_WORSE, &worse);
    return comparison->defect_count > 0 || (gate->quality && worse > 0) ||
           (gate->speed && count_slower(&comparison->speed, PB_KIND_SPEED, PB_QUALITY_WORSE, &most) > 0) ||
           (gate->memory && count_slower(&comparison->speed, PB_KIND_MEMORY, PB_QUALITY_WORSE, &most) > 0);
}

enum pb_verdict pb_comparison_verdict(const struct pb_comparison *comparison, const struct pb_gate *gate)
{
    if (pb_comparison_is_unlike(comparison))
        return PB_VERDICT_NOT_COMPARABLE;
    if (comparison->state_counts[PB_CELL_FAILED_HERE] > 0)
        return PB_VERDICT_FAILED;
    if (has_regressed(comparison, gate))
        return PB_VERDICT_REGRESSION;
    return pb_comparison_blind(comparison, gate) ? PB_VERDICT_NOT_COMPARABLE : PB_VERDICT_GOOD;
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static uint32_t count_gaps(const struct pb_comparison *comparison, const char *why)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < comparison->gap_count; i++)
        count += strcmp(comparison->gaps[i].why, why) == 0;
    return count;
}

static void say_unlike(const struct pb_comparison *comparison, struct pb_text *text)
{
    const uint32_t missing = count_gaps(comparison, "missing"), others = comparison->gap_count - missing;
    const char *between = ": ";
    pb_text_append(text, "Not comparable as a whole");
    if (missing) {
        pb_text_append(text, "%s%u cell%s missing on one side", between, missing, missing == 1 ? " is" : "s are");
        between = "; ";
    }
    if (others) {
        pb_text_append(text, "%s%u result%s left out", between, others, others == 1 ? " is" : "s are");
        between = "; ";
    }
    for (uint32_t i = 0; i < comparison->change_count; i++) {
        const struct pb_input_change *change = &comparison->changes[i];
        if (!change->unlike)
            continue;
        pb_text_append(text, "%sthe %s differ%s in %u cell%s (%s)", between,
                       strcmp(change->kind, "data") == 0 ? "images, labels or pretrained weights" : change->kind,
                       strcmp(change->kind, "machine") == 0 ? "s" : "", change->cell_count, plural(change->cell_count),
                       change->key);
        between = "; ";
    }
    if (comparison->cell_count == 0)
        pb_text_append(text, "%sno cell is in both", between);
    pb_text_append(text, ". ");
}

static void say_defects(const struct pb_comparison *comparison, struct pb_text *text)
{
    const uint32_t cells = comparison->state_counts[PB_CELL_DEFECT];
    const struct pb_bit_defect *first = comparison->defect_count ? &comparison->defects[0] : NULL;
    if (!first)
        return;
    pb_text_append(text, "A defect: %u of %u cells %s other bits under the same stage key", cells,
                   comparison->cell_count, cells == 1 ? "has" : "have");
    if (first->cell != PB_NO_CELL)
        pb_text_append(text, " (the first: %s, stage %s)", comparison->cells[first->cell].id, first->stage);
    else
        pb_text_append(text, " (stage %s)", first->stage);
    pb_text_append(text, ". ");
}

/* What identical rests on: the documents alone, or the bytes of networks as well. */
static void say_networks(const struct pb_comparison *comparison, struct pb_text *text)
{
    const uint32_t files = comparison->files, without = comparison->without_files,
                   count = comparison->cell_count - comparison->state_counts[PB_CELL_FAILED_HERE];
    if (count == 0)
        return;
    if (files == 0)
        pb_text_append(text, "No stored network was compared byte for byte");
    else
        pb_text_append(text, "%u stored network%s compared byte for byte", files, files == 1 ? " was" : "s were");
    if (without > 0)
        pb_text_append(text, "; %u of %u cells %s none under the same key on both sides", without, count,
                       without == 1 ? "has" : "have");
    pb_text_append(text, ". ");
}

static void say_p(double p, struct pb_text *text)
{
    if (p < 0.0001)
        pb_text_append(text, "p < .0001");
    else
        pb_text_append(text, "p = %.2g", p);
}

static void say_most(const struct pb_compared_group *most, double p, struct pb_text *text)
{
    const struct pb_quality_result *quality = &most->quality;
    pb_text_append(text, "%s, %+.2f points of top-1 (95 %% interval %+.2f … %+.2f, ", most->name, 100 * quality->effect,
                   100 * quality->low, 100 * quality->high);
    say_p(p, text);
    pb_text_append(text, ")");
}

static uint32_t count_same(const struct pb_comparison *comparison, uint32_t *tested)
{
    uint32_t same = 0;
    *tested = 0;
    for (uint32_t i = 0; i < comparison->group_count; i++) {
        same += comparison->groups[i].same;
        *tested += comparison->groups[i].cell_count > 0 && !comparison->groups[i].same;
    }
    return same;
}

static void say_quality(const struct pb_comparison *comparison, double margin, struct pb_text *text)
{
    uint32_t worse, better, equal, undecided, unknown, tested;
    const struct pb_compared_group *worst = pb_comparison_most(comparison, PB_QUALITY_WORSE, &worse),
                                   *best = pb_comparison_most(comparison, PB_QUALITY_BETTER, &better),
                                   *open = pb_comparison_most(comparison, PB_QUALITY_UNDECIDED, &undecided);
    (void)pb_comparison_most(comparison, PB_QUALITY_EQUAL, &equal);
    (void)pb_comparison_most(comparison, PB_QUALITY_UNKNOWN, &unknown);
    (void)count_same(comparison, &tested);
    if (worse) {
        pb_text_append(text, "Worse: %u of %u groups lost top-1, most of all ", worse, tested);
        say_most(worst, worst->quality.p_worse, text);
        pb_text_append(text, ". ");
    }
    if (better) {
        pb_text_append(text, "Better: %u of %u groups gained top-1, most of all ", better, tested);
        say_most(best, best->quality.p_better, text);
        pb_text_append(text, ". ");
    }
    if (equal)
        pb_text_append(text, "Equal: in %u of %u groups top-1 is shown to have changed by less than ±%g point%s. ",
                       equal, tested, 100 * margin, margin == 0.01 ? "" : "s");
    if (undecided) {
        pb_text_append(text, "Undecided: in %u of %u groups neither a change nor its absence is shown, most of all ",
                       undecided, tested);
        say_most(open, fmin(open->quality.p_worse, open->quality.p_better), text);
        pb_text_append(text, ". ");
    }
    if (unknown)
        pb_text_append(
            text,
            "Unknown: in %u of %u groups it cannot be said whether top-1 has changed, because one seed alone "
            "has no spread. ",
            unknown, tested);
}

static void say_speed(const struct pb_speed_comparison *speed, enum pb_speed_kind kind,
                      const struct pb_comparison *comparison, struct pb_text *text)
{
    static const struct {
        enum pb_quality_verdict verdict;
        const char *words[2];
    } rows[] = {{PB_QUALITY_WORSE, {"Slower", "Larger"}}, {PB_QUALITY_BETTER, {"Faster", "Smaller"}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pb_speed_row *most;
        if (!count_slower(speed, kind, rows[i].verdict, &most))
            continue;
        const struct pb_speed_metric *metric = &speed->metrics[most->metric];
        pb_text_append(text, "%s: %s%s%s", rows[i].words[kind], metric->name, *metric->stage ? " " : "", metric->stage);
        if (metric->batch)
            pb_text_append(text, " (batch %u)", metric->batch);
        pb_text_append(text, " of %s is %.3g times as %s",
                       most->group == PB_ALL_GROUPS ? "all cells" : comparison->groups[most->group].name, most->ratio,
                       kind == PB_KIND_SPEED ? "long" : "large");
        if (!isnan(most->low))
            pb_text_append(text, " (95 %% interval %.3g … %.3g)", most->low, most->high);
        pb_text_append(text, ". ");
    }
}

void pb_comparison_sentence(const struct pb_comparison *comparison, const struct pb_margins *margins,
                            struct pb_text *text)
{
    const uint32_t *states = comparison->state_counts;
    const uint32_t failed = states[PB_CELL_FAILED_HERE], count = comparison->cell_count;
    if (pb_comparison_is_unlike(comparison))
        say_unlike(comparison, text);
    if (failed)
        pb_text_append(text, "%u of %u cells failed. ", failed, count);
    say_defects(comparison, text);
    if (count > 0 && states[PB_CELL_IDENTICAL] == count)
        pb_text_append(text, "Equal: all %u cells are identical, every number bit for bit. ", count);
    else if (states[PB_CELL_IDENTICAL] > 0)
        pb_text_append(text, "Identical: %u of %u cells, every number bit for bit. ", states[PB_CELL_IDENTICAL], count);
    if (states[PB_CELL_SAME_NUMBERS] > 0)
        pb_text_append(text, "Equal: %u of %u cells have the same numbers, bit for bit, from other inputs. ",
                       states[PB_CELL_SAME_NUMBERS], count);
    say_quality(comparison, margins->quality, text);
    say_speed(&comparison->speed, PB_KIND_SPEED, comparison, text);
    say_speed(&comparison->speed, PB_KIND_MEMORY, comparison, text);
    say_networks(comparison, text);
    while (text->length > 0 && text->data[text->length - 1] == ' ')
        text->data[--text->length] = '\0';
}
