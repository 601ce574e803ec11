/* The schemas that follow from the program's own tables. */
#ifndef PB_CLI_PRINT_SCHEMA_H
#define PB_CLI_PRINT_SCHEMA_H

/* Names that --schema takes; up to NULL. */
extern const char *const pb_schema_names[];
/* The schema of that name, for the copy below harness/schema; the exit code. name: NULL where none was given. */
int pb_print_schema(const char *name);

#endif
