/* Pretrained weights: torchvision's numbering, its axis orders, and files that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/models.h"
#include "graph/pretrained.h"
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

static struct pb_network *make_network(const char *model, uint32_t size, bool batch_norm)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_model_width widths[13] = {0};
    for (int i = 0; i < 13; i++)
        widths[i].channels = small_widths[i];
    const struct pb_model_spec spec = {.name = model,
                                       .classes = 4,
                                       .image_size = size,
                                       .width_multiplier = 0.001,
                                       .widths = {widths, 13},
                                       .batch_norm = batch_norm};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    assert_int_equal(pb_network_create(graph, &network, &error), PB_OK);
    pb_network_initialise(network, 1);
    return network;
}

static struct pb_network *small_network(const char *model, uint32_t size)
{
    return make_network(model, size, true);
}

static double value(const struct pb_network *network, const char *node, enum pb_role role, size_t index)
{
    return (double)pb_network_values(network, pb_graph_find(network->graph, node), role)[index];
}

static void test_a_trunk_is_mapped_by_torchvisions_names(void **state)
{
    struct pb_error error = {0};
    struct pb_pretrained_report report = {0};
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
    assert_non_null(strstr(report.mapping.data, "features.41.running_var -> bn5_3.running_var\n"));
    assert_int_equal(report.mapped, 13 * 6);
    assert_string_equal(report.unused.data, "classifier.6.bias");
    assert_string_equal(report.kept.data, "fc");
    pb_pretrained_report_free(&report);
    pb_network_free(&network);
    drop(&file);
}

static void test_vggs_own_head_is_reordered_from_chw_to_hwc(void **state)
{
    struct pb_error error = {0};
    struct pb_pretrained_report report = {0};
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
    assert_string_equal(report.kept.data, "fc8");
    assert_string_equal(report.unused.data, "classifier.6.weight classifier.6.bias");
    pb_pretrained_report_free(&report);
    pb_network_free(&network);
    drop(&file);
}

static void refuses(void **state, const struct foreign *file, const char *message)
{
    struct pb_error error = {0};
    struct pb_pretrained_report report = {0};
    struct pb_network *network = small_network("vgg16-gap", 16);
    const double before = value(network, "conv1_1", PB_ROLE_WEIGHT, 0);
    assert_int_equal(pb_pretrained_load(write_file(state, file), network, &report, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_true(value(network, "conv1_1", PB_ROLE_WEIGHT, 0) == before);
    assert_null(report.mapping.data);
    struct pb_error checking = {0};
    assert_int_equal(
        pb_pretrained_check(folder_path(state, "pretrained.safetensors"), network->graph, &report, &checking),
        PB_ERROR_INPUT);
    assert_string_equal(checking.text, error.text);
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

static void refuses_model(const char *path, const char *model, bool batch_norm, const char *message)
{
    struct pb_error error = {0};
    struct pb_network *network = make_network(model, 32, batch_norm);
    assert_int_equal(pb_pretrained_load(path, network, NULL, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    pb_network_free(&network);
}

static void test_files_of_another_architecture_say_so(void **state)
{
    struct pb_error error = {0};
    const char *path = folder_path(state, "exported.safetensors");
    for (int with = 0; with < 2; with++) {
        struct pb_network *network = make_network("vgg16-gap", 16, with);
        assert_int_equal(pb_pretrained_export(path, network, NULL, &error), PB_OK);
        pb_network_free(&network);
        refuses_model(path, "vgg16-bcnn", !with,
                      with ? "it holds a network with batch norm, the model has none"
                           : "it holds no batch norms; the model has them");
    }
    struct foreign file = {.count = 0};
    put(&file, "conv1.weight", 4, (const size_t[]){64, 3, 7, 7});
    refuses_model(write_file(state, &file), "vgg16-bcnn", false,
                  "'features.0.weight' (for 'conv1_1.weight') is missing");
    drop(&file);
}

static void same_values(const struct pb_network *a, const struct pb_network *b)
{
    for (uint32_t i = 0; i < a->graph->parameter_count; i++) {
        const struct pb_parameter *parameter = &a->graph->parameters[i];
        if (memcmp(a->values + parameter->offset, b->values + parameter->offset, parameter->count * sizeof(float)) != 0)
            fail_msg("%s is another", parameter->name);
    }
}

/* Every value away from what a new network has. */
static void fill(struct pb_network *network)
{
    for (size_t i = 0; i < network->graph->value_count; i++)
        network->values[i] = 0.5F + (float)i;
}

