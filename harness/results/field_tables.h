/* What tables of fields are written with. ROW is the name of the struct that a table is of. */
#ifndef PB_RESULTS_FIELD_TABLES_H
#define PB_RESULTS_FIELD_TABLES_H

#include "results/fields.h"

#define LENGTH(list) (uint32_t)(sizeof(list) / sizeof *(list))
#define OF_ROW .size = sizeof(struct ROW)
#define FIELDS(table) .list = table, .count = LENGTH(table)
#define INNER(table) .inner = table, .inner_count = LENGTH(table)

#define AT(member) .offset = offsetof(struct ROW, member)
/* A list: the pointer, and the count beside it. */
#define LIST(member, number) .offset = offsetof(struct ROW, member), .count = offsetof(struct ROW, number)
/* A member of the struct that one of ROW's pointers points to; that struct itself, for a function that derives a value. */
#define BEHIND(to, type, member) WHOLE(to), .offset = offsetof(struct type, member)
#define WHOLE(to) .behind = true, .pointer = offsetof(struct ROW, to)

#endif
