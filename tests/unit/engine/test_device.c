/* Opening backends: what is merged, what is refused, whose self an operator gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "engine/device.h"
#include "engine/engine.h"
#include "support/operators.h"
#include "support/small_networks.h"

static int own_self;

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = &own_self;
    return PB_OK;
}

static enum pb_status create_and_fail(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    (void)self;
    return (host->fail)(host, PB_ERROR_RUN, "no such kernels");
}

static const char *describe(void *self)
{
    assert_ptr_equal(self, &own_self);
    return "fake 1.0";
}

static enum pb_status relu_forward(void *self, const struct pb_elementwise_arguments *args)
{
    assert_int_equal(args->size, sizeof *args);
    assert_ptr_equal(self, &own_self);
    return PB_OK;
}

static const struct pb_backend on_host = {.size = sizeof(struct pb_backend),
                                          .on_host = true,
                                          .create = create,
                                          .describe = describe,
                                          .relu_forward = relu_forward};

static enum pb_status open_table(const struct pb_backend *table, struct pb_error *error)
{
    static struct pb_plugin plugin = {.name = "fake"};
    plugin.backend = table;
    const struct pb_loaded loaded = {.plugin = &plugin, .file = "fake.so"};
    struct pb_device *device = NULL;
    const enum pb_status status = pb_device_open(&loaded, NULL, 1, &device, error);
    assert_true((status == PB_OK) == (device != NULL));
    pb_device_close(&device);
    return status;
}

static void test_operators_get_the_self_of_whoever_wrote_them(void **state)
{
    (void)state;
    struct pb_device *device = operator_device(&on_host, "fake", 2);
    const struct pb_elementwise_arguments none = {.size = sizeof none};
    assert_int_equal(PB_CALL(device, relu_forward, &none), PB_OK);
    assert_false(device->ops.relu_forward.portable);
    assert_ptr_equal(device->ops.add_forward.self, &device->host.table);
    assert_true(device->ops.add_forward.portable);
    assert_null(strstr(device->fallbacks, "relu_forward"));
    assert_non_null(strstr(device->fallbacks, "relu_backward"));
    assert_int_equal(((const struct pb_host *)device->ops.add_forward.self)->threads, 2);
    operator_device_close(&device);
}

static void test_every_slot_of_an_opened_device_is_set(void **state)
{
    (void)state;
    struct pb_device *device = operator_device(&on_host, "fake", 1);
#define IS_BOUND(slot)                                                                                                 \
    assert_non_null(device->ops.slot.call);                                                                            \
    assert_ptr_equal(device->ops.slot.self, device->ops.slot.portable ? (void *)&device->host.table : &own_self);
    PB_MEMORY_SLOTS(IS_BOUND)
    PB_CONVOLUTION_SLOTS(IS_BOUND)
    PB_SINGLE_SLOTS(IS_BOUND)
    PB_LATER_SLOTS(IS_BOUND)
    operator_device_close(&device);
}

/* What is behind the size that a plugin states is not its table. */
static void test_a_table_is_not_read_past_its_stated_size(void **state)
{
    (void)state;
    struct pb_backend table = on_host;
    table.size = offsetof(struct pb_backend, relu_forward);
    memset((char *)&table + table.size, 0xee, sizeof table - table.size);
    struct pb_device *device = operator_device(&table, "fake", 1);
    assert_true(device->ops.relu_forward.call == pb_portable_backend.relu_forward);
    assert_true(device->ops.sgd_step.call == pb_portable_backend.sgd_step);
    operator_device_close(&device);
}

static void test_half_a_convolution_is_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    table.conv_forward = pb_portable_backend.conv_forward;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "1 of the 6 convolution operators"));
}

static enum pb_status conv_filter_transform(void *self, const struct pb_conv_arguments *args)
{
    (void)self;
    (void)args;
    return PB_OK;
}

static size_t conv_filter_floats(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    (void)plan;
    return 1;
}

static void test_filters_that_cannot_be_sized_are_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    table.conv_filter_transform = conv_filter_transform;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "only one of conv_filter_floats and conv_filter_transform"));
}

static bool norm_pools(void *self, const struct pb_pool_shape *shape)
{
    (void)self;
    (void)shape;
    return true;
}

static void test_pooling_that_cannot_go_back_is_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    table.norm_pools = norm_pools;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "only one of norm_pools and bn_relu_pool_backward"));
}

