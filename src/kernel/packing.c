/* kernel/packing.c - the table of packings, and what is asked of all of them. */
#include "kernel/packing.h"

#include <assert.h>
#include <string.h>

static const qn_packing *const rows[] = {
#define QN_PACKING(name) &qn_packing_##name,
#include "kernel/packings.def"
#undef QN_PACKING
};

size_t qn_packing_count(void) { return sizeof rows / sizeof *rows; }

const qn_packing *qn_packing_at(size_t index) { return rows[index]; }

const qn_packing *qn_packing_find(const char *name) {
    for (size_t i = 0; i < qn_packing_count(); i++)
        if (!strcmp(rows[i]->name, name)) return rows[i];
    return NULL;
}

int qn_packing_takes(const qn_packing *packing, const qn_weights *weights) {
    if (!(packing->dtypes >> weights->dtype & 1)) return 0;
    if (weights->rank < packing->min_rank || weights->rank > 4) return 0;
    return !packing->by_channel || weights->dims[2] == 1;
}

/* No packing does more than round each dim up to a multiple of PADDING, so if the product of the padded dims does not
   overflow, neither does what a packing computes. */
int qn_packing_measure(const qn_packing *packing, const qn_weights *weights, size_t *out_bytes) {
    enum { PADDING = 16, ELEM_BYTES_MAX = 8 };
    int64_t most = ELEM_BYTES_MAX;
    for (int d = 0; d < weights->rank; d++) {
        int64_t padded;
        if (__builtin_add_overflow(weights->dims[d], PADDING - 1, &padded) ||
            __builtin_mul_overflow(most, padded, &most))
            return 0;
    }
    *out_bytes = packing->bytes(weights);
    assert(*out_bytes <= (uint64_t)most);
    return *out_bytes <= PTRDIFF_MAX;
}
