/* safetensors_fuzz.c - any bytes as a checkpoint: refused or read, never worse. */
#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rf_safetensors *file;
    if (rf__safetensors_parse(&file, data, size, "fuzz") != RF_OK) return 0;
    float out[64];
    for (int i = 0; i < rf__safetensors_count(file); i++) {
        const rf_tensor_entry *entry = rf__safetensors_entry(file, i);
        if (entry->count <= 64) (void)rf__tensor_read_f32(entry, out, entry->count);
    }
    rf__safetensors_close(&file);
    return 0;
}
