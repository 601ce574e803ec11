/* Once a training has started its team of threads, a second one like it starts none, on any backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/backends.h"
#include "support/thread_count.h"
#include "support/training.h"

/* The first training of all starts a team; the same again, engine and all, finds it. */
static void check_backend(const char *name, const char *settings)
{
    struct backend backend;
    struct pb_error error = {0};
    if (backend_open(name, settings, 2, &backend, &error))
        fail_msg("%s", error.text);
    const uint64_t first = training_digest(backend.device);
    const unsigned long team = threads_started();
    assert_int_equal(training_digest(backend.device), first);
    assert_int_equal(threads_started(), team);
    backend_close(&backend);
}

static void test_steps_start_no_thread(void **state)
{
    (void)state;
    check_backend("reference", "");
    assert_true(threads_started() > 0);
    check_backend("blis", "algorithm=direct");
    check_backend("blis", "algorithm=winograd");
    check_backend("blis", "algorithm=gemm");
    check_backend("onednn", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps_start_no_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
