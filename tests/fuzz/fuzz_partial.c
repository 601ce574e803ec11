/* Fuzzes the reader of a training's last epoch: network, optimiser, rows and masks. What is taken up is the state of a training. */
#include "training/training.c" // NOLINT(bugprone-suspicious-include): the reader is static

#include <stdlib.h>

#include "fuzz/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct pb_error error;
    const struct pb_train_spec spec = {.epochs = 100, .return_state = PB_RETURN_BEST};
    const struct pb_train_job job = {.spec = &spec};
    struct pb_lr lr = {0};
    struct trainer trainer = {.job = &job, .rows = json_array(), .lr = lr, .epochs = spec.epochs};
    trainer.epoch_path = pb_strdup(fuzz_put_safetensors("epoch.safetensors", bytes, length));
    trainer.best_path = pb_strdup(trainer.epoch_path);
    if (trainer.rows == NULL || trainer.epoch_path == NULL || trainer.best_path == NULL)
        abort();
    if (resume(&trainer, &error) == PB_OK) {
        if (trainer.epoch > trainer.epochs || json_array_size(trainer.rows) != trainer.epoch ||
            trainer.lr.stale > trainer.epoch || trainer.lr.bad_epochs > trainer.epoch)
            abort();
        json_decref(pb_soft_to_json(&trainer.soft));
        json_decref(pb_soft_mask_to_json(&trainer.soft));
        (void)pb_lr_exhausted(&trainer.lr, &spec);
        if (save_epoch(&trainer, &error) != PB_OK)
            abort();
    }
    pb_network_free(&trainer.network);
    json_decref(trainer.rows);
    free_trainer(&trainer);
    return 0;
}
