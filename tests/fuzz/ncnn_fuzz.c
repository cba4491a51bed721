/* ncnn_fuzz.c - any bytes as ncnn's list of layers and numbers (a zero byte parts the two): refused or read, never worse. */
#include <string.h>

#include "io/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rf_tensors *tensors;
    const uint8_t *end = memchr(data, 0, size);
    size_t list = end ? (size_t)(end - data) : size, rest = end ? list + 1 : size;
    if (rf__tensors_parse_ncnn(&tensors, data, list, data + rest, size - rest, "fuzz") != RF_OK) return 0;
    float out[64];
    for (int i = 0; i < rf__tensors_count(tensors); i++) {
        const rf_tensor_entry *entry = rf__tensors_entry(tensors, i);
        if (entry->count <= 64) (void)rf__tensor_read_f32(entry, out, entry->count);
    }
    rf__tensors_close(&tensors);
    return 0;
}
