/* The leaderboard of a section: at each target all methods by accuracy, with the places that seeds justify, each beside its
 * layer-proportion random control. */
#include "summary/summary_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "summary/kind.h"

static bool same_target(const struct pb_summary_row *a, const struct pb_summary_row *b)
{
    return strcmp(a->target, b->target) == 0 && strcmp(a->measure, b->measure) == 0;
}

/* Rows with fewer seeds say too little, and a collapse says nothing of the others' noise. */
static bool estimates(const struct pb_summary_entry *entry)
{
    return entry->row->collapsed == 0 && entry->top1.n >= PB_ENOUGH_SEEDS;
}

static bool is_ranked(const struct pb_summary_entry *entry)
{
    return !entry->row->control && estimates(entry);
}

/* Which control */

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The criterion of both is the same plugin with the same options. */
static bool same_criterion(const struct pb_record *a, const struct pb_record *b)
{
    if (strcmp(pb_config_plugin(a, "criterion"), pb_config_plugin(b, "criterion")) != 0)
        return false;
    for (uint32_t i = 0; i < a->config_count; i++)
        if (has_prefix(a->config[i].key, "criterion.option.") &&
            strcmp(a->config[i].value, pb_summary_config(b, a->config[i].key)) != 0)
            return false;
    return true;
}

static bool is_permuted(const struct pb_summary_row *row)
{
    return strcmp(pb_summary_config(row->cells[0], "ranking.permute"), "true") == 0;
}

/* Both divide what is to go among the layers by the same rule, where they have one. */
static bool same_allocation(const struct pb_summary_row *a, const struct pb_summary_row *b)
{
    return strcmp(pb_summary_config(a->cells[0], "ranking.allocation"),
                  pb_summary_config(b->cells[0], "ranking.allocation")) == 0;
}

/* It removes at random the same share of every layer. */
static bool is_even(const struct pb_summary_row *row)
{
    return row->control && !is_permuted(row) && strcmp(pb_summary_config(row->cells[0], "ranking.scope"), "layer") == 0;
}

/* As many channels of each layer as the method itself removes, chosen at random; else the same share of every layer. */
static const struct pb_summary_row *find_control(const struct pb_summary_schedule *schedule,
                                                 const struct pb_summary_row *of)
{
    const struct pb_summary_row *even = NULL;
    for (uint32_t r = 0; r < schedule->row_count; r++) {
        const struct pb_summary_row *row = &schedule->rows[r];
        if (!same_target(row, of) || !same_allocation(row, of))
            continue;
        if (is_permuted(row) && same_criterion(row->cells[0], of->cells[0]))
            return row;
        if (even == NULL && is_even(row))
            even = row;
    }
    return even;
}

/* The rows of one target */

/* Those that compete or are controls, by accuracy; then those that collapsed. */
static int by_accuracy(const void *left, const void *right)
{
    const struct pb_summary_entry *a = left, *b = right;
    if ((a->row->collapsed != 0) != (b->row->collapsed != 0))
        return a->row->collapsed != 0 ? 1 : -1;
    if (a->top1.mean > b->top1.mean || a->top1.mean < b->top1.mean)
        return a->top1.mean > b->top1.mean ? -1 : 1;
    if (a->schedule != b->schedule)
        return a->schedule < b->schedule ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static enum pb_status gather(const struct pb_summary_section *section, struct pb_summary_board *board,
                             struct pb_error *error)
{
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t r = 0; r < section->schedules[s].row_count; r++) {
            const struct pb_summary_schedule *schedule = &section->schedules[s];
            const struct pb_summary_row *row = &schedule->rows[r];
            const struct pb_summary_value *top1 = pb_summary_find(row, "top1", "final", 0);
            if (!same_target(row, board->sample) || row->removed.n == 0 || top1 == NULL)
                continue;
            struct pb_summary_entry *rows = pb_array_room(board->entries, board->entry_count, sizeof *rows, error);
            if (rows == NULL)
                return PB_ERROR_MEMORY;
            board->entries = rows;
            rows[board->entry_count++] = (struct pb_summary_entry){
                .schedule = schedule,
                .row = row,
                .control = row->control ? NULL : find_control(schedule, row),
                .top1 = top1->over_seeds,
                .against = {.mean = NAN, .low = NAN, .high = NAN},
                .p = NAN,
            };
        }
    if (board->entry_count)
        qsort(board->entries, board->entry_count, sizeof *board->entries, by_accuracy);
    return PB_OK;
}

/* What seeds distinguish */

static double top1_at(const struct pb_summary_row *row, uint64_t seed)
{
    const struct pb_record *cell = pb_summary_seed(row, seed);
    const struct pb_accuracy_record *final = cell == NULL ? NULL : pb_record_final(cell);
    return final == NULL ? (double)NAN : final->top1;
}

static bool have_all(const struct pb_summary_board *board, uint64_t seed)
{
    for (uint32_t i = 0; i < board->entry_count; i++)
        if (estimates(&board->entries[i]) && isnan(top1_at(board->entries[i].row, seed)))
            return false;
    return true;
}

