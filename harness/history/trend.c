/* Change points in the numbers of many nights. */
#include "history/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/memory.h"
#include "base/text.h"
#include "history/history_numbers.h"
#include "history/night_lines.h"
#include "statistics/change_points.h"

#define LEVEL 0.001
#define ALL_CELLS UINT32_MAX

const char *const pb_trend_directions[] = {"other", "better", "worse", NULL};

/* How a measure is compared. */
struct kind {
    const char *name; /* up to the column's first '.' */
    bool share; /* by differences; else by ratios */
    bool timed; /* only nights of one machine */
    int better; /* 1: the more; -1: the less; 0: neither */
    double least; /* that is reported: a difference, or a ratio minus 1 */
};
static const struct kind KINDS[] = {
    {"accuracy", true, false, 1, 0.005}, {"base-accuracy", true, false, 1, 0.005}, {"top5", true, false, 1, 0.005},
    {"removed", true, false, 0, 0.005},  {"loss", false, false, -1, 0.03},         {"params", false, false, 0, 0.001},
    {"macs", false, false, 0, 0.001},    {"bytes", false, false, -1, 0.001},       {"memory", false, true, -1, 0.03},
    {"ms", false, true, -1, 0.03},       {"images", false, true, 1, 0.03},         {"training", false, true, -1, 0.03},
    {"scoring", false, true, -1, 0.03},  {"seconds", false, true, -1, 0.03},
};
static const struct kind OTHER = {"", false, true, 0, 0.03};

static const struct kind *kind_of(const char *column)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (pb_night_column_is(column, KINDS[i].name))
            return &KINDS[i];
    return &OTHER;
}

/* A measure that is searched: a column, maybe turned into another one. */
struct measure {
    const struct kind *kind;
    uint32_t column;
    double images; /* per batch, of images per second; else 0 */
    const char *name;
};

/* What a search needs again and again. */
struct search {
    const struct pb_history *history;
    const struct pb_trend_options *options;
    const struct pb_night_series *series;
    const bool *here; /* by night: on the machine of the last one */
    struct pb_night_lines lines; /* the measure that is searched */
    double *values; /* of one series, by night */
    uint32_t *nights; /* the nights that values are of */
    struct pb_trend *trend;
    struct pb_error *error;
};

/* The nights of a group, or of all cells, that have a value. Returns how many. */
static uint32_t fill_values(const struct search *search, uint32_t group)
{
    uint32_t count = 0;
    (void)pb_night_lines_mean(&search->lines, group == ALL_CELLS ? NULL : pb_night_is_of_group, &group, search->values);
    for (uint32_t night = 0; night < search->series->night_count; night++)
        if (!isnan(search->values[night])) {
            search->values[count] = search->values[night];
            search->nights[count++] = night;
        }
    return count;
}

static const char *known_between(const struct pb_history *history, uint32_t previous, uint32_t run)
{
    for (uint32_t i = run; i > previous; i--)
        if (history->runs[i].known)
            return history->runs[i].known;
    return NULL;
}

static enum pb_trend_direction direction_of(const struct kind *kind, double before, double after)
{
    const int better = kind->better * (after > before ? 1 : -1);
    return better > 0 ? PB_TREND_BETTER : better < 0 ? PB_TREND_WORSE : PB_TREND_OTHER;
}

