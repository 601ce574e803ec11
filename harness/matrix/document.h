/* A matrix document as read: axes with their entries, and who changes which value. */
#ifndef PB_MATRIX_DOCUMENT_H
#define PB_MATRIX_DOCUMENT_H

#include "base/xml.h"
#include "matrix/element.h"
#include "matrix/setting.h"

#define PB_MATRIX_SCHEMA "matrix-1.xsd"
#define PB_MATRIX_LIMIT ((size_t)16 << 20) /* bytes that a matrix document may have */

/* In the order in which cell ids name them. */
enum pb_matrix_axis {
    PB_MATRIX_DATASET,
    PB_MATRIX_MODEL,
    PB_MATRIX_CRITERION,
    PB_MATRIX_SCHEDULE,
    PB_MATRIX_BACKEND,
    PB_MATRIX_VARIANT,
    PB_MATRIX_TARGET,
    PB_MATRIX_SEED,
    PB_MATRIX_COUNT,
    PB_MATRIX_PENALTY = PB_MATRIX_COUNT, /* no axis: every training has all of its entries */
    PB_MATRIX_LISTS
};
extern const char *const pb_matrix_axis_names[PB_MATRIX_LISTS];

/* One value for one setting. Texts are the document's. */
struct pb_assignment {
    uint32_t setting;
    const char *text;
    long line;
};
/* One plugin option for the plugin on an axis, or for one of the penalties. */
struct pb_option_assignment {
    enum pb_matrix_axis axis;
    const char *penalty; /* its label; NULL on an axis */
    bool is_lambda; /* a penalty's attribute lambda; name is "lambda" too */
    const char *name, *text;
    long line;
};
struct pb_changes {
    struct pb_assignment *values;
    uint32_t value_count;
    struct pb_option_assignment *options;
    uint32_t option_count;
};

/* The place on the criterion and target axes of a cell whose schedule only trains. */
#define PB_NO_PLACE UINT32_MAX
#define PB_NO_LABEL "none"

/* One entry of an axis. */
struct pb_entry {
    char *label; /* "r40" for targets, "s1" for seeds */
    const char *plugin; /* plugin or model name; NULL for variants, targets and seeds */
    const struct pb_loaded *loaded; /* where it is a plugin */
    struct pb_changes own; /* its own attributes and options */
    struct pb_target target;
    uint64_t seed;
    const xmlNode *node;
    long line;
};
struct pb_entries {
    struct pb_entry *list;
    uint32_t count;
};

/* A <pretraining>: how a trunk is trained before any cell begins. Its entry is that of its data set. */
struct pb_pretraining {
    struct pb_entry entry;
    const char *model; /* name; NULL: the cell's own */
    bool has_seed; /* entry.seed; else the cell's own */
};

/* Which cells an override or exclude names: per axis, which entries; NULL where the axis is not named. */
struct pb_condition {
    bool *named[PB_MATRIX_COUNT];
    uint32_t specificity; /* named axes */
    long line;
};
struct pb_override {
    struct pb_condition condition;
    struct pb_changes changes;
};

struct pb_document {
    struct pb_xml xml;
    const char *name;
    char *reference; /* <report reference>: a name, or a file's absolute path; NULL where it is not given */
    struct pb_entries axes[PB_MATRIX_LISTS]; /* a matrix without variants has one, with the label "" */
    bool has_variants;
    struct pb_pretraining *pretrainings;
    uint32_t pretraining_count;
    struct pb_changes base; /* <training> and its like, directly in <matrix> */
    struct pb_override *overrides; /* variants count as overrides that name them */
    uint32_t override_count;
    struct pb_condition *excludes;
    uint32_t exclude_count;
};

/* Reads and checks everything that can be said without looking at single cells. */
PB_MUST_CHECK enum pb_status pb_document_read(const char *path, const struct pb_registry *registry,
                                              struct pb_document *document, struct pb_error *error);
void pb_document_free(struct pb_document *document);

/* Reading blocks of changes (changes.c). */
/* Settings among node's attributes (own: its other attributes, which are checked; NULL: none) and its <option> children. */
PB_MUST_CHECK enum pb_status pb_changes_read_element(const struct pb_xml *xml, const xmlNode *node,
                                                     const struct pb_matrix_attribute *own, struct pb_changes *changes,
                                                     struct pb_error *error);
/* Its attributes alone. */
PB_MUST_CHECK enum pb_status pb_changes_read_attributes(const struct pb_xml *xml, const xmlNode *node,
                                                        const struct pb_matrix_attribute *own,
                                                        struct pb_changes *changes, struct pb_error *error);
/* Every child of an <override>, <variant> or <pretraining>. */
PB_MUST_CHECK enum pb_status pb_changes_read_children(const struct pb_xml *xml, const xmlNode *node,
                                                      struct pb_changes *changes, struct pb_error *error);
void pb_changes_free(struct pb_changes *changes);

/* Attributes of an <override> or <exclude> as a condition (condition.c). */
PB_MUST_CHECK enum pb_status pb_condition_read(const struct pb_document *document, const xmlNode *node,
                                               struct pb_condition *condition, struct pb_error *error);
bool pb_condition_holds(const struct pb_condition *condition, const uint32_t place[PB_MATRIX_COUNT]);
void pb_condition_free(struct pb_condition *condition);

/* Entries (axes.c): <dataset>, <model>, <criterion>, <schedule>, <backend>, <penalty>, <variant>, <seeds>, <targets>. */
PB_MUST_CHECK enum pb_status pb_axes_read_entry(struct pb_document *document, const struct pb_registry *registry,
                                                const xmlNode *node, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_axes_read_seeds(struct pb_document *document, const xmlNode *node,
                                                struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_axes_read_targets(struct pb_document *document, const xmlNode *node,
                                                  struct pb_error *error);
/* What an entry with a plugin needs: its plugin with fitting options, and its label (the plugin's name where none is given). */
PB_MUST_CHECK enum pb_status pb_axes_find_plugin(const struct pb_document *document, const struct pb_registry *registry,
                                                 enum pb_matrix_axis axis, struct pb_entry *entry,
                                                 struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_axes_read_label(const struct pb_document *document, struct pb_entry *entry,
                                                struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_axes_check_model(const struct pb_document *document, const xmlNode *node,
                                                 const char *name, struct pb_error *error);
/* Defaults of axes that were left out; complaints about those that must be there. */
PB_MUST_CHECK enum pb_status pb_axes_finish(struct pb_document *document, const struct pb_registry *registry,
                                            struct pb_error *error);
void pb_axes_free(struct pb_document *document);

/* What a cell at a place is called on an axis. */
const char *pb_place_label(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                           enum pb_matrix_axis axis);

/* <pretraining> elements (pretraining_elements.c). */
PB_MUST_CHECK enum pb_status pb_pretraining_read(struct pb_document *document, const struct pb_registry *registry,
                                                 const xmlNode *node, struct pb_error *error);
void pb_pretrainings_free(struct pb_document *document);

#endif