/* From the seeds that all rows of enough seeds have: three seeds of two methods are too few to know how much a difference varies,
 * those of all methods together are not. */
static enum pb_status estimate(struct pb_summary_board *board, struct pb_error *error)
{
    const struct pb_summary_row *first = NULL;
    uint32_t rows = 0, seeds = 0;
    for (uint32_t i = 0; i < board->entry_count; i++)
        if (estimates(&board->entries[i])) {
            first = first == NULL ? board->entries[i].row : first;
            rows++;
        }
    board->residual = (struct pb_residual){.sd = NAN, .freedom = NAN};
    if (first == NULL)
        return PB_OK;
    uint64_t *common = pb_calloc(first->ok_count, sizeof *common);
    double *values = pb_calloc((size_t)rows * first->ok_count, sizeof *values);
    if (common == NULL || values == NULL) {
        pb_free(common);
        pb_free(values);
        return pb_fail_memory(error, (size_t)rows * first->ok_count * sizeof *values);
    }
    for (uint32_t c = 0; c < first->ok_count; c++)
        if (have_all(board, pb_record_seed(first->cells[c])))
            common[seeds++] = pb_record_seed(first->cells[c]);
    double *value = values;
    for (uint32_t i = 0; i < board->entry_count; i++)
        for (uint32_t s = 0; estimates(&board->entries[i]) && s < seeds; s++)
            *value++ = top1_at(board->entries[i].row, common[s]);
    board->residual = pb_residual_of(values, rows, seeds);
    pb_free(common);
    pb_free(values);
    return PB_OK;
}

/* p is NaN where the two cannot be tested: too few seeds, different shares removed. */
static enum pb_status compare(const struct pb_summary_board *board, const struct pb_summary_row *a,
                              const struct pb_summary_row *b, struct pb_statistics *difference, double *p,
                              struct pb_error *error)
{
    struct pb_summary_comparison made = {0};
    const enum pb_status status = pb_summary_compare_rows(a, b, &made, error);
    if (status != PB_OK)
        return status;
    *difference = pb_statistics_pooled(&made.difference, &board->residual);
    *p = made.difference.n < PB_ENOUGH_SEEDS || made.unlike ? (double)NAN
                                                            : pb_statistics_pooled_p(difference, &board->residual);
    return PB_OK;
}

/* Every pair of ranked methods is tested. One that is distinguished as worse has a place behind the other's. */
static enum pb_status place(struct pb_summary_board *board, struct pb_error *error)
{
    const uint32_t count = board->entry_count;
    double *p = pb_calloc((size_t)count * count + 1, sizeof *p);
    enum pb_status status = p == NULL ? pb_fail_memory(error, (size_t)count * count * sizeof *p) : PB_OK;
    bool tested = false;
    for (uint32_t a = 0; a < count && status == PB_OK; a++)
        for (uint32_t b = 0; b < count && status == PB_OK; b++) {
            struct pb_statistics difference;
            double *pair = &p[(size_t)a * count + b];
            *pair = NAN;
            if (b <= a || !is_ranked(&board->entries[a]) || !is_ranked(&board->entries[b]))
                continue;
            status = compare(board, board->entries[a].row, board->entries[b].row, &difference, pair, error);
            tested |= !isnan(*pair);
        }
    if (status == PB_OK)
        status = pb_holm(p, count * count, error);
    for (uint32_t i = 0; i < count && status == PB_OK && tested; i++) {
        struct pb_summary_entry *entry = &board->entries[i];
        if (!is_ranked(entry))
            continue;
        entry->first = 1;
        entry->last = board->methods;
        for (uint32_t other = 0; other < count; other++) {
            entry->first += p[(size_t)other * count + i] <= PB_LEVEL;
            entry->last -= p[(size_t)i * count + other] <= PB_LEVEL;
        }
    }
    pb_free(p);
    return status;
}

static const char *verdict_of(const struct pb_summary_entry *entry)
{
    const struct pb_summary_row *row = entry->row, *control = entry->control;
    if (row->control)
        return "control";
    if (row->collapsed != 0)
        return "collapsed";
    if (control == NULL || control->removed.n == 0)
        return "no-control";
    if (control->collapsed != 0)
        return "control-collapsed";
    if (entry->against.n < PB_ENOUGH_SEEDS)
        return "few-seeds";
    if (!pb_summary_same_share(row, control))
        return "unlike";
    if (isnan(entry->p))
        return "no-test";
    if (!(entry->p <= PB_LEVEL))
        return "same";
    return entry->against.mean > 0 ? "better" : "worse";
}

