# A table for slides. Data, block 0: texts: x, row, text set left. Block 1: x, row, text set right. Block 2: the same as
# block 0 in bold, block 3: block 1 in bold. Block 4: rows under which a line goes: row, line width. ARG6: width in
# characters; ARG7: rows, the header's included.
load ARG1."/common.gp"
columns = real(ARG6); rows = int(ARG7)
width = int(columns * 8 + 32); height = rows * 24 + 48
unset key; unset border; unset tics; unset grid
set lmargin screen 16. / width; set rmargin screen 1 - 16. / width
set tmargin screen 1 - 36. / height; set bmargin screen 12. / height
set title ARG5 font ",13"
lines = 0
array row[1000]; array thick[1000]
set xrange [*:*]; set yrange [*:*]
stats ARG2 index 4 using (lines = lines + 1, row[lines] = $1, thick[lines] = $2, 0) nooutput
set xrange [0 : columns]; set yrange [rows - 0.5 : -0.5]
do for [i = 1:lines] { set arrow from 0, row[i] + 0.5 to columns, row[i] + 0.5 nohead lc rgb black lw thick[i] }

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    plot ARG2 index 0 using 1:2:(stringcolumn(3)) with labels left noenhanced notitle, \
         ARG2 index 1 using 1:2:(stringcolumn(3)) with labels right noenhanced notitle, \
         ARG2 index 2 using 1:2:(stringcolumn(3)) with labels left font "DejaVu Sans Bold,12" noenhanced notitle, \
         ARG2 index 3 using 1:2:(stringcolumn(3)) with labels right font "DejaVu Sans Bold,12" noenhanced notitle
    unset output
}
