# Top-1 accuracy against what is left of the network. Data: one block per criterion (its name, then x, top-1 %, standard
# deviation over seeds), the unpruned network last, where it was measured. ARG6: the x axis's label; ARG7: one line type per
# criterion; ARG8: "log" or "linear"; ARG9: "spread" where there is more than one seed.
load ARG1."/common.gp"
blocks = words(ARG7)
height = 340 + legend_room(blocks + 1)
logarithmic = ARG8 eq "log"
dodge = 0
place(x, i) = x + dodge * (i - (blocks - 1) / 2.)
spread = ARG9 eq "spread"

stats ARG2 using 1:2 nooutput
x_low = STATS_min_x; x_high = STATS_max_x
y_low = STATS_min_y; y_high = STATS_max_y
baseline = STATS_blocks > blocks
base = NaN
if (baseline) {
    stats ARG2 index blocks using 2 nooutput
    base = STATS_max
}
stats ARG2 using ($2 - $3) nooutput
y_low = STATS_min
stats ARG2 using ($2 + $3) nooutput
y_high = STATS_max
if (y_high - y_low < 4) { middle = (y_high + y_low) / 2; y_low = middle - 2; y_high = middle + 2 }
room = 0.06 * (y_high - y_low)
set yrange [y_low - room : (y_high + room > 100 ? 100.5 : y_high + room)]

if (logarithmic) {
    set logscale x
    x_low = x_low / 1.2; x_high = x_high * 1.2
    set xtics ()
    decades = log10(x_high / x_low)
    do for [exponent = -9:12] {
        do for [digit in (decades > 2.2 ? "1" : decades > 1 ? "1 2 5" : "1 1.5 2 3 4 5 7")] {
            value = real(digit) * 10 ** exponent
            if (value >= x_low && value <= x_high) { set xtics add (sprintf("%g", value) value) }
        }
    }
    set xrange [x_low : x_high]
} else {
    if (x_high - x_low < 1e-6) { x_low = x_low - 1; x_high = x_high + 1 }
    step = 0.04 * (x_high - x_low)
    dodge = 0.009 * (x_high - x_low) # so that error bars at the same rate are side by side
    if (blocks * dodge > 0.06 * (x_high - x_low)) { dodge = 0.06 * (x_high - x_low) / blocks } # inside the margin
    set xrange [x_low - step : x_high + step]
}
set xlabel ARG6."\n" # the empty line keeps the legend away
set ylabel "Top-1 accuracy (%)"
set title ARG5
if (baseline) { set arrow 1 from graph 0, first base to graph 1, first base nohead lc rgb black lw 1 dt (6,4) back }

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    if (spread) {
        plot for [i = 0:blocks - 1] ARG2 index i using (place($1, i)):2 with lines lt int(word(ARG7, i + 1)) lw 1.4 notitle, \
             for [i = 0:blocks - 1] ARG2 index i using (place($1, i)):2:3 with yerrorbars lt int(word(ARG7, i + 1)) lw 1 title columnheader(1), \
             for [i = blocks:blocks - 1 + baseline] ARG2 index i using 1:2:3 with yerrorbars lc rgb black lw 1 pt 3 ps 0.9 notitle, \
             for [i = blocks:blocks - 1 + baseline] ARG2 index i using (NaN):(NaN) with linespoints lc rgb black lw 1 dt (6,4) pt 3 ps 0.9 title columnheader(1)
    } else {
        plot for [i = 0:blocks - 1] ARG2 index i using (place($1, i)):2 with linespoints lt int(word(ARG7, i + 1)) lw 1.4 title columnheader(1), \
             for [i = blocks:blocks - 1 + baseline] ARG2 index i using 1:2 with points lc rgb black lw 1.2 pt 3 ps 0.9 notitle, \
             for [i = blocks:blocks - 1 + baseline] ARG2 index i using (NaN):(NaN) with linespoints lc rgb black lw 1 dt (6,4) pt 3 ps 0.9 title columnheader(1)
    }
    unset output
}
