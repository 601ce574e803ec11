/* A record with every member set to something that is easily lost. */
#ifndef PB_TEST_FULL_RECORD_H
#define PB_TEST_FULL_RECORD_H

#include "results/record.h"

/* Give it back with pb_record_free. */
void full_record(struct pb_record *record);
/* b is as full_record made it; fails the test where a is not the same. */
void assert_equal_full(const struct pb_record *a, const struct pb_record *b);

#endif
