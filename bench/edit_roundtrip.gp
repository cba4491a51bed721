# The figure of bench/edit_roundtrip.sh; out: its folder.
set terminal pngcairo size 1200,400 font "sans,10"
set output out."/roundtrip.png"
set multiplot layout 1,3
set logscale x 2
set xlabel "network calls, both ways"
set ylabel "PSNR of the round trip, dB"
set key bottom right
set grid
set yrange [0:80]
do for [s in "mnist fashion cifar"] {
    set title s
    plot for [m in "euler midpoint fireflow reversible"] out."/rt-".s."-".m.".dat" using 1:($2 > 80 ? 80 : $2) with linespoints title m
}
