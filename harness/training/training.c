/* One training: epochs of SGD with a policy, sparsity, soft masks; stopped anywhere, it resumes at its last epoch. */
#include "training/training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/stop.h"
#include "training/diverged.h"
#include "training/evaluate.h"
#include "training/loss.h"
#include "training/penalties.h"
#include "training/piece.h"
#include "training/soft_mask.h"
#include "settings/names.h"
#include "stages/stage.h"
#include "graph/checkpoint.h"

/* Everything that lives between the first epoch and the last. */
struct trainer {
    const struct pb_train_job *job;
    struct pb_engine *engine;
    struct pb_batches *training, *selection; /* selection: what steers, validation or test (select_on_test) */
    struct pb_network *network, *best;
    struct pb_lr lr;
    struct pb_soft soft;
    struct pb_training_loss *loss;
    struct pb_penalty_set *penalties;
    json_t *rows;
    struct pb_reached begun; /* what was found of the epoch that a piece begins in */
    struct pb_piece piece;
    uint32_t first_epoch; /* whose row is the first */
    uint32_t epoch, epochs; /* next to run, and in all */
    uint32_t step; /* of this epoch, next to run */
    struct pb_moment moment; /* the last step */
    double best_top1;
    float *logits;
    char *epoch_path, *best_path;
};

/* What one epoch of steps found. */
struct epoch_sums {
    double loss, lr;
    uint64_t images, correct;
};

json_t *pb_lr_to_json(const struct pb_lr *lr)
{
    return json_pack("{s:f, s:f, s:i, s:i}", "base", lr->base, "best", lr->best, "bad", (int)lr->bad_epochs, "stale",
                     (int)lr->stale);
}

enum pb_status pb_lr_from_json(const json_t *json, struct pb_lr *lr, struct pb_error *error)
{
    struct pb_lr read = {0};
    int bad = 0, stale = 0;
    if (json_unpack((json_t *)(uintptr_t)json, "{s:F, s:F, s:i, s:i}", "base", &read.base, "best", &read.best, "bad",
                    &bad, "stale", &stale) != 0)
        return pb_fail(error, PB_ERROR_INPUT, "a stored learning-rate state is incomplete; remove its stage folder");
    read.bad_epochs = (uint32_t)bad;
    read.stale = (uint32_t)stale;
    *lr = read;
    return PB_OK;
}

static enum pb_status open_batches(struct trainer *trainer, struct pb_error *error)
{
    const struct pb_train_job *job = trainer->job;
    const struct pb_cell_config *config = job->config;
    const struct pb_data *data = job->data;
    const bool on_test = config->select_on_test;
    const struct pb_batches_spec training = {.samples = data->train,
                                             .sample_count = data->train_count,
                                             .batch = config->batch,
                                             .training = true,
                                             .seed = job->seed,
                                             .threads = config->threads};
    const struct pb_batches_spec selection = {.samples = on_test ? data->test : data->validation,
                                              .sample_count = on_test ? data->test_count : data->validation_count,
                                              .batch = config->batch,
                                              .threads = config->threads};
    enum pb_status status = pb_batches_create(job->cache, &config->preprocess, &training, &trainer->training, error);
    if (status == PB_OK)
        status = pb_batches_create(job->cache, &config->preprocess, &selection, &trainer->selection, error);
    return status;
}

/* As many rows as epochs, none behind the training's end; counts of epochs without an improvement fit them. */
static bool is_state(const struct trainer *resumed, int epoch, const json_t *rows)
{
    const struct pb_lr *lr = &resumed->lr;
    return epoch >= 0 && (uint32_t)epoch >= resumed->first_epoch && (uint32_t)epoch <= resumed->epochs &&
           json_is_array(rows) && json_array_size(rows) == (size_t)epoch - resumed->first_epoch &&
           lr->stale <= (uint32_t)epoch && lr->bad_epochs <= (uint32_t)epoch;
}

