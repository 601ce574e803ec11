/* Opening a dataset plugin as the harness does. */
#include "support/datasets.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const struct pb_plugin *dataset_plugin(const char *name)
{
    char file[512];
    const struct pb_plugin *(*entry)(uint32_t index) = NULL;
    (void)snprintf(file, sizeof file, "%s/plugins/dataset-%s.so", PB_TEST_BUILD, name);
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (object == NULL)
        fail_msg("%s", dlerror());
    void *symbol = dlsym(object, "prunebench_plugin");
    assert_non_null(symbol);
    memcpy(&entry, &symbol, sizeof entry);
    return entry(0);
}

void dataset_open(struct dataset *dataset, const char *name, const char *root, const char *option, const char *value)
{
    const char *const options[] = {option, value, NULL};
    dataset_open_with(dataset, name, root, options);
}

void dataset_open_with(struct dataset *dataset, const char *name, const char *root, const char *const *options)
{
    const struct pb_plugin *plugin = dataset_plugin(name);
    memset(dataset, 0, sizeof *dataset);
    dataset->operations = plugin->dataset;
    assert_int_equal(pb_options_create(plugin, &dataset->options, &dataset->error), PB_OK);
    for (; options != NULL && options[0] != NULL; options += 2)
        assert_int_equal(pb_options_set(&dataset->options, options[0], options[1], NULL, &dataset->error), PB_OK);
    pb_host_init(&dataset->host, name, 1, 1);
    dataset->contents.size = sizeof dataset->contents;
    const enum pb_status status = dataset->operations->open(&dataset->host.table, dataset->options.values, root,
                                                            &dataset->self, &dataset->contents);
    dataset->status = pb_host_result(&dataset->host, status, &dataset->error);
}

void dataset_close(struct dataset *dataset)
{
    if (dataset->status == PB_OK)
        dataset->operations->close(dataset->self);
    pb_options_free(&dataset->options);
}

const struct pb_sample *dataset_find(const struct dataset *dataset, const char *path_end)
{
    for (uint32_t i = 0; i < dataset->contents.sample_count; i++)
        if (pb_ends_with(dataset->contents.samples[i].path, path_end))
            return &dataset->contents.samples[i];
    return NULL;
}

void dataset_assert_refused(const char *name, const char *root, const char *where, const char *what)
{
    dataset_assert_refused_with(name, root, NULL, where, what);
}

void dataset_assert_refused_with(const char *name, const char *root, const char *const *options, const char *where,
                                 const char *what)
{
    struct dataset dataset;
    dataset_open_with(&dataset, name, root, options);
    assert_int_equal(dataset.status, PB_ERROR_INPUT);
    if (strstr(dataset.error.text, where) == NULL || strstr(dataset.error.text, what) == NULL)
        fail_msg("'%s' names not '%s' and '%s'", dataset.error.text, where, what);
    assert_null(dataset.self);
    assert_int_equal(dataset.contents.sample_count, 0);
    dataset_close(&dataset);
}