static void test_half_an_addition_with_relu_is_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    table.add_relu_forward = relu_forward;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "only one of add_relu_forward and add_relu_backward"));
}

static bool has_addition_with_relu(const struct pb_backend *table)
{
    struct pb_device *device = operator_device(table, "fake", 1);
    const bool has = device->ops.add_relu_forward.call != NULL;
    assert_true(has == (device->ops.add_relu_backward.call != NULL));
    operator_device_close(&device);
    return has;
}

/* Else a backend's own additions, activations or sums of gradients would be passed over, or its device's memory read. */
static void test_the_hosts_addition_with_relu_joins_only_the_hosts_operators(void **state)
{
    (void)state;
    struct pb_backend table = on_host;
    assert_false(has_addition_with_relu(&table)); /* it has a relu_forward */
    table.relu_forward = NULL;
    assert_true(has_addition_with_relu(&table));
    table.accumulate = pb_portable_backend.accumulate;
    assert_false(has_addition_with_relu(&table));
    table.add_relu_forward = pb_portable_backend.add_relu_forward;
    table.add_relu_backward = pb_portable_backend.add_relu_backward;
    assert_true(has_addition_with_relu(&table));
    table = pb_portable_backend;
    table.on_host = false;
    table.create = create;
    table.describe = describe;
    table.thread_dependent = NULL;
    assert_true(has_addition_with_relu(&table));
    table.add_relu_forward = table.add_relu_backward = NULL;
    assert_false(has_addition_with_relu(&table));
}

static bool has_pooled_products(const struct pb_backend *table)
{
    struct pb_device *device = operator_device(table, "fake", 1);
    const bool has = device->ops.product_pool_forward.call != NULL;
    assert_true(has == (device->ops.product_pool_backward.call != NULL));
    operator_device_close(&device);
    return has;
}

/* Else a backend's own products and poolings would be passed over, or its device's memory read. */
static void test_the_hosts_pooled_product_joins_only_the_hosts_operators(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    assert_true(has_pooled_products(&table));
    table.multiply = pb_portable_backend.multiply;
    assert_false(has_pooled_products(&table));
    table.product_pool_forward = pb_portable_backend.product_pool_forward;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "only one of product_pool_forward and product_pool_backward"));
    table.product_pool_backward = pb_portable_backend.product_pool_backward;
    assert_true(has_pooled_products(&table));
    table = on_host;
    table.avg_pool_backward = pb_portable_backend.avg_pool_backward;
    assert_false(has_pooled_products(&table));
    table = pb_portable_backend;
    table.on_host = false;
    table.create = create;
    table.describe = describe;
    table.thread_dependent = NULL;
    assert_true(has_pooled_products(&table));
    table.product_pool_forward = NULL;
    table.product_pool_backward = NULL;
    assert_false(has_pooled_products(&table));
}

static bool clamps(const struct pb_backend *table)
{
    struct pb_device *device = operator_device(table, "fake", 1);
    const bool clamps = device->norms_clamp;
    operator_device_close(&device);
    return clamps;
}

static void test_a_backends_own_norms_have_a_ceiling_only_where_it_says_so(void **state)
{
    (void)state;
    struct pb_backend table = on_host;
    assert_true(clamps(&table)); /* the host's norms */
    table.bn_evaluate = pb_portable_backend.bn_evaluate;
    assert_false(clamps(&table));
    table.norms_clamp = true;
    assert_true(clamps(&table));
    table.size = offsetof(struct pb_backend, norms_clamp); /* of headers that have no such flag */
    assert_false(clamps(&table));
    table.bn_evaluate = NULL;
    assert_true(clamps(&table));
    table.bn_relu_backward = table.bn_backward = pb_portable_backend.bn_backward;
    assert_false(clamps(&table));
}

/* A plan of the host's convolution means nothing to the backend. */
static void test_filters_are_not_transformed_for_the_hosts_convolution(void **state)
{
    (void)state;
    struct pb_backend table = on_host;
    table.conv_filter_floats = conv_filter_floats;
    table.conv_filter_transform = conv_filter_transform;
    struct pb_device *device = operator_device(&table, "fake", 1);
    assert_null(device->ops.conv_filter_floats.call);
    assert_null(device->ops.conv_filter_transform.call);
    operator_device_close(&device);
}

static void test_half_a_memory_is_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    table.upload = pb_portable_backend.upload;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "memory operators"));
}

