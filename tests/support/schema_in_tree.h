/* The schemas below harness/schema: with them xmllint accepts and refuses what the program does. */
#ifndef PB_TEST_SCHEMA_IN_TREE_H
#define PB_TEST_SCHEMA_IN_TREE_H

#include "base/error.h"
#include "base/text.h"

/* harness/schema/NAME-1.xsd is what print makes. */
void assert_schema_in_tree(const char *name, enum pb_status (*print)(struct pb_text *text, struct pb_error *error));

#endif