static void test_an_exported_network_comes_back_as_it_was(void **state)
{
    struct pb_error error = {0};
    struct pb_pretrained_report report = {0};
    const char *path = folder_path(state, "exported.safetensors");
    for (int batch_norm = 0; batch_norm < 2; batch_norm++) {
        struct pb_network *out = make_network("vgg16", 64, batch_norm), *in = make_network("vgg16", 64, batch_norm);
        fill(out);
        if (pb_pretrained_export(path, out, &report, &error) != PB_OK)
            fail_msg("%s", error.text);
        assert_int_equal(report.mapped, 13 * (batch_norm ? 6 : 2) + 3 * 2);
        assert_null(report.kept.data);
        assert_int_equal(pb_pretrained_load(path, in, &report, &error), PB_OK);
        assert_null(report.unused.data);
        same_values(in, out);
        pb_network_free(&in);
        pb_network_free(&out);
    }
    pb_pretrained_report_free(&report);
}

/* The names of torchvision's alexnet(): five convolutions in `features`, `classifier` beginning with a dropout. */
static void test_alexnets_layers_have_torchvisions_names(void **state)
{
    static const char *const pairs[] = {"conv1.weight -> features.0.weight\n", "conv2.bias -> features.3.bias\n",
                                        "conv3.weight -> features.6.weight\n", "conv4.weight -> features.8.weight\n",
                                        "conv5.bias -> features.10.bias\n",    "fc6.weight -> classifier.1.weight\n",
                                        "fc7.bias -> classifier.4.bias\n",     "fc8.weight -> classifier.6.weight\n"};
    struct pb_error error = {0};
    struct pb_pretrained_report report = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *out = NULL, *in = NULL;
    const char *path = folder_path(state, "alexnet.safetensors");
    const struct pb_model_spec spec = {.name = "alexnet", .classes = 4, .image_size = 95, .width_multiplier = 0.02};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    assert_int_equal(pb_network_create(graph, &out, &error), PB_OK);
    assert_int_equal(pb_network_copy(out, &in, &error), PB_OK);
    fill(out);
    assert_int_equal(pb_pretrained_export(path, out, &report, &error), PB_OK);
    assert_int_equal(report.mapped, 8 * 2);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (!strstr(report.mapping.data, pairs[i]))
            fail_msg("%s is not among\n%s", pairs[i], report.mapping.data);
    assert_int_equal(pb_pretrained_load(path, in, &report, &error), PB_OK);
    same_values(in, out);
    strcpy(in->graph->model, "stranger");
    assert_int_equal(pb_pretrained_load(path, in, &report, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "torchvision has no names for the layers of model 'stranger'"));
    pb_pretrained_report_free(&report);
    pb_network_free(&in);
    pb_network_free(&out);
}

/* tests/golden/torch/vgg11-bn.pth's widths, but for the first convolution's. */
static struct pb_network *golden_network(uint32_t first)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    struct pb_network *network = NULL;
    struct pb_model_width widths[8] = {0};
    for (uint32_t i = 0; i < 8; i++)
        widths[i].channels = i == 0 ? first : 2 + i % 2;
    const struct pb_model_spec spec = {.name = "vgg11",
                                       .classes = 3,
                                       .image_size = 64,
                                       .width_multiplier = 0.001,
                                       .widths = {widths, 8},
                                       .batch_norm = true};
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_OK);
    assert_int_equal(pb_network_create(graph, &network, &error), PB_OK);
    pb_network_initialise(network, 1);
    return network;
}

#define GOLDEN PB_TEST_SOURCES "/golden/torch/vgg11-bn"

static void test_pytorchs_own_file_gives_the_network_that_safetensors_give(void **state)
{
    struct pb_error error = {0};
    struct pb_pretrained_report reports[2] = {{.mapped = 0}};
    struct pb_network *torch = golden_network(2), *plain = golden_network(2), *fresh = golden_network(2);
    (void)state;
    if (pb_pretrained_load(GOLDEN ".pth", torch, &reports[0], &error) != PB_OK)
        fail_msg("%s", error.text);
    assert_int_equal(pb_pretrained_load(GOLDEN ".safetensors", plain, &reports[1], &error), PB_OK);
    same_values(torch, plain);
    for (uint32_t i = 0; i < torch->graph->parameter_count; i++) {
        const size_t offset = torch->graph->parameters[i].offset;
        assert_true(torch->values[offset] != fresh->values[offset]);
    }
    assert_int_equal(reports[0].mapped, 8 * 6 + 3 * 2);
    assert_string_equal(reports[0].mapping.data, reports[1].mapping.data);
    assert_null(reports[0].unused.data);
    assert_null(reports[0].kept.data);
    pb_pretrained_report_free(&reports[0]);
    pb_pretrained_report_free(&reports[1]);
    pb_network_free(&torch);
    pb_network_free(&plain);
    pb_network_free(&fresh);
}

static void test_pytorchs_weights_of_another_width_are_named(void **state)
{
    struct pb_error error = {0};
    struct pb_network *network = golden_network(4);
    (void)state;
    assert_int_equal(pb_pretrained_load(GOLDEN ".pth", network, NULL, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "tensor 'features.0.weight' is F32 2×3×3×3, but the network needs F32 4×3×3×3"));
    pb_network_free(&network);
}

