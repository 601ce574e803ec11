/* How long numbers of workers would take for a planned matrix. */
#include "cli/plan_simulation.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/progress.h"
#include "cli/table.h"
#include "results/json_values.h"

#define HOUR 3600.0
static const double MOST_WORKERS = 100000;

void pb_plan_simulation_free(struct pb_plan_simulation *simulation)
{
    pb_free(simulation->rows);
    pb_free(simulation->stage_seconds);
    pb_free(simulation->cell_seconds);
    pb_free(simulation->stage_epochs);
    pb_free(simulation->waiting);
    *simulation = (struct pb_plan_simulation){0};
}

static bool is_number_of_workers(double value)
{
    return value >= 1 && value <= MOST_WORKERS && value == floor(value);
}

/* A row per number. */
static enum pb_status read_workers(const char *numbers, struct pb_plan_simulation *simulation, struct pb_error *error)
{
    double *values = NULL;
    size_t count = 0;
    bool good = pb_parse_real_list(numbers, &values, &count) && count > 0;
    for (size_t i = 0; good && i < count; i++)
        good = is_number_of_workers(values[i]);
    enum pb_status status = good ? PB_OK
                                 : pb_fail(error, PB_ERROR_INPUT,
                                           "--workers: '%s' is no list of whole numbers from 1 to %.0f, as in 1,10,100",
                                           numbers, MOST_WORKERS);
    if (status == PB_OK) {
        simulation->rows = pb_calloc(count, sizeof *simulation->rows);
        if (!simulation->rows)
            status = pb_fail_memory(error, count * sizeof *simulation->rows);
    }
    for (size_t i = 0; status == PB_OK && i < count; i++)
        simulation->rows[simulation->count++].workers = (uint32_t)values[i];
    pb_free(values);
    return status;
}

