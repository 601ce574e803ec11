/* Bit identity of stored networks: those that both folders hold under the same key, byte for byte. */
#include "compare/comparison_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "graph/safetensors.h"

enum { KEY_LENGTH = 64 };

/* A file's bytes, in memory while it is compared. */
struct mapping {
    void *bytes;
    size_t length;
    dev_t device;
    ino_t inode;
};

static enum pb_status map_file(const char *path, struct mapping *mapping, struct pb_error *error)
{
    struct stat info;
    int fd = -1;
    enum pb_status status = pb_file_open_own(path, &fd, error);
    if (status != PB_OK)
        return status;
    void *bytes = NULL;
    if (fstat(fd, &info) != 0)
        status = pb_fail_errno(error, "look at '%s'", path);
    else if (info.st_size > 0 &&
             (bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        status = pb_fail_errno(error, "map '%s'", path);
    close(fd);
    if (status == PB_OK)
        *mapping = (struct mapping){bytes, (size_t)info.st_size, info.st_dev, info.st_ino};
    return status;
}

static void unmap(struct mapping *mapping)
{
    if (mapping->bytes)
        (void)munmap(mapping->bytes, mapping->length);
    *mapping = (struct mapping){0};
}

static enum pb_status same_bytes(char *const paths[2], bool *same, struct pb_error *error)
{
    struct mapping a = {0}, b = {0};
    enum pb_status status = map_file(paths[PB_BEFORE], &a, error);
    if (status == PB_OK)
        status = map_file(paths[PB_AFTER], &b, error);
    if (status == PB_OK)
        *same = (a.device == b.device && a.inode == b.inode) ||
                (a.length == b.length && (!a.bytes || !b.bytes || memcmp(a.bytes, b.bytes, a.length) == 0));
    unmap(&a);
    unmap(&b);
    return status;
}

/* Bytes in which two tensors differ; all of them where they are not of one size. */
static size_t bytes_unlike(const struct pb_tensor *a, const struct pb_tensor *b)
{
    const unsigned char *one = a->data, *other = b->data;
    size_t unlike = 0;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? a->bytes : b->bytes;
    for (size_t i = 0; i < a->bytes; i++)
        unlike += one[i] != other[i];
    return unlike;
}

/* Where two sound files differ. */
static void describe_tensors(const struct pb_safetensors *a, const struct pb_safetensors *b, struct pb_text *text)
{
    uint32_t unlike = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct pb_tensor *other = pb_safetensors_find(b, a->tensors[i].name);
        const size_t bytes = other ? bytes_unlike(&a->tensors[i], other) : a->tensors[i].bytes;
        if (bytes > 0 && unlike++ == 0)
            pb_text_append(text, "the stored network differs in %zu of %zu bytes of tensor '%s'", bytes,
                           a->tensors[i].bytes, a->tensors[i].name);
    }
    if (unlike > 1)
        pb_text_append(text, " and in %u other tensors", unlike - 1);
    if (unlike == 0)
        pb_text_append(text, "the stored networks differ, though not in a tensor of the one before");
}

/* A file whose bytes are not those that it was written with is damaged: then the disk is to blame, not the program. */
static enum pb_status describe_files(char *const paths[2], struct pb_text *text, struct pb_error *error)
{
    struct pb_safetensors files[2] = {0};
    enum pb_status status = PB_OK;
    for (int side = PB_BEFORE; status == PB_OK && side <= PB_AFTER && !text->length; side++) {
        struct pb_error wrong = {0};
        status = pb_safetensors_open(paths[side], &files[side], &wrong);
        if (status == PB_ERROR_INPUT) {
            pb_text_append(text, "%s", wrong.text);
            status = PB_OK;
        } else if (status != PB_OK) {
            *error = wrong;
        }
    }
    if (status == PB_OK && !text->length)
        describe_tensors(&files[PB_BEFORE], &files[PB_AFTER], text);
    pb_safetensors_close(&files[PB_BEFORE]);
    pb_safetensors_close(&files[PB_AFTER]);
    return status;
}

/* The name of a stage in a cell's documents; NULL where they do not name the key. */
static const char *stage_name(const struct pb_compared_cell *cell, const char *key)
{
    for (int i = PB_KEYED_STAGES; i-- > 0;) {
        const char *own = pb_provenance_of(cell->after, pb_keyed_stages[i].key);
        if (own && strcmp(own, key) == 0)
            return pb_keyed_stages[i].name;
    }
    return NULL;
}

/* Names every cell whose documents have the stage. */
static enum pb_status add_defects(struct pb_comparison *comparison, const char *key, const char *what,
                                  struct pb_error *error)
{
    enum pb_status status = PB_OK;
    uint32_t named = 0;
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++) {
        const struct pb_compared_cell *cell = &comparison->cells[i];
        const char *name = cell->state == PB_CELL_FAILED_HERE ? NULL : stage_name(cell, key);
        if (!name)
            continue;
        named++;
        status = pb_compare_add_defect(comparison, i, pb_strdup(name), pb_strdup(what), error);
    }
    if (status == PB_OK && named == 0)
        status = pb_compare_add_defect(comparison, PB_NO_CELL, pb_strdup(key), pb_strdup(what), error);
    return status;
}

