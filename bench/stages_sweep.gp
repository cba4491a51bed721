# The figure of bench/stages_sweep.sh; out: its folder.
set terminal pngcairo size 1100,420 font "sans,10"
set output out."/stages.png"
set datafile separator "\t"
set multiplot layout 1,2
set grid
set xlabel "seconds a picture"
set ylabel "FD to the training set"
set title "the knee: labels are a, the time of re-noising"
plot out."/stages.dat" using 4:6:7 with yerrorbars notitle lt 1 pt 7, "" using 4:6 with lines lt 1 title "32x32, then 64x64 from a", \
     "" using 4:6:2 with labels offset 2,1 notitle, out."/single.dat" using 4:6:7 with yerrorbars lt 2 pt 5 title "64x64 alone", \
     "" using 4:6:1 with labels offset 3,1 notitle
set xlabel "a"
set title "distance by a"
plot out."/stages.dat" using 2:6:7 with yerrorbars notitle lt 1 pt 7, "" using 2:6 with lines lt 1 title "FD"