/* Without workers, nothing is simulated. */
static enum pb_status require_workers(const struct pb_arguments *arguments, struct pb_error *error)
{
    static const char *const others[] = {"worker-speed", "preempt", "lose"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (pb_argument(arguments, others[i]))
            return pb_fail(error, PB_ERROR_INPUT, "--%s: it is of a simulation; give --workers, too", others[i]);
    return PB_OK;
}

enum pb_status pb_plan_simulation_read(const struct pb_arguments *arguments, bool timed,
                                       struct pb_plan_simulation *simulation, struct pb_error *error)
{
    const char *workers = pb_argument(arguments, "workers");
    if (!workers)
        return require_workers(arguments, error);
    simulation->settings = pb_simulation_defaults();
    enum pb_status status = read_workers(workers, simulation, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "worker-speed", 1, 1e18, &simulation->speed, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "preempt", 0.01, 1e6, &simulation->preempt_hours, error);
    if (status == PB_OK)
        status = pb_argument_real(arguments, "lose", 0.01, 1e6, &simulation->lose_hours, error);
    if (status == PB_OK && simulation->speed == 0 && !timed)
        status = pb_fail(error, PB_ERROR_INPUT, "--workers: with --no-speed, give --worker-speed, too");
    return status;
}

static enum pb_status allocate(const struct check *check, struct pb_plan_simulation *simulation, struct pb_error *error)
{
    const size_t stages = (size_t)check->queue.stage_count + 1, cells = (size_t)check->matrix->cell_count + 1;
    simulation->stage_seconds = pb_calloc(stages, sizeof *simulation->stage_seconds);
    simulation->stage_epochs = pb_calloc(stages, sizeof *simulation->stage_epochs);
    simulation->cell_seconds = pb_calloc(cells, sizeof *simulation->cell_seconds);
    simulation->waiting = pb_calloc(cells, sizeof *simulation->waiting);
    return simulation->stage_seconds && simulation->stage_epochs && simulation->cell_seconds && simulation->waiting
               ? PB_OK
               : pb_fail_memory(error, (stages + cells) * sizeof(double));
}

/* Work in the time that it takes a worker, and what need not be done. */
static void fill(struct check *check, const bool *stored, struct pb_plan_simulation *simulation)
{
    for (uint32_t i = 0; i < check->queue.stage_count; i++) {
        struct pb_shared_stage *stage = &check->queue.stages[i];
        simulation->stage_seconds[i] =
            simulation->speed > 0 ? (double)stage->macs / simulation->speed : check->stage_seconds[i];
        simulation->stage_epochs[i] = stage->epochs;
        if (stored && stored[i])
            stage->state = PB_STAGE_STORED;
    }
    for (uint32_t i = 0; i < check->matrix->cell_count; i++) {
        const struct pb_work evaluations = pb_check_evaluations(check, i);
        simulation->cell_seconds[i] =
            simulation->speed > 0 ? (double)evaluations.macs / simulation->speed : evaluations.seconds;
        simulation->waiting[i] = !check->cells[i].left_out && !check->cells[i].failure;
    }
    simulation->settings.waiting = simulation->waiting;
    simulation->settings.stage_seconds = simulation->stage_seconds;
    simulation->settings.stage_epochs = simulation->stage_epochs;
    simulation->settings.cell_seconds = simulation->cell_seconds;
    simulation->settings.preemption_seconds = simulation->preempt_hours * HOUR;
    simulation->settings.loss_seconds = simulation->lose_hours * HOUR;
}

enum pb_status pb_plan_simulate(struct check *check, const bool *stored, struct pb_plan_simulation *simulation,
                                struct pb_error *error)
{
    if (simulation->count == 0)
        return PB_OK;
    enum pb_status status = allocate(check, simulation, error);
    if (status == PB_OK)
        fill(check, stored, simulation);
    for (uint32_t i = 0; i < simulation->count && status == PB_OK; i++) {
        struct pb_simulated_workers *row = &simulation->rows[i];
        struct pb_simulation settings = simulation->settings;
        settings.workers = row->workers;
        status = pb_simulate(&check->queue, &settings, &row->longest, error);
        settings.order = PB_ORDER_MATRIX;
        if (status == PB_OK)
            status = pb_simulate(&check->queue, &settings, &row->in_order, error);
    }
    return status;
}

static double share_of(const struct pb_simulated_workers *row, double seconds)
{
    const double all = row->workers * row->longest.makespan;
    return all > 0 ? seconds / all : 0;
}

static void add_share(struct pb_table *table, const struct pb_simulated_workers *row, double seconds)
{
    pb_table_add(table, "%.1f %%", 100 * share_of(row, seconds));
}

static bool hosts_end(const struct pb_plan_simulation *simulation)
{
    return simulation->preempt_hours > 0 || simulation->lose_hours > 0;
}

static double operations_per_second(const struct pb_simulated *simulated)
{
    return simulated->makespan > 0 ? simulated->operations / simulated->makespan : 0;
}

static void add_row(const struct pb_plan_simulation *simulation, const struct pb_simulated_workers *row,
                    struct pb_table *table)
{
    char seconds[32], in_order[32];
    const struct pb_simulated *simulated = &row->longest;
    pb_format_seconds(simulated->makespan, seconds);
    pb_format_seconds(row->in_order.makespan, in_order);
    pb_table_add(table, "%u", row->workers);
    pb_table_add(table, "%s", seconds);
    add_share(table, row, simulated->work);
    add_share(table, row, simulated->idle);
    add_share(table, row, simulated->left);
    if (hosts_end(simulation)) {
        add_share(table, row, simulated->repeated);
        add_share(table, row, simulated->away);
    }
    pb_table_add(table, "%.3g", operations_per_second(simulated));
    pb_table_add(table, "%.3g", simulated->peak_operations / 60);
    pb_table_add(table, "%s", in_order);
}

static void append_rows(const struct pb_plan_simulation *simulation, struct pb_text *text)
{
    const char *titles[10] = {"workers", "time", "useful", "idle", "free"};
    uint32_t columns = 5;
    if (hosts_end(simulation)) {
        titles[columns++] = "repeated";
        titles[columns++] = "away";
    }
    titles[columns++] = "operations/s";
    titles[columns++] = "peak/s";
    titles[columns++] = "in the matrix's order";
    struct pb_table table = {.titles = titles, .align = "rrrrrrrrrr", .columns = columns};
    for (uint32_t i = 0; i < simulation->count; i++)
        add_row(simulation, &simulation->rows[i], &table);
    pb_table_end(&table, PB_TABLE_TEXT, text);
}

/* The cell that takes longest alone, with the stages that make up nearly all of it. */
static void append_critical(const struct check *check, const struct pb_plan_simulation *simulation,
                            struct pb_text *text)
{
    const struct pb_simulated *simulated = &simulation->rows[0].longest;
    const uint32_t cell = simulated->critical_cell;
    char seconds[32];
    const char *separator = ": ";
    pb_format_seconds(simulated->critical, seconds);
    pb_text_append(text, "no number of workers takes less than %s, for %s alone", seconds,
                   check->matrix->cells[cell]->id);
    for (uint32_t i = 0; i < check->queue.path_length[cell]; i++) {
        const uint32_t index = check->queue.path[cell][i];
        const struct pb_shared_stage *stage = &check->queue.stages[index];
        if (stage->state == PB_STAGE_STORED || simulation->stage_seconds[index] < 0.01 * simulated->critical)
            continue;
        pb_format_seconds(simulation->stage_seconds[index], seconds);
        pb_text_append(text, "%s%s %s", separator, stage->name, seconds);
        separator = ", ";
    }
    pb_text_append(text, "\n");
}

void pb_plan_simulation_append(const struct check *check, const struct pb_plan_simulation *simulation,
                               struct pb_text *text)
{
    char speed[32];
    if (simulation->count == 0)
        return;
    pb_check_format_count(simulation->speed, speed);
    pb_text_append(text, "\nsimulated, with workers ");
    if (simulation->speed > 0)
        pb_text_append(text, "of %s MACs per second", speed);
    else
        pb_text_append(text, "as fast as this machine with %u threads", check->threads);
    if (simulation->preempt_hours > 0)
        pb_text_append(text, "; each is preempted after %g h on average", simulation->preempt_hours);
    if (simulation->lose_hours > 0)
        pb_text_append(text, "; each loses its host after %g h on average", simulation->lose_hours);
    pb_text_append(text, ":\n");
    append_rows(simulation, text);
    append_critical(check, simulation, text);
}

static json_t *row_json(const struct pb_simulated_workers *row)
{
    const struct pb_simulated *simulated = &row->longest;
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:f, s:f}", "workers",
                     (json_int_t)row->workers, "seconds", simulated->makespan, "matrix_order_seconds",
                     row->in_order.makespan, "work_seconds", simulated->work, "busy_seconds", simulated->busy,
                     "repeated_seconds", simulated->repeated, "idle_seconds", simulated->idle, "away_seconds",
                     simulated->away, "left_seconds", simulated->left, "ended", (json_int_t)simulated->ended,
                     "preempted", (json_int_t)simulated->preempted, "lost", (json_int_t)simulated->lost, "operations",
                     simulated->operations, "peak_operations_per_minute", simulated->peak_operations);
}

