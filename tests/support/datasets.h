/* Opening a dataset plugin as the harness does, with its own options. */
#ifndef PB_TEST_DATASETS_H
#define PB_TEST_DATASETS_H

#include "plugin/host.h"
#include "plugin/options.h"
#include "plugin/registry.h"

/* One opened plugin. */
struct dataset {
    struct pb_host_services host;
    struct pb_options options;
    const struct pb_dataset *operations;
    void *self;
    struct pb_dataset_contents contents;
    enum pb_status status;
    struct pb_error error; /* when status is not PB_OK */
};

/* The plugin build/plugins/dataset-NAME.so, loaded for good. */
const struct pb_plugin *dataset_plugin(const char *name);

/* Opens root; option (may be NULL) is set to value first. dataset_close in any case. */
void dataset_open(struct dataset *dataset, const char *name, const char *root, const char *option, const char *value);
/* The same with several options: name, value, name, value, …, NULL; options may be NULL. */
void dataset_open_with(struct dataset *dataset, const char *name, const char *root, const char *const *options);
void dataset_close(struct dataset *dataset);

/* The sample whose path ends so; NULL when there is none. */
const struct pb_sample *dataset_find(const struct dataset *dataset, const char *path_end);

/* Opening must fail with PB_ERROR_INPUT and a message that contains both texts, the file's name and line first. */
void dataset_assert_refused(const char *name, const char *root, const char *where, const char *what);
void dataset_assert_refused_with(const char *name, const char *root, const char *const *options, const char *where,
                                 const char *what);

#endif
