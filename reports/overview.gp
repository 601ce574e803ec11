# Which method is best, and how sure that is: a panel per data set, a row per method. Data, block 0: panel, row, line type, top-1 %,
# its interval's ends ("-" where too few seeds give none), name, place. Block 1: panel, rows, the unpruned network's top-1 % ("-"
# where it was not measured), range, title. ARG6: panels, rows of all.
load ARG1."/common.gp"
load ARG1."/styles.gp"
panels = int(word(ARG6, 1)); rows = int(word(ARG6, 2))
array count[panels]; array base[panels]; array title_of[panels]; array low[panels]; array high[panels]
do for [p = 1:panels] { base[p] = NaN }
stats ARG2 index 1 using ((count[int($1) + 1] = int($2)), (low[int($1) + 1] = $4), (high[int($1) + 1] = $5), (title_of[int($1) + 1] = stringcolumn(6)), 0) nooutput
stats ARG2 index 1 using ((base[int($1) + 1] = $3), 0) nooutput
array of_panel[rows]; array style[rows]; array name[rows]
stats ARG2 index 0 using ((of_panel[int($0) + 1] = int($1) + 1), (style[int($0) + 1] = int($3)), (name[int($0) + 1] = stringcolumn(7)), 0) nooutput
stats ARG2 index 0 using (strlen(stringcolumn(7))) nooutput
longest = STATS_max > 34 ? 34 : STATS_max
left = 20. + 7.2 * longest; right = 64.; above = 34.; below = 30.; row = 19.
width = 620
height = panels * (above + below) + rows * row + 22

# what is pointed at, in a drawing that can say it; a name's "%" is "%%", as axes need it
between(low, high) = valid(low) && valid(high) ? sprintf(" (95 %% interval %.1f to %.1f)", column(low), column(high)) : ""
said(name, top1, place) = sprintf("%s: %.1f %%%s%s", sprintf(name), top1, between(5, 6), place eq "–" ? "" : place eq "control" ? "; control" : "; place ".place)

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    set multiplot
    unset key
    set grid xtics noytics back lc rgb light lw 0.6 dt 1
    set tics scale 0.4
    y = 0
    do for [p = 1:panels] {
        set lmargin at screen left / width; set rmargin at screen 1 - right / width
        set tmargin at screen 1 - (y + above) / height
        set bmargin at screen 1 - (y + above + count[p] * row) / height
        set xrange [low[p] : high[p]]
        set yrange [count[p] - 0.5 : -0.5]
        set ytics () noenhanced scale 0 textcolor rgb black
        first = rows + 1; last = 0
        do for [i = 1:rows] { if (of_panel[i] == p) { first = first < i ? first : i; last = i; set ytics add (name[i] i - first) } }
        set label 1 title_of[p] at screen 10. / width, screen 1 - (y + 17.) / height left noenhanced font ",13"
        set label 2 "place" at graph 1.02, screen 1 - (y + 24.) / height left textcolor rgb "#555555" font ",10"
        unset arrow 1
        if (base[p] == base[p]) { set arrow 1 from first base[p], graph 0 to first base[p], graph 1 nohead lc rgb black lw 1 dt (6,4) back }
        if (p == panels) { set xlabel ARG5.(base[p] == base[p] ? "; dashed: unpruned" : "") noenhanced offset 0,0.3 } else { unset xlabel }
        plot for [i = first:last] ARG2 index 0 every ::i - 1::i - 1 using 4:2:5:6 with xerrorbars lt style[i] lw 1.6 dt 1 pt 0 notitle, \
             for [i = first:last] ARG2 index 0 every ::i - 1::i - 1 using 4:2 with points lt style[i] ps 1.1 notitle, \
             ARG2 index 0 every ::first - 1::last - 1 using (high[p]):2:(stringcolumn(8)) with labels left offset 1.2,0 noenhanced notitle, \
             format eq "svg" ? ARG2 : "/dev/null" index 0 every ::first - 1::last - 1 using 4:2:(said(stringcolumn(7), $4, stringcolumn(8))) with labels hypertext point pt 7 ps 1.3 lc rgb "#ff000000" notitle
        y = y + above + count[p] * row + below
    }
    unset multiplot
    unset label
    unset output
}