static json_t *json_of_given(double value)
{
    return pb_json_real(value > 0 ? value : NAN);
}

json_t *pb_plan_simulation_json(const struct check *check, const struct pb_plan_simulation *simulation)
{
    const struct pb_simulation *settings = &simulation->settings;
    const struct pb_simulated *first = &simulation->rows[0].longest;
    json_t *rows = json_array();
    bool good = rows != NULL;
    for (uint32_t i = 0; good && i < simulation->count; i++)
        good = json_array_append_new(rows, row_json(&simulation->rows[i])) == 0;
    if (!good) {
        json_decref(rows);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:{s:f, s:f, s:f, s:f}, s:f, s:o, s:o}", "worker_speed",
                     json_of_given(simulation->speed), "preempt_hours", json_of_given(simulation->preempt_hours),
                     "lose_hours", json_of_given(simulation->lose_hours), "start_seconds", settings->start_seconds,
                     "grace_seconds", settings->grace_seconds, "return_seconds", settings->return_seconds,
                     "expiry_seconds", settings->expiry_seconds, "operations_per", "join", settings->operations.join,
                     "claim", settings->operations.claim, "stage", settings->operations.stage, "epoch",
                     settings->operations.epoch, "longest_cell_seconds", first->critical, "longest_cell",
                     pb_json_text(check->matrix->cells[first->critical_cell]->id), "workers", rows);
}
