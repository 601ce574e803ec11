/* Records of a CSV file (RFC 4180): quoted fields, doubled quotes, line ends of Unix and Windows. */
#ifndef PB_DATASETS_CSV_H
#define PB_DATASETS_CSV_H

#include "common/annotations.h"

#define CSV_COLUMNS_MAX 256

struct csv_reader {
    struct annotations file; /* file.line: where the record read last begins, for annotations_fail */
    uint32_t next_line;
};

struct csv_record {
    char *fields[CSV_COLUMNS_MAX]; /* the file's memory */
    size_t count; /* 0: behind the last record */
};

/* ROOT/name; failures as annotations_open's. */
enum pb_status csv_open(struct arena *arena, const char *folder, const char *name, struct csv_reader *reader);

/* The next record that is not blank. */
enum pb_status csv_next(struct csv_reader *reader, struct csv_record *record);

#endif
