/* Every rule of a plugin's table is spoiled once, and each refusal says which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include <prunebench/penalty.h>

#include "plugin/acceptance.h"
#include "plugin/registry.h"

static enum pb_status create(const struct pb_host *host, const void *options, void **self)
{
    (void)host;
    (void)options;
    *self = NULL;
    return PB_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    (void)self;
    (void)layer;
    scores[0] = 0;
    return PB_OK;
}

static enum pb_status select_channels(void *self, const struct pb_network_view *network, uint32_t group,
                                      uint32_t remove, uint32_t *removed)
{
    (void)self;
    (void)network;
    (void)group;
    for (uint32_t i = 0; i < remove; i++)
        removed[i] = i;
    return PB_OK;
}

static enum pb_status objective_grad(void *self, const struct pb_logits_view *batch, float *derivative)
{
    (void)self, (void)batch, (void)derivative;
    return PB_OK;
}

static double descent(void *self)
{
    (void)self;
    return 1;
}

static enum pb_status relevance_rule(void *self, struct pb_relevance_rule *rule)
{
    (void)self, (void)rule;
    return PB_OK;
}

static enum pb_status observe_product(void *self, const struct pb_layer_view *layer,
                                      const struct pb_product_view *product)
{
    (void)self, (void)layer, (void)product;
    return PB_OK;
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    (void)self;
    (void)layer;
    return PB_OK;
}

static enum pb_status repair_weights(void *self, const struct pb_layer_view *layer, const unsigned char *masked,
                                     float *weight)
{
    (void)self;
    (void)layer;
    (void)masked;
    (void)weight;
    return PB_OK;
}

static enum pb_status run_schedule(void *self, const struct pb_verbs *verbs, const struct pb_schedule_task *task)
{
    (void)self;
    (void)verbs;
    (void)task;
    return PB_OK;
}

static const char *describe(void *self)
{
    (void)self;
    return "test";
}

static const struct pb_penalty_term *term(void *self, uint32_t index)
{
    (void)self;
    (void)index;
    return NULL;
}

static enum pb_status open_dataset(const struct pb_host *host, const void *options, const char *root, void **self,
                                   struct pb_dataset_contents *contents)
{
    (void)root;
    (void)contents;
    return create(host, options, self);
}

static enum pb_status fill(void *self, struct pb_view destination, float value, size_t floats)
{
    (void)self;
    (void)destination;
    (void)value;
    (void)floats;
    return PB_OK;
}

static size_t workspace(void *self, const struct pb_conv_plan *plan)
{
    (void)self;
    (void)plan;
    return 0;
}

struct values {
    int64_t count;
    double rate;
    bool on;
    int32_t mode;
    const char *path;
    struct pb_real_list rates;
};

static const char *const modes[] = {"filters", "gamma-beta", NULL};

static const struct pb_option good_options[] = {
    {.name = "count",
     .help = "how many",
     .type = PB_OPTION_INT,
     .default_text = "3",
     .min = 1,
     .max = 9,
     .offset = offsetof(struct values, count)},
    {.name = "rate",
     .help = "share",
     .type = PB_OPTION_REAL,
     .default_text = "0.5",
     .min = 0,
     .max = 1,
     .offset = offsetof(struct values, rate)},
    {.name = "on",
     .help = "whether",
     .type = PB_OPTION_BOOL,
     .default_text = "yes",
     .offset = offsetof(struct values, on)},
    {.name = "mode",
     .help = "which",
     .type = PB_OPTION_ENUM,
     .default_text = "filters",
     .choices = modes,
     .offset = offsetof(struct values, mode)},
    {.name = "path", .help = "where", .type = PB_OPTION_STRING, .offset = offsetof(struct values, path)},
    {.name = "rates",
     .help = "shares",
     .type = PB_OPTION_LIST,
     .default_text = "0.1 0.2",
     .min = 0,
     .max = 1,
     .offset = offsetof(struct values, rates)},
};
enum { COUNT, RATE, ON, MODE, PATH, RATES, OPTIONS };

/* A good plugin with good operations of every kind, of which each test spoils a copy. */
struct sample {
    struct pb_plugin plugin;
    struct pb_option options[OPTIONS];
    struct pb_criterion criterion;
    struct pb_schedule schedule;
    struct pb_backend backend;
    struct pb_dataset dataset;
    struct pb_penalty penalty;
};

