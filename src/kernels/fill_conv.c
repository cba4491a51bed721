/* fill_conv.c - the hooks of convolution and attention. */
#include "fill.h"

bool rf__conv_provider_onednn(rf_conv_provider *out) {
    (void)out;
    return false;
}
