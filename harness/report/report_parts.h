/* The parts of pb_report. */
#ifndef PB_REPORT_REPORT_PARTS_H
#define PB_REPORT_REPORT_PARTS_H

#include "base/error.h"
#include "base/xml.h"
#include "report/figure_data.h"
#include "report/report.h"
#include "summary/summary.h"

/* Where a report is made. */
struct pb_report_place {
    char *folder; /* OUT/report, absolute: gnuplot reads "<…" and "|…" as commands, "/…" never */
    char *templates; /* the program's folder "reports" */
    const char *study; /* the folder of the study whose published results are shown beside; NULL: none */
    const char *formats; /* of figures: "svg", "svg pdf png" */
};

/* A figure or a drawn table: its template and data. */
struct pb_drawing {
    const char *template_name; /* "accuracy.gp" */
    const char *name; /* of the files */
    const char *title; /* in the figure */
    const char *alternative; /* for readers who cannot see it */
    const struct pb_figure_data *data;
};
/* Writes data/NAME.tsv and draws figures/NAME.{svg,pdf,png}: all of them whole, or none and those of an earlier report stay. */
PB_MUST_CHECK enum pb_status pb_report_draw(const struct pb_report_place *place, const struct pb_drawing *drawing,
                                            struct pb_error *error);

/* Every figure of the summary. */
PB_MUST_CHECK enum pb_status pb_report_figures(const struct pb_report_place *place, const struct pb_summary *summary,
                                               struct pb_error *error);

/* The contact sheets of the summary's sections, from OUT/samples/KEY, as figures/samples.KEY.png and augmented.KEY.png. */
PB_MUST_CHECK enum pb_status pb_report_samples(const struct pb_report_place *place, const char *out,
                                               const struct pb_summary *summary, struct pb_error *error);

/* The summary's document as neutral tables (tables.xsl of the study in folder study, NULL without one); of one kind, or ""
 * for all. */
PB_MUST_CHECK enum pb_status pb_report_tables(const struct pb_xml *summary, const char *study, const char *kind,
                                              struct pb_xml *tables, struct pb_error *error);
/* tables/NAME.html, .tex, .md, .csv, as formats (or-ed enum pb_report_format) says. */
PB_MUST_CHECK enum pb_status pb_report_write_tables(const struct pb_report_place *place, const struct pb_xml *tables,
                                                    unsigned formats, struct pb_error *error);
/* The tables drawn for slides: figures/table.NAME.{svg,pdf,png}. */
PB_MUST_CHECK enum pb_status pb_report_draw_tables(const struct pb_report_place *place, const struct pb_xml *tables,
                                                   struct pb_error *error);

/* index.html with everything it shows inside, so that it can be copied alone; and what the pages beside it share. tables:
 * endings of the table files to link to, "csv tex". */
PB_MUST_CHECK enum pb_status pb_report_page(const struct pb_report_place *place, const struct pb_xml *summary,
                                            const char *tables, struct pb_error *error);
/* cells/ID.html of every cell, from OUT/cells/ID.xml. */
PB_MUST_CHECK enum pb_status pb_report_cells(const struct pb_report_place *place, const struct pb_summary *summary,
                                             struct pb_error *error);
/* A page of a stylesheet, each of the stylesheet's comments replaced by what it names. */
PB_MUST_CHECK enum pb_status pb_page_fill(const struct pb_report_place *place, const char *html, struct pb_text *page,
                                          struct pb_error *error);

#endif