static void make(struct sample *sample, enum pb_plugin_kind kind)
{
    *sample = (struct sample){
        .plugin = {PB_PLUGIN_HEADER(kind), .name = "sample", .summary = "A sample", .version = "1.0.0",
                   .options = sample->options, .option_count = OPTIONS, .option_stride = sizeof(struct pb_option),
                   .options_size = sizeof(struct values)},
        .criterion = {.size = sizeof(struct pb_criterion), .create = create, .score = score},
        .schedule = {.size = sizeof(struct pb_schedule), .create = create, .run = run_schedule},
        .backend = {.size = sizeof(struct pb_backend),
                    .on_host = true,
                    .create = create,
                    .destroy = destroy,
                    .describe = describe},
        .dataset = {.size = sizeof(struct pb_dataset), .open = open_dataset, .close = destroy},
        .penalty = {.size = sizeof(struct pb_penalty), .create = create, .term = term},
    };
    memcpy(sample->options, good_options, sizeof good_options);
    switch (kind) {
    case PB_KIND_CRITERION:
        sample->plugin.criterion = &sample->criterion;
        break;
    case PB_KIND_SCHEDULE:
        sample->plugin.schedule = &sample->schedule;
        break;
    case PB_KIND_BACKEND:
        sample->plugin.backend = &sample->backend;
        break;
    case PB_KIND_DATASET:
        sample->plugin.dataset = &sample->dataset;
        break;
    case PB_KIND_PENALTY:
        sample->plugin.penalty = &sample->penalty;
        break;
    }
}

static void assert_good(const struct sample *sample)
{
    struct pb_error error = {0};
    if (pb_plugin_check(&sample->plugin, "x.so", &error) != PB_OK)
        fail_msg("%s", error.text);
}

