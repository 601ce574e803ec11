/* From a matrix document to its cells: the product of the axes without what is excluded. */
#include "matrix/matrix.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "graph/pretrained.h"
#include "matrix/cell_values.h"
#include "matrix/matrix_write.h"
#include "onnx/onnx_model.h"
#include "settings/teacher.h"

#define ID_LENGTH 200 /* a file name with a suffix stays below the 255 bytes that file systems allow */

/* A schedule that only trains has one cell for all criteria and targets: its own place on these axes is none. False where
 * the place is one of the others. */
static bool own_place(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                      uint32_t own[PB_MATRIX_COUNT])
{
    const struct pb_entry *schedule = &document->axes[PB_MATRIX_SCHEDULE].list[place[PB_MATRIX_SCHEDULE]];
    memcpy(own, place, PB_MATRIX_COUNT * sizeof *own);
    if (!schedule->loaded->plugin->schedule->trains_only)
        return true;
    own[PB_MATRIX_CRITERION] = own[PB_MATRIX_TARGET] = PB_NO_PLACE;
    return place[PB_MATRIX_CRITERION] == 0 && place[PB_MATRIX_TARGET] == 0;
}

static bool excluded(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT])
{
    for (uint32_t i = 0; i < document->exclude_count; i++)
        if (pb_condition_holds(&document->excludes[i], place))
            return true;
    return false;
}

/* The next place in the document's order, the last axis fastest; false behind the last. */
static bool next_place(const struct pb_document *document, uint32_t place[PB_MATRIX_COUNT])
{
    for (uint32_t axis = PB_MATRIX_COUNT; axis-- > 0;) {
        if (++place[axis] < document->axes[axis].count)
            return true;
        place[axis] = 0;
    }
    return false;
}

/* Labels joined by dots; labels hold none, so that no two cells get the same. */
static enum pb_status name_cell(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                                struct pb_cell_config *cell, struct pb_error *error)
{
    struct pb_text id = {0};
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        if (axis != PB_MATRIX_VARIANT || document->has_variants)
            pb_text_append(&id, "%s%s", axis ? "." : "", pb_place_label(document, place, axis));
    if (id.failed) {
        pb_text_free(&id);
        return pb_fail_memory(error, ID_LENGTH);
    }
    cell->id = id.data;
    if (id.length > ID_LENGTH)
        return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path,
                          document->axes[PB_MATRIX_DATASET].list[place[PB_MATRIX_DATASET]].line,
                          "the cell's name '%s' is longer than %d characters; give shorter labels", cell->id,
                          ID_LENGTH);
    cell->matrix_name = pb_strdup(document->name);
    return cell->matrix_name ? PB_OK : pb_fail_memory(error, strlen(document->name) + 1);
}

static enum pb_status add_cell(const struct pb_document *document, const uint32_t place[PB_MATRIX_COUNT],
                               const struct pb_cell_config *below, struct pb_matrix *matrix, struct pb_error *error)
{
    struct pb_cell_config *cell = pb_calloc(1, sizeof *cell);
    if (!cell)
        return pb_fail_memory(error, sizeof *cell);
    const uint32_t index = matrix->cell_count;
    matrix->cells[matrix->cell_count++] = cell;
    enum pb_status status = pb_cell_values_fill(document, place, below, cell, &matrix->lines[index], error);
    if (status == PB_OK)
        status = name_cell(document, place, cell, error);
    memcpy(cell->matrix_sha256, matrix->sha256, sizeof cell->matrix_sha256);
    return status;
}

static enum pb_status make_room(struct pb_matrix *matrix, size_t count, struct pb_error *error)
{
    matrix->cells = pb_calloc(count, sizeof(void *));
    matrix->lines = pb_calloc(count, sizeof *matrix->lines);
    return matrix->cells && matrix->lines ? PB_OK : pb_fail_memory(error, count * sizeof *matrix->lines);
}

static enum pb_status count_places(const struct pb_document *document, size_t *count, struct pb_error *error)
{
    size_t product = 1;
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        if (!pb_multiply(product, document->axes[axis].count, &product) || product > UINT32_MAX)
            return pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, 0, "the matrix has more cells than %u",
                              UINT32_MAX);
    *count = product;
    return PB_OK;
}

