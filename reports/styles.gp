# Line types for as many criteria as come: those of common.gp (1 to 14), then the same colours with other markers and dashes.
do for [i = 15:35] {
    turn = (i - 1) / 7
    set linetype i lc rgb colour[(i - 1) % 7 + 1] lw 1.8 pt marker[(i - 1 + 3 * turn) % 7 + 1] ps 0.75 dt turn + 1
}
set linetype cycle 35
