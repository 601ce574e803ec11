/* The nights as a document for nights.xsl. */
#include "report/nights_parts.h"

#include <math.h>
#include <string.h>

#include <libxml/uri.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/version.h"
#include "base/xml_writer.h"
#include "history/night_lines.h"
#include "statistics/over_seeds.h"

#define NAMESPACE "urn:prunebench:nights:1"

/* The report of a run that is in folder or below, as a link from there; else nothing. */
static void put_report(struct pb_xml_writer *writer, const struct pb_history_run *run, const char *folder)
{
    const char *of = run->facts[PB_FACT_FOLDER];
    const size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(of, folder, length) != 0 || of[length] != '/')
        return;
    char *page = pb_format("%s/report/index.html", of);
    writer->failed |= !page;
    if (page && pb_file_exists(page)) {
        xmlChar *link = xmlURIEscapeStr((const xmlChar *)page + length + 1, (const xmlChar *)"/-._~+");
        writer->failed |= !link;
        pb_xml_put(writer, "report", (const char *)link);
        xmlFree(link);
    }
    pb_free(page);
}

static void write_run(struct pb_xml_writer *writer, const struct pb_nights *nights, uint32_t index, const char *folder)
{
    const struct pb_history_run *run = &nights->history->runs[index];
    pb_xml_open(writer, "run");
    pb_xml_put_count(writer, "number", run->number);
    pb_xml_put(writer, "name", run->name);
    pb_xml_put(writer, "began", run->time);
    pb_xml_put(writer, "state", pb_run_states[run->state]);
    pb_xml_put_count(writer, "cells", run->cells);
    pb_xml_put_count(writer, "failed", run->failed);
    pb_xml_put_count(writer, "left-out", run->left_out);
    pb_xml_put_flag(writer, "backwards", pb_history_is_backwards(nights->history, run));
    for (int i = 0; i < PB_HISTORY_FACTS; i++)
        if (i != PB_FACT_FOLDER && *run->facts[i])
            pb_xml_put(writer, pb_history_fact_names[i], run->facts[i]);
    put_report(writer, run, folder);
    if (*run->note)
        pb_xml_element(writer, "note", run->note);
    pb_xml_lines(writer, "known", run->known);
    pb_xml_close(writer);
}

static void write_change(struct pb_xml_writer *writer, const struct pb_nights *nights,
                         const struct pb_trend_change *change)
{
    const struct pb_history_run *run = &nights->history->runs[change->run],
                                *previous = &nights->history->runs[change->previous];
    pb_xml_open(writer, "change");
    pb_xml_put(writer, "first", run->name);
    pb_xml_put_count(writer, "number", run->number);
    pb_xml_put(writer, "began", run->time);
    pb_xml_put(writer, "measure", change->measure);
    pb_xml_put(writer, "of", change->of);
    pb_xml_put(writer, "direction", pb_trend_directions[change->direction]);
    pb_xml_put_flag(writer, "share", change->share);
    pb_xml_put_real(writer, "before", change->before);
    pb_xml_put_real(writer, "after", change->after);
    pb_xml_put_real(writer, "p", change->p);
    if (*previous->facts[PB_FACT_GIT] && *run->facts[PB_FACT_GIT]) {
        pb_xml_put(writer, "commit-before", previous->facts[PB_FACT_GIT]);
        pb_xml_put(writer, "commit", run->facts[PB_FACT_GIT]);
    }
    pb_xml_put(writer, "known", change->known);
    pb_xml_close(writer);
}

/* The newest nights first; those of one night as the trend has them. */
static void write_changes(struct pb_xml_writer *writer, const struct pb_nights *nights)
{
    const struct pb_trend_change *changes = nights->trend.changes;
    for (uint32_t end = nights->trend.change_count; end > 0;) {
        uint32_t begin = end - 1;
        while (begin > 0 && changes[begin - 1].run == changes[end - 1].run)
            begin--;
        for (uint32_t i = begin; i < end; i++)
            write_change(writer, nights, &changes[i]);
        end = begin;
    }
}

/* The methods of the last night: their cells' accuracies there, the night before, and as a line over the nights. */
struct methods {
    const struct pb_nights *nights;
    uint32_t accuracy, base; /* columns */
    struct pb_night_lines lines;
    double *line; /* by night */
    double *last, *before, *unpruned; /* by seed */
};

enum { LINE_NIGHTS = 90, LINE_WIDTH = 120, LINE_HEIGHT = 20 };

/* "0.0,12.5 1.0,11.9", of the newest nights; a range below one point is drawn as one point. */
static void put_line(struct pb_xml_writer *writer, const double *line, uint32_t nights)
{
    const uint32_t first = nights > LINE_NIGHTS ? nights - LINE_NIGHTS : 0, count = nights - first;
    struct pb_text points = {0};
    double low = INFINITY, high = -INFINITY;
    for (uint32_t i = first; i < nights; i++) {
        low = fmin(low, line[i]); /* NaN is left aside */
        high = fmax(high, line[i]);
    }
    const double range = fmax(high - low, 0.01), middle = (low + high) / 2;
    for (uint32_t i = first; i < nights; i++)
        if (!isnan(line[i]))
            pb_text_append(&points, "%s%.1f,%.1f", points.length > 0 ? " " : "",
                           count > 1 ? (double)LINE_WIDTH * (i - first) / (count - 1) : 0.0,
                           LINE_HEIGHT / 2.0 - (LINE_HEIGHT - 4) * (line[i] - middle) / range);
    writer->failed |= points.failed;
    if (points.data) {
        pb_xml_put(writer, "points", points.data);
        pb_xml_put_count(writer, "nights", count);
        pb_xml_put_real(writer, "low", low);
        pb_xml_put_real(writer, "high", high);
    }
    pb_text_free(&points);
}