static enum pb_status add_change(const struct search *search, const struct measure *measure, uint32_t group,
                                 const struct pb_change_point *point, double times)
{
    struct pb_trend *trend = search->trend;
    struct pb_trend_change *changes =
        pb_array_room(trend->changes, trend->change_count, sizeof *changes, search->error);
    if (!changes)
        return PB_ERROR_MEMORY;
    trend->changes = changes;
    const struct kind *kind = measure->kind;
    struct pb_trend_change change = {
        .measure = pb_strdup(measure->name),
        .of = pb_strdup(group == ALL_CELLS ? "all cells" : search->series->groups[group]),
        .share = kind->share,
        .before = kind->share ? point->before : exp(point->before),
        .after = kind->share ? point->after : exp(point->after),
        .p = fmin(1, point->p * times),
        .direction = direction_of(kind, point->before, point->after),
        .run = search->series->runs[search->nights[point->index]],
        .previous = search->series->runs[search->nights[point->index - 1]],
    };
    change.known = known_between(search->history, change.previous, change.run);
    if (!change.measure || !change.of) {
        pb_free(change.measure);
        pb_free(change.of);
        return pb_fail_memory(search->error, strlen(measure->name));
    }
    changes[trend->change_count++] = change;
    return PB_OK;
}

static enum pb_status search_group(const struct search *search, const struct measure *measure, uint32_t group)
{
    const uint32_t groups = group == ALL_CELLS ? 1 : search->series->group_count;
    const struct pb_change_options options = {
        .least = measure->kind->share ? measure->kind->least : log1p(measure->kind->least), .level = LEVEL / groups};
    struct pb_change_point *points = NULL;
    uint32_t count = 0;
    const uint32_t nights = fill_values(search, group);
    search->trend->series += nights > 0;
    enum pb_status status = pb_change_points(search->values, nights, &options, &points, &count, search->error);
    for (uint32_t i = 0; status == PB_OK && i < count; i++)
        status = add_change(search, measure, group, &points[i], groups);
    pb_free(points);
    return status;
}

static enum pb_status search_measure(struct search *search, const struct measure *measure)
{
    const uint32_t groups = search->series->group_count;
    const struct pb_night_scale scale = {
        .share = measure->kind->share, .images = measure->images, .nights = measure->kind->timed ? search->here : NULL};
    pb_night_lines_scale(&search->lines, measure->column, &scale);
    enum pb_status status = groups == 1 ? PB_OK : search_group(search, measure, ALL_CELLS);
    for (uint32_t group = 0; status == PB_OK && group < groups; group++)
        status = search_group(search, measure, group);
    return status;
}

static bool is_asked_for(const struct pb_trend_options *options, const char *name)
{
    if (options->measure)
        return pb_night_column_is(name, options->measure);
    return !pb_night_column_is(name, "images") && !pb_night_column_is(name, "seconds");
}

/* measures counts those that were asked for. */
static enum pb_status search_asked(struct search *search, const struct measure *measure, uint32_t *measures)
{
    if (!is_asked_for(search->options, measure->name))
        return PB_OK;
    ++*measures;
    return search_measure(search, measure);
}

/* A column as it is, and as images per second where it is a latency. */
static enum pb_status search_column(struct search *search, uint32_t column, uint32_t *measures)
{
    const char *name = search->series->columns[column], *batch = strrchr(name, '.');
    struct measure measure = {.kind = kind_of(name), .column = column, .name = name};
    enum pb_status status = search_asked(search, &measure, measures);
    if (status != PB_OK || !pb_night_column_is(name, "ms") || !batch || batch[1] != 'b' ||
        !pb_parse_real(batch + 2, &measure.images))
        return status;
    char *images = pb_format("images%s", name + strlen("ms"));
    if (!images)
        return pb_fail_memory(search->error, strlen(name));
    measure.name = images;
    measure.kind = kind_of(images);
    status = search_asked(search, &measure, measures);
    pb_free(images);
    return status;
}

static enum pb_status fail_measure(const struct pb_night_series *series, const char *measure, struct pb_error *error)
{
    struct pb_text names = {0};
    for (uint32_t i = 0; i < series->column_count; i++)
        pb_text_append(&names, "%s%s", i > 0 ? ", " : "", series->columns[i]);
    const enum pb_status status =
        names.failed ? pb_fail_memory(error, names.capacity)
                     : pb_fail(error, PB_ERROR_INPUT,
                               "no night has a measure '%s'; there are %s, and images for ms; a name without its parts "
                               "behind points means all that begin so",
                               measure, names.data ? names.data : "none");
    pb_text_free(&names);
    return status;
}

