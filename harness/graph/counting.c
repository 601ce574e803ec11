/* A study's convention of counting, read from its file and applied to a network. */
#include "graph/counting.h"

#include <string.h>

#include "base/text.h"
#include "base/xml.h"
#include "graph/cost.h"

/* A convention is a dozen lines. */
enum { MOST_BYTES = 1 << 16 };

static enum pb_status find_operator(const struct pb_xml *xml, const xmlNode *node, enum pb_op *found,
                                    struct pb_error *error)
{
    const char *names[PB_OP_COUNT], *name = pb_xml_attribute(node, "name");
    if (!name)
        return pb_xml_fail(xml, node, error, "<operator>: attribute 'name' is missing");
    for (enum pb_op op = 0; op < PB_OP_COUNT; op++) {
        names[op] = pb_op_name(op);
        if (strcmp(names[op], name) == 0) {
            *found = op;
            return PB_OK;
        }
    }
    const char *closest = pb_closest(name, names, PB_OP_COUNT);
    return closest ? pb_xml_fail(xml, node, error, "unknown operator '%s'; did you mean '%s'?", name, closest)
                   : pb_xml_fail(xml, node, error, "unknown operator '%s'; 'prunebench count' shows them", name);
}

static enum pb_status read_factors(const struct pb_xml *xml, const xmlNode *node, struct pb_counting_factors *factors,
                                   struct pb_error *error)
{
    const struct {
        const char *name;
        size_t *value;
    } known[] = {{"macs", &factors->macs},
                 {"inputs", &factors->inputs},
                 {"outputs", &factors->outputs},
                 {"biases", &factors->biases}};
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
        const char *name = (const char *)attribute->name;
        size_t k = 0;
        while (k < sizeof known / sizeof *known && strcmp(known[k].name, name) != 0)
            k++;
        if (strcmp(name, "name") == 0)
            continue;
        if (k == sizeof known / sizeof *known)
            return pb_xml_fail(xml, node, error,
                               "<operator>: unknown attribute '%s'; known are name, macs, inputs, outputs and biases",
                               name);
        if (!pb_parse_size(pb_xml_attribute(node, name), known[k].value))
            return pb_xml_fail(xml, node, error, "<operator>: %s=\"%s\" is not a whole number from 0 up", name,
                               pb_xml_attribute(node, name));
    }
    return PB_OK;
}

static enum pb_status read_operators(const struct pb_xml *xml, struct pb_counting *counting, struct pb_error *error)
{
    const xmlNode *root = xmlDocGetRootElement(xml->doc);
    bool named[PB_OP_COUNT] = {false};
    if (strcmp(pb_xml_name(root), "counting") != 0)
        return pb_xml_fail(xml, root, error, "<%s> where <counting>, a way to count work, is expected",
                           pb_xml_name(root));
    for (const xmlNode *node = pb_xml_first(root); node; node = pb_xml_next(node)) {
        enum pb_op op = PB_OP_INPUT;
        if (strcmp(pb_xml_name(node), "operator") != 0)
            return pb_xml_fail(xml, node, error, "<%s> is not known here; <counting> has only <operator>",
                               pb_xml_name(node));
        enum pb_status status = find_operator(xml, node, &op, error);
        if (status == PB_OK && named[op])
            status = pb_xml_fail(xml, node, error, "operator '%s' is named twice", pb_op_name(op));
        if (status == PB_OK)
            status = read_factors(xml, node, &counting->of[op], error);
        if (status != PB_OK)
            return status;
        named[op] = true;
    }
    return PB_OK;
}

enum pb_status pb_counting_read(const char *path, struct pb_counting *counting, struct pb_error *error)
{
    struct pb_xml xml = {0};
    struct pb_counting made = {0};
    enum pb_status status = pb_xml_read(path, MOST_BYTES, &xml, error);
    if (status == PB_OK)
        status = read_operators(&xml, &made, error);
    if (status == PB_OK)
        *counting = made;
    pb_xml_free(&xml);
    return status;
}

uint64_t pb_node_counted(const struct pb_graph *graph, uint32_t index, const struct pb_counting *counting)
{
    const struct pb_node *node = &graph->nodes[index];
    const struct pb_counting_factors *factors = &counting->of[node->op];
    const uint64_t outputs = pb_shape_count(node->shape);
    uint64_t inputs = 0;
    for (uint32_t i = 0; i < node->input_count; i++)
        inputs += pb_shape_count(graph->nodes[node->inputs[i]].shape);
    const bool bias = node->parameters[PB_ROLE_BIAS] != PB_NO_PARAMETER;
    return factors->macs * pb_node_cost(graph, index).macs + factors->inputs * inputs + factors->outputs * outputs +
           (bias ? factors->biases * outputs : 0);
}

uint64_t pb_graph_counted(const struct pb_graph *graph, const struct pb_counting *counting)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < graph->node_count; i++)
        total += pb_node_counted(graph, i, counting);
    return total;
}
