# The distribution of |γ|. Data, block 0: bin centre, share of channels %, cumulated share at the bin's upper end %.
# Block 1: where the cumulated curve starts (0, 0) and goes: x, %. ARG6: bin width; ARG7: share in the first bin, as text.
load ARG1."/common.gp"
height = 460
bin = real(ARG6)
set boxwidth bin * 0.9 absolute
set style fill solid 1 noborder
stats ARG2 index 1 using 1 nooutput
set xrange [-0.5 * bin : STATS_max + 0.5 * bin]
set lmargin 9; set rmargin 3

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    set multiplot
    set size 1, 0.6; set origin 0, 0.4
    set tmargin 4.6; set bmargin 1
    set key at graph 1, screen 0.925 right top horizontal Right noreverse
    set title ARG5 offset 0, 1.4
    set format x ""; unset xlabel
    set ylabel "Channels (%)" textcolor rgb black
    set yrange [0 : *]
    plot ARG2 index 0 every ::1 using 1:2 with boxes lc rgb colour[1] title "other channels", \
         ARG2 index 0 every ::0::0 using 1:2 with boxes lc rgb colour[2] title ARG7
    unset title
    set size 1, 0.4; set origin 0, 0
    set tmargin 1; set bmargin 3.5
    unset key
    set format x "%g"
    set xlabel "Scale factor |γ| of batch normalisation" textcolor rgb black
    set ylabel "Cumulated (%)" textcolor rgb black
    set yrange [0 : 100]
    set arrow 2 from bin, graph 0 to bin, graph 1 nohead lc rgb colour[2] lw 1 dt (3,3)
    plot ARG2 index 1 using 1:2 with lines lc rgb colour[1] lw 1.8 notitle
    unset arrow 2
    unset multiplot
    unset output
}