/* What a training's state says beside the network. */
static enum pb_status read_progress(const char *path, const struct pb_metadata *metadata, struct trainer *resumed,
                                    json_t **progress, struct pb_error *error)
{
    json_t *lr = NULL;
    int epoch = 0;
    const char *text = pb_metadata_get(metadata, "progress");
    json_t *read = text ? json_loads(text, 0, NULL) : NULL;
    enum pb_status status = PB_OK;
    if (!read || json_unpack(read, "{s:i, s:F, s:o}", "epoch", &epoch, "best", &resumed->best_top1, "lr", &lr) != 0 ||
        !json_is_array(json_object_get(read, "rows")))
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "this is not the state of a training");
    if (status == PB_OK)
        status = pb_lr_from_json(lr, &resumed->lr, error);
    if (status == PB_OK && !is_state(resumed, epoch, json_object_get(read, "rows")))
        status = pb_fail_at(error, PB_ERROR_INPUT, path, 0, "epoch %d does not fit this training and its rows", epoch);
    if (status == PB_OK) {
        resumed->epoch = (uint32_t)epoch;
        *progress = read;
    } else {
        json_decref(read);
    }
    return status;
}

/* Resumes at the last finished epoch. PB_ERROR_INPUT: what is kept of it is damaged, and the trainer is as it was. */
static enum pb_status resume(struct trainer *trainer, struct pb_error *error)
{
    struct trainer resumed = {.epochs = trainer->epochs, .first_epoch = trainer->first_epoch};
    struct pb_metadata metadata = {0};
    json_t *progress = NULL;
    enum pb_status status = pb_checkpoint_load(trainer->epoch_path, &resumed.network, &metadata, error);
    if (status == PB_OK)
        status = read_progress(trainer->epoch_path, &metadata, &resumed, &progress, error);
    if (status == PB_OK && trainer->job->spec->return_state == PB_RETURN_BEST)
        status = pb_checkpoint_load(trainer->best_path, &resumed.best, NULL, error);
    if (status == PB_OK)
        status = pb_soft_start(&resumed.soft, resumed.network, json_object_get(progress, "masks"), error);
    if (status == PB_OK) {
        pb_network_free(&trainer->network);
        trainer->network = resumed.network;
        trainer->best = resumed.best;
        trainer->best_top1 = resumed.best_top1;
        trainer->lr = resumed.lr;
        trainer->soft = resumed.soft;
        trainer->epoch = resumed.epoch;
        trainer->step = 0;
        json_array_extend(trainer->rows, json_object_get(progress, "rows"));
    } else {
        pb_network_free(&resumed.network);
        pb_network_free(&resumed.best);
        pb_soft_free(&resumed.soft);
    }
    json_decref(progress);
    pb_metadata_free(&metadata);
    return status;
}

/* From the last finished epoch where one is kept, else from the network that the training was given. */
static enum pb_status begin(struct trainer *trainer, struct pb_error *error)
{
    struct stat info;
    struct pb_error wrong = {0};
    const char *partial = trainer->job->partial;
    enum pb_status status = PB_OK;
    if (lstat(trainer->epoch_path, &info) == 0) {
        status = resume(trainer, &wrong);
        if (status == PB_OK)
            return PB_OK;
        if (status != PB_ERROR_INPUT) {
            *error = wrong;
            return status;
        }
        status = pb_store_set_aside(partial, wrong.text, "the training begins at its first epoch", error);
        if (status == PB_OK)
            status = pb_make_dirs(partial, error);
    }
    return status == PB_OK ? pb_soft_start(&trainer->soft, trainer->network, NULL, error) : status;
}

