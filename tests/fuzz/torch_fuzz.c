/* torch_fuzz.c - any bytes as the pickle of a PyTorch archive with two storages: refused or read, never worse. */
#include "io/tensors.h"
#include "zip_around.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t numbers[256] = {0, 60, 0, 192, 1, 2, 3};
    const zip_part parts[] = {{"fuzz/data.pkl", data, size}, {"fuzz/data/0", numbers, 96}, {"fuzz/data/1", numbers, 256}};
    size_t zip_size;
    uint8_t *zip = zip_around(parts, 3, &zip_size);
    rf_tensors *tensors;
    if (zip && rf__tensors_parse(&tensors, zip, zip_size, "fuzz") == RF_OK) {
        double out[64];
        for (int i = 0; i < rf__tensors_count(tensors); i++) {
            const rf_tensor_entry *entry = rf__tensors_entry(tensors, i);
            if (entry->count <= 64) (void)rf__tensor_read_f64(entry, out, entry->count);
            if (rf__tensors_find(tensors, entry->name) != entry) abort(); /* names are unique */
        }
        rf__tensors_close(&tensors);
    }
    free(zip);
    return 0;
}
