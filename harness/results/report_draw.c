/* Drawing one figure: data file, gnuplot, SVG clean-up. */
#include "results/report_parts.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "results/figure_svg.h"
#include "results/gnuplot.h"

/* The files of one drawing. */
struct files {
    char *template_path, *data, *output, *svg;
};

static enum pb_status make_paths(const struct pb_report_place *place, const struct pb_drawing *drawing,
                                 struct files *files, struct pb_error *error)
{
    files->template_path = pb_path_join(place->templates, drawing->template_name);
    files->data = pb_format("%s/data/%s.tsv", place->folder, drawing->name);
    files->output = pb_format("%s/figures/%s", place->folder, drawing->name);
    files->svg = pb_format("%s/figures/%s.svg", place->folder, drawing->name);
    if (files->template_path == NULL || files->data == NULL || files->output == NULL || files->svg == NULL)
        return pb_fail_memory(error, strlen(place->folder) + strlen(drawing->name));
    return PB_OK;
}

static const char *argument(const struct pb_drawing *drawing, size_t index)
{
    const char *text = drawing->data->arguments[index].data;
    return text == NULL ? "" : text;
}

enum pb_status pb_report_draw(const struct pb_report_place *place, const struct pb_drawing *drawing,
                              struct pb_error *error)
{
    struct files files = {0};
    const struct pb_text *data = &drawing->data->data;
    enum pb_status status = make_paths(place, drawing, &files, error);
    if (status == PB_OK)
        status = pb_file_write_atomic(files.data, data->data == NULL ? "" : data->data, data->length, error);
    if (status == PB_OK)
        status = pb_gnuplot(files.template_path,
                            (const char *[]){place->templates, files.data, files.output, place->formats, drawing->title,
                                             argument(drawing, 0), argument(drawing, 1), argument(drawing, 2),
                                             argument(drawing, 3), NULL},
                            error);
    if (status == PB_OK)
        status = pb_figure_svg_finish(files.svg, drawing->name, drawing->alternative, error);
    if (status != PB_OK)
        (void)pb_fail_context(error, "figure '%s'", drawing->name);
    pb_free(files.template_path);
    pb_free(files.data);
    pb_free(files.output);
    pb_free(files.svg);
    return status;
}
