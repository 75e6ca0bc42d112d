/* kernel/labels.h - storing int32 labels in the type that the caller wants. */
#ifndef QN_KERNEL_LABELS_H
#define QN_KERNEL_LABELS_H

#include <stdint.h>
#include <string.h>

static inline void qn_labels_store(const int32_t *labels, int64_t count, void *dst, int64_t at, int64_t label_bytes,
                                   int64_t label_float) {
    if (label_float) {
        for (int64_t i = 0; i < count; i++) ((float *)dst)[at + i] = (float)labels[i];
    } else if (label_bytes == 1) {
        for (int64_t i = 0; i < count; i++) ((uint8_t *)dst)[at + i] = (uint8_t)labels[i];
    } else if (label_bytes == 4) {
        memcpy((int32_t *)dst + at, labels, (size_t)count * sizeof *labels);
    } else {
        for (int64_t i = 0; i < count; i++) ((int64_t *)dst)[at + i] = labels[i];
    }
}

#endif
