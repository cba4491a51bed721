# The figure of bench/ladder_images.sh; out: its folder.
set terminal pngcairo size 1000,460 font "sans,10"
set output out."/ladder.png"
set datafile separator "\t"
set key outside right
set grid
set logscale xy
set xtics (1, 2, 3, 4, 5, 9)
set xlabel "network calls"
set ylabel "Fréchet distance in the judge's features"
set title "Fashion-MNIST, one budget for every student (means of the seeds)"
stats out."/ladder.dat" using 1 nooutput
set yrange [0.08:6]
plot for [i = 0:STATS_blocks - 2] out."/ladder.dat" index i using 1:2 with linespoints lt (i % 8) + 1 pt (i < 8 ? 7 : 9) ps 1.2 title columnheader(1)
