/* onednn_rod.h - oneDNN as a measuring rod: the bare library on a convolution, product or attention of ours. */
#ifndef RF_KERNELS_ONEDNN_ROD_H
#define RF_KERNELS_ONEDNN_ROD_H
#include "kernels.h"

enum { RF_ROD_FORWARD, RF_ROD_DATA, RF_ROD_WEIGHTS };

/* What a forward product does to its result, by the library's post-operations: nothing but the bias, gelu_tanh(x + bias), or
 * residual + gate * (x + bias) with one gate for all rows. */
typedef enum rf_rod_epilogue { RF_ROD_BIAS, RF_ROD_GELU, RF_ROD_GATE } rf_rod_epilogue;

typedef struct rf_rod rf_rod;

/* The library's primitive for the shape, dtype, stride and pad of `args` (pointers are not looked at), in its favourite weight order, on
 * buffers of random values, since zeros would run faster than data. copies: sets of weights that calls go through in turn.
 * NULL when the build has no oneDNN, the library no such kernel, or memory is short. */
rf_rod *rf__rod_open(const rf_conv_args *args, int direction, rf_rod_epilogue epilogue, int copies);
/* matmul, softmax, matmul on contiguous [images * heads, tokens, dim] for the sizes of `args`, without the scale of scores. */
rf_rod *rf__rod_open_attention(const rf_attention_args *args);
void rf__rod_close(rf_rod **rod); /* NULL-safe */
/* Threads of the library's OpenMP on the calling thread; before a rod is opened, since the library cuts its work then. */
void rf__rod_threads(int threads);
/* One call (arg: the rod), in the form that rf__stopwatch takes. */
void rf__rod_run(void *rod);

/* Seconds of one call, bias as the only epilogue and one set of weights, on `threads` OpenMP threads: the second best of seven samples that
 * together take about `budget` seconds. -1 when there is no such rod. */
double rf__onednn_seconds(const rf_conv_args *args, int direction, int threads, double budget);

#endif
