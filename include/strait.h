/* strait.h - the public API of libstrait: rectified-flow / flow-matching models on CPUs.
 *
 * Convention: t = 0 is noise, t = 1 is data, x_t = (1-t) x0 + t x1, v = x1 - x0, dx/dt = v.
 * `t` is always an array with one value per row. Images are [B, H, W, C] (nhwc) f32 in [-1, 1].
 * Every call that can fail returns rf_status; rf_last_error() then has the sentence. */
#ifndef STRAIT_H
#define STRAIT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RF_VERSION "0.1.0"

/* code, text */
#define RF_STATUS_MAP(X)                                                                           \
    X(OK, "done")                                                                                  \
    X(EINVAL, "invalid argument")                                                                  \
    X(ENOMEM, "out of memory")                                                                     \
    X(EIO, "input or output failed")                                                               \
    X(EFORMAT, "malformed file")                                                                   \
    X(EMISMATCH, "two things do not fit each other")                                               \
    X(ENOTFOUND, "no such thing")                                                                  \
    X(EUNSUPPORTED, "not supported")                                                               \
    X(ENUMERIC, "not a finite number")                                                             \
    X(EINTERRUPTED, "interrupted")

typedef enum rf_status {
#define X(name, text) RF_##name,
    RF_STATUS_MAP(X)
#undef X
} rf_status;

/* RF_EINVAL -> "EINVAL", and its text. Static strings. */
const char *rf_status_name(rf_status status);
const char *rf_status_text(rf_status status);

/* The sentence of the newest failure on this thread: borrowed, valid until the next failing call. */
const char *rf_last_error(void);

typedef enum rf_dtype { RF_F32, RF_BF16, RF_I32, RF_DTYPES } rf_dtype;

const char *rf_version(void);

#ifdef __cplusplus
}
#endif
#endif
