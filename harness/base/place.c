/* Where this process is in foreign code. */
#include "base/place.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

static struct pb_place unshared;
struct pb_place *pb_place = &unshared;

static struct pb_place *map(int descriptor)
{
    void *memory = mmap(NULL, sizeof(struct pb_place), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

enum pb_status pb_place_create(struct pb_place **place, int *descriptor, struct pb_error *error)
{
    const int made = memfd_create("prunebench place", MFD_CLOEXEC);
    struct pb_place *mapped = made >= 0 && ftruncate(made, sizeof *mapped) == 0 ? map(made) : NULL;
    if (!mapped) {
        const enum pb_status status = pb_fail_errno(error, "share memory with a child");
        if (made >= 0)
            close(made);
        return status;
    }
    *place = mapped;
    *descriptor = made;
    return PB_OK;
}

void pb_place_destroy(struct pb_place **place)
{
    if (*place)
        munmap(*place, sizeof **place);
    *place = NULL;
}

bool pb_place_is_shared(void)
{
    return pb_place != &unshared;
}

enum pb_status pb_place_share(int descriptor, struct pb_error *error)
{
    const off_t size = lseek(descriptor, 0, SEEK_END);
    struct pb_place *mapped = size == (off_t)sizeof *mapped ? map(descriptor) : NULL;
    if (size >= 0 && !mapped)
        return pb_fail(error, PB_ERROR_INPUT, "descriptor %d is no memory for notes of this program's version",
                       descriptor);
    if (!mapped)
        return pb_fail_errno(error, "use descriptor %d for notes", descriptor);
    close(descriptor);
    *mapped = *pb_place;
    pb_place = mapped;
    return PB_OK;
}

static void copy_name(char *to, size_t size, const char *name)
{
    const size_t length = strnlen(name, size - 1);
    memcpy(to, name, length);
    to[length] = '\0';
}

/* The frame's contents are complete before it counts: the process may end at any moment. */
static void push(const char *plugin, const char *hook, const char *layer, uint32_t batch, uint32_t batches, bool verb)
{
    if (pb_place->depth < PB_PLACE_DEPTH) {
        struct pb_place_frame *frame = &pb_place->frames[pb_place->depth];
        copy_name(frame->plugin, sizeof frame->plugin, plugin);
        copy_name(frame->hook, sizeof frame->hook, hook);
        copy_name(frame->layer, sizeof frame->layer, layer);
        frame->batch = batch;
        frame->batches = batches;
        frame->entered = pb_clock();
        frame->verb = verb;
        frame->hint[0] = '\0';
    }
    pb_place->depth++;
}

void pb_place_enter(const char *plugin, const char *hook)
{
    push(plugin, hook, "", 0, 0, false);
}

void pb_place_enter_layer(const char *plugin, const char *hook, const char *layer, uint32_t batch, uint32_t batches)
{
    push(plugin, hook, layer, batch, batches, false);
}

void pb_place_enter_verb(const char *plugin, const char *verb)
{
    push(plugin, verb, "", 0, 0, true);
}

void pb_place_leave(void)
{
    if (pb_place->depth > 0)
        pb_place->depth--;
}

char *pb_place_hint(size_t *size)
{
    const uint32_t depth = pb_place->depth;
    if (depth == 0 || depth > PB_PLACE_DEPTH) {
        *size = 0;
        return NULL;
    }
    *size = sizeof pb_place->frames->hint;
    return pb_place->frames[depth - 1].hint;
}

void pb_place_node(const char *backend, const char *node, double now)
{
    copy_name(pb_place->backend, sizeof pb_place->backend, backend);
    copy_name(pb_place->node, sizeof pb_place->node, node);
    pb_place->operation_entered = now;
}