static void assert_refused(const struct sample *sample, const char *part)
{
    struct pb_error error = {0};
    assert_int_equal(pb_plugin_check(&sample->plugin, "x.so", &error), PB_ERROR_INPUT);
    assert_int_equal(strncmp(error.text, "x.so: ", 6), 0);
    if (strstr(error.text, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, part);
}

/* One spoiled plugin: the statement works on s. */
#define REFUSED(kind, statement, part)                                                                                 \
    do {                                                                                                               \
        struct sample s;                                                                                               \
        make(&s, kind);                                                                                                \
        statement;                                                                                                     \
        assert_refused(&s, part);                                                                                      \
    } while (0)

#define ACCEPTED(kind, statement)                                                                                      \
    do {                                                                                                               \
        struct sample s;                                                                                               \
        make(&s, kind);                                                                                                \
        statement;                                                                                                     \
        assert_good(&s);                                                                                               \
    } while (0)

static void test_good_plugins_of_every_kind_pass(void **state)
{
    (void)state;
    ACCEPTED(PB_KIND_CRITERION, );
    ACCEPTED(PB_KIND_SCHEDULE, );
    ACCEPTED(PB_KIND_BACKEND, );
    ACCEPTED(PB_KIND_DATASET, );
    ACCEPTED(PB_KIND_PENALTY, );
    ACCEPTED(PB_KIND_PENALTY, s.penalty.data = PB_DATA_WEIGHTS | PB_DATA_CONSUMERS);
    ACCEPTED(PB_KIND_DATASET, s.plugin.option_count = 0; s.plugin.options = NULL; s.plugin.options_size = 0);
    ACCEPTED(PB_KIND_CRITERION, s.plugin.reference = "doi:10.1000/182");
    ACCEPTED(PB_KIND_CRITERION, s.plugin.reference_code = "The authors' code keeps one more.");
    ACCEPTED(PB_KIND_CRITERION, s.plugin.size += 64; s.criterion.size += 8);
}

static void test_the_abi_rule(void **state)
{
    (void)state;
    REFUSED(PB_KIND_CRITERION, s.plugin.magic++, "wrong magic 0x4e425251");
    REFUSED(PB_KIND_CRITERION, s.plugin.abi_major = 1, "built for ABI 1; rebuild against 2");
    REFUSED(PB_KIND_CRITERION, s.plugin.abi_major = 3, "newer plugin ABI 3, this program has 2");
    REFUSED(PB_KIND_CRITERION, s.plugin.abi_minor = PB_ABI_MINOR + 1, "newer plugin ABI 2.2");
    REFUSED(PB_KIND_CRITERION, s.plugin.size = 112, "112 bytes; ABI 2.0 has 120");
    REFUSED(PB_KIND_CRITERION, s.plugin.kind = 6, "unknown plugin kind 6");
    REFUSED(PB_KIND_CRITERION, s.criterion.size = 88, "88 bytes; ABI 2.0 has 184");
    REFUSED(PB_KIND_SCHEDULE, s.schedule.size = 40, "40 bytes; ABI 2.0 has 41");
    REFUSED(PB_KIND_BACKEND, s.backend.size = 432, "432 bytes; ABI 2.0 has 440");
    REFUSED(PB_KIND_DATASET, s.dataset.size = 24, "24 bytes; ABI 2.0 has 36");
    REFUSED(PB_KIND_PENALTY, s.penalty.size = 40, "40 bytes; ABI 2.0 has 48");
}

static void test_nothing_is_read_behind_the_stated_size(void **state)
{
    (void)state;
    /* A block that ends where the plugin says: a sanitizer sees every byte too far, and so does the wild name. */
    struct pb_plugin plugin = {
        .magic = PB_PLUGIN_MAGIC, .abi_major = PB_ABI_MAJOR, .size = 16, .kind = PB_KIND_CRITERION};
    unsigned char *block = test_malloc(16);
    struct pb_error error = {0};
    memcpy(block, &plugin, 16);
    const void *start = block;
    const enum pb_status status = pb_plugin_check(start, "x.so", &error);
    test_free(block);
    assert_int_equal(status, PB_ERROR_INPUT);
    assert_non_null(strstr(error.text, "16 bytes"));
}

static void test_names_and_texts(void **state)
{
    static const char long_name[] = "a2345678901234567890123456789012345678901234567890123456789012345";
    static const char *const bad[] = {"", "Upper", "under_score", "-a", "a-", "a--b", "a b", "ä", "a/b", "../a"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(PB_KIND_CRITERION, s.plugin.name = bad[i], "name");
    REFUSED(PB_KIND_CRITERION, s.plugin.name = NULL, "name is missing");
    REFUSED(PB_KIND_CRITERION, s.plugin.name = long_name, "longer than 64");
    ACCEPTED(PB_KIND_CRITERION, s.plugin.name = long_name + 1);
    REFUSED(PB_KIND_CRITERION, s.plugin.summary = NULL, "criterion 'sample': its summary is missing");
    REFUSED(PB_KIND_CRITERION, s.plugin.summary = "two\nlines", "summary is longer than one line");
    REFUSED(PB_KIND_CRITERION, s.plugin.version = "", "version is missing");
    REFUSED(PB_KIND_CRITERION, s.plugin.reference = "two\nlines", "reference is longer");
    static const char *const half[] = {"earlier", NULL};
    REFUSED(PB_KIND_CRITERION, s.plugin.formerly = half, "formerly: what is written instead is missing");
    REFUSED(PB_KIND_CRITERION, s.plugin.reference_code = "two\nlines", "reference_code is longer");
    ACCEPTED(PB_KIND_SCHEDULE, s.plugin.traits = PB_PLUGIN_DEFAULT);
    REFUSED(PB_KIND_SCHEDULE, s.plugin.traits = 6, "its traits are unknown: bits 0x6");
}

static void test_operations_are_those_of_the_kind(void **state)
{
    (void)state;
    REFUSED(PB_KIND_CRITERION, s.plugin.criterion = NULL, "member 'criterion' is NULL");
    REFUSED(PB_KIND_BACKEND, s.plugin.backend = NULL, "member 'backend' is NULL");
    REFUSED(PB_KIND_CRITERION, s.plugin.dataset = &s.dataset, "has the operations of a dataset");
}

static void test_required_hooks_of_criteria_schedules_and_datasets(void **state)
{
    (void)state;
    REFUSED(PB_KIND_PENALTY, s.penalty.create = NULL, "'create' is missing");
    REFUSED(PB_KIND_PENALTY, s.penalty.term = NULL, "'term' is missing");
    REFUSED(PB_KIND_PENALTY, s.penalty.data = PB_DATA_GRADIENTS, "a penalty sees weights, norms and consumers");
    REFUSED(PB_KIND_CRITERION, s.criterion.create = NULL, "'create' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.score = NULL, "'score' is missing");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.score_weights = s.criterion.score; s.criterion.score = NULL);
    REFUSED(PB_KIND_CRITERION, s.criterion.repair_weights = repair_weights, "but not 'score_weights'");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.score_weights = s.criterion.score;
             s.criterion.repair_weights = repair_weights);
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_GRADIENTS, "'observe' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_ACTIVATIONS, "'observe' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_ACTIVATION_GRADIENTS, "'observe' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.observe = observe,
            "neither needs nor uses gradients, activations or labels");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_GRADIENTS; s.criterion.observe = observe);
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_WEIGHTS | PB_DATA_NORM);
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = 1u << 18, "unknown: bits 0x40000");
    REFUSED(PB_KIND_CRITERION, s.criterion.coupling = 3, "coupling 3");
    REFUSED(PB_KIND_CRITERION, s.criterion.normalise = 6, "normalisation 6");
    REFUSED(PB_KIND_CRITERION, s.criterion.scope = 2, "scope 2");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.scope = PB_SCOPE_LAYER);
    REFUSED(PB_KIND_CRITERION, s.criterion.score = NULL;
            s.criterion.select = select_channels, "its scope must be PB_SCOPE_LAYER");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.score = NULL; s.criterion.select = select_channels;
             s.criterion.scope = PB_SCOPE_LAYER);
    REFUSED(PB_KIND_SCHEDULE, s.schedule.create = NULL, "'create' is missing");
    REFUSED(PB_KIND_SCHEDULE, s.schedule.run = NULL, "'run' is missing");
    REFUSED(PB_KIND_DATASET, s.dataset.open = NULL, "'open' is missing");
    REFUSED(PB_KIND_DATASET, s.dataset.close = NULL, "'close' is missing");
}

