/* yaml_fuzz.c - any bytes as a recipe. */
#include "io/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *tree;
    if (rf__yaml_parse(&tree, data, size, "fuzz") == RF_OK) rf__yaml_free(&tree);
    return 0;
}
