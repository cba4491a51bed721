/* tensors_fuzz.c - any bytes as somebody's tensors (PyTorch, NumPy, safetensors): refused or read, never worse. */
#include "io/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rf_tensors *tensors;
    if (rf__tensors_parse(&tensors, data, size, "fuzz") != RF_OK) return 0;
    float out[64];
    for (int i = 0; i < rf__tensors_count(tensors); i++) {
        const rf_tensor_entry *entry = rf__tensors_entry(tensors, i);
        if (entry->count <= 64) (void)rf__tensor_read_f32(entry, out, entry->count);
    }
    rf__tensors_close(&tensors);
    return 0;
}
