# Numbers night after night. Data: a block per line (night, value, the night's name); then blocks of lines (panel, line type, name), panels (panel,
# range, title), names of nights (night, name) and marks (panel, night, "worse", "better", "changed" or "known").
# ARG6: how many there are of lines, panels, names, marks and nights.
load ARG1."/common.gp"
load ARG1."/styles.gp"
lines = int(word(ARG6, 1)); panels = int(word(ARG6, 2)); names = int(word(ARG6, 3)); marks = int(word(ARG6, 4)); nights = int(word(ARG6, 5))

array of_panel[lines]; array style[lines]; array name_of[lines]
array panel[panels]; array low[panels]; array high[panels]; array title_of[panels]
array night[names]; array called[names]
array mark_panel[marks > 0 ? marks : 1]; array mark_night[marks > 0 ? marks : 1]; array mark_kind[marks > 0 ? marks : 1]
stats ARG2 index lines using ((of_panel[int($0) + 1] = int($1)), (style[int($0) + 1] = int($2)), (name_of[int($0) + 1] = stringcolumn(3)), 0) nooutput
stats ARG2 index lines + 1 using ((panel[int($0) + 1] = int($1)), (low[int($0) + 1] = $2), (high[int($0) + 1] = $3), (title_of[int($0) + 1] = stringcolumn(4)), 0) nooutput
stats ARG2 index lines + 2 using ((night[int($0) + 1] = int($1)), (called[int($0) + 1] = stringcolumn(2)), 0) nooutput
if (marks > 0) { stats ARG2 index lines + 3 using ((mark_panel[int($0) + 1] = int($1)), (mark_night[int($0) + 1] = int($2)), (mark_kind[int($0) + 1] = stringcolumn(3)), 0) nooutput }

sign(kind) = kind eq "worse" ? "▼" : kind eq "better" ? "▲" : kind eq "known" ? "◇" : "◆"
# what is pointed at, in a drawing that can say it; beyond a year of nights, points are too near each other
value_of(panel, y) = panel == 0 ? sprintf("%+.2f points", y) : panel == 1 ? sprintf("%+.1f %%", y) : sprintf("%g", y)
width = 720; tall = 130.; above = 42.; below = 16.; left = 44.; right = 128.
height = panels * (tall + above + below) + 34

do for [format in ARG4] {
    eval open(format)
    set output ARG3.".".format
    set multiplot
    set lmargin at screen left / width; set rmargin at screen 1 - right / width
    set xrange [0.5 : nights + 0.5]
    set key at graph 1.015, graph 1 left top vertical Left reverse
    do for [p = 1:panels] {
        top = 1 - ((p - 1) * (tall + above + below) + above) / height
        set tmargin at screen top; set bmargin at screen top - tall / height
        set yrange [low[p] : high[p]]
        set label 1 title_of[p] at graph 0, screen top + 28. / height left noenhanced font ",13"
        set xtics () noenhanced scale 0.5
        do for [i = 1:names] { set xtics add (p == panels ? called[i] : "" night[i]) }
        do for [i = 1:marks] {
            if (mark_panel[i] == panel[p]) {
                set arrow 100 + i from first mark_night[i] - 0.5, graph 0 to first mark_night[i] - 0.5, graph 1 nohead lc rgb grey lw 1 dt (4,4) back
                set label 100 + i sign(mark_kind[i]) at first mark_night[i] - 0.5, graph 1.08 center textcolor rgb black
            }
        }
        plot for [i = 1:lines] of_panel[i] == panel[p] ? ARG2 : "/dev/null" index i - 1 using 1:2 with linespoints lt style[i] lw 1.4 ps (nights > 60 ? 0.35 : 0.7) title (of_panel[i] == panel[p] ? name_of[i] : ""), \
             for [i = 1:lines] of_panel[i] == panel[p] && format eq "svg" && nights < 367 ? ARG2 : "/dev/null" index i - 1 using 1:2:(sprintf("%s, %s: %s", name_of[i], stringcolumn(3), value_of(panel[p], $2))) with labels hypertext point pt 7 ps 1 lc rgb "#ff000000" notitle
        do for [i = 1:marks] { unset arrow 100 + i; unset label 100 + i }
    }
    unset multiplot
    unset label
    unset output
}
