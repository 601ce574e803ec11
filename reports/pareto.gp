# Top-1 accuracy against parameters, all schedules of a network. Data: a block per series (its name, then parameters, top-1 %),
# then the unpruned network, then the Pareto front: the networks that no other beats in both.
load ARG1."/common.gp"
width = 620
stats ARG2 using 1:2 nooutput
series = STATS_blocks - 2
height = 370 + legend_room(series + 2)
scale = STATS_max_x >= 1e6 ? 1e6 : STATS_max_x >= 1e3 ? 1e3 : 1.
unit = scale == 1e6 ? " (M)" : scale == 1e3 ? " (k)" : ""
x_low = STATS_min_x / scale / 1.2; x_high = STATS_max_x / scale * 1.2
room = STATS_max_y - STATS_min_y < 4 ? 2 : 0.08 * (STATS_max_y - STATS_min_y)
set yrange [STATS_min_y - room : (STATS_max_y + room > 100 ? 100.5 : STATS_max_y + room)]
set logscale x
set xtics ()
do for [exponent = -3:12] {
    do for [digit in (log10(x_high / x_low) > 1.3 ? "1 2 5" : "1 1.5 2 3 4 5 7")] {
        value = real(digit) * 10 ** exponent
        if (value >= x_low && value <= x_high) { set xtics add (sprintf("%g", value) value) }
    }
}
set xrange [x_low : x_high]
set xlabel "Parameters".unit."\n"
set ylabel "Top-1 accuracy (%)"
set title ARG5
set key maxcols 2

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    plot ARG2 index series + 1 using ($1 / scale):2 with steps lc rgb light lw 4 notitle, \
         for [i = 0:series - 1] ARG2 index i using ($1 / scale):2 with linespoints lt i + 1 lw 1 ps 0.8 title columnheader(1), \
         ARG2 index series using ($1 / scale):2 with points lc rgb black lw 1.2 pt 3 ps 1 title columnheader(1), \
         ARG2 index series + 1 using ($1 / scale):2 with points lc rgb black lw 1.2 pt 6 ps 1.7 title columnheader(1)
    unset output
}
