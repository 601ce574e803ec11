/* Published results, to be set beside one's own: a <results> document (schema/result-1.xsd). */
#ifndef PB_SUMMARY_PUBLISHED_H
#define PB_SUMMARY_PUBLISHED_H

#include "graph/counting.h"
#include "summary/summary.h"

struct pb_reference {
    char *name, *title;
    char *study; /* the folder that the document is in: the study's own stylesheets are beside it */
    struct pb_counting *counting; /* the study's counting.xml; NULL: it has none */
    struct pb_record *cells;
    uint32_t count;
};

/* A name with '/' or ".xml" at its end is a file's; others come with the program as studies/NAME/published.xml. */
bool pb_reference_is_file(const char *name);
/* The file that a reference's name means; PB_ERROR_INPUT when there is none. *path from pb_calloc. */
PB_MUST_CHECK enum pb_status pb_reference_find(const char *name, char **path, struct pb_error *error);
PB_MUST_CHECK enum pb_status pb_reference_read(const char *path, struct pb_reference *reference,
                                               struct pb_error *error);
void pb_reference_free(struct pb_reference *reference);

/*
 * Sets published numbers beside the summary's rows and baselines. A published cell belongs to a row when data set plugin,
 * schedule plugin, criterion plugin, target, kind of network (bilinear head or not; of those with it, batch norm or not; of
 * those without, pretrained or not) are the same, and the variant: one without a variant belongs to rows of all variants that
 * no published cell names. Where a
 * section's network or data differ in scale from the published, it says in what.
 */
PB_MUST_CHECK enum pb_status pb_reference_join(const struct pb_reference *reference, struct pb_summary *summary,
                                               struct pb_error *error);

#endif
