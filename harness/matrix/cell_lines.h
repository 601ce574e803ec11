/* Where a matrix document names what a cell reads. */
#ifndef PB_MATRIX_CELL_LINES_H
#define PB_MATRIX_CELL_LINES_H

/* Lines of the document; 0 for what it does not name. */
struct pb_cell_lines {
    long dataset_root, pretrained, pretraining, schedule, teacher;
};

#endif
