/* prunebench help: commands, matrix documents, and what can be in them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "graph/cost.h"
#include "graph/models.h"
#include "plugin/options.h"
#include "plugin/registry.h"

static const struct pb_cli_option options[] = {
    {"markdown", 0, NULL, "print Markdown: of 'matrix' or 'catalogue'"},
    {"plugin-dir", 0, "DIR", "look for plugins here first; may be given several times"},
    {0},
};

/* The size at which the table of models counts: ImageNet's. */
enum { SHOWN_CLASSES = 1000, SHOWN_SIZE = 224 };

static const struct format {
    const char *what, *formats, *where;
} formats[] = {
    {"Images", "JPEG, PNG", "data sets"},
    {"Weights", "safetensors or PyTorch's .pth, with torchvision's names", "pretrained of a model"},
    {"Checkpoints", "safetensors", "OUT/stages; teacher of retraining"},
    {"Results", "XML", "OUT/cells; result-1.xsd is their schema"},
    {"Tables", "HTML, LaTeX, Markdown, CSV", "OUT/report/tables"},
    {"Figures", "SVG, PDF, PNG", "OUT/report/figures"},
};

/* By kind of plugin. */
static const char *const titles[] = {[PB_KIND_CRITERION] = "Criterion",
                                     [PB_KIND_SCHEDULE] = "Schedule",
                                     [PB_KIND_BACKEND] = "Backend",
                                     [PB_KIND_DATASET] = "Data set",
                                     [PB_KIND_PENALTY] = "Penalty"};

static const char manual_head[] =
    "# Matrix documents\n\n"
    "<!-- Made by `prunebench help matrix --markdown` (scripts/generated-docs); a test compares it. -->\n\n"
    "A matrix is an XML document that lists data sets, models, criteria, schedules, backends, targets and seeds, and "
    "the\n"
    "settings of their training. `prunebench check MATRIX` validates one and names file and line of what is wrong;\n"
    "`OUT/matrix.xml` of a run is the matrix with every default written out. An example:\n"
    "[datasets/matrices/default.xml](../datasets/matrices/default.xml).\n";

static void append_header(struct pb_text *text, bool markdown, const char *title, const char *columns)
{
    if (!markdown) {
        pb_text_append(text, "%s%s\n", text->length ? "\n" : "", title);
        return;
    }
    pb_text_append(text, "%s| %s |\n|", text->length ? "\n" : "", columns);
    for (const char *column = columns; column; column = strchr(column, '|')) {
        pb_text_append(text, "---|");
        column += *column == '|';
    }
    pb_text_append(text, "\n");
}

static void append_plugins(struct pb_text *text, bool markdown, const struct pb_registry *registry, uint32_t kind)
{
    char columns[64];
    snprintf(columns, sizeof columns, "%s | what it is", titles[kind]);
    append_header(text, markdown, titles[kind], columns);
    for (size_t i = 0; i < registry->count; i++) {
        const struct pb_plugin *plugin = registry->plugins[i].plugin;
        if (plugin->kind != kind)
            continue;
        pb_text_append(text, markdown ? "| `%s` | " : "  %-12s ", plugin->name);
        if (markdown)
            pb_manual_markdown(text, plugin->summary);
        else
            pb_text_append(text, "%s", plugin->summary);
        pb_text_append(text, markdown ? " |\n" : "\n");
    }
}

static enum pb_status append_models(struct pb_text *text, bool markdown, struct pb_error *error)
{
    append_header(text, markdown, "Model (parameters and MACs for 1000 classes at 224×224 pixels)",
                  "Model | what it is | parameters, 10⁶ | MACs of one image, 10⁹");
    const struct pb_model_row *row;
    for (uint32_t i = 0; (row = pb_model_at(i)); i++) {
        struct pb_graph *graph = NULL;
        const struct pb_model_spec spec = {.name = row->name,
                                           .classes = SHOWN_CLASSES,
                                           .image_size = SHOWN_SIZE,
                                           .width_multiplier = 1,
                                           .batch_norm = true};
        const enum pb_status status = pb_model_build(&spec, &graph, error);
        if (status != PB_OK)
            return status;
        const struct pb_cost cost = pb_graph_cost(graph);
        pb_text_append(text,
                       markdown ? "| `%s` | %s | %.1f | %.2f |\n" : "  %-12s %s; %.1f·10⁶ parameters, %.2f·10⁹ MACs\n",
                       row->name, row->summary, 1e-6 * (double)cost.params, 1e-9 * (double)cost.macs);
        pb_graph_free(&graph);
    }
    return PB_OK;
}

static void append_heads(struct pb_text *text, bool markdown)
{
    append_header(text, markdown, "Head", "Head (head= of a model, --head) | what it is");
    for (size_t i = 1; pb_head_names[i]; i++)
        pb_text_append(text, markdown ? "| `%s` | %s |\n" : "  %-16s %s\n", pb_head_names[i],
                       pb_head_row((enum pb_head_choice)i)->summary);
}

static enum pb_status append_catalogue(struct pb_text *text, const struct pb_arguments *arguments, bool markdown,
                                       struct pb_error *error)
{
    struct pb_registry registry;
    enum pb_status status = pb_registry_open(pb_argument_list(arguments, "plugin-dir"), &registry, error);
    if (status != PB_OK)
        return status;
    for (uint32_t kind = PB_KIND_CRITERION; kind < sizeof titles / sizeof *titles; kind++)
        append_plugins(text, markdown, &registry, kind);
    pb_registry_close(&registry);
    status = append_models(text, markdown, error);
    append_heads(text, markdown);
    append_header(text, markdown, "Format", "Format | which | where");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        pb_text_append(text, markdown ? "| %s | %s | %s |\n" : "  %-12s %s (%s)\n", formats[i].what, formats[i].formats,
                       formats[i].where);
    return status;
}

static enum pb_status run(const struct pb_arguments *arguments, int *exit_code, struct pb_error *error)
{
    (void)exit_code;
    const bool markdown = pb_argument(arguments, "markdown") != NULL;
    const char *topic = arguments->word_count > 0 ? arguments->words[0] : NULL;
    struct pb_text text = {0};
    if (topic && strcmp(topic, "matrix") == 0) {
        if (markdown)
            pb_text_append(&text, "%s", manual_head);
        pb_manual_matrix(&text, markdown ? PB_MANUAL_MARKDOWN : PB_MANUAL_TEXT);
        return pb_print_text(&text, error);
    }
    if (topic && strcmp(topic, "catalogue") == 0) {
        const enum pb_status status = append_catalogue(&text, arguments, markdown, error);
        if (status == PB_OK)
            return pb_print_text(&text, error);
        pb_text_free(&text);
        return status;
    }
    if (markdown)
        return pb_fail(error, PB_ERROR_INPUT, "help: --markdown is for 'matrix' and 'catalogue'");
    if (!topic) {
        pb_help_program(stdout, pb_commands);
        return PB_OK;
    }
    const struct pb_command *command;
    const enum pb_status status = pb_command_find(topic, &command, error);
    if (status == PB_OK)
        pb_help_command(stdout, command);
    return status;
}

const struct pb_command pb_command_help = {
    .name = "help",
    .usage = "[COMMAND | matrix | catalogue] [--markdown] [--plugin-dir DIR]…",
    .summary = "explain a command, matrix documents, or what there is to choose from",
    .details = "'prunebench help matrix' explains every element and attribute of a matrix document. 'prunebench help\n"
               "catalogue' lists criteria, schedules, backends, data sets, models and formats.",
    .options = options,
    .min_words = 0,
    .max_words = 1,
    .run = run,
};