/* Where it begins: at its beginning, or where the piece before ended. */
static enum pb_status find_piece(struct trainer *trainer, struct pb_error *error)
{
    const struct pb_train_job *job = trainer->job;
    const uint32_t steps = pb_batches_per_epoch(trainer->training);
    const enum pb_status status = pb_piece_find(job->spec, steps, &trainer->piece, error);
    if (status != PB_OK || pb_piece_is_first(job->spec))
        return status;
    trainer->begun = *job->reached;
    trainer->first_epoch = trainer->epoch = trainer->begun.epoch;
    trainer->step = trainer->begun.step;
    if ((uint64_t)trainer->epoch * steps + trainer->step != trainer->piece.first &&
        !pb_lr_exhausted(&trainer->lr, job->spec))
        return pb_fail(error, PB_ERROR_RUN,
                       "a piece of a training begins elsewhere than where the one before it ended");
    return PB_OK;
}

/* Behind which step of this epoch to stop: its last one, or the piece's. */
static uint32_t steps_to_run(const struct trainer *trainer)
{
    const uint32_t steps = pb_batches_per_epoch(trainer->training);
    const uint64_t before = (uint64_t)trainer->epoch * steps;
    return trainer->piece.last - before < steps ? (uint32_t)(trainer->piece.last - before) : steps;
}

static bool is_over(const struct trainer *trainer)
{
    const uint64_t steps = pb_batches_per_epoch(trainer->training);
    return trainer->epoch >= trainer->epochs || pb_lr_exhausted(&trainer->lr, trainer->job->spec) ||
           (steps && trainer->epoch * steps + trainer->step >= trainer->piece.last);
}

static enum pb_status start(struct trainer *trainer, struct pb_error *error)
{
    const struct pb_train_job *job = trainer->job;
    const struct pb_engine_options options = {.batch = job->config->batch, .mode = PB_ENGINE_TRAIN, .seed = job->seed};
    trainer->epochs = job->spec->head_epochs + job->spec->epochs;
    trainer->best_top1 = -1;
    trainer->epoch_path = pb_path_join(job->partial, "epoch.safetensors");
    trainer->best_path = pb_path_join(job->partial, "best.safetensors");
    trainer->logits = pb_calloc((size_t)job->config->batch * job->data->contents.class_count, sizeof(float));
    if (!trainer->epoch_path || !trainer->best_path || !trainer->logits)
        return pb_fail_memory(error, (size_t)job->config->batch * job->data->contents.class_count * sizeof(float));
    enum pb_status status = open_batches(trainer, error);
    if (status == PB_OK)
        status = find_piece(trainer, error);
    if (status == PB_OK)
        status = begin(trainer, error);
    if (status == PB_OK)
        status = pb_engine_create(job->device, trainer->network, &options, &trainer->engine, error);
    if (status == PB_OK)
        status = pb_penalty_set_open(job, trainer->network, &trainer->penalties, error);
    if (status == PB_OK)
        status =
            pb_training_loss_open(job->spec, job->device, &job->teacher, pb_penalty_set_instances(trainer->penalties),
                                  options.batch, trainer->network->graph->classes, &trainer->loss, error);
    return status;
}