/* The target before this one of the same measure; PB_NO_PLACE for the first. */
static uint32_t target_below(const struct pb_entries *targets, uint32_t target)
{
    for (uint32_t i = target; i-- > 0;)
        if (targets->list[i].target.measure == targets->list[target].target.measure)
            return i;
    return PB_NO_PLACE;
}

/* The cells that differ from the one at hand in target and seed alone, in the order of the two axes. */
struct neighbours {
    struct pb_cell_config **cells; /* targets × seeds; NULL where there is none (yet) */
    uint32_t targets, seeds;
};

static const struct pb_cell_config *cell_below(const struct pb_document *document, const struct neighbours *neighbours,
                                               const uint32_t place[PB_MATRIX_COUNT])
{
    const uint32_t target = place[PB_MATRIX_TARGET];
    const uint32_t below =
        target == PB_NO_PLACE ? PB_NO_PLACE : target_below(&document->axes[PB_MATRIX_TARGET], target);
    return below == PB_NO_PLACE ? NULL : neighbours->cells[below * neighbours->seeds + place[PB_MATRIX_SEED]];
}

/* The last two axes of the product are target and seed. */
static enum pb_status add_places(const struct pb_document *document, struct neighbours *neighbours,
                                 struct pb_matrix *matrix, struct pb_error *error)
{
    uint32_t place[PB_MATRIX_COUNT] = {0}, own[PB_MATRIX_COUNT];
    enum pb_status status = PB_OK;
    do {
        if (place[PB_MATRIX_TARGET] == 0 && place[PB_MATRIX_SEED] == 0)
            memset(neighbours->cells, 0, (size_t)neighbours->targets * neighbours->seeds * sizeof(void *));
        if (!own_place(document, place, own) || excluded(document, own))
            continue;
        status = add_cell(document, own, cell_below(document, neighbours, own), matrix, error);
        if (own[PB_MATRIX_TARGET] != PB_NO_PLACE)
            neighbours->cells[own[PB_MATRIX_TARGET] * neighbours->seeds + own[PB_MATRIX_SEED]] =
                matrix->cells[matrix->cell_count - 1];
    } while (status == PB_OK && next_place(document, place));
    return status;
}

static enum pb_status multiply_out(const struct pb_document *document, struct pb_matrix *matrix, struct pb_error *error)
{
    size_t count = 0;
    struct neighbours neighbours = {.targets = document->axes[PB_MATRIX_TARGET].count,
                                    .seeds = document->axes[PB_MATRIX_SEED].count};
    enum pb_status status = count_places(document, &count, error);
    if (status == PB_OK)
        status = make_room(matrix, count, error);
    if (status != PB_OK)
        return status;
    neighbours.cells = pb_calloc((size_t)neighbours.targets * neighbours.seeds, sizeof(void *));
    status = neighbours.cells ? add_places(document, &neighbours, matrix, error) : pb_fail_memory(error, count);
    pb_free(neighbours.cells);
    if (status == PB_OK && matrix->cell_count == 0)
        status = pb_fail_at(error, PB_ERROR_INPUT, document->xml.path, 0,
                            "no cell is left: the matrix's <exclude> elements leave nothing to run");
    return status;
}

/* The entry of an axis whose label is the first length characters of word. */
static bool find_label(const struct pb_document *document, enum pb_matrix_axis axis, const char *word, size_t length,
                       uint32_t *place)
{
    const struct pb_entries *entries = &document->axes[axis];
    for (uint32_t i = 0; i < entries->count; i++)
        if (strlen(entries->list[i].label) == length && strncmp(entries->list[i].label, word, length) == 0) {
            *place = i;
            return true;
        }
    *place = PB_NO_PLACE;
    return (axis == PB_MATRIX_CRITERION || axis == PB_MATRIX_TARGET) && length == strlen(PB_NO_LABEL) &&
           strncmp(PB_NO_LABEL, word, length) == 0;
}

/* The place of the cell called id; false when the matrix has none. */
static bool find_place(const struct pb_document *document, const char *id, uint32_t place[PB_MATRIX_COUNT])
{
    uint32_t whole[PB_MATRIX_COUNT] = {0}, own[PB_MATRIX_COUNT];
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++) {
        if (axis == PB_MATRIX_VARIANT && !document->has_variants)
            continue;
        const size_t length = strcspn(id, ".");
        if (!find_label(document, axis, id, length, &whole[axis]))
            return false;
        id += length + (id[length] == '.');
    }
    memcpy(place, whole, sizeof whole);
    for (uint32_t axis = 0; axis < PB_MATRIX_COUNT; axis++)
        whole[axis] = whole[axis] == PB_NO_PLACE ? 0 : whole[axis];
    return *id == '\0' && own_place(document, whole, own) && memcmp(own, place, sizeof own) == 0 &&
           !excluded(document, own);
}

