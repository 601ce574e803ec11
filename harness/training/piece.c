/* Pieces of trainings. */
#include "training/piece.h"

#include <inttypes.h>

bool pb_piece_is_first(const struct pb_train_spec *spec)
{
    return spec->first_epoch == 0 && spec->first_step == 0;
}

bool pb_piece_is_last(const struct pb_train_spec *spec)
{
    return spec->last_epoch == 0 && spec->last_step == 0;
}

enum pb_status pb_piece_find(const struct pb_train_spec *spec, uint32_t steps_per_epoch, struct pb_piece *piece,
                             struct pb_error *error)
{
    const uint64_t epochs = (uint64_t)spec->head_epochs + spec->epochs;
    struct pb_piece found = {.first = (uint64_t)spec->first_epoch * steps_per_epoch + spec->first_step,
                             .last = (uint64_t)spec->last_epoch * steps_per_epoch + spec->last_step,
                             .all = epochs * steps_per_epoch};
    if (pb_piece_is_last(spec))
        found.last = found.all;
    if (found.last > found.all)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the schedule asked for the first %" PRIu64 " steps of a training that has %" PRIu64 " (%" PRIu64
                       " epochs of %" PRIu32 "); let it train longer, or cut it earlier",
                       found.last, found.all, epochs, steps_per_epoch);
    if (steps_per_epoch && found.first >= found.last)
        return pb_fail(error, PB_ERROR_INPUT,
                       "the schedule asked for a piece of a training from step %" PRIu64 " to step %" PRIu64
                       "; a piece has at least one step",
                       found.first, found.last);
    *piece = found;
    return PB_OK;
}

json_t *pb_reached_to_json(const struct pb_reached *reached)
{
    return json_pack("{s:I, s:I, s:f, s:f, s:I, s:I}", "epoch", (json_int_t)reached->epoch, "step",
                     (json_int_t)reached->step, "loss", reached->loss, "lr", reached->lr, "images",
                     (json_int_t)reached->images, "correct", (json_int_t)reached->correct);
}

enum pb_status pb_reached_from_json(const json_t *json, struct pb_reached *reached, struct pb_error *error)
{
    json_int_t epoch, step, images, correct;
    struct pb_reached read = {0};
    if (json_unpack((json_t *)(uintptr_t)json, "{s:I, s:I, s:F, s:F, s:I, s:I}", "epoch", &epoch, "step", &step, "loss",
                    &read.loss, "lr", &read.lr, "images", &images, "correct", &correct) != 0)
        return pb_fail(error, PB_ERROR_INPUT,
                       "a stored piece of a training does not say where it ended; remove its stage folder");
    read.epoch = (uint32_t)epoch;
    read.step = (uint32_t)step;
    read.images = (uint64_t)images;
    read.correct = (uint64_t)correct;
    *reached = read;
    return PB_OK;
}
