/* What one cell found: the content of a result document. */
#ifndef PB_RESULTS_RECORD_CONTENT_H
#define PB_RESULTS_RECORD_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum pb_cell_status { PB_CELL_OK, PB_CELL_FAILED, PB_CELL_CRASHED, PB_CELL_TIMED_OUT, PB_CELL_MEMORY, PB_CELL_BLOCKED };

/*
 * Key and value of a resolved option: "training.lr" → "0.01", "criterion.option.grad" → "true". Every record, also of a
 * cell that crashed or was blocked, carries the keys that the summary groups by:
 *   dataset, model, criterion, schedule, backend, variant ("" without variants), target   labels, as in the cell's id
 *   seed             "1"
 *   matrix           the matrix's name
 *   target.measure   "channels", "params", "macs", "weights", "threshold", "gap"
 *   target.amount    "0.4"
 *   selection        "validation", "test"
 * Numbers from weaker protocols are marked by selection and by the epochs' zero ("filters", "gamma-beta").
 */
struct pb_pair {
    char *key, *value;
};
/* Keys of a configuration that say where things are, not what they are; NULL-terminated. */
extern const char *const pb_record_places[];
bool pb_record_is_place(const char *key);

/* Provenance keys that tell a later run whose result a document is: the digest of the cell's configuration, the key
 * of its last stage (none where that is only known by running), and that of the stage at which it failed. */
#define PB_KEY_CONFIG "config-sha256"
#define PB_KEY_INPUTS                                                                                                  \
    "inputs-sha256" /* part of that digest: images, labels, pretrained weights and teacher; "" where they were unknown */
#define PB_KEY_LAST_STAGE "last-stage"
#define PB_KEY_FAILED_STAGE "failed-stage"
/* Where and with which settings the latencies were measured (pb_latency_setup). */
#define PB_KEY_LATENCY_SETUP "latency-setup"
struct pb_cost_record {
    char *stage; /* "base", "pruned" */
    uint64_t params, macs, bytes; /* bytes: of the stage's checkpoint without momentum */
    uint64_t params_trunk, params_head;
    bool has_counted;
    uint64_t counted; /* published results: the work as their study counts it (graph/counting.h) */
    bool
        has_masks; /* single weights are masked: params and macs without them, the dense ones above are of the whole network */
    uint64_t nonzero_params, nonzero_macs;
    bool has_zeros; /* where the matrix has penalties: these are counted */
    uint64_t zero_filters, zero_inputs, zero_shapes; /* of convolutions: units whose weights are all exactly zero */
    uint32_t *widths; /* of the layers that a pruning may narrow, in graph order */
    uint32_t width_count;
    char *graph; /* the network as JSON (pb_graph_to_json); NULL in documents of earlier versions */
    bool has_target; /* pruned: requested, achieved and floored are meant */
    double requested, achieved;
    uint32_t floored;
};
struct pb_accuracy_record {
    char *stage; /* "base", "trained", "pruned", "retrained"; of earlier rounds: "prune-20", "retrain-20" */
    char *split; /* "test", "validation" */
    double top1, top5, loss; /* shares 0 … 1 */
    uint64_t images;
    double *class_top1; /* per class; NULL where not kept */
    /* Of the cell's last network: which images are right, base64; image i of the data set's order is bit i % 8 of byte i / 8. NULL where
     * not kept. */
    char *right;
    uint32_t class_count;
};
struct pb_latency_record {
    char *stage;
    uint32_t batch, runs, threads;
    double median_ms, p95_ms, min_ms;
    double spread; /* inter-quartile range of the rounds' medians, as a share of their median; NaN when not known */
    bool noisy; /* the spread stayed large, or other processes were running: not to be relied on */
};
/* |γ| of batch norms, counted in bins of equal width from 0 to the largest; the first bin holds the near-zero ones. */
struct pb_gamma_record {
    double max;
    uint32_t *bins; /* 128; NULL without batch norm */
    uint32_t bin_count;
};
struct pb_layer_record {
    char *name; /* "conv5_3" */
    uint32_t channels, kept; /* of the unpruned network; after the last pruning */
};
/* One layer in one pruning step. */
struct pb_pruned_layer_record {
    char *name;
    uint32_t before, after;
    uint32_t ties; /* channels whose score is the threshold */
    uint32_t floored; /* channels that the floor saved */
    /* Normalised score of the last channel to go, up to which the others went, but for those of soft pruning's mask; NaN where none
     * was to go. */
    double threshold;
    struct pb_gamma_record gamma_before, gamma_after;
};
struct pb_pruning_record {
    char *stage, *from; /* "prune-40", and the stage that it cut: "base", "retrain-20" */
    double requested, achieved; /* shares of the unpruned network's measure; requested: NaN where it was a threshold */
    double threshold; /* the highest of the layers' */
    double equivalence; /* max|Δ| / max|logit| of the masked and the compacted network */
    uint32_t floored;
    struct pb_gamma_record gamma_before, gamma_after; /* of all layers on one axis */
    struct pb_pruned_layer_record *layers;
    uint32_t layer_count;
    char *warnings; /* from pb_calloc, taken over with the layers: a line each; NULL: none */
};
/* What a repair changed in one layer. */
struct pb_repair_record {
    char *stage, *layer; /* "repair-40", "conv3_2" */
    uint32_t rows;
    bool without_bias; /* it was left as it was, because the rule moves biases alone */
    double error_before, error_after; /* ‖outputs − outputs before the pruning‖ as a share of the latter's norm */
};
/* What a schedule measured on its way: a candidate of a search, a layer pruned alone. */
struct pb_trial_record {
    char *stage, *split; /* "prune-to#3", and "validation" */
    double top1, loss;
    uint64_t images;
    bool trained; /* after it was pruned */
    uint32_t *kept; /* channels, in the order of the layers below; NULL: nothing was pruned */
    uint32_t kept_count;
};
/* What one scoring took; a schedule that scores within a training has none. */
struct pb_scoring_record {
    char *stage; /* "score", "mask-90"; a criterion that selects channels also has "prune-40" */
    double seconds;
    double bytes; /* of memory at once, beyond what the cell held before; NaN: not counted */
};
/* One layer whose single weights are masked. */
struct pb_masked_layer_record {
    char *name;
    uint64_t weights, masked;
    double change; /* by the criterion's repair; NaN: there was none */
};
struct pb_masking_record {
    char *stage, *from; /* "mask-90", and the stage whose network was masked */
    double requested, achieved; /* shares of the weights */
    uint64_t weights, masked; /* of all convolutions and linear layers; masked: afterwards */
    struct pb_masked_layer_record *layers;
    uint32_t layer_count;
};
struct pb_epoch_record {
    char *stage; /* "base", "retrain-40", "soft" */
    uint32_t number; /* 1-based */
    double lr, loss, top1, validation_top1, validation_loss, seconds;
    /* Soft pruning: channels masked after this epoch, how many of the epoch before's came back, and which are masked:
     * per layer a word of hexadecimal digits, its first channel the highest bit of the first digit, 1 where masked. */
    uint32_t masked, revived;
    char *teacher; /* the stage that it was distilled from, or "checkpoint" and its digest's beginning; NULL: none */
    char *zero; /* what of a masked channel was zeroed, "filters" or "gamma-beta"; NULL: nothing was */
    char *mask; /* NULL: no mask */
};

