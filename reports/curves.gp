# Training over epochs. Data, block 0: epoch over all stages, loss, validation loss, top-1 %, validation top-1 % ("-"
# where there is none). Block 1: epoch at which a stage begins, its name. ARG6: last epoch; ARG7: what selection looks at.
load ARG1."/common.gp"
height = 460
last = real(ARG6)
set xrange [0 : last * 1.02]
set lmargin 9; set rmargin 3
stats ARG2 index 1 using 1 nooutput
stages = STATS_records
array starts[stages]
stats ARG2 index 1 using (starts[int($0) + 1] = $1) nooutput
do for [i = 1:stages] { if (starts[i] > 0) { set arrow from starts[i] + 0.5, graph 0 to starts[i] + 0.5, graph 1 nohead lc rgb grey lw 0.8 dt (3,3) back } }

stats ARG2 index 0 using 2 nooutput
top = STATS_max
stats ARG2 index 0 using 3 nooutput
if (STATS_records > 0 && STATS_max > top) { top = STATS_max }
top = 1.45 * top # the names of the stages hang in the room above the curves

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    set multiplot
    set size 1, 0.53; set origin 0, 0.47
    set tmargin 5.2; set bmargin 1
    set key at graph 1, screen 0.91 right top horizontal Right noreverse
    set title ARG5 offset 0, 2.1
    set format x ""; unset xlabel
    set ylabel "Loss" textcolor rgb black
    set yrange [0 : top]
    plot ARG2 index 0 using 1:2 with lines lt 1 lw 1.6 title "training", \
         ARG2 index 0 using 1:3 with lines lt 2 lw 1.6 title ARG7, \
         ARG2 index 1 using ($1 + 0.5 + 0.016 * last):(top * 0.985):(stringcolumn(2)) with labels right rotate by 90 font ",9" textcolor rgb "#555555" noenhanced notitle
    unset title
    set size 1, 0.47; set origin 0, 0
    set tmargin 1; set bmargin 3.5
    unset key
    set format x "%g"
    set xlabel "Epoch" textcolor rgb black
    set ylabel "Top-1 accuracy (%)" textcolor rgb black
    set yrange [0 : 100]
    plot ARG2 index 0 using 1:4 with lines lt 1 lw 1.6 notitle, \
         ARG2 index 0 using 1:5 with lines lt 2 lw 1.6 notitle
    unset multiplot
    unset output
}
