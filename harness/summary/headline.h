/* The numbers of one cell that fit in a line. */
#ifndef PB_SUMMARY_HEADLINE_H
#define PB_SUMMARY_HEADLINE_H

#include "results/record.h"

struct pb_headline {
    double before,
        after; /* top-1 on the test images, 0 … 1: of the unpruned network, of the cell's last one; NaN: not measured */
    double macs_removed, params_removed; /* shares of the unpruned network's; NaN where nothing was pruned */
    double seconds; /* that the cell took; NaN: not known */
};
void pb_headline_of(const struct pb_record *record, struct pb_headline *headline);

/* "71.2 % (−0.8), 41 % of MACs removed"; the parts that are known, "" without any. */
#define PB_HEADLINE_TEXT 96
void pb_headline_text(const struct pb_headline *headline, char text[PB_HEADLINE_TEXT]);

#endif
