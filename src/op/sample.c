/* What operators draw random legal cases with (op/op.h). */
#include "op/op.h"

#include <assert.h>
#include <string.h>

int qn_sample_input(qn_sample *sample, qn_dtype dtype, int rank, const int64_t *dims) {
    assert(sample->input_count < QN_MAX_SAMPLE_INPUTS && rank >= 0 && rank <= QN_MAX_RANK);
    qn_view *view = &sample->inputs[sample->input_count];
    *view = (qn_view){.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++) view->dims[i] = dims[i];
    return sample->input_count++;
}

int qn_sample_ints(qn_sample *sample, qn_dtype dtype, int count, const int64_t *values) {
    int64_t dims[1] = {count};
    int input = qn_sample_input(sample, dtype, count >= 0, dims);
    qn_view *view = &sample->inputs[input];
    int64_t elems = qn_view_elems(view);
    view->data = qn_arena_alloc(sample->arena, elems ? (size_t)elems : 1, qn_dtype_size(dtype));
    for (int64_t i = 0; view->data && i < elems; i++) qn_view_set_int(view, i, values[i]);
    return input;
}

int qn_sample_shape(qn_sample *sample, int min_rank, int max_rank, int64_t *out_dims) {
    int rank = (int)qn_rng_range(sample->rng, min_rank, max_rank);
    for (int i = 0; i < rank; i++) {
        int64_t die = qn_rng_range(sample->rng, 0, 39);
        out_dims[i] = die == 0 ? 0 : die < 10 ? 1 : qn_rng_range(sample->rng, 2, rank > 3 ? 5 : 9);
    }
    return rank;
}

qn_dtype qn_sample_dtype(qn_sample *sample, uint32_t set) {
    qn_dtype found[QN_DTYPE_COUNT];
    int count = 0;
    for (int i = 1; i < QN_DTYPE_COUNT; i++)
        if (set & 1u << i) found[count++] = (qn_dtype)i;
    assert(count);
    /* f32 is what kernels take: half of the cases. */
    if ((set & 1u << QN_DTYPE_F32) && qn_rng_range(sample->rng, 0, 1)) return QN_DTYPE_F32;
    return found[qn_rng_range(sample->rng, 0, count - 1)];
}

qn_dtype qn_sample_index_dtype(qn_sample *sample) {
    return qn_rng_range(sample->rng, 0, 1) ? QN_DTYPE_S32 : QN_DTYPE_S64;
}
