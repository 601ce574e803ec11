/* The heads: finding one, and its sizes. */
#include "graph/head.h"

#define NAME(NUMBER, name, text) text,
const char *const pb_head_names[] = {"own", PB_HEADS(NAME) NULL};

#define HEAD(NUMBER, name, text) [PB_HEAD_##NUMBER] = &pb_head_##name,
static const struct pb_head *const heads[] = {PB_HEADS(HEAD)};

const struct pb_head *pb_head_of(enum pb_head_choice choice)
{
    return heads[choice];
}

const struct pb_head_row *pb_head_row(enum pb_head_choice choice)
{
    return &heads[choice]->row;
}

static enum pb_status resolve_size(enum pb_head_choice choice, const char *what, uint32_t asked, uint32_t fallback,
                                   uint32_t *size, struct pb_error *error)
{
    if (asked && !fallback)
        return pb_fail(error, PB_ERROR_INPUT, "head '%s' has no %s; leave head-%s out", pb_head_names[choice], what,
                       what);
    *size = asked ? asked : fallback;
    return PB_OK;
}

enum pb_status pb_head_resolve(const struct pb_head_spec *asked, struct pb_head_spec *resolved, struct pb_error *error)
{
    static const struct pb_head_row own = {0};
    const struct pb_head_row *row = asked->choice == PB_HEAD_OWN ? &own : pb_head_row(asked->choice);
    struct pb_head_spec sizes = {.choice = asked->choice};
    enum pb_status status =
        resolve_size(asked->choice, "dimension", asked->dimension, row->dimension, &sizes.dimension, error);
    if (status == PB_OK)
        status = resolve_size(asked->choice, "reduction", asked->reduction, row->reduction, &sizes.reduction, error);
    if (status == PB_OK)
        status = resolve_size(asked->choice, "rank", asked->rank, row->rank, &sizes.rank, error);
    if (status == PB_OK)
        *resolved = sizes;
    return status;
}

bool pb_heads_equal(const struct pb_head_spec *a, const struct pb_head_spec *b)
{
    return a->choice == b->choice && a->dimension == b->dimension && a->reduction == b->reduction && a->rank == b->rank;
}
