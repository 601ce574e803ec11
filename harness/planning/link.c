/* What of a link decides its result. */
#include "planning/link.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/sha256.h"
#include "settings/names.h"
#include "settings/settings.h"

bool pb_link_learns_from_file(const struct pb_link *link)
{
    return link->verb == PB_VERB_TRAIN && link->spec.distillation != PB_DISTILLATION_NONE &&
           link->spec.teacher == PB_STAGE_TEACHER_FILE;
}

static void append_scoring(const struct pb_cell_config *config, struct pb_text *text)
{
    const struct pb_settings_sink sink = pb_settings_into(text);
    pb_settings_choice(&sink, "criterion", &config->criterion, true);
    pb_settings_ranking(&sink, config);
}

static void append_training(const struct pb_train_spec *spec, const struct pb_cell_config *config, struct pb_text *text)
{
    const struct pb_settings_sink sink = pb_settings_into(text);
    pb_settings_train(&sink, "train.", spec);
    pb_settings_train_mode(&sink, spec);
    pb_settings_penalties(&sink, config, spec);
    if (spec->soft_zero != PB_ZERO_NONE)
        append_scoring(config, text);
}

static void append_amount(const struct pb_link *link, struct pb_text *text)
{
    char amount[32];
    pb_format_real(link->target.amount, amount);
    pb_text_append(text, "prune.measure=%s\nprune.amount=%s\n", pb_measure_names[link->target.measure], amount);
}

static void append_pruning(const struct pb_link *link, const struct pb_cell_config *config, struct pb_text *text)
{
    const struct pb_settings_sink sink = pb_settings_into(text);
    if (link->channels) {
        pb_text_append(text, "prune.channels=");
        for (uint32_t g = 0; g < link->channel_count; g++)
            pb_text_append(text, "%s%" PRIu32, g ? " " : "", link->channels[g]);
        pb_text_append(text, "\n");
    } else {
        append_amount(link, text);
    }
    pb_settings_ranking(&sink, config);
}

/* Means are of the calibration images alone, and so the same for every criterion that made the same network. */
static void append_repair(const struct pb_link *link, const struct pb_cell_config *config, struct pb_text *text)
{
    if (link->repair == PB_REPAIR_CRITERION)
        append_scoring(config, text);
    else
        pb_text_append(text, "repair=%s\ncalibration.batches=%" PRIu32 "\ncalibration.batch=%" PRIu32 "\n",
                       pb_repair_names[link->repair], config->calibration_batches, config->calibration_batch);
}

static void append_arguments(const struct pb_link *link, const struct pb_cell_config *config, struct pb_text *text)
{
    pb_text_append(text, "verb=%d\n", (int)link->verb);
    switch (link->verb) {
    case PB_VERB_TRAIN:
        append_training(&link->spec, config, text);
        break;
    case PB_VERB_SCORE:
        append_scoring(config, text);
        break;
    case PB_VERB_REPAIR:
        append_repair(link, config, text);
        break;
    case PB_VERB_PRUNE:
        append_pruning(link, config, text);
        break;
    case PB_VERB_MASK:
        append_scoring(config, text);
        append_amount(link, text);
        break;
    case PB_VERB_RECALIBRATE:
        pb_text_append(text, "recalibrate.batches=%" PRIu32 "\n", link->batches);
        break;
    case PB_VERB_REINITIALISE:
        pb_text_append(text, "reinitialise.stream=%" PRIu32 "\n", link->stream);
        break;
    case PB_VERB_REWIND: /* the stage that it goes back to is in the key */
    case PB_VERB_PRETRAIN: /* its key is made from the inputs */
        break;
    }
}

enum pb_status pb_link_digest_arguments(struct pb_link *link, const struct pb_cell_config *config,
                                        struct pb_error *error)
{
    struct pb_text text = {0};
    enum pb_status status = PB_OK;
    append_arguments(link, config, &text);
    if (text.failed)
        status = pb_fail_memory(error, text.capacity);
    else
        pb_sha256_of(text.data, text.length, link->arguments);
    pb_text_free(&text);
    return status;
}

void pb_link_make_key(struct pb_link *link, const char *parent, const char *to)
{
    char text[3 * 65 + 64];
    const int length =
        snprintf(text, sizeof text, "arguments=%s\nparent=%s\nto=%s\n", link->arguments, parent, to ? to : "");
    pb_sha256_of(text, (size_t)length, link->key);
}
