/* A user's own image set while it is read: class folders or a CSV file. */
#ifndef PB_DATASETS_FOLDER_H
#define PB_DATASETS_FOLDER_H

#include "common/samples.h"

struct folder_options {
    const char *csv;
    const char *train, *test; /* names of one or several splits, separated by commas */
    double test_share;
    int64_t test_seed;
};

/* Names out of a comma-separated list. */
struct name_list {
    const char *const *names;
    size_t count;
};

struct folder {
    struct arena arena;
    const struct folder_options *options;
    const char *root;
    struct name_list splits[2]; /* by enum pb_split: the folders, or values of the split column, that make it up */
    struct class_list classes; /* sorted by bytes */
    struct sample_list samples;
};

/* The different names, sorted by bytes, become the classes; names is reordered. */
enum pb_status folder_set_classes(struct folder *self, const char **names, size_t count);
bool folder_find_class(const struct folder *self, const char *name, uint32_t *label);

/* ROOT/SPLIT/CLASS/IMAGE, or ROOT/CLASS/IMAGE where a test share is given: classes and samples, sorted by bytes (class_folders.c). */
enum pb_status folder_read_classes(struct folder *self);
/* The lines of ROOT/csv, in their order (csv_list.c). */
enum pb_status folder_read_csv(struct folder *self);
/* Moves test_share of every class's samples, all still in training, to the test split (share.c). */
enum pb_status folder_share_out(struct folder *self);

#endif
