/* Drawing one figure: data file, gnuplot, SVG clean-up. gnuplot draws into a folder of its own beside the figures, and only a
 * drawing that is whole in every format takes the place of an older one. */
#include "report/report_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/owner.h"
#include "report/figure_file.h"
#include "report/figure_svg.h"
#include "report/gnuplot.h"

/* One drawing on its way. */
struct sketch {
    const struct pb_report_place *place;
    const struct pb_drawing *drawing;
    char *template_path, *data;
    char *folder; /* temporary, in the folder of the figures, so that a full disk shows here */
    char *output; /* inside, without its ending */
    struct pb_error *error;
};

static enum pb_status prepare(struct sketch *sketch)
{
    const char *folder = sketch->place->folder, *name = sketch->drawing->name;
    sketch->template_path = pb_path_join(sketch->place->templates, sketch->drawing->template_name);
    sketch->data = pb_format("%s/data/%s.tsv", folder, name);
    char *tag = pb_owner_tag();
    sketch->folder = tag == NULL ? NULL : pb_format("%s/figures/.%s.new-%s", folder, name, tag);
    sketch->output = sketch->folder == NULL ? NULL : pb_path_join(sketch->folder, name);
    pb_free(tag);
    if (sketch->template_path == NULL || sketch->data == NULL || sketch->output == NULL)
        return pb_fail_memory(sketch->error, strlen(folder) + strlen(name));
    return pb_make_dirs(sketch->folder, sketch->error);
}

enum { OWN = 4, SHOWN = 1 + OWN }; /* what a template gets: its own arguments, behind the title */

static enum pb_status make_shown(const struct pb_drawing *drawing, char *shown[SHOWN], struct pb_error *error)
{
    for (size_t i = 0; i < SHOWN; i++) {
        const char *text = i == 0 ? drawing->title : drawing->data->arguments[i - 1].data;
        shown[i] = pb_gnuplot_argument(text == NULL ? "" : text);
        if (shown[i] == NULL)
            return pb_fail_memory(error, text == NULL ? 1 : strlen(text) + 1);
    }
    return PB_OK;
}

static enum pb_status draw(const struct sketch *sketch)
{
    const struct pb_report_place *place = sketch->place;
    const struct pb_text *data = &sketch->drawing->data->data;
    char *shown[SHOWN] = {0};
    enum pb_status status =
        pb_file_write_atomic(sketch->data, data->data == NULL ? "" : data->data, data->length, sketch->error);
    if (status == PB_OK)
        status = make_shown(sketch->drawing, shown, sketch->error);
    if (status == PB_OK)
        status = pb_gnuplot(sketch->template_path,
                            (const char *[]){place->templates, sketch->data, sketch->output, place->formats, shown[0],
                                             shown[1], shown[2], shown[3], shown[4], NULL},
                            sketch->error);
    for (size_t i = 0; i < SHOWN; i++)
        pb_free(shown[i]);
    return status;
}

static enum pb_status check(const struct sketch *sketch, const char *format, const char *path)
{
    return pb_figure_file_check(path, format, sketch->error);
}

static enum pb_status move(const struct sketch *sketch, const char *format, const char *path)
{
    char *final = pb_format("%s/figures/%s.%s", sketch->place->folder, sketch->drawing->name, format);
    enum pb_status status = final == NULL ? pb_fail_memory(sketch->error, strlen(path)) : PB_OK;
    if (status == PB_OK && strcmp(format, "svg") == 0)
        status = pb_figure_svg_finish(path, sketch->drawing->name, sketch->drawing->alternative, sketch->error);
    if (status == PB_OK)
        status = pb_file_move(path, final, sketch->error);
    pb_free(final);
    return status;
}

/* Does step for every format that was asked for. */
static enum pb_status for_formats(const struct sketch *sketch,
                                  enum pb_status (*step)(const struct sketch *sketch, const char *format,
                                                         const char *path))
{
    enum pb_status status = PB_OK;
    const char *word = sketch->place->formats;
    while (*word != '\0' && status == PB_OK) {
        const size_t length = strcspn(word, " ");
        char *format = pb_strndup(word, length);
        char *path = format == NULL ? NULL : pb_format("%s.%s", sketch->output, format);
        status = path == NULL ? pb_fail_memory(sketch->error, length + 1) : step(sketch, format, path);
        pb_free(path);
        pb_free(format);
        word += length + strspn(word + length, " ");
    }
    return status;
}

/* What failed before is the reason to give, whether or not the folder can be removed. */
static enum pb_status clean(const struct sketch *sketch, enum pb_status status)
{
    struct pb_error error = {0};
    const enum pb_status removed = sketch->folder == NULL ? PB_OK : pb_remove_tree(sketch->folder, &error);
    if (status != PB_OK || removed == PB_OK)
        return status;
    return pb_fail(sketch->error, removed, "%s", error.text);
}

enum pb_status pb_report_draw(const struct pb_report_place *place, const struct pb_drawing *drawing,
                              struct pb_error *error)
{
    struct sketch sketch = {.place = place, .drawing = drawing, .error = error};
    enum pb_status status = prepare(&sketch);
    if (status == PB_OK)
        status = draw(&sketch);
    if (status == PB_OK)
        status = for_formats(&sketch, check);
    if (status == PB_OK)
        status = for_formats(&sketch, move);
    status = clean(&sketch, status);
    if (status != PB_OK)
        (void)pb_fail_context(error, "figure '%s'", drawing->name);
    pb_free(sketch.template_path);
    pb_free(sketch.data);
    pb_free(sketch.folder);
    pb_free(sketch.output);
    return status;
}
