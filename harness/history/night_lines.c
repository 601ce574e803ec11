/* The nights of many cells as one line. */
#include "history/night_lines.h"

#include <math.h>

#include <gsl/gsl_statistics_double.h>

#include "base/memory.h"

enum pb_status pb_night_lines_open(const struct pb_night_series *series, struct pb_night_lines *lines,
                                   struct pb_error *error)
{
    const size_t nights = (size_t)series->night_count + 1;
    *lines = (struct pb_night_lines){.series = series,
                                     .scaled = pb_calloc((size_t)series->cell_count * nights + 1, sizeof(double)),
                                     .centres = pb_calloc((size_t)series->cell_count + 1, sizeof(double)),
                                     .spare = pb_calloc(nights, sizeof(double))};
    if (lines->scaled && lines->centres && lines->spare)
        return PB_OK;
    pb_night_lines_free(lines);
    return pb_fail_memory(error, nights * sizeof(double) * (series->cell_count + 1));
}

void pb_night_lines_free(struct pb_night_lines *lines)
{
    pb_free(lines->scaled);
    pb_free(lines->centres);
    pb_free(lines->spare);
    *lines = (struct pb_night_lines){0};
}

static double scaled(const struct pb_night_scale *scale, double value, uint32_t night)
{
    if (isnan(value) || (scale->nights && !scale->nights[night]))
        return NAN;
    if (scale->share)
        return value;
    return value > 0 ? log(scale->images > 0 ? 1000 * scale->images / value : value) : (double)NAN;
}

void pb_night_lines_scale(struct pb_night_lines *lines, uint32_t column, const struct pb_night_scale *scale)
{
    const uint32_t nights = lines->series->night_count;
    for (uint32_t cell = 0; cell < lines->series->cell_count; cell++) {
        const double *values = pb_night_series_of(lines->series, column, cell);
        double *row = lines->scaled + (size_t)cell * nights;
        size_t count = 0;
        for (uint32_t night = 0; night < nights; night++) {
            row[night] = scaled(scale, values[night], night);
            if (!isnan(row[night]))
                lines->spare[count++] = row[night];
        }
        lines->centres[cell] = count > 0 ? gsl_stats_median(lines->spare, 1, count) : (double)NAN;
    }
}

bool pb_night_is_of_group(const struct pb_series_cell *cell, const void *group)
{
    return cell->group_index == *(const uint32_t *)group;
}

uint32_t pb_night_lines_mean(const struct pb_night_lines *lines,
                             bool (*has)(const struct pb_series_cell *cell, const void *what), const void *what,
                             double *values)
{
    const struct pb_night_series *series = lines->series;
    double *present = lines->spare, centre = 0;
    uint32_t members = 0, count = 0;
    for (uint32_t night = 0; night < series->night_count; night++)
        values[night] = present[night] = 0;
    for (uint32_t cell = 0; cell < series->cell_count; cell++) {
        if (isnan(lines->centres[cell]) || (has && !has(&series->cells[cell], what)))
            continue;
        centre += lines->centres[cell];
        members++;
        for (uint32_t night = 0; night < series->night_count; night++) {
            const double value = lines->scaled[(size_t)cell * series->night_count + night];
            if (isnan(value))
                continue;
            values[night] += value - lines->centres[cell];
            present[night]++;
        }
    }
    for (uint32_t night = 0; night < series->night_count; night++) {
        values[night] = present[night] > 0 ? centre / members + values[night] / present[night] : (double)NAN;
        count += present[night] > 0;
    }
    return count;
}
