# Channels kept per layer. Data, block 0: column, row, kept %, kept (text). Block 1: row, layer. Block 2: column, removed %.
# Block 3: middle column, criterion. Block 4: columns behind which a criterion ends. ARG6: columns; ARG7: rows.
load ARG1."/common.gp"
columns = int(ARG6); rows = int(ARG7)
cell = columns > 24 ? 24 : columns > 12 ? 34 : 46
width = 150 + columns * cell < 400 ? 400 : 150 + columns * cell
# Names of criteria that are longer than their columns are wide are printed aslant.
longest(block) = sprintf("stats ARG2 index %d using (strlen(stringcolumn(2))) nooutput", block)
eval longest(3)
name = STATS_max; groups = STATS_records
aslant = name * 7.5 > columns * cell / groups - 6
above = aslant ? 20 + name * 4.2 : 0
eval longest(1)
height = 130 + rows * 20 + above
set lmargin (STATS_max > 8 ? STATS_max + 2 : 10); set rmargin 9; set tmargin 4.5 + above / 17.; set bmargin 3.5
if (aslant) { width = width + 40; set x2tics rotate by 35 left offset -0.5, 0 }
set xrange [-0.5 : columns - 0.5]
set x2range [-0.5 : columns - 0.5]
set yrange [rows - 0.5 : -0.5]
unset key; unset grid; unset border
set tics scale 0
tic_font = columns > 24 ? ",8" : ",11"
set xtics noenhanced font tic_font; set x2tics noenhanced; set ytics noenhanced
set cbrange [0 : 100]
set cblabel "Channels kept (%)" offset 0.5,0
set cbtics 25 scale 0.3
set colorbox
# viridis, in five steps that gnuplot interpolates
set palette defined (0 "#440154", 0.25 "#3b528b", 0.5 "#21918c", 0.75 "#5ec962", 1 "#fde725")
dark = 43.5 # below it white has the larger contrast with the palette, above it black: 4.5 at least
set title ARG5 offset 0, 0.6
set xlabel "Removed (%)"

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    plot ARG2 index 0 using 1:2:($1 - 0.5):($1 + 0.5):($2 - 0.5):($2 + 0.5):3 with boxxyerror fs solid 1 border rgb "#ffffff" lw 0.5 lc palette notitle, \
         ARG2 index 0 using 1:2:($3 >= dark || columns > 24 ? "" : stringcolumn(4)) with labels font ",9" textcolor rgb "#ffffff" noenhanced notitle, \
         ARG2 index 0 using 1:2:($3 < dark || columns > 24 ? "" : stringcolumn(4)) with labels font ",9" textcolor rgb "#000000" noenhanced notitle, \
         ARG2 index 1 using (0):1:ytic(2) with points pt 0 lc rgb "#ffffff" notitle, \
         ARG2 index 2 using 1:(0):xtic(2) with points pt 0 lc rgb "#ffffff" notitle, \
         ARG2 index 3 using 1:(0):x2tic(2) with points pt 0 lc rgb "#ffffff" axes x2y1 notitle, \
         ARG2 index 4 using 1:(-0.5):(0):(rows) with vectors nohead lc rgb "#ffffff" lw 4 notitle
    unset output
}
