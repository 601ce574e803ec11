/* Stylesheets: libxslt in this process, without network and without writing files. */
#ifndef PB_REPORT_TRANSFORM_H
#define PB_REPORT_TRANSFORM_H

#include "base/error.h"
#include "base/text.h"
#include "base/xml.h"

struct pb_stylesheet;

/* Reads and compiles a stylesheet; what it imports is read from files only. */
PB_MUST_CHECK enum pb_status pb_stylesheet_open(const char *path, struct pb_stylesheet **sheet, struct pb_error *error);
/* One that comes with the program, from the folder "reports". */
PB_MUST_CHECK enum pb_status pb_stylesheet_open_own(const char *name, struct pb_stylesheet **sheet,
                                                    struct pb_error *error);
/* The study's one of that name, in folder, where it has one; else the program's. folder NULL: no study. */
PB_MUST_CHECK enum pb_status pb_stylesheet_open_study(const char *folder, const char *name,
                                                      struct pb_stylesheet **sheet, struct pb_error *error);
void pb_stylesheet_free(struct pb_stylesheet **sheet);

/*
 * Applies it; parameters: name, value, name, value, …, NULL (values are strings, not XPath); NULL for none.
 * The result is serialised as the stylesheet's output element says and appended to text. */
PB_MUST_CHECK enum pb_status pb_stylesheet_apply(const struct pb_stylesheet *sheet, const struct pb_xml *xml,
                                                 const char *const *parameters, struct pb_text *text,
                                                 struct pb_error *error);

#endif
