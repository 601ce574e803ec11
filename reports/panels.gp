# Small multiples with shared axes. Data, a block per series: x, top-1 %, its interval's ends; then blocks that name columns
# (column, name), rows (row, x axis, 1 where logarithmic, range) and criteria (line type, name). ARG6: columns, rows, criteria, y
# range; ARG7: of each series its row, column and what it is: a criterion's line type, 0 the unpruned network, -1 the Pareto
# front, -2 rings around networks on it, -3 - i: networks of line type i + 1 that are below the panel.
load ARG1."/common.gp"
load ARG1."/styles.gp"
columns = int(word(ARG6, 1)); rows = int(word(ARG6, 2)); criteria = int(word(ARG6, 3))
y_low = real(word(ARG6, 4)); y_high = real(word(ARG6, 5))
series = words(ARG7) / 3
row_of(i) = int(word(ARG7, 3 * i + 1)); column_of(i) = int(word(ARG7, 3 * i + 2)); what(i) = int(word(ARG7, 3 * i + 3))

array column_name[columns]
array x_name[rows]; array x_log[rows]; array x_low[rows]; array x_high[rows]
array style[criteria > 0 ? criteria : 1]; array name[criteria > 0 ? criteria : 1]
stats ARG2 index series using ((column_name[int($1) + 1] = stringcolumn(2)), 0) nooutput
stats ARG2 index series + 1 using ((x_name[int($1) + 1] = stringcolumn(2)), (x_log[int($1) + 1] = int($3)), (x_low[int($1) + 1] = $4), (x_high[int($1) + 1] = $5), 0) nooutput
if (criteria > 0) { stats ARG2 index series + 2 using ((style[int($0) + 1] = int($1)), (name[int($0) + 1] = stringcolumn(2)), 0) nooutput }