static void test_what_a_criterion_states_of_gradients_and_rows(void **state)
{
    (void)state;
    REFUSED(PB_KIND_CRITERION, s.criterion.objective = 3, "objective 3 is unknown");
    REFUSED(PB_KIND_CRITERION, s.criterion.objective = PB_OBJECTIVE_GIVEN, "'objective_grad' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.objective_grad = objective_grad, "its objective is not PB_OBJECTIVE_GIVEN");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.objective = PB_OBJECTIVE_GIVEN;
             s.criterion.objective_grad = objective_grad);
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_GATE_GRADIENTS, "'observe' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_CONSUMER_ROWS;
            s.criterion.observe = observe, "its consumer_rows is 0");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.uses = PB_DATA_CONSUMER_ROWS; s.criterion.observe = observe;
             s.criterion.consumer_rows = 1);
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_CONSUMER_GRADIENTS;
            s.criterion.observe = observe, "but not at the rows");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_CONSUMER_ROWS | PB_DATA_CONSUMER_GRADIENTS;
             s.criterion.observe = observe; s.criterion.consumer_rows = 1);
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_MEAN_GRADIENTS); /* no batch is shown */
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_HESSIAN_PRODUCTS;
            s.criterion.hessian_step = 0.01, "'observe_product' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.observe_product = observe_product, "neither needs nor uses PB_DATA_HESSIAN");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_HESSIAN_PRODUCTS;
            s.criterion.observe_product = observe_product, "hessian_step is 0; it must be above 0");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_HESSIAN_PRODUCTS;
            s.criterion.observe_product = observe_product; s.criterion.hessian_step = 1.5, "hessian_step is 1.5");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_HESSIAN_PRODUCTS;
             s.criterion.observe_product = observe_product; s.criterion.hessian_step = 0.003);
    REFUSED(PB_KIND_CRITERION, s.criterion.uses = PB_DATA_RELEVANCE;
            s.criterion.relevance_rule = relevance_rule, "'observe' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_RELEVANCE;
            s.criterion.observe = observe, "'relevance_rule' is missing");
    REFUSED(PB_KIND_CRITERION, s.criterion.relevance_rule = relevance_rule, "neither needs nor uses PB_DATA_RELEVANCE");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_RELEVANCE; s.criterion.observe = observe;
             s.criterion.relevance_rule = relevance_rule);
    REFUSED(PB_KIND_CRITERION, s.criterion.descent = descent, "neither needs nor uses PB_DATA_GRADIENTS");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_GRADIENTS; s.criterion.uses = PB_DATA_MEAN_GRADIENTS;
            s.criterion.observe = observe; s.criterion.descent = descent, "computed over all batches");
    REFUSED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_GRADIENTS | PB_DATA_RELEVANCE; s.criterion.observe = observe;
            s.criterion.relevance_rule = relevance_rule; s.criterion.descent = descent, "it cannot ask for relevance");
    ACCEPTED(PB_KIND_CRITERION, s.criterion.uses = PB_DATA_GRADIENTS; s.criterion.observe = observe;
             s.criterion.descent = descent);
    ACCEPTED(PB_KIND_CRITERION, s.criterion.needs = PB_DATA_SYNAPTIC_FLOW);
}