/* The one cell called id; no cell where there is none of that name. */
static enum pb_status find_cell(const struct pb_document *document, const char *id, struct pb_matrix *matrix,
                                struct pb_error *error)
{
    uint32_t place[PB_MATRIX_COUNT];
    const enum pb_status status = make_room(matrix, 1, error);
    return status == PB_OK && find_place(document, id, place) ? add_cell(document, place, NULL, matrix, error) : status;
}

static enum pb_status copy_names(const char *path, const struct pb_document *document, struct pb_matrix *matrix,
                                 struct pb_error *error)
{
    matrix->path = pb_strdup(path);
    matrix->name = pb_strdup(document->name);
    return matrix->path && matrix->name ? pb_sha256_file(path, matrix->sha256, error)
                                        : pb_fail_memory(error, strlen(path) + 1);
}

static enum pb_status write_out(const struct pb_document *document, struct pb_matrix *matrix, struct pb_error *error)
{
    struct pb_text written = {0};
    const enum pb_status status = pb_matrix_write(document, &written, error);
    if (status == PB_OK)
        matrix->written = written.data;
    else
        pb_text_free(&written);
    return status;
}

/* id: NULL for all cells. */
static enum pb_status read_matrix(const char *path, const struct pb_registry *registry, const char *id,
                                  struct pb_matrix **matrix, struct pb_error *error)
{
    struct pb_document document = {0};
    struct pb_matrix *read = pb_calloc(1, sizeof *read);
    if (!read)
        return pb_fail_memory(error, sizeof *read);
    enum pb_status status = pb_document_read(path, registry, &document, error);
    if (status == PB_OK)
        status = copy_names(path, &document, read, error);
    if (status == PB_OK)
        status = id ? find_cell(&document, id, read, error) : multiply_out(&document, read, error);
    if (status == PB_OK && !id)
        status = write_out(&document, read, error);
    if (status == PB_OK) {
        *matrix = read;
        read = NULL;
    }
    pb_document_free(&document);
    pb_matrix_free(&read);
    return status;
}

enum pb_status pb_matrix_read(const char *path, const struct pb_registry *registry, struct pb_matrix **matrix,
                              struct pb_error *error)
{
    return read_matrix(path, registry, NULL, matrix, error);
}

enum pb_status pb_matrix_read_cell(const char *path, const struct pb_registry *registry, const char *id,
                                   struct pb_matrix **matrix, struct pb_error *error)
{
    return read_matrix(path, registry, id, matrix, error);
}

void pb_matrix_free(struct pb_matrix **matrix)
{
    struct pb_matrix *freed = *matrix;
    if (!freed)
        return;
    for (uint32_t i = 0; i < freed->cell_count; i++) {
        pb_cell_config_free(freed->cells[i]);
        pb_free(freed->cells[i]);
    }
    pb_free(freed->cells);
    pb_free(freed->lines);
    pb_free(freed->path);
    pb_free(freed->name);
    pb_free(freed->written);
    pb_free(freed);
    *matrix = NULL;
}