static char *network_path(const struct pb_compared_side *side, const char *key)
{
    return side->networks ? pb_format("%s/%s/network.safetensors", side->networks, key)
                          : pb_format("%s/stages/%s/network.safetensors", side->path, key);
}

/* Where the networks of two keys are stored, and whether both are. */
struct stored_pair {
    char *paths[2];
    bool exist;
};

static void free_pair(struct stored_pair *pair)
{
    pb_free(pair->paths[PB_BEFORE]);
    pb_free(pair->paths[PB_AFTER]);
}

static enum pb_status find_pair(const struct pb_comparison *comparison, const char *before, const char *after,
                                struct stored_pair *pair, struct pb_error *error)
{
    struct stored_pair made = {.paths = {network_path(&comparison->sides[PB_BEFORE], before),
                                         network_path(&comparison->sides[PB_AFTER], after)}};
    if (!made.paths[PB_BEFORE] || !made.paths[PB_AFTER]) {
        free_pair(&made);
        return pb_fail_memory(error, KEY_LENGTH);
    }
    made.exist = pb_file_exists(made.paths[PB_BEFORE]) && pb_file_exists(made.paths[PB_AFTER]);
    *pair = made;
    return PB_OK;
}

static enum pb_status compare_stage(struct pb_comparison *comparison, const char *key, struct pb_error *error)
{
    struct stored_pair pair = {0};
    struct pb_text what = {0};
    bool same = true;
    enum pb_status status = find_pair(comparison, key, key, &pair, error);
    if (status == PB_OK && pair.exist) {
        comparison->files++;
        status = same_bytes(pair.paths, &same, error);
    }
    if (status == PB_OK && !same)
        status = describe_files(pair.paths, &what, error);
    if (status == PB_OK && !same)
        status = what.failed ? pb_fail_memory(error, what.capacity) : add_defects(comparison, key, what.data, error);
    pb_text_free(&what);
    free_pair(&pair);
    return status;
}

static bool is_key(const char *name)
{
    return strlen(name) == KEY_LENGTH && strspn(name, "0123456789abcdef") == KEY_LENGTH;
}

static enum pb_status compare_stages(struct pb_comparison *comparison, struct pb_error *error)
{
    const struct pb_compared_side *before = &comparison->sides[PB_BEFORE];
    char **names = NULL,
         *folder = before->networks ? pb_strdup(before->networks) : pb_path_join(before->path, "stages");
    size_t count = 0;
    enum pb_status status = folder ? PB_OK : pb_fail_memory(error, strlen(before->path));
    if (status == PB_OK && pb_is_dir(folder))
        status = pb_list_dir(folder, &names, &count, error);
    for (size_t i = 0; status == PB_OK && i < count; i++)
        if (is_key(names[i]))
            status = compare_stage(comparison, names[i], error);
    pb_names_free(&names, count);
    pb_free(folder);
    return status;
}

/* Networks under other keys may be the same one: what another kernel set only evaluated. */
static enum pb_status mark_one_network(struct pb_comparison *comparison, struct pb_compared_cell *cell,
                                       struct pb_error *error)
{
    const char *a = pb_last_key(cell->before), *b = pb_last_key(cell->after);
    struct stored_pair pair = {0};
    if (cell->one_network || !a || !b || pb_same_kernels(cell->before, cell->after))
        return PB_OK;
    enum pb_status status = find_pair(comparison, a, b, &pair, error);
    if (status == PB_OK && pair.exist)
        status = same_bytes(pair.paths, &cell->one_network, error);
    free_pair(&pair);
    return status;
}

/* How many of the cell's networks compare_stages has seen. */
static enum pb_status count_networks(struct pb_comparison *comparison, struct pb_compared_cell *cell,
                                     struct pb_error *error)
{
    enum pb_status status = PB_OK;
    for (int i = 0; status == PB_OK && i < PB_KEYED_STAGES; i++) {
        const char *before = pb_provenance_of(cell->before, pb_keyed_stages[i].key),
                   *after = pb_provenance_of(cell->after, pb_keyed_stages[i].key);
        struct stored_pair pair = {0};
        if (!before || !after || !is_key(after) || strcmp(before, after) != 0)
            continue;
        status = find_pair(comparison, before, after, &pair, error);
        cell->networks += pair.exist;
        free_pair(&pair);
    }
    comparison->without_files += cell->networks == 0;
    return status;
}

enum pb_status pb_compare_files(struct pb_comparison *comparison, struct pb_error *error)
{
    const bool folders = comparison->sides[PB_BEFORE].folder && comparison->sides[PB_AFTER].folder;
    enum pb_status status = folders ? compare_stages(comparison, error) : PB_OK;
    for (uint32_t i = 0; status == PB_OK && i < comparison->cell_count; i++) {
        struct pb_compared_cell *cell = &comparison->cells[i];
        if (cell->state == PB_CELL_FAILED_HERE)
            continue;
        status = count_networks(comparison, cell, error);
        if (status == PB_OK && folders)
            status = mark_one_network(comparison, cell, error);
    }
    return status;
}
