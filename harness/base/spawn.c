/* Starting a program. */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static bool add_descriptors(posix_spawn_file_actions_t *actions, const struct pb_spawn *spawn)
{
    bool good = true;
    for (size_t i = 0; i < spawn->descriptor_count && good; i++)
        good = posix_spawn_file_actions_adddup2(actions, spawn->descriptors[i].given, spawn->descriptors[i].as) == 0;
    if (good)
        good = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0;
    if (good && spawn->silent)
        good = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0;
    return good;
}

static bool set_attributes(posix_spawnattr_t *attributes, bool group)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (group ? POSIX_SPAWN_SETPGROUP : 0);
    return posix_spawnattr_setsigmask(attributes, &none) == 0 && posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setpgroup(attributes, 0) == 0 && posix_spawnattr_setflags(attributes, (short)flags) == 0;
}

int pb_spawn(const struct pb_spawn *spawn, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **words;
    memcpy(&words, &spawn->words, sizeof words); /* posix_spawn promises not to change the words */
    int result = posix_spawn_file_actions_init(&actions);
    if (result != 0)
        return result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return result;
    }
    result =
        add_descriptors(&actions, spawn) && set_attributes(&attributes, spawn->group)
            ? posix_spawnp(pid, words[0], &actions, &attributes, words, spawn->variables ? spawn->variables : environ)
            : ENOMEM;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}
