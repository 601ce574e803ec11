/* What a matrix can set, as one table: where an attribute is, what it may hold, its default, and where it goes. */
#ifndef PB_MATRIX_SETTING_H
#define PB_MATRIX_SETTING_H

#include "base/text.h"
#include "settings/config.h"

/* A cell's values while they are put together. */
struct pb_cell_values {
    struct pb_cell_config cell;
    struct pb_train_spec retraining; /* of one round */
    bool sparse_retraining; /* λ applies to retraining, too */
    char *teacher; /* file of that round's teacher, or NULL */
    char *pretraining; /* label of the <pretraining> that the model starts from, or NULL */
};

enum pb_setting_type {
    PB_SETTING_COUNT, /* uint32_t */
    PB_SETTING_REAL, /* double */
    PB_SETTING_BOOL, /* bool */
    PB_SETTING_SWITCH, /* bool, the index into two choices */
    PB_SETTING_CHOICE, /* uint32_t, the index into choices */
    PB_SETTING_TEXT, /* char *, from pb_calloc */
    PB_SETTING_THREE, /* double[3]; one value represents all, a word for three that are known */
    PB_SETTING_WIDTHS, /* struct pb_model_widths */
    PB_SETTING_TIME, /* double, seconds; "90", "15m", "2h", "1d" */
    PB_SETTING_BYTES, /* uint64_t; "4096", "512M", "8G" (powers of 1024) */
};

/* Three values that go by a name. */
struct pb_known_three {
    const char *word;
    double values[3];
};

/* One attribute. */
struct pb_setting {
    const char *element; /* where it is: "training" */
    const char *also; /* another element that may carry it, closer to a cell than element; NULL */
    const char *name;
    const char *help; /* what it means, in whole sentences */
    enum pb_setting_type type;
    double min, max; /* COUNT, REAL: inclusive */
    bool above; /* REAL: min itself is too small */
    bool below; /* REAL: max itself is too large */
    const char *const *choices; /* NULL-terminated */
    const char *default_text; /* NULL: stays unset */
    const struct pb_known_three *known; /* THREE: at least one; ends with a NULL word */
    /* Values that earlier versions had, each followed by what is written now; NULL after the last; may be NULL. */
    const char *const *formerly;
    const char *follow; /* the word that leaves it unset, so that it follows something else: lambda-last="lambda" */
    size_t offset; /* into struct pb_cell_values */
};

#define PB_SETTING_LIMIT 80 /* capacity of arrays with one place per setting */
extern const struct pb_setting pb_settings[];
extern const uint32_t pb_setting_count;

/* The attribute of an element; UINT32_MAX when it has none of that name. */
uint32_t pb_setting_find(const char *element, const char *name);

/* What values it takes: "a whole number from 1 to 65536, or 'batch'". */
void pb_setting_values(const struct pb_setting *setting, struct pb_text *text);

/* Is text a value of this setting? Else what is wrong with it, ready to follow "<training>: lr='x' ". */
bool pb_setting_check(const struct pb_setting *setting, const char *text, char why[160]);
/* Writes a checked text at base + offset. PB_ERROR_MEMORY is the only failure. Returns with nothing written when it follows. */
PB_MUST_CHECK enum pb_status pb_setting_store(const struct pb_setting *setting, const char *text, void *base,
                                              struct pb_error *error);
bool pb_setting_follows(const struct pb_setting *setting, const char *text);

#endif