static const char *since(const struct pb_nights *nights, const char *group)
{
    const struct pb_trend *trend = &nights->trend;
    for (uint32_t i = trend->change_count; i > 0; i--)
        if (strcmp(trend->changes[i - 1].measure, "accuracy") == 0 && strcmp(trend->changes[i - 1].of, group) == 0)
            return nights->history->runs[trend->changes[i - 1].run].name;
    return NULL;
}

static void write_method(struct pb_xml_writer *writer, struct methods *methods, uint32_t group)
{
    const struct pb_night_series *series = &methods->nights->series;
    const uint32_t nights = series->night_count;
    const char *name = series->groups[group], *dot = strchr(name, '.');
    uint32_t count = 0;
    for (uint32_t i = 0; i < series->cell_count; i++) {
        if (series->cells[i].group_index != group)
            continue;
        const double *values = pb_night_series_of(series, methods->accuracy, i);
        methods->last[count] = values[nights - 1];
        methods->before[count] = nights > 1 ? values[nights - 2] : (double)NAN;
        methods->unpruned[count++] = methods->base < series->column_count
                                         ? pb_night_series_of(series, methods->base, i)[nights - 1]
                                         : (double)NAN;
    }
    const struct pb_statistics last = pb_statistics_of(methods->last, count);
    if (last.n == 0)
        return;
    (void)pb_night_lines_mean(&methods->lines, pb_night_is_of_group, &group, methods->line);
    pb_xml_open(writer, "method");
    pb_xml_put(writer, "name", name);
    if (dot) {
        char *dataset = pb_strndup(name, (size_t)(dot - name));
        writer->failed |= !dataset;
        pb_xml_put(writer, "dataset", dataset);
        pb_free(dataset);
    }
    pb_xml_put_count(writer, "n", last.n);
    pb_xml_put_real(writer, "mean", last.mean);
    if (last.n > 2) {
        pb_xml_put_real(writer, "from", last.low);
        pb_xml_put_real(writer, "to", last.high);
    }
    pb_xml_put_real(writer, "delta", pb_statistics_paired(methods->last, methods->unpruned, count).mean);
    pb_xml_put_real(writer, "change", pb_statistics_paired(methods->last, methods->before, count).mean);
    pb_xml_put(writer, "since", since(methods->nights, name));
    put_line(writer, methods->line, nights);
    pb_xml_close(writer);
}

static enum pb_status write_methods(struct pb_xml_writer *writer, const struct pb_nights *nights,
                                    struct pb_error *error)
{
    const struct pb_night_series *series = &nights->series;
    struct methods methods = {.nights = nights,
                              .accuracy = pb_night_series_column(series, "accuracy"),
                              .base = pb_night_series_column(series, "base-accuracy"),
                              .line = pb_calloc((size_t)series->night_count + 1, sizeof(double)),
                              .last = pb_calloc((size_t)series->cell_count + 1, sizeof(double)),
                              .before = pb_calloc((size_t)series->cell_count + 1, sizeof(double)),
                              .unpruned = pb_calloc((size_t)series->cell_count + 1, sizeof(double))};
    enum pb_status status = methods.line && methods.last && methods.before && methods.unpruned
                                ? pb_night_lines_open(series, &methods.lines, error)
                                : pb_fail_memory(error, (size_t)series->cell_count * sizeof(double));
    if (status == PB_OK && series->night_count > 0 && methods.accuracy < series->column_count) {
        pb_night_lines_scale(&methods.lines, methods.accuracy, &(struct pb_night_scale){.share = true});
        for (uint32_t group = 0; group < series->group_count; group++)
            write_method(writer, &methods, group);
    }
    pb_night_lines_free(&methods.lines);
    pb_free(methods.line);
    pb_free(methods.last);
    pb_free(methods.before);
    pb_free(methods.unpruned);
    return status;
}

enum pb_status pb_nights_document(const struct pb_nights *nights, const char *folder, const struct pb_history_run *best,
                                  struct pb_text *text, struct pb_error *error)
{
    const struct pb_history *history = nights->history;
    struct pb_xml_writer writer;
    char now[32];
    pb_xml_begin(&writer, "nights", NAMESPACE);
    pb_utc_now(now);
    pb_xml_put(&writer, "generated", now);
    pb_xml_put(&writer, "version", pb_version);
    pb_xml_put(&writer, "git", pb_git);
    pb_xml_put_count(&writer, "skipped", history->damaged);
    pb_xml_put_count(&writer, "elsewhere", nights->trend.elsewhere);
    if (best) {
        pb_xml_put(&writer, "best", best->name);
        pb_xml_put_count(&writer, "best-number", best->number);
    }
    for (uint32_t i = history->run_count; i > 0; i--)
        write_run(&writer, nights, i - 1, folder);
    write_changes(&writer, nights);
    enum pb_status status = write_methods(&writer, nights, error);
    struct pb_error ignored = {0};
    const enum pb_status ended = pb_xml_end(&writer, text, status == PB_OK ? error : &ignored);
    return status == PB_OK ? ended : status;
}
