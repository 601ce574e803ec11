/* Result documents of a few numbers each. */
#include "support/small_cells.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "results/result.h"
#include "support/folder.h"

void must(enum pb_status status, const struct pb_error *error)
{
    if (status != PB_OK)
        fail_msg("%s", error->text);
}

void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12 * fmax(fabs(b), 1)))
        fail_msg("%.17g is not %.17g", a, b);
}

void small_config(struct pb_record *record, const char *key, const char *value)
{
    struct pb_error error = {0};
    must(pb_record_config(record, key, value == NULL ? "" : value, &error), &error);
}

static void add_accuracy(struct pb_record *record, const char *stage, double top1)
{
    struct pb_error error = {0};
    struct pb_accuracy_record row = {
        .stage = (char *)stage, .split = "validation", .top1 = 0.99, .top5 = 1, .loss = 0, .images = 7};
    if (isnan(top1))
        return;
    must(pb_record_accuracy(record, &row, &error), &error); /* validation: must not be taken for the test's */
    row = (struct pb_accuracy_record){
        .stage = (char *)stage, .split = "test", .top1 = top1, .top5 = 1, .loss = 0.5, .images = 400};
    must(pb_record_accuracy(record, &row, &error), &error);
}

void small_record(struct pb_record *record, const struct small *small)
{
    struct pb_error error = {0};
    char id[200];
    pb_record_init(record);
    snprintf(id, sizeof id, "%s.%s.%s.%s.%s.s%s", small->dataset, small->schedule, small->criterion,
             small->variant == NULL ? "plain" : small->variant, small->target, small->seed);
    must(pb_record_text(&record->id, id, &error), &error);
    record->status = small->status;
    small_config(record, "dataset", small->dataset);
    small_config(record, "model", "m");
    small_config(record, "criterion", small->criterion);
    small_config(record, "criterion.traits",
                 strcmp(small->criterion, "random") == 0     ? "random"
                 : strcmp(small->criterion, "bn-scale") == 0 ? "scales"
                                                             : "");
    small_config(record, "schedule", small->schedule);
    small_config(record, "backend", "b");
    small_config(record, "variant", small->variant);
    small_config(record, "target", small->target);
    small_config(record, "target.measure", "channels");
    small_config(record, "target.amount", small->amount);
    small_config(record, "seed", small->seed);
    small_config(record, "matrix", "tiny");
    small_config(record, "selection", "validation");
    add_accuracy(record, "base", small->base);
    add_accuracy(record, "pruned", small->pruned);
    add_accuracy(record, "retrained", small->retrained);
    if (small->params == 0)
        return;
    must(pb_record_cost(record, &(struct pb_cost_record){.stage = "base", .params = 1000, .macs = 80}, &error), &error);
    double amount = 0;
    assert_true(pb_parse_real(small->amount, &amount));
    must(pb_record_cost(record,
                        &(struct pb_cost_record){.stage = "pruned",
                                                 .params = small->params,
                                                 .macs = 20,
                                                 .has_target = true,
                                                 .requested = amount,
                                                 .achieved = amount},
                        &error),
         &error);
    for (int stage = 0; stage < 2; stage++)
        must(pb_record_latency(record,
                               &(struct pb_latency_record){.stage = stage ? "pruned" : "base",
                                                           .batch = 1,
                                                           .runs = 5,
                                                           .threads = 2,
                                                           .median_ms = stage ? 4 : 10,
                                                           .p95_ms = 11,
                                                           .min_ms = 3},
                               &error),
             &error);
}

void small_write_record(void **state, struct pb_record *record)
{
    struct pb_error error = {0};
    char name[300];
    snprintf(name, sizeof name, "cells/%s.xml", record->id);
    must(pb_make_dirs(folder_path(state, "cells"), &error), &error);
    must(pb_result_write(folder_path(state, name), record, &error), &error);
    pb_record_free(record);
}

void small_write(void **state, const struct small *small)
{
    struct pb_record record;
    small_record(&record, small);
    small_write_record(state, &record);
}

struct pb_summary small_summary(void **state)
{
    struct pb_summary summary = {0};
    struct pb_error error = {0};
    must(pb_summary_read(*state, &summary, &error), &error);
    return summary;
}

const struct small two_seeds[4] = {
    {"birds", "one-shot", "l1", "r40", "0.4", "1", NULL, 0.70, 0.30, 0.68, 400, PB_CELL_OK},
    {"birds", "one-shot", "l1", "r40", "0.4", "2", NULL, 0.74, 0.34, 0.71, 600, PB_CELL_OK},
    {"birds", "one-shot", "random", "r40", "0.4", "1", NULL, 0.70, 0.20, 0.60, 500, PB_CELL_OK},
    {"birds", "one-shot", "random", "r40", "0.4", "2", NULL, 0.74, 0.22, 0.65, 500, PB_CELL_OK},
};

void small_write_two_seeds(void **state)
{
    for (size_t i = 0; i < 4; i++)
        small_write(state, &two_seeds[i]);
}

void small_squeeze(char *xml)
{
    char *to = xml;
    for (const char *from = xml; *from != '\0'; from++) {
        *to++ = *from;
        const size_t blanks = *from == '>' ? strspn(from + 1, " \n") : 0;
        if (from[blanks + 1] == '<')
            from += blanks;
    }
    *to = '\0';
}
