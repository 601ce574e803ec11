/* What kind of network and training a cell is about, told by its options. */
#include "summary/kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *config(const struct pb_record *record, const char *key)
{
    const char *value = pb_record_find(record->config, record->config_count, key);
    return value == NULL ? "" : value;
}

double pb_config_real(const struct pb_record *record, const char *key)
{
    double value = NAN;
    return pb_parse_real(config(record, key), &value) ? value : (double)NAN;
}

const char *pb_config_plugin(const struct pb_record *record, const char *axis)
{
    char key[64];
    (void)snprintf(key, sizeof key, "%.50s.plugin", axis);
    const char *plugin = config(record, key);
    return plugin[0] == '\0' ? config(record, axis) : plugin;
}

struct pb_kind pb_kind_of(const struct pb_record *record)
{
    bool norm = true;
    const char *weights = config(record, "model.pretrained"), *pretraining = config(record, "pretraining.label");
    const char *other = config(record, "model.other-head");
    (void)pb_parse_bool(config(record, "model.batch-norm"), &norm);
    return (struct pb_kind){
        .bilinear = strcmp(config(record, "model.head"), "bilinear") == 0,
        .replaced = other[0] != '\0' && strcmp(other, "bilinear") != 0,
        .batch_norm = norm,
        .pretrained = weights[0] != '\0' || pretraining[0] != '\0',
    };
}

bool pb_config_trait(const struct pb_record *record, const char *trait)
{
    const size_t length = strlen(trait);
    for (const char *word = config(record, "criterion.traits"); *word != '\0';) {
        const size_t end = strcspn(word, " ");
        if (end == length && strncmp(word, trait, length) == 0)
            return true;
        word += end + strspn(word + end, " ");
    }
    return false;
}

bool pb_zeroed_gamma_beta(const struct pb_record *record)
{
    bool zeroed = strcmp(config(record, "protocol.zero"), "gamma-beta") == 0; /* of published results */
    for (size_t i = 0; i < record->epoch_count && !zeroed; i++)
        zeroed = record->epochs[i].zero != NULL && strcmp(record->epochs[i].zero, "gamma-beta") == 0;
    return zeroed;
}