panel = columns == 1 ? 420. : columns == 2 ? 330. : 270.
left = 62.; right = 12.; top = 56.; tall = rows == 1 ? 250. : 165.; under = 62.
key_columns = criteria < 5 ? criteria + 1 : 5
key_rows = ceil((criteria + 1.) / key_columns)
width = left + columns * panel + right
height = top + rows * (tall + under) + 22 * key_rows + 6
dodge = 0
# where among the figure's criteria a line type is, which are others in another figure
array turn[criteria > 0 ? style[criteria] : 1]
do for [k = 1:criteria] { turn[style[k]] = k - 1 }
place(x, type) = x + dodge * (turn[type] - (criteria - 1) / 2.)

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    set multiplot
    unset key
    set label 1 ARG5 at screen left / width, screen 1 - 18. / height left noenhanced font ",13"
    do for [r = 1:rows] {
        do for [c = 1:columns] {
            set lmargin at screen (left + (c - 1) * panel + 6) / width
            set rmargin at screen (left + c * panel - 6) / width
            set tmargin at screen 1 - (top + (r - 1) * (tall + under)) / height
            set bmargin at screen 1 - (top + (r - 1) * (tall + under) + tall) / height
            set xrange [x_low[r] : x_high[r]]
            set yrange [y_low : y_high]
            if (x_log[r]) {
                set logscale x
                set xtics ()
                decades = log10(x_high[r] / x_low[r])
                do for [exponent = -9:12] {
                    do for [digit in (decades > 2.2 ? "1" : decades > 1.2 ? "1 3" : decades > 0.6 ? "1 2 5" : "1 1.5 2 3 4 5 7")] {
                        value = real(digit) * 10 ** exponent
                        if (value >= x_low[r] && value <= x_high[r]) { set xtics add (sprintf("%g", value) value) }
                    }
                }
                dodge = 0
            } else {
                unset logscale x
                set xtics autofreq
                dodge = criteria < 2 ? 0 : 0.05 * (x_high[r] - x_low[r]) / criteria # so that error bars are side by side
                if (dodge > 0.008 * (x_high[r] - x_low[r])) { dodge = 0.008 * (x_high[r] - x_low[r]) }
            }
            set xlabel x_name[r] noenhanced
            if (c == 1) { set ylabel "Top-1 (%)"; set format y "%g" } else { unset ylabel; set format y "" }
            if (r == 1) { set label 2 column_name[c] at graph 0.5, 1.06 center noenhanced } else { unset label 2 }
            # the panel's own series come one after the other
            first = series; last = -1
            unset arrow 1
            do for [i = 0:series - 1] {
                if (row_of(i) == r - 1 && column_of(i) == c - 1) {
                    first = first < i ? first : i; last = i
                    if (what(i) == 0) {
                        stats ARG2 index i using 2 nooutput
                        set arrow 1 from graph 0, first STATS_max to graph 1, first STATS_max nohead lc rgb black lw 1 dt (6,4) back
                    }
                }
            }
            # what is pointed at, in a drawing that can say it
            called(i) = what(i) > 0 ? name[turn[what(i)] + 1] : "unpruned"
            between(low, high) = high > low ? sprintf(" (95 %% interval %.1f to %.1f)", low, high) : ""
            said(i, x, y, low, high) = sprintf("%s: %.1f %%%s; %s: %.4g", called(i), y, between(low, high), x_name[r], x)
            spot(i, x) = what(i) > 0 ? place(x, what(i)) : x
            here(i, low, high) = what(i) >= low && what(i) <= high ? ARG2 : "/dev/null"
            plot for [i = first:last] here(i, -1, -1) index i using 1:2 with steps lc rgb light lw 4 dt 1 notitle, \
                 for [i = first:last] here(i, 0, 0) index i using 1:2 with points lc rgb black lw 1.2 pt 3 ps 0.9 notitle, \
                 for [i = first:last] here(i, 1, 999) index i using (place($1, what(i))):($4 > $3 ? $2 : NaN):3:4 with yerrorbars lt (what(i) > 0 ? what(i) : 1) lw 1 dt 1 pt 0 notitle, \
                 for [i = first:last] here(i, 1, 999) index i using (place($1, what(i))):2 with linespoints lt (what(i) > 0 ? what(i) : 1) lw 1.4 notitle, \
                 for [i = first:last] here(i, -999, -3) index i using (place($1, -what(i) - 2)):2:("↓") with labels offset 0,0.6 textcolor lt (what(i) < -2 ? -what(i) - 2 : 1) notitle, \
                 for [i = first:last] here(i, -2, -2) index i using 1:2 with points lc rgb black lw 1.2 pt 6 ps 1.7 notitle, \
                 for [i = first:last] format eq "svg" ? here(i, 0, 999) : "/dev/null" index i using (spot(i, $1)):2:(said(i, $1, $2, $3, $4)) with labels hypertext point pt 7 ps 1 lc rgb "#ff000000" notitle, \
                 NaN notitle
            unset label 1
        }
    }
    # the legend, one for all panels
    unset border; unset xtics; unset ytics; unset xlabel; unset ylabel; unset label; unset arrow; unset logscale; unset grid
    set lmargin at screen 0; set rmargin at screen 1
    set bmargin at screen 0; set tmargin at screen (22. * key_rows + 4) / height
    set xrange [0 : 1]; set yrange [0 : 1]
    do for [k = 0:criteria] {
        x = (left + (k % key_columns) * (width - left - right) / key_columns) / width
        y = 1 - (k / key_columns + 0.5) / key_rows
        if (k < criteria) { set label 10 + k name[k + 1] at graph x + 34. / width, graph y left noenhanced } \
        else { set label 10 + k "unpruned" at graph x + 34. / width, graph y left }
    }
    key_x(k) = (left + (k % key_columns) * (width - left - right) / key_columns) / width
    key_y(k) = 1 - (k / key_columns + 0.5) / key_rows
    set samples 3
    plot for [k = 0:criteria - 1] [0:1] "+" using (key_x(k) + $1 * 28. / width):(key_y(k)) with lines lt style[k + 1] lw 1.4 notitle, \
         for [k = 0:criteria - 1] [0:1] "+" using ($1 == 0.5 ? key_x(k) + 14. / width : NaN):(key_y(k)) with points lt style[k + 1] notitle, \
         [0:1] "+" using (key_x(criteria) + $1 * 28. / width):(key_y(criteria)) with lines lc rgb black lw 1 dt (6,4) notitle, \
         [0:1] "+" using ($1 == 0.5 ? key_x(criteria) + 14. / width : NaN):(key_y(criteria)) with points lc rgb black pt 3 ps 0.9 notitle
    unset multiplot
    unset label
    set border 3 lc rgb grey lw 0.8
    set xtics nomirror out scale 0.5 textcolor rgb black
    set ytics nomirror out scale 0.5 textcolor rgb black
    set grid ytics back lc rgb light lw 0.6 dt 1
    unset output
}