const struct pb_cell_config *pb_matrix_find(const struct pb_matrix *matrix, const char *id)
{
    for (uint32_t i = 0; i < matrix->cell_count; i++)
        if (strcmp(matrix->cells[i]->id, id) == 0)
            return matrix->cells[i];
    return NULL;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_roots(const struct pb_cell_config *a, const struct pb_cell_config *b)
{
    return same(a->dataset_root, b->dataset_root) && !a->pretraining == !b->pretraining &&
           (!a->pretraining || same(a->pretraining->dataset_root, b->pretraining->dataset_root));
}

static bool same_weights(const struct pb_cell_config *a, const struct pb_cell_config *b)
{
    return same(a->pretrained, b->pretrained) && same(a->model_label, b->model_label) &&
           a->model.batch_norm == b->model.batch_norm && a->model.width_multiplier == b->model.width_multiplier &&
           a->model.image_size == b->model.image_size && pb_widths_equal(&a->model.widths, &b->model.widths) &&
           pb_heads_equal(&a->model.head, &b->model.head);
}

static bool same_teacher(const struct pb_cell_config *a, const struct pb_cell_config *b)
{
    return same(a->teacher, b->teacher) && a->model.image_size == b->model.image_size;
}

/* Whether a cell that was checked before names the same. Those just before it do, as a rule. */
static bool is_checked(const struct pb_matrix *matrix, const bool *asked, uint32_t index,
                       bool (*equal)(const struct pb_cell_config *, const struct pb_cell_config *))
{
    for (uint32_t i = index; i-- > 0;)
        if (asked[i] && equal(matrix->cells[i], matrix->cells[index]))
            return true;
    return false;
}

/* Does the file fit the model? Its classes do not matter: a head of other classes stays fresh. */
static enum pb_status check_weights(const struct pb_matrix *matrix, uint32_t index, struct pb_error *error)
{
    const struct pb_cell_config *cell = matrix->cells[index];
    struct pb_model_spec model = cell->model;
    struct pb_graph *graph = NULL;
    struct pb_error fault = {0};
    if (!pb_file_exists(cell->pretrained))
        return pb_fail_at(error, PB_ERROR_INPUT, matrix->path, matrix->lines[index].pretrained,
                          "model '%s': there is no file '%s'; put the pretrained weights there or change pretrained=",
                          cell->model_label, cell->pretrained);
    model.classes = model.file ? 0 : 1;
    enum pb_status status = pb_model_open(&model, &graph, &fault);
    if (status == PB_OK && !model.file)
        status = pb_pretrained_check(cell->pretrained, graph, NULL, &fault);
    pb_graph_free(&graph);
    if (status == PB_OK)
        return PB_OK;
    return pb_fail_at(error, status, matrix->path, matrix->lines[index].pretrained, "model '%s': %s", cell->model_label,
                      fault.text);
}

enum pb_status pb_matrix_refuse_teacher(const struct pb_matrix *matrix, uint32_t index, const struct pb_error *fault,
                                        struct pb_error *error)
{
    return pb_fail_at(error, fault->status, matrix->path, matrix->lines[index].teacher, "<retraining> %s", fault->text);
}

/* Its classes are compared once the data set has been opened. */
static enum pb_status check_teacher(const struct pb_matrix *matrix, uint32_t index, struct pb_error *error)
{
    const struct pb_cell_config *cell = matrix->cells[index];
    struct pb_network *teacher = NULL;
    struct pb_error fault = {0};
    enum pb_status status = pb_teacher_load(cell->teacher, &teacher, &fault);
    if (status == PB_OK)
        status = pb_teacher_suits(cell, teacher->graph, 0, &fault);
    pb_network_free(&teacher);
    return status == PB_OK ? PB_OK : pb_matrix_refuse_teacher(matrix, index, &fault, error);
}

static enum pb_status check_roots(const struct pb_matrix *matrix, uint32_t index, struct pb_error *error)
{
    const struct pb_cell_config *cell = matrix->cells[index];
    if (!pb_is_dir(cell->dataset_root))
        return pb_fail_at(error, PB_ERROR_INPUT, matrix->path, matrix->lines[index].dataset_root,
                          "dataset '%s': there is no folder '%s'; download the data set there, change root=, or draw "
                          "small ones with 'prunebench synth'",
                          cell->dataset.label, cell->dataset_root);
    if (cell->pretraining && !pb_is_dir(cell->pretraining->dataset_root))
        return pb_fail_at(error, PB_ERROR_INPUT, matrix->path, matrix->lines[index].pretraining,
                          "pretraining '%s': there is no folder '%s'; put its data set there or change root=",
                          cell->pretraining->dataset.label, cell->pretraining->dataset_root);
    return PB_OK;
}

enum pb_status pb_matrix_check_files(const struct pb_matrix *matrix, const bool *asked, struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (uint32_t i = 0; i < matrix->cell_count && status == PB_OK; i++) {
        const struct pb_cell_config *cell = matrix->cells[i];
        if (!asked[i])
            continue;
        if (!is_checked(matrix, asked, i, same_roots))
            status = check_roots(matrix, i, error);
        if (status == PB_OK && cell->pretrained && !is_checked(matrix, asked, i, same_weights))
            status = check_weights(matrix, i, error);
        if (status == PB_OK && cell->teacher && !is_checked(matrix, asked, i, same_teacher))
            status = check_teacher(matrix, i, error);
    }
    return status;
}