/* Smallest, middle, largest; all 0 where they are not known. */
struct pb_range_record {
    uint32_t min, median, max;
};

struct pb_record {
    char *id;
    enum pb_cell_status status;
    char *message; /* failed, blocked: why */
    char *signal; /* crashed: "SIGSEGV" */
    char *log_tail; /* not ok: the last lines of the log */
    struct pb_pair *config;
    uint32_t config_count;
    struct pb_pair *
        provenance; /* version, git, host, cpu, threads, backend, backend-detail, fallbacks, matrix-sha256, started, seconds, … */
    uint32_t provenance_count;
    struct pb_cost_record *costs;
    uint32_t cost_count;
    struct pb_accuracy_record *accuracies;
    uint32_t accuracy_count;
    struct pb_latency_record *latencies;
    uint32_t latency_count;
    double equivalence; /* max|Δ| / max|logit| of the masked and the compacted network; NaN when not measured */
    struct pb_gamma_record gamma; /* of the base model, all prunable layers */
    struct pb_layer_record *layers;
    uint32_t layer_count;
    struct pb_trial_record *trials; /* in the order in which they were measured */
    uint32_t trial_count;
    struct pb_scoring_record *scorings;
    uint32_t scoring_count;
    struct pb_pruning_record *prunings; /* in the order in which they were done */
    uint32_t pruning_count;
    struct pb_repair_record *repairs;
    uint32_t repair_count;
    struct pb_masking_record *maskings; /* in the order in which they were done */
    uint32_t masking_count;
    struct pb_epoch_record *epochs;
    uint32_t epoch_count;
    uint64_t peak_rss_bytes;
    uint32_t skipped_images;
    uint32_t train_images, validation_images, test_images, class_count;
    struct pb_range_record train_per_class, test_per_class; /* images; train: validation's too */
    /* Pixels of the image files; where images are cropped to their boxes, of what the boxes left. */
    struct pb_range_record image_width, image_height;
};

#endif
