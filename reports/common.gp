# What all figures share: terminals, fonts, colours that colour-blind readers can tell apart (Okabe and Ito 2008).
# Arguments of every template: ARG1 this folder, ARG2 the data file, ARG3 the output without its ending, ARG4 the
# formats to draw ("svg pdf png"), ARG5 the title; the rest is the template's own. Labels come from the data file only.
set encoding utf8
set datafile separator tab
set datafile missing "-"

width = 480; height = 340 # in px at 96 dpi; a template may change them before it draws
font_size = 12 # px

open(format) = format eq "svg" ? sprintf('set terminal svg size %d,%d dynamic enhanced font "DejaVu Sans,%d" background "#ffffff"; ', width, height, font_size) : \
               format eq "pdf" ? sprintf('set terminal pdfcairo size %.3fin,%.3fin enhanced color font "DejaVu Sans,%.2f" fontscale 0.75 linewidth 0.75 pointscale 0.5; ', width / 96., height / 96., font_size) : \
                                 sprintf('set terminal pngcairo size %d,%d enhanced font "DejaVu Sans,%.2f" fontscale 1.5 linewidth 2 pointscale 2 background "#ffffff"; ', 2 * width, 2 * height, font_size)

array colour[7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d1f"]
array marker[7] = [7, 5, 9, 13, 11, 6, 4]
do for [i = 1:7] { set linetype i lc rgb colour[i] lw 1.8 pt marker[i] ps 0.75 dt 1 }
do for [i = 8:14] { set linetype i lc rgb colour[i - 7] lw 1.8 pt marker[(i - 5) % 7 + 1] ps 0.75 dt 2 }
set linetype cycle 14
black = "#222222"; grey = "#777777"; light = "#cfcfcf"

# Height in px that a legend of so many entries below a plot takes beyond its first row: two columns from five entries on.
legend_room(entries) = entries <= 4 ? 0 : 20 * ((entries + 1) / 2 - 1)

set border 3 lc rgb grey lw 0.8
set tics nomirror out scale 0.5 textcolor rgb black
set grid ytics back lc rgb light lw 0.6 dt 1
set title noenhanced textcolor rgb black
set key below center horizontal Left reverse noenhanced samplen 2.2 spacing 1.15 textcolor rgb black
set label textcolor rgb black
set errorbars small
set xlabel textcolor rgb black offset 0,0.4
set ylabel textcolor rgb black