static void test_a_device_backend_must_be_complete(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = pb_portable_backend;
    table.on_host = false;
    table.create = create;
    table.describe = describe;
    table.thread_dependent = NULL; /* this one may be absent */
    assert_int_equal(open_table(&table, &error), PB_OK);
    table.bn_evaluate = NULL;
    table.fill = NULL;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "fill bn_evaluate"));
}

static enum pb_status create_engine(struct pb_device *device, enum small_network kind, struct pb_error *error)
{
    struct pb_network *network = small_network(kind, 0);
    struct pb_engine *engine = NULL;
    const struct pb_engine_options options = {.batch = 2, .mode = PB_ENGINE_TRAIN};
    const enum pb_status status = pb_engine_create(device, network, &options, &engine, error);
    if (status == PB_OK)
        pb_engine_free(&engine);
    pb_network_free(&network);
    return status;
}

static enum pb_status create_with_host(const struct pb_host *host, const void *options, void **self)
{
    (void)options;
    memcpy(self, &host, sizeof *self);
    return PB_OK;
}

/* As one is that was built against ABI 2.0. */
static void test_a_device_of_before_runs_the_networks_of_before(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = pb_portable_backend;
    table.size = offsetof(struct pb_backend, centre_positions);
    table.on_host = false;
    table.create = create_with_host;
    struct pb_device *device = operator_device(&table, "early", 1);
    assert_null(device->ops.matrix_product.call);
    assert_int_equal(create_engine(device, SMALL_BILINEAR, &error), PB_OK);
    assert_int_equal(create_engine(device, SMALL_ISQRT, &error), PB_ERROR_UNSUPPORTED);
    assert_non_null(strstr(
        error.text, "node 'pairs' (covariance_pool): backend 'early' has no centre_positions, and the host's cannot "
                    "replace it"));
    assert_int_equal(create_engine(device, SMALL_GRASSMANN, &error), PB_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.text, "grassmann_forward"));
    operator_device_close(&device);
}

static void test_a_device_with_half_an_operator_is_refused(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = pb_portable_backend;
    table.on_host = false;
    table.create = create_with_host;
    table.matrix_root_end = NULL;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "has 3 of the 4 slots of matrix_sqrt; it must have all or none"));
    table.matrix_root_end = pb_portable_backend.matrix_root_end;
    table.grassmann_forward = NULL;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "has 1 of the 2 slots of grassmann_pool"));
}

static void test_a_backends_own_message_is_passed_on(void **state)
{
    (void)state;
    struct pb_error error = {0};
    struct pb_backend table = on_host;
    table.create = create_and_fail;
    assert_int_equal(open_table(&table, &error), PB_ERROR_RUN);
    assert_string_equal(error.text, "backend 'fake': no such kernels");
}

static void test_a_device_that_finds_no_memory_says_so(void **state)
{
    (void)state;
    struct pb_error error = {0};
    pb_memory_fail_after(0);
    const enum pb_status status = open_table(&on_host, &error);
    pb_memory_fail_after(-1);
    assert_int_equal(status, PB_ERROR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators_get_the_self_of_whoever_wrote_them),
        cmocka_unit_test(test_every_slot_of_an_opened_device_is_set),
        cmocka_unit_test(test_a_table_is_not_read_past_its_stated_size),
        cmocka_unit_test(test_half_a_convolution_is_refused),
        cmocka_unit_test(test_filters_that_cannot_be_sized_are_refused),
        cmocka_unit_test(test_pooling_that_cannot_go_back_is_refused),
        cmocka_unit_test(test_half_an_addition_with_relu_is_refused),
        cmocka_unit_test(test_the_hosts_addition_with_relu_joins_only_the_hosts_operators),
        cmocka_unit_test(test_the_hosts_pooled_product_joins_only_the_hosts_operators),
        cmocka_unit_test(test_a_backends_own_norms_have_a_ceiling_only_where_it_says_so),
        cmocka_unit_test(test_filters_are_not_transformed_for_the_hosts_convolution),
        cmocka_unit_test(test_half_a_memory_is_refused),
        cmocka_unit_test(test_a_device_of_before_runs_the_networks_of_before),
        cmocka_unit_test(test_a_device_with_half_an_operator_is_refused),
        cmocka_unit_test(test_a_device_backend_must_be_complete),
        cmocka_unit_test(test_a_backends_own_message_is_passed_on),
        cmocka_unit_test(test_a_device_that_finds_no_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
