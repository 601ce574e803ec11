/* Criteria against one another: differences of the final top-1, paired by seed. */
#include "summary/summary_parts.h"

#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"

static double square(double value)
{
    return value * value;
}

/* Both rows were measured on the same test images, so their errors are not independent and the sum is an upper bound. */
enum pb_status pb_summary_compare_rows(const struct pb_summary_row *a, const struct pb_summary_row *b,
                                       struct pb_summary_comparison *comparison, struct pb_error *error)
{
    comparison->difference = (struct pb_statistics){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    comparison->p = comparison->image_error = NAN;
    comparison->unlike = !pb_summary_same_share(a, b);
    if (a->ok_count == 0)
        return PB_OK;
    double *differences = pb_calloc(a->ok_count, sizeof *differences);
    if (differences == NULL)
        return pb_fail_memory(error, a->ok_count * sizeof *differences);
    double error_square = 0;
    for (uint32_t i = 0; i < a->ok_count; i++) {
        const struct pb_record *other = pb_summary_seed(b, pb_record_seed(a->cells[i]));
        const struct pb_accuracy_record *left = pb_record_final(a->cells[i]);
        const struct pb_accuracy_record *right = other == NULL ? NULL : pb_record_final(other);
        differences[i] = NAN;
        if (left == NULL || right == NULL)
            continue;
        differences[i] = left->top1 - right->top1;
        if (!isnan(differences[i]))
            error_square += square(pb_binomial_error(left->top1, left->images)) +
                            square(pb_binomial_error(right->top1, right->images));
    }
    comparison->difference = pb_statistics_of(differences, a->ok_count);
    comparison->p = pb_statistics_p(&comparison->difference);
    comparison->image_error = comparison->difference.n == 0 ? NAN : sqrt(error_square) / comparison->difference.n;
    pb_free(differences);
    return PB_OK;
}

static bool same_target(const struct pb_summary_row *a, const struct pb_summary_row *b)
{
    return strcmp(a->target, b->target) == 0 && strcmp(a->measure, b->measure) == 0;
}

/* The control is the one that is subtracted. */
static bool goes_first(const struct pb_summary_schedule *schedule, uint32_t a, uint32_t b)
{
    if (schedule->rows[a].control != schedule->rows[b].control)
        return schedule->rows[b].control;
    return a < b;
}

enum pb_status pb_summary_compare(struct pb_summary_schedule *schedule, struct pb_error *error)
{
    for (uint32_t a = 0; a < schedule->row_count; a++)
        for (uint32_t b = 0; b < schedule->row_count; b++) {
            if (a == b || !same_target(&schedule->rows[a], &schedule->rows[b]) || !goes_first(schedule, a, b))
                continue;
            struct pb_summary_comparison made = {.a = &schedule->rows[a], .b = &schedule->rows[b]};
            enum pb_status status = pb_summary_compare_rows(made.a, made.b, &made, error);
            if (status != PB_OK)
                return status;
            if (made.difference.n == 0)
                continue;
            struct pb_summary_comparison *rows =
                pb_array_room(schedule->comparisons, schedule->comparison_count, sizeof *rows, error);
            if (rows == NULL)
                return PB_ERROR_MEMORY;
            schedule->comparisons = rows;
            rows[schedule->comparison_count++] = made;
        }
    return PB_OK;
}
