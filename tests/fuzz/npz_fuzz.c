/* npz_fuzz.c - any bytes as an array of an npz, read whole and in pieces: refused or read, never worse. */
#include <string.h>

#include "io/tensors.h"
#include "zip_around.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const zip_part parts[] = {{"arr_0.npy", data, size}};
    size_t zip_size;
    uint8_t *zip = zip_around(parts, 1, &zip_size), piece[8 * 8];
    rf_tensors *tensors;
    if (zip && rf__tensors_parse(&tensors, zip, zip_size, "fuzz") == RF_OK) {
        const rf_tensor_entry *entry = rf__tensors_entry(tensors, 0);
        double out[64];
        if (entry->count <= 64) (void)rf__tensor_read_f64(entry, out, entry->count);
        for (int64_t at = 0; at < entry->count && at < 4096; at += 8)
            (void)rf__tensors_read(tensors, entry, at, entry->count - at < 8 ? entry->count - at : 8, piece);
        rf__tensors_close(&tensors);
    }
    free(zip);
    return 0;
}
