/* kernel/select.c - the table of kernels and the choice among them. */
#include "kernel/kernels.h"

#include <assert.h>
#include <string.h>

static const qn_kernel_row rows[] = {
#define QN_KERNEL(family, name, needs) {#family, #name, (needs), &qn_k_##name},
#if defined(__x86_64__)
#define QN_KERNEL_X86 QN_KERNEL
#else
#define QN_KERNEL_X86(family, name, needs) {#family, #name, (needs), NULL},
#endif
#include "kernel/kernels.def"
#undef QN_KERNEL_X86
#undef QN_KERNEL
};

size_t qn_kernel_row_count(void) { return sizeof rows / sizeof *rows; }

const qn_kernel_row *qn_kernel_row_at(size_t index) { return &rows[index]; }

static const void *find_last(const char *family, qn_cpu_features features) {
    const void *found = NULL;
    for (size_t i = 0; i < qn_kernel_row_count(); i++) {
        const qn_kernel_row *row = &rows[i];
        if (row->kernel && (row->needs & ~features) == 0 && strcmp(row->family, family) == 0) found = row->kernel;
    }
    return found;
}

void qn_kernel_select(qn_cpu_features features, qn_kernel_set *out_set) {
    out_set->conv_f32 = find_last("conv_f32", features);
    out_set->conv_f16 = find_last("conv_f16", features);
    out_set->depthwise_f32 = find_last("depthwise_f32", features);
    out_set->depthwise_f16 = find_last("depthwise_f16", features);
    out_set->elementwise = find_last("elementwise", features);
    out_set->pool_f32 = find_last("pool_f32", features);
    out_set->pool_int = find_last("pool_int", features);
    out_set->resize_f32 = find_last("resize_f32", features);
    out_set->argmax_f32 = find_last("argmax_f32", features);
    out_set->convert_f16 = find_last("convert_f16", features);
    out_set->convert_u8 = find_last("convert_u8", features);
    out_set->convert_s16 = find_last("convert_s16", features);
    out_set->quantize = find_last("quantize", features);
    out_set->add_int = find_last("add_int", features);
    out_set->conv_u8 = find_last("conv_u8", features);
    out_set->depthwise_u8 = find_last("depthwise_u8", features);
    out_set->conv_s16 = find_last("conv_s16", features);
    out_set->conv_s16s8 = find_last("conv_s16s8", features);
    out_set->depthwise_s16 = find_last("depthwise_s16", features);
    assert(out_set->conv_f32 && out_set->conv_u8 && out_set->depthwise_f32); /* the portable rows need nothing */
}
