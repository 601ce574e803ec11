/* Every command of the program. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

const struct pb_command *const pb_commands[] = {
    &pb_command_run,   &pb_command_worker,  &pb_command_status, &pb_command_show,    &pb_command_check,
    &pb_command_plan,  &pb_command_cell,    &pb_command_report, &pb_command_compare, &pb_command_history,
    &pb_command_audit, &pb_command_plugins, &pb_command_score,  &pb_command_count,   &pb_command_verify,
    &pb_command_bench, &pb_command_synth,   &pb_command_doctor, &pb_command_help,    NULL,
};

enum pb_status pb_command_find(const char *name, const struct pb_command **command, struct pb_error *error)
{
    const char *names[sizeof pb_commands / sizeof *pb_commands];
    size_t count = 0;
    for (; pb_commands[count]; count++) {
        names[count] = pb_commands[count]->name;
        if (strcmp(names[count], name) == 0) {
            *command = pb_commands[count];
            return PB_OK;
        }
    }
    const char *closest = pb_closest(name, names, count);
    if (closest)
        return pb_fail(error, PB_ERROR_INPUT, "unknown command '%s'; did you mean '%s'?", name, closest);
    return pb_fail(error, PB_ERROR_INPUT, "unknown command '%s'; 'prunebench --help' lists them", name);
}
