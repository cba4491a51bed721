/* table.c - choose kernels and the convolution provider by the processor's flags and the environment. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../base/cpu.h"
#include "../base/status.h"
#include "fill.h"

void rf__kernels_ref(rf_kernels *table) {
    rf__fill_ref_conv(table);
    rf__fill_ref_attention(table);
    rf__fill_ref_memory(table);
}

void rf__kernels_avx2(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX2)) return;
    rf__fill_avx2_conv(table);
    rf__fill_avx2_attention(table);
    rf__fill_avx2_memory(table);
}

void rf__kernels_avx512(rf_kernels *table) {
    if (!(table->cpu_flags & RF_CPU_AVX512)) return;
    rf__fill_avx512_conv(table);
    rf__fill_avx512_attention(table);
    rf__fill_avx512_memory(table);
    rf__fill_avx512_int8(table);
}

void rf__kernels_amx(rf_kernels *table) {
    if (!(table->cpu_flags & (RF_CPU_AMX | RF_CPU_AMX_EMULATED))) return;
    rf__fill_amx_conv(table);
    rf__fill_amx_attention(table);
    rf__fill_amx_int8(table);
}

/* `table` holds the best own provider: "native" where an instruction set gave one, "ref" elsewhere. */
static rf_status choose_provider(rf_kernels *table, const char *provider) {
    if (!provider || !*provider) return RF_OK;
    if (!strcmp(provider, "ref")) {
        rf__fill_ref_conv(table);
        return RF_OK;
    }
    if (!strcmp(provider, "native")) {
        if (!strcmp(table->conv.name, "native")) return RF_OK;
        return rf__fail(RF_ENOTFOUND, "provider 'native' needs AVX2, this run is limited to '%s'", table->isa);
    }
    if (!strcmp(provider, "onednn")) {
        if (rf__conv_provider_onednn(&table->conv)) return RF_OK;
        return rf__fail(RF_ENOTFOUND, "provider 'onednn' is not in this build (ONEDNN=0)");
    }
    return rf__fail(RF_ENOTFOUND, "provider '%s' is unknown; expected native, onednn or ref", provider);
}

rf_status rf__kernels_select(rf_kernels *out, uint32_t cpu_flags, const char *provider) {
    memset(out, 0, sizeof *out);
    out->cpu_flags = cpu_flags;
    out->isa = rf__cpu_name(cpu_flags);
    rf__kernels_ref(out);
    rf__kernels_avx2(out);
    rf__kernels_avx512(out);
    rf__kernels_amx(out);
    RF_TRY(choose_provider(out, provider ? provider : getenv("STRAIT_PROVIDER")));
    out->fn[RF_K_conv] = out->conv.conv;
    out->fn[RF_K_conv_dw] = out->conv.conv_dw;
    out->fn[RF_K_pack] = out->conv.pack;
    return RF_OK;
}

static rf_kernels process_table;
static rf_status process_status;

static void select_for_process(void) { process_status = rf__kernels_select(&process_table, rf__cpu_flags(), NULL); }

const rf_kernels *rf__kernels(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, select_for_process);
    if (process_status == RF_OK) return &process_table;
    /* The sentence belongs to a thread; the one that asks now may not be the one that tried first. */
    rf_kernels again;
    rf__kernels_select(&again, rf__cpu_flags(), NULL);
    return NULL;
}