/* The steps of one epoch, or of the part of it that belongs to the piece. */
static enum pb_status run_steps(struct trainer *trainer, struct epoch_sums *sums, struct pb_error *error)
{
    const struct pb_train_spec *spec = trainer->job->spec;
    const uint32_t classes = trainer->job->data->contents.class_count;
    const uint32_t steps = pb_batches_per_epoch(trainer->training);
    const bool head_only = trainer->epoch < spec->head_epochs;
    struct pb_step step = {.momentum = spec->momentum,
                           .nesterov = spec->nesterov,
                           .weight_decay = spec->weight_decay,
                           .head_only = head_only};
    const uint32_t first = trainer->step, last = steps_to_run(trainer);
    enum pb_status status = pb_batches_start_at(trainer->training, trainer->epoch, first, error);
    pb_engine_freeze_trunk(trainer->engine, head_only);
    for (uint32_t i = first; status == PB_OK && i < last; i++) {
        struct pb_batch batch;
        double loss = 0;
        const struct pb_penalty_moment moment = {
            .epoch = trainer->epoch, .step = (uint64_t)trainer->epoch * steps + i, .epoch_begins = i == first};
        status = pb_batches_next(trainer->training, &batch, error);
        if (status == PB_OK)
            status = pb_penalty_set_refresh(trainer->penalties, trainer->engine, trainer->network, moment, error);
        if (status != PB_OK)
            break;
        pb_engine_set_step(trainer->engine, moment.step);
        status = pb_training_loss_backward(trainer->loss, trainer->engine, &batch, moment.epoch, moment.step, &loss,
                                           trainer->logits, error);
        if (status != PB_OK)
            break;
        step.lr = head_only ? spec->head_lr
                            : pb_lr_at(&trainer->lr, spec, trainer->epoch - spec->head_epochs, (double)i / steps);
        trainer->moment = (struct pb_moment){.epoch = trainer->epoch + 1, .step = i + 1, .lr = step.lr};
        if (!isfinite(loss))
            return pb_fail_diverged(trainer->engine, &batch, loss, &trainer->moment, error);
        if (i == 0)
            sums->lr = step.lr;
        status = pb_engine_step(trainer->engine, &step, error);
        sums->loss += loss * batch.count;
        sums->images += batch.count;
        sums->correct += pb_count_correct(trainer->logits, batch.labels, batch.count, classes);
    }
    return status;
}

static enum pb_status mask_epoch(struct trainer *trainer, struct pb_error *error)
{
    enum pb_status status = pb_engine_store(trainer->engine, trainer->network, error);
    if (status == PB_OK)
        status = pb_check_parameters(trainer->network, &trainer->moment, error);
    if (status != PB_OK || trainer->job->spec->soft_zero == PB_ZERO_NONE)
        return status;
    status = pb_soft_mask(&trainer->soft, trainer->job, trainer->epoch + 1, trainer->network, error);
    return status == PB_OK ? pb_engine_load(trainer->engine, trainer->network, error) : status;
}

static enum pb_status keep_best(struct trainer *trainer, double top1, struct pb_error *error)
{
    if (trainer->job->spec->return_state != PB_RETURN_BEST || top1 <= trainer->best_top1)
        return PB_OK;
    pb_network_free(&trainer->best);
    trainer->best_top1 = top1;
    enum pb_status status = pb_network_copy(trainer->network, &trainer->best, error);
    /* Before the epoch's own file: a stop between the two makes the epoch run, and be the best, again. */
    if (status == PB_OK)
        status = pb_checkpoint_save(trainer->best_path, trainer->best, true, &(struct pb_metadata){0}, error);
    return status;
}

