/* Criteria that do what a criterion must not, named by the option `does`: "careless" asks for weights only, "prying" for all. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <prunebench/criterion.h>

struct careless_options {
    int32_t does;
};
enum {
    NOTHING,
    WRITE_WEIGHT,
    WRITE_GAMMA,
    WRITE_ACTIVATION,
    WRITE_NAME,
    WRITE_VIEW,
    WRITE_OPTIONS,
    READ_BEHIND,
    SCORES_NEAR,
    SCORES_FAR,
    SCORES_BEFORE,
    ALLOC_BEHIND,
    ALLOC_BEFORE,
    ALLOC_TWICE,
    NULL_GAMMA,
    EXITS,
    ABORTS,
    KILLED,
    RECURSES,
    LOOPS,
    LOGS,
    PRINTS
};
static const char *const choices[] = {"nothing",
                                      "write-weight",
                                      "write-gamma",
                                      "write-activation",
                                      "write-name",
                                      "write-view",
                                      "write-options",
                                      "read-behind",
                                      "scores-near",
                                      "scores-far",
                                      "scores-before",
                                      "alloc-behind",
                                      "alloc-before",
                                      "alloc-twice",
                                      "null-gamma",
                                      "exits",
                                      "aborts",
                                      "killed",
                                      "recurses",
                                      "loops",
                                      "logs",
                                      "prints",
                                      NULL};
static const struct pb_option options[] = {{.name = "does",
                                            .help = "what it does",
                                            .type = PB_OPTION_ENUM,
                                            .default_text = "nothing",
                                            .choices = choices,
                                            .offset = offsetof(struct careless_options, does)}};

/* The compiler must not know better. */
static volatile size_t zero;

struct state {
    const struct pb_host *host;
    const struct careless_options *options;
};

static enum pb_status create(const struct pb_host *host, const void *given, void **self)
{
    struct state *made = host->alloc(host, sizeof *made);
    if (!made)
        return PB_ERROR_MEMORY;
    *made = (struct state){host, given};
    *self = made;
    return PB_OK;
}

static void destroy(void *self)
{
    struct state *state = self;
    state->host->free(state->host, state);
}

/* Writes through a const pointer. */
static void overwrite(const void *memory, size_t offset, size_t bytes)
{
    memset((char *)(uintptr_t)memory + offset, 1, bytes + zero);
}

static enum pb_status observe(void *self, const struct pb_layer_view *layer)
{
    const struct state *state = self;
    if (state->options->does == WRITE_ACTIVATION && layer->batch_index == 0 && layer->index == 1)
        overwrite(layer->activation, sizeof(float), sizeof(float));
    return PB_OK;
}

static size_t recurse(size_t depth)
{
    volatile char room[4096];
    room[zero] = (char)depth;
    return zero ? depth : recurse(depth + 1) + (size_t)room[zero];
}

static void misuse_memory(const struct pb_host *host, int32_t how)
{
    unsigned char *memory = host->alloc(host, 100);
    if (!memory)
        return;
    if (how == ALLOC_BEHIND)
        memory[100 + zero] = 0;
    else if (how == ALLOC_BEFORE)
        *(memory - 1 - zero) = 0;
    host->free(host, memory);
    if (how == ALLOC_TWICE)
        host->free(host, memory);
}

static void make_noise(const struct pb_host *host, int32_t how)
{
    static const char line[] =
        "the quick brown fox jumps over the lazy dog, over and over again, until the disk is full";
    for (int i = 0; i < 200000; i++)
        if (how == LOGS)
            host->log(host, PB_LOG_INFO, "%d: %s", i, line);
        else
            fprintf(stderr, "%d: %s\n", i, line);
}

static void misbehave(const struct state *state, const struct pb_layer_view *layer, double *scores)
{
    const int32_t does = state->options->does;
    switch (does) {
    case WRITE_WEIGHT:
        overwrite(layer->weight, 0, sizeof(float));
        break;
    case WRITE_GAMMA:
        overwrite(layer->gamma, 2 * sizeof(float), sizeof(float));
        break;
    case WRITE_NAME:
        overwrite(layer->name, 0, 1);
        break;
    case WRITE_VIEW:
        overwrite(layer, offsetof(struct pb_layer_view, channels), sizeof layer->channels);
        break;
    case WRITE_OPTIONS:
        overwrite(state->options, 0, sizeof(int32_t));
        break;
    case READ_BEHIND:
        for (size_t i = 0; i < 64; i++)
            scores[0] += (double)layer->weight[(size_t)layer->channels * layer->input_channels * 9 + i + zero];
        break;
    case SCORES_NEAR:
        scores[layer->channels + zero] = 1;
        break;
    case SCORES_FAR:
        memset(scores + layer->channels, 1, 5000 + zero);
        break;
    case SCORES_BEFORE:
        *(scores - 1 - zero) = 1;
        break;
    case NULL_GAMMA:
        scores[0] = fabs((double)layer->gamma[zero]);
        break;
    case EXITS:
        exit(3);
    case ABORTS:
        abort();
    case KILLED:
        raise(SIGKILL);
        break;
    case RECURSES:
        scores[0] = (double)recurse(0);
        break;
    case LOOPS:
        while (!zero)
            ;
        break;
    default:
        if (does >= ALLOC_BEHIND && does <= ALLOC_TWICE)
            misuse_memory(state->host, does);
        else if (does >= LOGS)
            make_noise(state->host, does);
    }
}

/* In the second layer, so that its name must be the right one. */
static enum pb_status score(void *self, const struct pb_layer_view *layer, double *scores)
{
    for (uint32_t c = 0; c < layer->channels; c++)
        scores[c] = c;
    if (layer->index == 1)
        misbehave(self, layer, scores);
    return PB_OK;
}

static const struct pb_criterion careless = {
    .size = sizeof careless, .needs = PB_DATA_WEIGHTS, .create = create, .score = score, .destroy = destroy};
static const struct pb_criterion prying = {.size = sizeof prying,
                                           .needs = PB_DATA_WEIGHTS | PB_DATA_NORM | PB_DATA_GRADIENTS |
                                                    PB_DATA_ACTIVATIONS | PB_DATA_ACTIVATION_GRADIENTS,
                                           .create = create,
                                           .observe = observe,
                                           .score = score,
                                           .destroy = destroy};

#define CARELESS(name_, criterion_)                                                                                    \
    {                                                                                                                  \
        PB_PLUGIN_HEADER(PB_KIND_CRITERION),                                                                           \
            .name = (name_), .summary = "does what its option names", .version = "1.0.0", .options = options,          \
            .option_count = 1, .option_stride = sizeof(struct pb_option),                                              \
            .options_size = sizeof(struct careless_options), .criterion = (criterion_)                                 \
    }
static const struct pb_plugin plugins[] = {CARELESS("careless", &careless), CARELESS("prying", &prying)};

PB_EXPORT const struct pb_plugin *prunebench_plugin(uint32_t index)
{
    return index < 2 ? &plugins[index] : NULL;
}