/* One bit of the last layer's bias: every other value of the file could be read by then. */
static void test_a_damaged_value_leaves_the_network_as_it_was(void **state)
{
    struct pb_error error = {0};
    struct pb_network *whole = golden_network(2), *network = golden_network(2), *before = golden_network(2);
    const char *path = folder_path(state, "damaged.pth");
    char *bytes = NULL;
    size_t length = 0;
    assert_int_equal(pb_pretrained_load(GOLDEN ".pth", whole, NULL, &error), PB_OK);
    assert_int_equal(pb_file_read(GOLDEN ".pth", 0, &bytes, &length, &error), PB_OK);
    const float *bias = pb_network_values(whole, pb_graph_find(whole->graph, "fc8"), PB_ROLE_BIAS);
    char *place = memmem(bytes, length, bias, 3 * sizeof *bias);
    assert_non_null(place);
    *place ^= 1;
    assert_int_equal(pb_file_replace(path, bytes, length, &error), PB_OK);
    pb_free(bytes);
    assert_int_equal(pb_pretrained_load(path, network, NULL, &error), PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "tensor 'classifier.6.bias': entry 'vgg11-bn/data/"));
    assert_non_null(strstr(error.text, "is damaged"));
    same_values(network, before);
    pb_network_free(&whole);
    pb_network_free(&network);
    pb_network_free(&before);
}

/* Reads the file by the format's specification alone, and compares with what fill() put where. */
static const char reader[] =
    "import json, struct, sys\n"
    "raw = open(sys.argv[1], 'rb').read()\n"
    "n, = struct.unpack('<Q', raw[:8])\n"
    "head = json.loads(raw[8:8 + n])\n"
    "assert head.pop('__metadata__') == {'format': 'pt'}\n"
    "def get(name):\n"
    "    a, b = head[name]['data_offsets']\n"
    "    code = {'F32': 'f', 'I64': 'q'}[head[name]['dtype']]\n"
    "    return struct.unpack('<%d%s' % ((b - a) // struct.calcsize(code), code), raw[8 + n + a:8 + n + b])\n"
    "convs, norms = [0,3,7,10,14,17,20,24,27,30,34,37,40], [1,4,8,11,15,18,21,25,28,31,35,38,41]\n"
    "names = {'features.%d.%s' % (c, r) for c in convs for r in ('weight', 'bias')}\n"
    "names |= {'features.%d.%s' % (c, r) for c in norms for r in ('weight', 'bias', 'running_mean', 'running_var',"
    " 'num_batches_tracked')}\n"
    "names |= {'classifier.%d.%s' % (c, r) for c in (0, 3, 6) for r in ('weight', 'bias')}\n"
    "assert set(head) == names, set(head) ^ names\n"
    "assert head['features.41.num_batches_tracked']['shape'] == [] and get('features.41.num_batches_tracked') == (0,)\n"
    "assert head['features.3.weight']['shape'] == [3, 2, 3, 3] and head['classifier.0.weight']['shape'] == [4, 12]\n"
    "w, k, c, r, s = get('features.3.weight'), 2, 1, 0, 2\n"
    "assert w[((k * 2 + c) * 3 + r) * 3 + s] == float(sys.argv[2]) + ((k * 3 + r) * 3 + s) * 2 + c\n"
    "w, k, c, y, x = get('classifier.0.weight'), 3, 1, 1, 0\n"
    "assert w[k * 12 + c * 4 + y * 2 + x] == float(sys.argv[3]) + k * 12 + (y * 2 + x) * 3 + c\n";

static double first_value(const struct pb_network *network, const char *node)
{
    return value(network, node, PB_ROLE_WEIGHT, 0);
}

static void test_another_reader_finds_torchvisions_state_dict(void **state)
{
    struct pb_error error = {0};
    struct pb_network *network = small_network("vgg16", 64);
    const char *path = folder_path(state, "exported.safetensors");
    fill(network);
    if (pb_pretrained_export(path, network, NULL, &error) != PB_OK)
        fail_msg("%s", error.text);
    char *command = pb_format("python3 -c \"%s\" '%s' %.1f %.1f", reader, path, first_value(network, "conv1_2"),
                              first_value(network, "fc6"));
    assert_non_null(command);
    assert_int_equal(system(command), 0);
    pb_free(command);
    pb_network_free(&network);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_a_trunk_is_mapped_by_torchvisions_names),
        IN_FOLDER(test_vggs_own_head_is_reordered_from_chw_to_hwc),
        IN_FOLDER(test_files_that_do_not_fit_change_nothing),
        IN_FOLDER(test_files_of_another_architecture_say_so),
        IN_FOLDER(test_alexnets_layers_have_torchvisions_names),
        IN_FOLDER(test_an_exported_network_comes_back_as_it_was),
        IN_FOLDER(test_another_reader_finds_torchvisions_state_dict),
        cmocka_unit_test(test_pytorchs_own_file_gives_the_network_that_safetensors_give),
        cmocka_unit_test(test_pytorchs_weights_of_another_width_are_named),
        IN_FOLDER(test_a_damaged_value_leaves_the_network_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
