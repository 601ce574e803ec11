# The schedules as they ran, a lane each. Data, block 0: column, lane, kind (1 training, 2 pruning, 3 the end), name, what, top-1
# on the test images. Block 1: lane, schedule. ARG6: columns; ARG7: lanes.
load ARG1."/common.gp"
columns = int(ARG6); lanes = int(ARG7)
if (columns < 3) columns = 3 # room for the title
width = 146 + columns * 118; height = 70 + lanes * 86
set lmargin screen 126. / width; set rmargin screen 1 - 12. / width
set tmargin screen 1 - 44. / height; set bmargin screen 10. / height
set xrange [-0.5 : columns - 0.5]
set yrange [lanes - 0.5 : -0.5]
unset key; unset grid; unset border; unset xtics
set tics scale 0
set ytics noenhanced
set title ARG5
tint(kind) = kind == 1 ? 0xd6e6f2 : kind == 2 ? 0xf9e0cf : 0xd9efe7

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    plot ARG2 index 0 using 1:2:($1 - 0.46):($1 + 0.46):($2 - 0.38):($2 + 0.38):(tint($3)) with boxxyerror fs solid 1 border rgb grey lw 0.6 lc rgb variable notitle, \
         ARG2 index 0 using 1:($2 - 0.22):(stringcolumn(4)) with labels font ",10" noenhanced notitle, \
         ARG2 index 0 using 1:2:(stringcolumn(5)) with labels font ",9" textcolor rgb "#555555" noenhanced notitle, \
         ARG2 index 0 using 1:($2 + 0.23):(stringcolumn(6)) with labels font "DejaVu Sans Bold,11" noenhanced notitle, \
         ARG2 index 0 using ($1 - 0.54):2:($1 > 0 ? 0.08 : NaN):(0) with vectors head filled size 0.05,25 lc rgb grey lw 1 notitle, \
         ARG2 index 1 using (-0.5):1:ytic(2) with points pt 0 lc rgb "#ffffff" notitle
    unset output
}
