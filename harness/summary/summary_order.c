/* The order in which the matrix lists its labels: tables keep it. */
#include "summary/summary_parts.h"

#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/xml.h"

const char *const pb_axis_names[PB_AXIS_COUNT] = {
    [PB_AXIS_DATASET] = "dataset", [PB_AXIS_MODEL] = "model",       [PB_AXIS_BACKEND] = "backend",
    [PB_AXIS_VARIANT] = "variant", [PB_AXIS_SCHEDULE] = "schedule", [PB_AXIS_CRITERION] = "criterion",
};

/* An axis entry's label, or its plugin or name where it has none. */
static const char *entry_label(const xmlNode *entry)
{
    static const char *const attributes[] = {"label", "plugin", "name"};
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        const char *value = pb_xml_attribute(entry, attributes[i]);
        if (value != NULL)
            return value;
    }
    return NULL;
}

static enum pb_status add_label(struct pb_axis_order *order, enum pb_axis axis, const char *label,
                                struct pb_error *error)
{
    char **labels = pb_array_room(order->axes[axis].labels, order->axes[axis].count, sizeof *labels, error);
    if (labels == NULL)
        return PB_ERROR_MEMORY;
    order->axes[axis].labels = labels;
    char *copy = pb_strdup(label);
    if (copy == NULL)
        return pb_fail_memory(error, strlen(label) + 1);
    labels[order->axes[axis].count++] = copy;
    return PB_OK;
}

static enum pb_status read_entries(const struct pb_xml *xml, struct pb_axis_order *order, struct pb_error *error)
{
    for (const xmlNode *entry = pb_xml_first(xmlDocGetRootElement(xml->doc)); entry != NULL; entry = pb_xml_next(entry))
        for (int axis = 0; axis < PB_AXIS_COUNT; axis++) {
            const char *label = entry_label(entry);
            if (label == NULL || strcmp(pb_xml_name(entry), pb_axis_names[axis]) != 0)
                continue;
            enum pb_status status = add_label(order, (enum pb_axis)axis, label, error);
            if (status != PB_OK)
                return status;
        }
    return PB_OK;
}

enum pb_status pb_axis_order_read(const char *out, struct pb_axis_order *order, struct pb_error *error)
{
    struct pb_xml xml = {0};
    enum pb_status status = PB_OK;
    char *path = pb_path_join(out, "matrix.xml");
    if (path == NULL)
        return pb_fail_memory(error, strlen(out));
    if (pb_file_exists(path)) {
        status = pb_xml_read(path, 0, &xml, error);
        if (status == PB_OK)
            status = read_entries(&xml, order, error);
    }
    pb_xml_free(&xml);
    pb_free(path);
    return status;
}

uint32_t pb_axis_rank(const struct pb_axis_order *order, enum pb_axis axis, const char *label)
{
    for (uint32_t i = 0; i < order->axes[axis].count; i++)
        if (strcmp(order->axes[axis].labels[i], label) == 0)
            return i;
    return order->axes[axis].count;
}

void pb_axis_order_free(struct pb_axis_order *order)
{
    for (int axis = 0; axis < PB_AXIS_COUNT; axis++) {
        for (uint32_t i = 0; i < order->axes[axis].count; i++)
            pb_free(order->axes[axis].labels[i]);
        pb_free(order->axes[axis].labels);
    }
    *order = (struct pb_axis_order){0};
}