static enum pb_status save_epoch(struct trainer *trainer, struct pb_error *error)
{
    struct pb_metadata metadata = {0};
    json_t *progress =
        json_pack("{s:i, s:f, s:o, s:O, s:o}", "epoch", (int)trainer->epoch, "best", trainer->best_top1, "lr",
                  pb_lr_to_json(&trainer->lr), "rows", trainer->rows, "masks", pb_soft_to_json(&trainer->soft));
    char *text = progress ? json_dumps(progress, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    enum pb_status status = text ? pb_metadata_set(&metadata, "progress", text, error) : pb_fail_memory(error, 0);
    if (status == PB_OK)
        status = pb_checkpoint_save(trainer->epoch_path, trainer->network, true, &metadata, error);
    free(text);
    json_decref(progress);
    pb_metadata_free(&metadata);
    return status;
}

static enum pb_status run_epoch(struct trainer *trainer, struct pb_error *error)
{
    const double began = pb_clock();
    struct epoch_sums sums = {0};
    struct pb_accuracy accuracy = {0};
    if (trainer->step)
        sums = (struct epoch_sums){.loss = trainer->begun.loss,
                                   .lr = trainer->begun.lr,
                                   .images = trainer->begun.images,
                                   .correct = trainer->begun.correct};
    enum pb_status status = run_steps(trainer, &sums, error);
    if (status == PB_OK)
        status = mask_epoch(trainer, error);
    if (status == PB_OK && steps_to_run(trainer) < pb_batches_per_epoch(trainer->training)) {
        trainer->step = steps_to_run(trainer);
        trainer->begun =
            (struct pb_reached){.loss = sums.loss, .lr = sums.lr, .images = sums.images, .correct = sums.correct};
        return PB_OK;
    }
    if (status != PB_OK)
        return status;
    status =
        pb_evaluate(trainer->engine, trainer->selection, trainer->job->data->contents.class_count, &accuracy, error);
    if (status != PB_OK)
        return pb_fail_behind(&trainer->moment, error);
    json_t *row = json_pack(
        "{s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:o}", "epoch", (int)trainer->epoch + 1, "lr", sums.lr, "loss",
        sums.loss / (double)sums.images, "top1", (double)sums.correct / (double)sums.images, "validation_top1",
        accuracy.top1, "validation_loss", accuracy.loss, "seconds", pb_clock() - began, "masked",
        (int)trainer->soft.masked, "revived", (int)trainer->soft.revived, "mask", pb_soft_mask_to_json(&trainer->soft));
    if (row && trainer->job->spec->soft_zero != PB_ZERO_NONE)
        json_object_set_new(row, "zero", json_string(pb_soft_zero_names[trainer->job->spec->soft_zero]));
    if (row && trainer->job->spec->distillation != PB_DISTILLATION_NONE)
        json_object_set_new(row, "teacher", json_string(trainer->job->teacher.name));
    if (json_array_append_new(trainer->rows, row) != 0)
        status = pb_fail_memory(error, 0);
    if (trainer->epoch >= trainer->job->spec->head_epochs)
        pb_lr_observe(&trainer->lr, trainer->job->spec, accuracy.top1);
    trainer->epoch++;
    trainer->step = 0;
    trainer->begun = (struct pb_reached){0};
    if (status == PB_OK)
        status = keep_best(trainer, accuracy.top1, error);
    pb_accuracy_free(&accuracy);
    return status == PB_OK ? save_epoch(trainer, error) : status;
}

static void free_trainer(struct trainer *trainer)
{
    pb_training_loss_free(&trainer->loss);
    pb_engine_free(&trainer->engine);
    pb_batches_free(&trainer->training);
    pb_batches_free(&trainer->selection);
    pb_network_free(&trainer->best);
    pb_soft_free(&trainer->soft);
    pb_free(trainer->logits);
    pb_free(trainer->epoch_path);
    pb_free(trainer->best_path);
}

enum pb_status pb_train(const struct pb_train_job *job, struct pb_network **network, struct pb_lr *lr, json_t *rows,
                        struct pb_error *error)
{
    struct trainer trainer = {.job = job, .network = *network, .lr = *lr, .rows = rows};
    if (!job->spec->continue_optimiser && pb_piece_is_first(job->spec))
        pb_network_drop_velocity(trainer.network);
    enum pb_status status = start(&trainer, error);
    while (status == PB_OK && !is_over(&trainer)) {
        if (job->progress)
            job->progress(job->argument, trainer.epoch, trainer.epochs);
        status = run_epoch(&trainer, error);
        if (status == PB_OK && !is_over(&trainer)) /* the epoch is stored */
            status = pb_stop_check(error);
    }
    status = pb_penalty_set_close(&trainer.penalties, status, error);
    if (status == PB_OK) {
        *lr = trainer.lr;
        if (job->reached) {
            *job->reached = trainer.begun;
            job->reached->epoch = trainer.epoch;
            job->reached->step = trainer.step;
        }
        if (trainer.best) {
            pb_network_free(&trainer.network);
            trainer.network = trainer.best;
            trainer.best = NULL;
        }
    }
    *network = trainer.network;
    free_trainer(&trainer);
    return status;
}
