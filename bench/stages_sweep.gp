# The figure of bench/stages_sweep.sh; out: its folder.
set terminal pngcairo size 1100,420 font "sans,10"
set output out."/stages.png"
set datafile separator "\t"
set multiplot layout 1,2
set grid
set offsets graph 0.04, graph 0.12, graph 0.12, 0
set xlabel "seconds a picture"
set ylabel "FD to the training set"
set title "labels are a, the time of re-noising"
plot out."/stages.dat" using 4:6:7 with yerrorbars notitle lt 1 pt 7, "" using 4:6 with lines lt 1 title "32x32, then 64x64 from a", \
     "" using 4:6:2 with labels rotate by 60 left offset 0,0.7 notitle, out."/single.dat" using 4:6:7 with yerrorbars lt 2 pt 5 title "64x64 alone", \
     "" using 4:6:1 with labels offset 0,1 notitle
set offsets graph 0.04, graph 0.04, graph 0.1, graph 0.1
set xlabel "a"
set y2label "KID to the test set"
set ytics nomirror
set y2tics
set title "distance by a"
plot out."/stages.dat" using 2:6:7 with yerrorbars notitle lt 1 pt 7, "" using 2:6 with lines lt 1 title "FD", \
     "" using 2:8:9 axes x1y2 with yerrorbars notitle lt 3 pt 9, "" using 2:8 axes x1y2 with lines lt 3 title "KID"
