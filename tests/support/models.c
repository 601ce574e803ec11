/* Named models, built or refused. */
#include "support/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct pb_graph *model_of(struct pb_model_spec spec)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    if (pb_model_build(&spec, &graph, &error) != PB_OK)
        fail_msg("%s", error.text);
    return graph;
}

void model_refused(struct pb_model_spec spec, const char *message)
{
    struct pb_error error = {0};
    struct pb_graph *graph = NULL;
    assert_int_equal(pb_model_build(&spec, &graph, &error), PB_ERROR_INPUT);
    if (!strstr(error.text, message))
        fail_msg("'%s' does not say '%s'", error.text, message);
    assert_null(graph);
}