static bool same_machine(const struct pb_history_run *a, const struct pb_history_run *b)
{
    static const enum pb_history_fact FACTS[] = {PB_FACT_CPU, PB_FACT_THREADS, PB_FACT_KERNELS};
    for (size_t i = 0; i < sizeof FACTS / sizeof *FACTS; i++)
        if (strcmp(a->facts[FACTS[i]], b->facts[FACTS[i]]) != 0)
            return false;
    return true;
}

static int by_run(const void *a, const void *b)
{
    const struct pb_trend_change *x = a, *y = b;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    const int order = strcmp(x->measure, y->measure);
    if (order != 0)
        return order;
    const bool all_x = strcmp(x->of, "all cells") == 0, all_y = strcmp(y->of, "all cells") == 0;
    return all_x != all_y ? (all_x ? -1 : 1) : strcmp(x->of, y->of);
}

static enum pb_status search_all(struct search *search)
{
    const struct pb_night_series *series = search->series;
    uint32_t measures = 0;
    enum pb_status status = PB_OK;
    if (series->cell_count == 0 && search->options->cell)
        return pb_fail(search->error, PB_ERROR_INPUT, "no cell of any night matches '%s'", search->options->cell);
    for (uint32_t i = 0; status == PB_OK && i < series->column_count; i++)
        status = search_column(search, i, &measures);
    if (status == PB_OK && measures == 0 && search->options->measure)
        status = fail_measure(series, search->options->measure, search->error);
    return status;
}

enum pb_status pb_trend_search(const struct pb_history *history, const struct pb_night_series *series,
                               const struct pb_trend_options *options, struct pb_trend *trend, struct pb_error *error)
{
    const size_t nights = (size_t)series->night_count + 1;
    struct pb_trend made = {.nights = series->night_count, .here = pb_calloc(nights, sizeof *made.here)};
    struct search search = {.history = history,
                            .options = options,
                            .series = series,
                            .here = made.here,
                            .values = pb_calloc(nights, sizeof(double)),
                            .nights = pb_calloc(nights, sizeof(uint32_t)),
                            .trend = &made,
                            .error = error};
    enum pb_status status = made.here && search.values && search.nights
                                ? pb_night_lines_open(series, &search.lines, error)
                                : pb_fail_memory(error, nights * sizeof(double));
    if (status == PB_OK) {
        for (uint32_t i = 0; i < series->night_count; i++) {
            made.here[i] =
                same_machine(&history->runs[series->runs[i]], &history->runs[series->runs[series->night_count - 1]]);
            made.elsewhere += !made.here[i];
        }
        status = search_all(&search);
    }
    if (status == PB_OK && made.change_count > 0)
        qsort(made.changes, made.change_count, sizeof *made.changes, by_run);
    pb_night_lines_free(&search.lines);
    pb_free(search.values);
    pb_free(search.nights);
    if (status == PB_OK)
        *trend = made;
    else
        pb_trend_free(&made);
    return status;
}

enum pb_status pb_trend_find(const struct pb_history *history, const struct pb_trend_options *options,
                             struct pb_trend *trend, struct pb_error *error)
{
    struct pb_night_series series = {0};
    enum pb_status status = pb_night_series_read(history, options->cell, &series, error);
    if (status == PB_OK)
        status = pb_trend_search(history, &series, options, trend, error);
    pb_night_series_free(&series);
    return status;
}

void pb_trend_free(struct pb_trend *trend)
{
    for (uint32_t i = 0; i < trend->change_count; i++) {
        pb_free(trend->changes[i].measure);
        pb_free(trend->changes[i].of);
    }
    pb_free(trend->changes);
    pb_free(trend->here);
    *trend = (struct pb_trend){0};
}