static enum pb_status set_against_controls(struct pb_summary_board *board, struct pb_error *error)
{
    double *p = pb_calloc((size_t)board->entry_count + 1, sizeof *p);
    enum pb_status status = p == NULL ? pb_fail_memory(error, board->entry_count * sizeof *p) : PB_OK;
    for (uint32_t i = 0; i < board->entry_count && status == PB_OK; i++) {
        struct pb_summary_entry *entry = &board->entries[i];
        p[i] = NAN;
        if (!entry->row->control && entry->row->collapsed == 0 && entry->control != NULL &&
            entry->control->collapsed == 0)
            status = compare(board, entry->row, entry->control, &entry->against, &p[i], error);
    }
    if (status == PB_OK)
        status = pb_holm(p, board->entry_count, error);
    for (uint32_t i = 0; i < board->entry_count && status == PB_OK; i++) {
        board->entries[i].p = p[i];
        board->entries[i].verdict = verdict_of(&board->entries[i]);
    }
    pb_free(p);
    return status;
}

/* The boards */

static const char *board_verdict(const struct pb_summary_board *board)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < board->entry_count; i++) {
        if (board->entries[i].first != 0)
            return "ranked";
        most = board->entries[i].top1.n > most ? board->entries[i].top1.n : most;
    }
    if (most < 2)
        return "one-seed";
    if (most < PB_ENOUGH_SEEDS)
        return "two-seeds";
    return board->methods < 2 ? "one-method" : "no-test";
}

static enum pb_status fill(const struct pb_summary_section *section, struct pb_summary_board *board,
                           struct pb_error *error)
{
    enum pb_status status = gather(section, board, error);
    for (uint32_t i = 0; i < board->entry_count; i++)
        board->methods += is_ranked(&board->entries[i]);
    if (status == PB_OK)
        status = estimate(board, error);
    if (status == PB_OK)
        status = place(board, error);
    if (status == PB_OK)
        status = set_against_controls(board, error);
    board->verdict = board_verdict(board);
    return status;
}

static bool has_board(const struct pb_summary_section *section, const struct pb_summary_row *row)
{
    for (uint32_t b = 0; b < section->board_count; b++)
        if (same_target(section->boards[b].sample, row))
            return true;
    return false;
}

static int by_target(const void *left, const void *right)
{
    const struct pb_summary_row *a = ((const struct pb_summary_board *)left)->sample;
    const struct pb_summary_row *b = ((const struct pb_summary_board *)right)->sample;
    const int measure = strcmp(a->measure, b->measure);
    if (measure != 0)
        return measure;
    if (a->amount < b->amount || a->amount > b->amount)
        return a->amount < b->amount ? -1 : 1;
    return strcmp(a->target, b->target);
}

/* The method ahead of all others; NULL: all collapsed. */
static const struct pb_summary_row *leader_of(const struct pb_summary_board *board)
{
    for (uint32_t i = 0; i < board->entry_count; i++)
        if (!board->entries[i].row->control && board->entries[i].row->collapsed == 0)
            return board->entries[i].row;
    return NULL;
}

/* The headline is how far a network can be pruned, and which method does it: the largest share removed at which the method
 * ahead loses at most this much; where none does, the smallest share. */
#define HARMLESS 0.01

static void choose_headline(struct pb_summary_section *section)
{
    struct pb_summary_board *chosen = NULL;
    const struct pb_summary_row *leader = NULL;
    bool harmless = false;
    for (uint32_t b = 0; b < section->board_count; b++) {
        const struct pb_summary_row *row = leader_of(&section->boards[b]);
        if (row == NULL)
            continue;
        const bool loses_little = pb_summary_mean(row, "top1-delta", "final", 0) >= -HARMLESS - 1e-7;
        const bool larger = leader != NULL && row->removed.mean > leader->removed.mean;
        if (chosen != NULL && !(loses_little ? !harmless || larger : !harmless && !larger))
            continue;
        chosen = &section->boards[b];
        leader = row;
        harmless = loses_little;
    }
    if (chosen != NULL)
        chosen->headline = true;
}

enum pb_status pb_summary_add_leaderboard(struct pb_summary_section *section, struct pb_error *error)
{
    for (uint32_t s = 0; s < section->schedule_count; s++)
        for (uint32_t r = 0; r < section->schedules[s].row_count; r++) {
            const struct pb_summary_row *row = &section->schedules[s].rows[r];
            if (row->control || row->removed.n == 0 || pb_summary_find(row, "top1", "final", 0) == NULL ||
                has_board(section, row))
                continue;
            struct pb_summary_board *boards =
                pb_array_room(section->boards, section->board_count, sizeof *boards, error);
            if (boards == NULL)
                return PB_ERROR_MEMORY;
            section->boards = boards;
            struct pb_summary_board *board = &boards[section->board_count++];
            *board = (struct pb_summary_board){.sample = row};
            const enum pb_status status = fill(section, board, error);
            if (status != PB_OK)
                return status;
        }
    if (section->board_count != 0)
        qsort(section->boards, section->board_count, sizeof *section->boards, by_target);
    choose_headline(section);
    return PB_OK;
}

void pb_summary_free_leaderboard(struct pb_summary_section *section)
{
    for (uint32_t b = 0; b < section->board_count; b++)
        pb_free(section->boards[b].entries);
    pb_free(section->boards);
}
