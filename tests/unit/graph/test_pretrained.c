/* Pretrained weights: torchvision's numbering, its axis orders, and files that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/checkpoint.h"
#include "graph/models.h"
#include "graph/safetensors.h"
#include "support/folder.h"
#include "support/graphs.h"

#define MAX_TENSORS 128

/* A file in the making: tensors whose values count up, so that every place is recognised. */
struct foreign {
    struct pb_tensor tensors[MAX_TENSORS];
    size_t count;
};

static void put(struct foreign *file, const char *name, uint32_t rank, const size_t *dims)
{
    struct pb_tensor *tensor = &file->tensors[file->count];
    size_t count = 1;
    assert_true(file->count < MAX_TENSORS);
    tensor->name = strdup(name);
    strcpy(tensor->dtype, "F32");
    tensor->rank = rank;
    for (uint32_t i = 0; i < rank; i++)
        count *= tensor->dims[i] = dims[i];
    float *values = malloc(count * sizeof(*values));
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(1000 * file->count + i);
    tensor->data = values;
    file->count++;
}

static void put_all(struct foreign *file, const char *sequence, uint32_t module, const char *const *roles, size_t dim)
{
    char name[64];
    for (; *roles; roles++) {
        snprintf(name, sizeof(name), "%s.%u.%s", sequence, module, *roles);
        put(file, name, 1, &dim);
    }
}

/* VGG-16-BN as science's list of names has it, widths scaled to 64/32 … */
static void put_trunk(struct foreign *file, const uint32_t *widths)
{
    static const uint32_t convolutions[] = {0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40};
    static const uint32_t norms[] = {1, 4, 8, 11, 15, 18, 21, 25, 28, 31, 35, 38, 41};
    size_t in = 3;
    for (int i = 0; i < 13; i++) {
        char name[64];
        snprintf(name, sizeof(name), "features.%u.weight", convolutions[i]);
        put(file, name, 4, (const size_t[]){widths[i], in, 3, 3});
        put_all(file, "features", convolutions[i], (const char *const[]){"bias", NULL}, widths[i]);
        put_all(file, "features", norms[i],
                (const char *const[]){"weight", "bias", "running_mean", "running_var", NULL}, widths[i]);
        in = widths[i];
    }
}

static void drop(struct foreign *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->tensors[i].name);
        free((void *)(uintptr_t)file->tensors[i].data);
    }
    file->count = 0;
}

static const char *write_file(void **state, const struct foreign *file)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "pretrained.safetensors");
    assert_int_equal(pb_safetensors_write(path, file->tensors, file->count, NULL, NULL, 0, &error), PB_OK);
    return path;
}

static const uint32_t small_widths[13] = {2, 3, 2, 3, 4, 2, 3, 2, 2, 3, 2, 2, 3};

static struct pb_network *small_network(const char *model, uint32_t size)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    const struct pb_model_spec spec = {.name = model,
                                       .classes = 4,
                                       .image_size = size,
                                       .width_multiplier = 0.001,
                                       .widths = small_widths,
                                       .width_count = 13,
                                       .batch_norm = true};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    assert_int_equal(pb_network_create(graph, &network, &error), PB_OK);
    pb_network_initialise(network, 1);
    return network;
}

static double value(const struct pb_network *network, const char *node, enum pb_role role, size_t index)
{
    return (double)pb_network_values(network, pb_graph_find(network->graph, node), role)[index];
}

