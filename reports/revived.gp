# Channels that came back in each epoch of soft pruning. Data: one block per criterion (its name, then epoch, channels, mean over
# seeds). ARG6: one line type per block.
load ARG1."/common.gp"
blocks = words(ARG6)
height = 340 + legend_room(blocks)
stats ARG2 using 1:2 nooutput
set xrange [STATS_min_x - 0.5 : STATS_max_x + 0.5]
set yrange [0 : (STATS_max_y > 0 ? 1.08 * STATS_max_y : 1)]
if (STATS_max_x <= 16) { set xtics 1 }
set xlabel "Epoch of soft pruning\n" # the empty line keeps the legend away
set ylabel "Channels that came back"
set title ARG5

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    plot for [i = 0:blocks - 1] ARG2 index i using 1:2 with linespoints lt int(word(ARG6, i + 1)) lw 1.4 title columnheader(1)
    unset output
}
