/* A whole training that learns from a teacher. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/folder.h"
#include "support/whole_training.h"

static const struct pb_train_spec plain_spec = {.epochs = 4, .lr = 0.05, .lr_policy = PB_LR_CONSTANT, .momentum = 0.9};

static struct pb_train_spec taught_spec(uint32_t distillation)
{
    struct pb_train_spec spec = plain_spec;
    spec.distillation = distillation;
    spec.teacher_weight = 1;
    spec.teacher_temperature = 2;
    return spec;
}

/* The network that a plain training makes, and the training opened again from its beginning. */
static struct pb_network *train_teacher(struct training *training)
{
    struct pb_network *teacher = NULL;
    struct pb_error error = {0};
    run_training(training, "teacher");
    must(pb_network_copy(training->network, &teacher, &error), &error);
    return teacher;
}

static void test_the_network_learns_what_its_teacher_says(void **state)
{
    static const uint32_t kinds[] = {PB_DISTILLATION_SOFT_TARGETS, PB_DISTILLATION_LOGITS};
    struct training training;
    open_training(&training, state, &plain_spec);
    struct pb_network *teacher = train_teacher(&training);
    assert_null(json_object_get(json_array_get(training.rows, 0), "teacher"));
    for (size_t i = 0; i < 2; i++) {
        const struct pb_train_spec spec = taught_spec(kinds[i]);
        training.job.spec = &spec;
        training.job.teacher = (struct pb_teacher){.network = teacher, .name = "base"};
        run_training(&training, i ? "logits" : "soft");
        assert_string_equal(json_string_value(json_object_get(json_array_get(training.rows, 0), "teacher")), "base");
        /* labels have no weight: what falls is the distance to the teacher alone */
        assert_true(row_value(&training, 3, "loss") < 0.6 * row_value(&training, 0, "loss"));
    }
    pb_network_free(&teacher);
    close_training(&training);
}

/* A network in evaluation mode is no teacher of itself in training mode: batch statistics differ, so its loss is above 0, but far below
 * what another network's is. */
static void test_a_teacher_is_the_stage_that_was_given(void **state)
{
    struct training training;
    open_training(&training, state, &plain_spec);
    struct pb_network *teacher = train_teacher(&training);
    struct pb_train_spec spec = taught_spec(PB_DISTILLATION_LOGITS);
    spec.epochs = 1;
    training.job.spec = &spec;
    training.job.teacher = (struct pb_teacher){.network = teacher, .name = "base"};
    run_training(&training, "by-teacher");
    const double far = row_value(&training, 0, "loss");
    training.job.teacher = (struct pb_teacher){.network = training.initial, .name = "beginning"};
    run_training(&training, "by-itself");
    assert_true(row_value(&training, 0, "loss") < 0.5 * far);
    pb_network_free(&teacher);
    close_training(&training);
}

static void test_a_teacher_that_gives_no_numbers_is_named(void **state)
{
    struct training training;
    struct pb_error error = {0};
    open_training(&training, state, &plain_spec);
    struct pb_network *teacher = train_teacher(&training);
    const struct pb_train_spec spec = taught_spec(PB_DISTILLATION_SOFT_TARGETS);
    const struct pb_parameter *bias = &teacher->graph->parameters[teacher->graph->parameter_count - 1];
    teacher->values[bias->offset + bias->count - 1] = NAN; /* of the last class */
    training.job.spec = &spec;
    training.job.teacher = (struct pb_teacher){.network = teacher, .name = "base"};
    assert_int_equal(try_training(&training, "no-number", &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "the teacher, stage 'base', gives image 0 of a batch the output"));
    assert_non_null(strstr(error.text, "for class 2"));
    training.job.teacher.file = "big.safetensors";
    assert_int_equal(try_training(&training, "no-number", &error), PB_ERROR_RUN);
    assert_non_null(strstr(error.text, "the teacher, file 'big.safetensors', gives image 0 of a batch the output"));
    pb_network_free(&teacher);
    close_training(&training);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_network_learns_what_its_teacher_says),
        TEST(test_a_teacher_is_the_stage_that_was_given),
        TEST(test_a_teacher_that_gives_no_numbers_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
