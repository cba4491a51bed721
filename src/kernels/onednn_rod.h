/* onednn_rod.h - oneDNN as a measuring rod: the bare library on a convolution of ours. */
#ifndef RF_KERNELS_ONEDNN_ROD_H
#define RF_KERNELS_ONEDNN_ROD_H
#include "kernels.h"

enum { RF_ROD_FORWARD, RF_ROD_DATA, RF_ROD_WEIGHTS };

/* Seconds of one call for the shape, dtype, stride and pad of `args` (pointers and epilogue are not looked at), in the
 * library's favourite weight order, on `threads` OpenMP threads of its own: the second best of seven samples that
 * together take about `budget` seconds. Buffers hold random values, since zeros would run faster than data.
 * -1 when the build has no oneDNN or the library no such kernel. */
double rf__onednn_seconds(const rf_conv_args *args, int direction, int threads, double budget);

#endif
