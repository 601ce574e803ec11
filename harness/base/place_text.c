/* Where a process was, and what it died of there, as sentences. */
#include "base/place_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/guard.h"

enum { LOWEST_PAGES = 64 << 10 }; /* nothing is mapped there: an address below is that of NULL, or of a member of it */

static void end_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void pb_place_copy(const struct pb_place *place, struct pb_place *copy)
{
    *copy = *place;
    for (uint32_t i = 0; i < PB_PLACE_DEPTH; i++) {
        struct pb_place_frame *frame = &copy->frames[i];
        end_text(frame->plugin, sizeof frame->plugin);
        end_text(frame->hook, sizeof frame->hook);
        end_text(frame->layer, sizeof frame->layer);
        end_text(frame->hint, sizeof frame->hint);
    }
    end_text(copy->backend, sizeof copy->backend);
    end_text(copy->operation, sizeof copy->operation);
    end_text(copy->node, sizeof copy->node);
    end_text(copy->verdict, sizeof copy->verdict);
    end_text(copy->fault.array, sizeof copy->fault.array);
}

/* The innermost frame; NULL when there is none. */
static const struct pb_place_frame *innermost(const struct pb_place *place)
{
    const uint32_t depth = place->depth < PB_PLACE_DEPTH ? place->depth : PB_PLACE_DEPTH;
    return depth ? &place->frames[depth - 1] : NULL;
}

bool pb_place_in_hook(const struct pb_place *place)
{
    const struct pb_place_frame *frame = innermost(place);
    return frame && !frame->verb && !place->operation[0];
}

/* ", layer 'conv1_1', batch 2 of 4" */
static void describe_subject(const struct pb_place_frame *frame, char text[160])
{
    char batch[48] = "";
    if (frame->batches)
        snprintf(batch, sizeof batch, ", batch %" PRIu32 " of %" PRIu32, frame->batch + 1, frame->batches);
    snprintf(text, 160, "%s%s%s%s", frame->layer[0] ? ", layer '" : "", frame->layer, frame->layer[0] ? "'" : "",
             batch);
}

void pb_place_describe(const struct pb_place *place, double now, char *text, size_t size, double *seconds)
{
    const struct pb_place_frame *frame = innermost(place);
    char subject[160];
    text[0] = '\0';
    *seconds = 0;
    if (place->operation[0]) {
        *seconds = now - place->operation_entered;
        snprintf(text, size, "%s '%s' of %s, node '%s'", place->portable ? "the portable operator" : "operator",
                 place->operation, place->backend, place->node);
    } else if (frame && frame->verb) {
        *seconds = now - frame->entered;
        snprintf(text, size, "the verb '%s', which %s called", frame->hook, frame->plugin);
    } else if (frame) {
        *seconds = now - frame->entered;
        describe_subject(frame, subject);
        snprintf(text, size, "%s, hook %s%s", frame->plugin, frame->hook, subject);
    }
}

void pb_place_overstep(const struct pb_place *place, const struct pb_fault *fault, char *text, size_t size)
{
    static const struct pb_place_frame nowhere = {.plugin = "the host"};
    static const char *const verbs[] = {"used", "read", "wrote to"}, *const past[] = {"went", "read", "wrote"};
    const struct pb_place_frame *frame = innermost(place);
    frame = frame ? frame : &nowhere;
    const uint32_t access = fault->access <= PB_ACCESS_WRITE ? fault->access : PB_ACCESS_UNKNOWN;
    char subject[128] = "", hook[64] = "";
    if (frame->layer[0])
        snprintf(subject, sizeof subject, " of layer '%s'", frame->layer);
    if (frame->hook[0])
        snprintf(hook, sizeof hook, " in %s", frame->hook);
    if (fault->overstep == PB_OVERSTEP_INSIDE)
        snprintf(text, size, "%s %s '%s'%s%s; %s", frame->plugin, verbs[access], fault->array, subject, hook,
                 frame->layer[0] ? "views are read-only" : "what a hook is given as const is read-only");
    else if (fault->overstep == PB_OVERSTEP_BEFORE)
        snprintf(text, size, "%s %s before the beginning of '%s'%s%s: at offset -%" PRIu64 " of its %" PRIu64 " bytes",
                 frame->plugin, past[access], fault->array, subject, hook, fault->distance, fault->bytes);
    else
        snprintf(text, size, "%s %s past the end of '%s'%s%s: at offset %" PRIu64 " of its %" PRIu64 " bytes",
                 frame->plugin, past[access], fault->array, subject, hook, fault->bytes + fault->distance,
                 fault->bytes);
}

enum pb_status pb_place_check_beside(const struct pb_guarded *array, const char *rule, struct pb_error *error)
{
    char text[400];
    size_t distance = 0;
    struct pb_fault fault = {.access = PB_ACCESS_WRITE, .overstep = pb_guarded_check(array, &distance)};
    if (fault.overstep == PB_OVERSTEP_NONE)
        return PB_OK;
    fault.distance = distance;
    fault.bytes = array->bytes;
    snprintf(fault.array, sizeof fault.array, "%s", array->name);
    pb_place_overstep(pb_place, &fault, text, sizeof text);
    return pb_fail(error, PB_ERROR_RUN, "%s; %s", text, rule);
}

void pb_place_reason(const struct pb_place *place, char *text, size_t size)
{
    static const char *const accesses[] = {"used", "read", "wrote to"};
    const struct pb_fault *fault = &place->fault;
    const struct pb_place_frame *frame = innermost(place);
    const uint32_t access = fault->access <= PB_ACCESS_WRITE ? fault->access : PB_ACCESS_UNKNOWN;
    text[0] = '\0';
    if (!fault->has_address)
        return;
    if (fault->near_stack) {
        snprintf(text, size, "its stack ran out: a recursion without an end, or an array that is too large for it");
        return;
    }
    const bool null = fault->address < LOWEST_PAGES;
    snprintf(text, size, "it %s address 0x%" PRIx64 "%s%s", accesses[access], fault->address,
             null && frame && !frame->verb && frame->hint[0] ? "; " : "",
             null && frame && !frame->verb ? frame->hint : "");
}
