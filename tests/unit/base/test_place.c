/* The notes of where a process is, as its parent reads them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/place_text.h"

static const char *where(void)
{
    static char text[400];
    double seconds;
    pb_place_describe(pb_place, pb_clock(), text, sizeof text, &seconds);
    return text;
}

static void test_the_innermost_call_counts(void **state)
{
    (void)state;
    assert_string_equal(where(), "");
    assert_false(pb_place_in_hook(pb_place));
    pb_place_enter("schedule 'one-shot'", "run");
    assert_string_equal(where(), "schedule 'one-shot', hook run");
    assert_true(pb_place_in_hook(pb_place));
    pb_place_enter_verb("schedule 'one-shot'", "score");
    assert_string_equal(where(), "the verb 'score', which schedule 'one-shot' called");
    assert_false(pb_place_in_hook(pb_place));
    pb_place_enter_layer("criterion 'x'", "observe", "conv1_1", 1, 4);
    assert_string_equal(where(), "criterion 'x', hook observe, layer 'conv1_1', batch 2 of 4");
    pb_place_leave();
    pb_place_node("backend 'blis'", "conv2_1", pb_clock());
    assert_string_equal(where(), "the verb 'score', which schedule 'one-shot' called");
    PB_PLACE_OPERATION("conv_forward", false);
    assert_string_equal(where(), "operator 'conv_forward' of backend 'blis', node 'conv2_1'");
    PB_PLACE_OPERATION("relu_forward", true);
    assert_string_equal(where(), "the portable operator 'relu_forward' of backend 'blis', node 'conv2_1'");
    assert_false(pb_place_in_hook(pb_place));
    pb_place_operation_end();
    pb_place_leave();
    pb_place_leave();
    pb_place_leave(); /* one too many does no harm */
    assert_string_equal(where(), "");
}

static void test_more_calls_than_there_is_room_for(void **state)
{
    (void)state;
    for (int i = 0; i < PB_PLACE_DEPTH + 3; i++)
        pb_place_enter("criterion 'x'", i == PB_PLACE_DEPTH - 1 ? "last" : "other");
    assert_string_equal(where(), "criterion 'x', hook last");
    size_t size = 1;
    assert_null(pb_place_hint(&size));
    assert_int_equal(size, 0);
    for (int i = 0; i < PB_PLACE_DEPTH + 3; i++)
        pb_place_leave();
    assert_string_equal(where(), "");
}

static void test_names_that_are_too_long_are_cut(void **state)
{
    char name[300];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    pb_place_enter_layer(name, name, name, 0, 0);
    assert_int_equal(strlen(pb_place->frames[0].plugin), sizeof pb_place->frames->plugin - 1);
    assert_int_equal(strlen(pb_place->frames[0].layer), sizeof pb_place->frames->layer - 1);
    pb_place_leave();
}

static void test_sentences(void **state)
{
    struct pb_fault fault = {.access = PB_ACCESS_WRITE, .overstep = PB_OVERSTEP_INSIDE, .array = "gamma", .bytes = 128};
    char text[400];
    size_t size;
    (void)state;
    pb_place_enter_layer("criterion 'x'", "score", "conv3_2", 0, 0);
    char *hint = pb_place_hint(&size);
    snprintf(hint, size, "gamma is NULL");
    pb_place_overstep(pb_place, &fault, text, sizeof text);
    assert_string_equal(text, "criterion 'x' wrote to 'gamma' of layer 'conv3_2' in score; views are read-only");
    fault.overstep = PB_OVERSTEP_BEHIND;
    fault.distance = 4;
    pb_place_overstep(pb_place, &fault, text, sizeof text);
    assert_string_equal(
        text,
        "criterion 'x' wrote past the end of 'gamma' of layer 'conv3_2' in score: at offset 132 of its 128 bytes");
    pb_place->fault = (struct pb_fault){.signal = SIGSEGV, .has_address = true, .address = 8, .access = PB_ACCESS_READ};
    pb_place_reason(pb_place, text, sizeof text);
    assert_string_equal(text, "it read address 0x8; gamma is NULL");
    pb_place->fault.address = 0x7f0012345678;
    pb_place_reason(pb_place, text, sizeof text);
    assert_string_equal(text, "it read address 0x7f0012345678");
    pb_place->fault = (struct pb_fault){0};
    pb_place_leave();
}

/* Whatever the process has written into the notes, its parent gets strings that end. */
static void test_a_copy_of_garbage_can_be_read(void **state)
{
    static struct pb_place garbage, copy;
    char text[400];
    double seconds;
    (void)state;
    memset(&garbage, 0x1b, sizeof garbage);
    pb_place_copy(&garbage, &copy);
    pb_place_describe(&copy, 0, text, sizeof text, &seconds);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c >= ' ');
    assert_int_equal(strlen(copy.verdict), sizeof copy.verdict - 1);
    pb_place_overstep(&copy, &copy.fault, text, sizeof text);
    pb_place_reason(&copy, text, sizeof text);
}

/* SIGKILL and _exit leave no time to say anything. */
static void test_notes_outlive_their_process(void **state)
{
    (void)state;
    for (int killed = 0; killed < 2; killed++) {
        struct pb_place *notes = NULL;
        struct pb_error error = {0};
        int descriptor = -1, end;
        assert_int_equal(pb_place_create(&notes, &descriptor, &error), PB_OK);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (pb_place_share(descriptor, &error) == PB_OK)
                pb_place_enter_layer("criterion 'x'", "score", "conv1", 0, 0);
            if (killed)
                kill(getpid(), SIGKILL);
            _exit(3);
        }
        close(descriptor);
        assert_int_equal(waitpid(child, &end, 0), child);
        assert_int_equal(WIFSIGNALED(end), killed);
        assert_int_equal(notes->depth, 1);
        assert_string_equal(notes->frames[0].layer, "conv1");
        pb_place_destroy(&notes);
        assert_null(notes);
    }
}

static void test_another_descriptor_is_refused(void **state)
{
    struct pb_error error = {0};
    int ends[2];
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(pb_place_share(fileno(file), &error), PB_ERROR_INPUT);
    fclose(file);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pb_place_share(ends[0], &error), PB_ERROR_RUN);
    close(ends[0]);
    close(ends[1]);
    assert_false(pb_place_is_shared());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_innermost_call_counts),
        cmocka_unit_test(test_more_calls_than_there_is_room_for),
        cmocka_unit_test(test_names_that_are_too_long_are_cut),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_a_copy_of_garbage_can_be_read),
        cmocka_unit_test(test_notes_outlive_their_process),
        cmocka_unit_test(test_another_descriptor_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
