/* tensor_type.c - one table of the types, and one loop that widens them. */
#include "tensor_type.h"

#include <string.h>

#include "../kernels/kernels.h"

static const struct {
    const char *name;
    size_t size;
    bool floats;
} types[RF_TENSOR_TYPES] = {
    [RF_TENSOR_F32] = {"F32", 4, true},   [RF_TENSOR_F16] = {"F16", 2, true},  [RF_TENSOR_BF16] = {"BF16", 2, true},
    [RF_TENSOR_F64] = {"F64", 8, true},   [RF_TENSOR_I32] = {"I32", 4, false}, [RF_TENSOR_I64] = {"I64", 8, false},
    [RF_TENSOR_U8] = {"U8", 1, false},    [RF_TENSOR_I8] = {"I8", 1, false},   [RF_TENSOR_I16] = {"I16", 2, false},
    [RF_TENSOR_BOOL] = {"BOOL", 1, false},
};

const char *rf__tensor_type_name(rf_tensor_type type) { return types[type].name; }
size_t rf__tensor_type_size(rf_tensor_type type) { return types[type].size; }

static float half_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, mantissa = h & 1023;
    union { uint32_t u; float f; } v;
    if (exponent == 0) { /* zero and subnormals: exact in f32 */
        v.f = (float)mantissa * 0x1p-24f;
        v.u |= sign;
    } else {
        v.u = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
    }
    return v.f;
}

/* Every number of the tensor, read as `ctype`, as an expression of x; bytes may be unaligned. */
#define EACH(ctype, expression)                                                                                                  \
    for (int64_t i = 0; i < entry->count; i++) {                                                                                 \
        ctype x;                                                                                                                 \
        memcpy(&x, p + i * (int64_t)sizeof x, sizeof x);                                                                         \
        out[i] = (expression);                                                                                                   \
    }                                                                                                                            \
    break

static rf_status check(const rf_tensor_entry *entry, int64_t count) {
    if (entry->count != count)
        return rf__fail(RF_EMISMATCH, "%s: has %lld numbers, expected %lld", entry->name, (long long)entry->count, (long long)count);
    if (!entry->data) return rf__fail(RF_EUNSUPPORTED, "%s: its %lld numbers are read in pieces only", entry->name, (long long)count);
    return RF_OK;
}

rf_status rf__tensor_read_f32(const rf_tensor_entry *entry, float *out, int64_t count) {
    const uint8_t *p = entry->data;
    RF_TRY(check(entry, count));
    switch (entry->type) {
    case RF_TENSOR_F32: memcpy(out, p, (size_t)count * sizeof *out); break;
    case RF_TENSOR_F16: EACH(uint16_t, half_to_f32(x));
    case RF_TENSOR_BF16: EACH(uint16_t, rf__bf16_to_f32(x));
    case RF_TENSOR_F64: EACH(double, (float)x);
    default:
        return rf__fail(RF_EMISMATCH, "%s: has dtype %s, expected a floating type", entry->name, types[entry->type].name);
    }
    return RF_OK;
}

rf_status rf__tensor_read_f64(const rf_tensor_entry *entry, double *out, int64_t count) {
    const uint8_t *p = entry->data;
    RF_TRY(check(entry, count));
    switch (entry->type) {
    case RF_TENSOR_F32: EACH(float, (double)x);
    case RF_TENSOR_F16: EACH(uint16_t, (double)half_to_f32(x));
    case RF_TENSOR_BF16: EACH(uint16_t, (double)rf__bf16_to_f32(x));
    case RF_TENSOR_F64: EACH(double, x);
    case RF_TENSOR_I32: EACH(int32_t, x);
    case RF_TENSOR_I64: EACH(int64_t, (double)x);
    case RF_TENSOR_U8: EACH(uint8_t, x);
    case RF_TENSOR_I8: EACH(int8_t, x);
    case RF_TENSOR_I16: EACH(int16_t, x);
    case RF_TENSOR_BOOL: EACH(uint8_t, x != 0);
    case RF_TENSOR_TYPES: break;
    }
    return RF_OK;
}