static void test_a_trunk_is_mapped_by_torchvisions_names(void **state)
{
    struct pb_error error = {0};
    struct pb_text report = {0};
    struct foreign file = {.count = 0};
    put_trunk(&file, small_widths);
    put(&file, "features.1.num_batches_tracked", 0, NULL);
    put(&file, "classifier.6.bias", 1, (const size_t[]){1000});
    struct pb_network *network = small_network("vgg16-bcnn", 16);
    const double fc = value(network, "fc", PB_ROLE_WEIGHT, 7);
    if (pb_pretrained_load(write_file(state, &file), network, &report, &error) != PB_OK)
        fail_msg("%s", error.text);
    /* features.0.weight is tensor 0 (K,C,R,S = 2,3,3,3): k=1, r=2, s=0, c=2 is 27 + 2·9 + 2·3 + 0 there. */
    assert_true(value(network, "conv1_1", PB_ROLE_WEIGHT, 27 + (2 * 3 + 0) * 3 + 2) == 27 + 18 + 6);
    assert_true(value(network, "conv1_1", PB_ROLE_BIAS, 1) == 1001);
    assert_true(value(network, "bn1_1", PB_ROLE_GAMMA, 1) == 2001);
    assert_true(value(network, "bn1_1", PB_ROLE_BETA, 0) == 3000);
    assert_true(value(network, "bn1_1", PB_ROLE_RUNNING_MEAN, 0) == 4000);
    assert_true(value(network, "bn1_1", PB_ROLE_RUNNING_VAR, 1) == 5001);
    /* The thirteenth layer's tensors begin at 12·6. */
    assert_true(value(network, "conv5_3", PB_ROLE_BIAS, 2) == 73002);
    assert_true(value(network, "bn5_3", PB_ROLE_RUNNING_VAR, 2) == 77002);
    assert_true(value(network, "fc", PB_ROLE_WEIGHT, 7) == fc);
    assert_non_null(strstr(report.data, "features.41.running_var -> bn5_3.running_var\n"));
    assert_non_null(strstr(report.data, "features.1.num_batches_tracked: not used"));
    assert_non_null(strstr(report.data, "classifier.6.bias: not used"));
    pb_text_free(&report);
    pb_network_free(&network);
    drop(&file);
}

static void test_vggs_own_head_is_reordered_from_chw_to_hwc(void **state)
{
    struct pb_error error = {0};
    struct pb_text report = {0};
    struct foreign file = {.count = 0};
    put_trunk(&file, small_widths);
    const size_t first = file.count;
    struct pb_network *network = small_network("vgg16", 64); /* 64/32 = 2: 2×2×3 → 4 → 4 → 4 classes */
    put(&file, "classifier.0.weight", 2, (const size_t[]){4, 12});
    put(&file, "classifier.0.bias", 1, (const size_t[]){4});
    put(&file, "classifier.3.weight", 2, (const size_t[]){4, 4});
    put(&file, "classifier.3.bias", 1, (const size_t[]){4});
    put(&file, "classifier.6.weight", 2, (const size_t[]){10, 4});
    put(&file, "classifier.6.bias", 1, (const size_t[]){10});
    const double fc8 = value(network, "fc8", PB_ROLE_WEIGHT, 5);
    if (pb_pretrained_load(write_file(state, &file), network, &report, &error) != PB_OK)
        fail_msg("%s", error.text);
    /* Row 1, position (1,0), channel 2: there 12 + 2·4 + 2, here 12 + 2·3 + 2. */
    assert_true(value(network, "fc6", PB_ROLE_WEIGHT, 12 + 2 * 3 + 2) == (double)(1000 * first) + 12 + 8 + 2);
    assert_true(value(network, "fc7", PB_ROLE_BIAS, 3) == (double)(1000 * (first + 3)) + 3);
    assert_true(value(network, "fc8", PB_ROLE_WEIGHT, 5) == fc8);
    assert_non_null(strstr(report.data, "fc8: stays as it was initialised"));
    assert_non_null(strstr(report.data, "classifier.6.weight: not used"));
    pb_text_free(&report);
    pb_network_free(&network);
    drop(&file);
}

static void refuses(void **state, const struct foreign *file, const char *message)
{
    struct pb_error error = {0};
    struct pb_text report = {0};
    struct pb_network *network = small_network("vgg16-gap", 16);
    const double before = value(network, "conv1_1", PB_ROLE_WEIGHT, 0);
    assert_int_equal(pb_pretrained_load(write_file(state, file), network, &report, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_true(value(network, "conv1_1", PB_ROLE_WEIGHT, 0) == before);
    assert_null(report.data);
    pb_network_free(&network);
}

static void test_files_that_do_not_fit_change_nothing(void **state)
{
    struct foreign file = {.count = 0};
    put_trunk(&file, small_widths);
    const size_t whole = file.count;
    file.count = whole - 1;
    refuses(state, &file, "'features.41.running_var' (for 'bn5_3.running_var') is missing");
    file.count = whole;
    file.tensors[whole - 1].dims[0] = 1;
    refuses(state, &file, "'features.41.running_var' is F32 1, but the network needs F32 3");
    file.tensors[whole - 1].dims[0] = 3;
    strcpy(file.tensors[0].dtype, "BF16");
    refuses(state, &file, "'features.0.weight' is BF16 2×3×3×3, but the network needs F32 2×3×3×3");
    drop(&file);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_a_trunk_is_mapped_by_torchvisions_names),
        IN_FOLDER(test_vggs_own_head_is_reordered_from_chw_to_hwc),
        IN_FOLDER(test_files_that_do_not_fit_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
