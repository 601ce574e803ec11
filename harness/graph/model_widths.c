/* Reading and writing the widths that a user gives. */
#include "graph/model_widths.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static bool fail(char why[96], const char *what, const char *word, size_t length)
{
    snprintf(why, 96, "'%.*s' %s", (int)(length < 40 ? length : 40), word, what);
    return false;
}

/* "64" or "conv1_1=64". */
static bool parse_width(const char *word, size_t length, struct pb_model_width *width, char why[96])
{
    char number[32];
    double channels;
    const char *sign = memchr(word, '=', length);
    const size_t name = sign ? (size_t)(sign - word) : 0, skipped = sign ? name + 1 : 0;
    if (sign && (!name || name >= sizeof width->node))
        return fail(why, "does not begin with the name of a layer", word, length);
    if (length - skipped >= sizeof number)
        return fail(why, "is no number of channels", word, length);
    memcpy(width->node, word, name);
    memcpy(number, word + skipped, length - skipped);
    number[length - skipped] = '\0';
    if (!pb_parse_real(number, &channels) || channels != floor(channels) || channels < 1 || channels > PB_WIDTH_LIMIT)
        return fail(why, "is no number of channels from 1 to 65536", word, length);
    width->channels = (uint32_t)channels;
    return true;
}

/* All named, each once, or none. */
static bool check_names(const struct pb_model_widths *widths, char why[96])
{
    for (uint32_t i = 1; i < widths->count; i++) {
        const char *name = widths->list[i].node;
        if ((name[0] != '\0') != pb_widths_are_named(widths)) {
            snprintf(why, 96, "some of the numbers have the name of a layer, others none");
            return false;
        }
        for (uint32_t j = 0; j < i && name[0]; j++)
            if (strcmp(widths->list[j].node, name) == 0)
                return fail(why, "is named twice", name, strlen(name));
    }
    return true;
}

bool pb_widths_parse(const char *text, struct pb_model_widths *widths, char why[96])
{
    static const char separators[] = " \t\r\n,";
    struct pb_model_widths made = {.list = pb_calloc(strlen(text) / 2 + 1, sizeof *made.list)};
    bool good = made.list != NULL;
    snprintf(why, 96, "there is no memory for it");
    for (const char *word = text + strspn(text, separators); good && *word; word += strspn(word, separators)) {
        const size_t length = strcspn(word, separators);
        good = parse_width(word, length, &made.list[made.count++], why);
        word += length;
    }
    if (good && (made.count == 0 || made.count > PB_WIDTHS_LIMIT)) {
        snprintf(why, 96, "it must give 1 to %d layers", PB_WIDTHS_LIMIT);
        good = false;
    }
    good = good && check_names(&made, why);
    if (good)
        *widths = made;
    else
        pb_widths_free(&made);
    return good;
}

void pb_widths_append(const struct pb_model_widths *widths, struct pb_text *text)
{
    for (uint32_t i = 0; i < widths->count; i++) {
        const struct pb_model_width *width = &widths->list[i];
        pb_text_append(text, "%s%s%s%" PRIu32, i ? "," : "", width->node, width->node[0] ? "=" : "", width->channels);
    }
}

enum pb_status pb_widths_copy(const struct pb_model_widths *from, struct pb_model_widths *to, struct pb_error *error)
{
    struct pb_model_width *list = from->list ? pb_calloc(from->count, sizeof *list) : NULL;
    if (from->list && !list)
        return pb_fail_memory(error, from->count * sizeof *list);
    if (list)
        memcpy(list, from->list, from->count * sizeof *list);
    *to = (struct pb_model_widths){.list = list, .count = from->count};
    return PB_OK;
}

bool pb_widths_equal(const struct pb_model_widths *a, const struct pb_model_widths *b)
{
    return a->count == b->count && (!a->count || memcmp(a->list, b->list, a->count * sizeof *a->list) == 0);
}

bool pb_widths_are_named(const struct pb_model_widths *widths)
{
    return widths->count && widths->list[0].node[0];
}

void pb_widths_free(struct pb_model_widths *widths)
{
    pb_free(widths->list);
    *widths = (struct pb_model_widths){0};
}