static void test_required_hooks_of_backends(void **state)
{
    (void)state;
    REFUSED(PB_KIND_BACKEND, s.backend.create = NULL, "'create' is missing");
    REFUSED(PB_KIND_BACKEND, s.backend.destroy = NULL, "'destroy' is missing");
    REFUSED(PB_KIND_BACKEND, s.backend.describe = NULL, "'describe' is missing");
    REFUSED(PB_KIND_BACKEND, s.backend.fill = fill, "'buffer_create' is missing: the hooks for memory");
    REFUSED(PB_KIND_BACKEND, s.backend.conv_workspace = workspace,
            "'conv_plan_create' is missing: the hooks for convolution");
    REFUSED(PB_KIND_BACKEND, s.backend.on_host = false, "'buffer_create' is missing (its buffers are not on the host)");
}

static void test_rows_of_the_option_table(void **state)
{
    (void)state;
    REFUSED(PB_KIND_CRITERION, s.plugin.options = NULL, "counts 6 options and has no table");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].name = NULL, "option 2 ('')");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].name = "The_Rate", "'The_Rate' is not kebab-case");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].name = "count", "option 2 ('count'): it is listed twice");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].help = NULL, "help is missing");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].type = (enum pb_option_type)6, "type 6 is unknown");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].offset = offsetof(struct values, count), "stored over option 'count'");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].offset++, "is not one of a member of its type");
    REFUSED(PB_KIND_CRITERION, s.options[RATES].offset += 8, "does not fit into the 48 bytes");
    REFUSED(PB_KIND_CRITERION, s.options[RATES].offset = SIZE_MAX - 7, "does not fit");
    REFUSED(PB_KIND_CRITERION, s.plugin.options_size = 40, "does not fit into the 40 bytes");
    REFUSED(PB_KIND_CRITERION, s.plugin.options_size = 0, "does not fit into the 0 bytes");
}

static void test_ranges_choices_and_defaults_fit_the_type(void **state)
{
    static const char *const twice[] = {"a", "b", "a", NULL}, *const none[] = {NULL};
    (void)state;
    REFUSED(PB_KIND_CRITERION, s.options[RATE].min = 2, "range from 2 to 1 is empty");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].max = (double)NAN, "is empty");
    REFUSED(PB_KIND_CRITERION, s.options[ON].max = 1, "has a range, but its type is true or false");
    REFUSED(PB_KIND_CRITERION, s.options[RATE].choices = modes, "has choices, but its type is number");
    REFUSED(PB_KIND_CRITERION, s.options[MODE].choices = NULL, "choice without choices");
    REFUSED(PB_KIND_CRITERION, s.options[MODE].choices = none, "choice without choices");
    REFUSED(PB_KIND_CRITERION, s.options[MODE].choices = twice, "'a' is listed twice");
    REFUSED(PB_KIND_CRITERION, s.options[MODE].default_text = "filter", "did you mean 'filters'?");
    REFUSED(PB_KIND_CRITERION, s.options[COUNT].default_text = "3.5", "default does not fit");
    REFUSED(PB_KIND_CRITERION, s.options[COUNT].default_text = "10", "from 1 to 9");
    REFUSED(PB_KIND_CRITERION, s.options[RATES].default_text = "0.5 1.5", "1.5 is out of range");
    ACCEPTED(PB_KIND_CRITERION, s.options[RATE].max = (double)INFINITY; s.options[RATE].default_text = "1e300");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_plugins_of_every_kind_pass),
        cmocka_unit_test(test_the_abi_rule),
        cmocka_unit_test(test_nothing_is_read_behind_the_stated_size),
        cmocka_unit_test(test_names_and_texts),
        cmocka_unit_test(test_operations_are_those_of_the_kind),
        cmocka_unit_test(test_required_hooks_of_criteria_schedules_and_datasets),
        cmocka_unit_test(test_what_a_criterion_states_of_gradients_and_rows),
        cmocka_unit_test(test_required_hooks_of_backends),
        cmocka_unit_test(test_rows_of_the_option_table),
        cmocka_unit_test(test_ranges_choices_and_defaults_fit_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
