# The distribution of |γ|, before and after pruning. Data, block 0: bin centre, share of the channels before pruning %, what of
# them is left %; block 1, at the bins' upper ends from (0, 0): x, cumulated share before %, and after, of the channels left %
# ("-": only before is known). ARG6: bin width; ARG7, ARG8: share in the first bin before and after, as text (ARG8 "": no after).
load ARG1."/common.gp"
height = 480
bin = real(ARG6)
after = ARG8 ne ""
set boxwidth bin * 0.9 absolute
set style fill solid 1 noborder
stats ARG2 index 1 using 1 nooutput
set xrange [-0.5 * bin : STATS_max + 0.5 * bin]
set lmargin 9; set rmargin 3
pale = "#a9cfe6"; pale_first = "#f3b48a"
was = after ? pale : colour[1]; was_first = after ? pale_first : colour[2]

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    set multiplot
    set size 1, 0.6; set origin 0, 0.4
    set tmargin after ? 6.2 : 4.6; set bmargin 1
    if (after) { set key at graph 1, screen 0.915 right top vertical Right noreverse maxrows 2 } \
    else { set key at graph 1, screen 0.925 right top horizontal Right noreverse }
    set title ARG5 offset 0, (after ? 3.2 : 1.4)
    set format x ""; unset xlabel
    set ylabel "Channels (%)" textcolor rgb black
    set yrange [0 : *]
    if (after) {
        plot ARG2 index 0 every ::1 using 1:2 with boxes lc rgb was title "before pruning", \
             ARG2 index 0 every ::0::0 using 1:2 with boxes lc rgb was_first title ARG7, \
             ARG2 index 0 every ::1 using 1:3 with boxes lc rgb colour[1] title "after", \
             ARG2 index 0 every ::0::0 using 1:3 with boxes lc rgb colour[2] title ARG8
    } else {
        plot ARG2 index 0 every ::1 using 1:2 with boxes lc rgb was title "other channels", \
             ARG2 index 0 every ::0::0 using 1:2 with boxes lc rgb was_first title ARG7
    }
    unset title
    set size 1, 0.4; set origin 0, 0
    set tmargin 1; set bmargin 3.5
    unset key
    set format x "%g"
    set xlabel "Scale factor |γ| of batch normalisation" textcolor rgb black
    set ylabel "Cumulated (%)" textcolor rgb black
    set yrange [0 : 100]
    set arrow 2 from bin, graph 0 to bin, graph 1 nohead lc rgb colour[2] lw 1 dt (3,3)
    if (after) {
        plot ARG2 index 1 using 1:2 with lines lc rgb was lw 2.2 notitle, \
             ARG2 index 1 using 1:3 with lines lc rgb colour[1] lw 1.8 notitle
    } else {
        plot ARG2 index 1 using 1:2 with lines lc rgb colour[1] lw 1.8 notitle
    }
    unset arrow 2
    unset multiplot
    unset output
}
