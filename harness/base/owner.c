/* Who makes a temporary file. */
#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "base/text.h"

/* A small file of the kernel or the system; else "" and why. */
static int read_line(const char *path, char *text, size_t capacity)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = file < 0 ? -1 : read(file, text, capacity - 1);
    const int why = got < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = '\0';
    return why;
}

static uint32_t add_text(uint32_t hash, const char *text)
{
    return (uint32_t)pb_checksum(hash, text, strlen(text));
}

/*
 * By name and, where there is one, the number of the installation: names alone repeat. And by the name space of process numbers: in
 * another container on the same host a number is another process.
 */
static uint32_t host_number(void)
{
    struct utsname system;
    char id[64], space[64];
    (void)read_line("/etc/machine-id", id, sizeof id);
    const ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[length > 0 ? length : 0] = '\0';
    return add_text(add_text(add_text(0, uname(&system) == 0 ? system.nodename : ""), id), space) & 0xffffff;
}

enum existence { EXISTS, HAS_ENDED, UNKNOWN };

/* When the process began, in ticks since the machine did, as the kernel writes it. */
static enum existence start_of(long pid, char start[32])
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    const int why = read_line(path, text, sizeof text);
    if (why != 0)
        return why == ENOENT || why == ESRCH ? HAS_ENDED : UNKNOWN;
    /* The program's name may hold anything; the fields behind its bracket are numbers, and the 20th is the start. */
    char *field = strrchr(text, ')');
    if (field && (strncmp(field, ") Z", 3) == 0 || strncmp(field, ") X", 3) == 0))
        return HAS_ENDED; /* and nobody has asked how */
    for (int i = 0; field && i < 20; i++)
        field = strchr(field + 1, ' ');
    if (!field)
        return UNKNOWN;
    field[1 + strcspn(field + 1, " ")] = '\0';
    snprintf(start, 32, "%.31s", field + 1);
    return EXISTS;
}

/* A process of this boot of the machine with this start. */
static uint32_t life_number(const char *start)
{
    char boot[64];
    (void)read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    return add_text(add_text(0, boot), start);
}

char *pb_owner_tag(void)
{
    char start[32] = "";
    uint32_t noise = 0;
    const long pid = (long)getpid();
    if (getrandom(&noise, sizeof noise, 0) != (ssize_t)sizeof noise || start_of(pid, start) == UNKNOWN)
        return NULL;
    return pb_format("%06" PRIx32 "-%08" PRIx32 "-%ld-%08" PRIx32, host_number(), life_number(start), pid, noise);
}

/* Takes a field of digits that ends with this character; false where there is none. */
static bool take_field(const char **text, int base, size_t digits, char end, unsigned long *value)
{
    char *behind;
    if (strspn(*text, base == 16 ? "0123456789abcdef" : "0123456789") == 0)
        return false;
    errno = 0;
    *value = strtoul(*text, &behind, base);
    if (errno != 0 || *behind != end || (digits > 0 && (size_t)(behind - *text) != digits))
        return false;
    *text = behind + (end != '\0');
    return true;
}

/* Where the tag of a temporary name begins, and what follows it; NULL where the name has another form. */
static const char *find_tag(const char *name, char *end)
{
    static const char mark[] = ".new-";
    const char *tag = NULL;
    if (pb_ends_with(name, ".tmp")) {
        *end = '.';
        const char *dot = name + strlen(name) - strlen(".tmp");
        while (dot > name && dot[-1] != '.')
            dot--;
        return dot > name ? dot : NULL;
    }
    *end = '\0';
    for (const char *found = strstr(name, mark); found; found = strstr(found + 1, mark))
        tag = found + strlen(mark);
    return tag;
}

/* end: the character behind the tag. */
static enum pb_owner_state judge(const char *tag, char end)
{
    unsigned long host, life, pid, noise;
    char start[32];
    if (!take_field(&tag, 16, 6, '-', &host) || !take_field(&tag, 16, 8, '-', &life) ||
        !take_field(&tag, 10, 0, '-', &pid) || !take_field(&tag, 16, 8, end, &noise))
        return PB_OWNER_NONE;
    if (host != host_number())
        return PB_OWNER_ELSEWHERE;
    switch (start_of((long)pid, start)) {
    case EXISTS:
        return life == life_number(start) ? PB_OWNER_ALIVE : PB_OWNER_GONE;
    case HAS_ENDED:
        return PB_OWNER_GONE;
    case UNKNOWN:
        break;
    }
    return PB_OWNER_ELSEWHERE; /* nothing can be said of it */
}

enum pb_owner_state pb_owner_of(const char *name)
{
    char end;
    const char *tag = find_tag(name, &end);
    return tag ? judge(tag, end) : PB_OWNER_NONE;
}

enum pb_owner_state pb_owner_of_tag(const char *tag)
{
    return judge(tag, '\0');
}
