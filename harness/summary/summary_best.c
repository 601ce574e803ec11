/* Which criterion may be called the best: one that seeds distinguish from random and from the next, corrected for choosing. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

/* The rows that a best one is chosen from, and what is known about it. */
struct contest {
    uint32_t candidates;
    uint32_t controls; /* that it was tested against */
    double p_control, p_next; /* the largest, times the candidates; NaN: no test */
    const char *verdict;
    enum pb_status status;
    struct pb_error *error;
};

static double top1_of(const struct pb_summary_row *row)
{
    return pb_summary_mean(row, "top1", "final", 0);
}

static bool same_target(const struct pb_summary_row *a, const struct pb_summary_row *b)
{
    return strcmp(a->target, b->target) == 0 && strcmp(a->measure, b->measure) == 0;
}

static bool is_candidate(const struct pb_summary_row *row)
{
    return !row->control && row->removed.n != 0 && !isnan(top1_of(row));
}

static bool is_higher(const struct pb_summary_row *row, const struct pb_summary_row *than)
{
    return than == NULL || top1_of(row) > top1_of(than);
}

/* Tests best against another row. The first thing that is missing becomes the verdict. */
static void test(struct contest *contest, const struct pb_summary_row *best, const struct pb_summary_row *other,
                 const char *loser, double *p)
{
    struct pb_summary_comparison made = {0};
    if (contest->status != PB_OK)
        return;
    contest->status = pb_summary_compare_rows(best, other, &made, contest->error);
    const char *verdict = NULL;
    if (made.difference.n < PB_ENOUGH_SEEDS)
        verdict = "few-seeds";
    else if (made.unlike)
        verdict = "unlike";
    else {
        const double corrected = fmin(1, contest->candidates * made.p);
        *p = isnan(*p) ? corrected : fmax(*p, corrected);
        if (!(made.difference.mean > 0) || !(corrected <= PB_LEVEL))
            verdict = loser;
    }
    if (contest->verdict == NULL)
        contest->verdict = verdict;
}

/* Against every random control of its schedule and target, then against the next method (NULL: there is no other). */
static void judge(struct contest *contest, const struct pb_summary_schedule *schedule,
                  const struct pb_summary_row *best, const struct pb_summary_row *next)
{
    if (best->ok_count < PB_ENOUGH_SEEDS)
        contest->verdict = "few-seeds";
    for (uint32_t r = 0; r < schedule->row_count; r++)
        if (schedule->rows[r].control && same_target(&schedule->rows[r], best)) {
            test(contest, best, &schedule->rows[r], "control", &contest->p_control);
            contest->controls++;
        }
    if (contest->controls == 0 && contest->verdict == NULL)
        contest->verdict = "no-control";
    if (next != NULL)
        test(contest, best, next, "next", &contest->p_next);
    if (contest->verdict == NULL)
        contest->verdict = "best";
}

static struct contest begin(struct pb_error *error)
{
    return (struct contest){.p_control = NAN, .p_next = NAN, .status = PB_OK, .error = error};
}

static enum pb_status mark_target(struct pb_summary_schedule *schedule, const struct pb_summary_row *of,
                                  struct pb_error *error)
{
    struct contest contest = begin(error);
    struct pb_summary_row *best = NULL, *next = NULL;
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        struct pb_summary_row *row = &schedule->rows[r];
        if (!same_target(row, of) || !is_candidate(row))
            continue;
        contest.candidates++;
        if (row->collapsed == 0 && is_higher(row, best))
            best = row;
    }
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        struct pb_summary_row *row = &schedule->rows[r];
        if (row != best && same_target(row, of) && is_candidate(row) && is_higher(row, next))
            next = row;
    }
    if (best == NULL)
        return PB_OK;
    judge(&contest, schedule, best, next);
    best->best = strcmp(contest.verdict, "best") == 0;
    return contest.status;
}

static bool is_first_of_target(const struct pb_summary_schedule *schedule, uint32_t row)
{
    for (uint32_t r = 0; r < row; r++)
        if (same_target(&schedule->rows[r], &schedule->rows[row]))
            return false;
    return true;
}

/* The highest row of another method at best's target, in any schedule. */
static void find_next(const struct pb_summary_section *section, struct pb_summary_best *best)
{
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t r = 0; r < section->schedules[s].row_count; r++) {
            const struct pb_summary_row *row = &section->schedules[s].rows[r];
            if (row == best->row || !same_target(row, best->row) || !is_candidate(row) || !is_higher(row, best->next))
                continue;
            best->next = row;
            best->next_schedule = &section->schedules[s];
        }
}

static enum pb_status find_best(struct pb_summary_section *section, struct pb_error *error)
{
    struct pb_summary_best *best = &section->best;
    struct contest contest = begin(error);
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t r = 0; r < section->schedules[s].row_count; r++) {
            const struct pb_summary_row *row = &section->schedules[s].rows[r];
            if (!is_candidate(row))
                continue;
            contest.candidates++;
            if (row->collapsed != 0 || !(row->removed.max > row->rounding) || !is_higher(row, best->row))
                continue;
            best->row = row;
            best->schedule = &section->schedules[s];
        }
    if (best->row == NULL)
        return PB_OK;
    find_next(section, best);
    judge(&contest, best->schedule, best->row, best->next);
    best->candidates = contest.candidates;
    best->p_control = contest.p_control;
    best->p_next = contest.p_next;
    best->verdict = contest.verdict;
    return contest.status;
}

enum pb_status pb_summary_add_best(struct pb_summary_section *section, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t s = 0; s < section->schedule_count; s++) {
        struct pb_summary_schedule *schedule = &section->schedules[s];
        for (uint32_t r = 0; r < schedule->row_count && status == PB_OK; r++)
            if (is_first_of_target(schedule, r))
                status = mark_target(schedule, &schedule->rows[r], error);
    }
    return status == PB_OK ? find_best(section, error) : status;
}
