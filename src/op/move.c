/* Copying boxes of elements, and walking operands that broadcast (op/move.h). */
#include "op/move.h"

#include <assert.h>
#include <string.h>

void qn_move_init(qn_move *move, const qn_view *src, const qn_view *dst, const int64_t *dims) {
    assert(src->rank == dst->rank && src->dtype == dst->dtype);
    int64_t src_strides[QN_MAX_RANK], dst_strides[QN_MAX_RANK];
    int64_t bytes = (int64_t)qn_dtype_size(src->dtype);
    qn_view_strides(src, src_strides);
    qn_view_strides(dst, dst_strides);
    *move = (qn_move){.rank = src->rank, .src = src->data, .dst = dst->data, .elem_bytes = bytes};
    for (int i = 0; i < src->rank; i++) {
        move->dims[i] = dims[i];
        move->src_step[i] = src_strides[i] * bytes;
        move->dst_step[i] = dst_strides[i] * bytes;
    }
}

/* Drops axes of one index and joins neighbours that both sides step through evenly. 0 if there is nothing to copy. */
static int simplify(const qn_move *move, qn_move *out) {
    *out = *move;
    out->rank = 0;
    for (int i = 0; i < move->rank; i++) {
        int64_t dim = move->dims[i], src = move->src_step[i], dst = move->dst_step[i];
        if (dim == 0) return 0;
        if (dim == 1) continue;
        int last = out->rank - 1;
        if (last >= 0 && out->src_step[last] == src * dim && out->dst_step[last] == dst * dim) {
            out->dims[last] *= dim;
            out->src_step[last] = src;
            out->dst_step[last] = dst;
        } else {
            out->dims[out->rank] = dim;
            out->src_step[out->rank] = src;
            out->dst_step[out->rank] = dst;
            out->rank++;
        }
    }
    return out->elem_bytes > 0;
}

#define COPY_ELEMENTS(bytes)                                                                                           \
    for (int64_t i = 0; i < count; i++) memcpy(dst + i * dst_step, src + i * src_step, (bytes))

static void copy_line(uint8_t *dst, int64_t dst_step, const uint8_t *src, int64_t src_step, int64_t count, size_t run) {
    switch (run) {
    case 1: COPY_ELEMENTS(1); break;
    case 2: COPY_ELEMENTS(2); break;
    case 4: COPY_ELEMENTS(4); break;
    case 8: COPY_ELEMENTS(8); break;
    default: COPY_ELEMENTS(run);
    }
}

void qn_move_run(const qn_move *move) {
    qn_move box;
    if (!simplify(move, &box)) return;
    int64_t run = box.elem_bytes;
    if (box.rank && box.src_step[box.rank - 1] == run && box.dst_step[box.rank - 1] == run) run *= box.dims[--box.rank];
    if (!box.rank) {
        memcpy(box.dst, box.src, (size_t)run);
        return;
    }
    int inner = box.rank - 1;
    int64_t index[QN_MOVE_MAX_RANK] = {0}, src = 0, dst = 0;
    for (;;) {
        copy_line(box.dst + dst, box.dst_step[inner], box.src + src, box.src_step[inner], box.dims[inner], (size_t)run);
        int axis = inner - 1;
        for (; axis >= 0; axis--) {
            src += box.src_step[axis];
            dst += box.dst_step[axis];
            if (++index[axis] < box.dims[axis]) break;
            index[axis] = 0;
            src -= box.src_step[axis] * box.dims[axis];
            dst -= box.dst_step[axis] * box.dims[axis];
        }
        if (axis < 0) return;
    }
}

void qn_move_fill(void *dst, int64_t count, const void *elem, int64_t elem_bytes) {
    static const uint8_t zeros[16];
    size_t total = (size_t)(count * elem_bytes), size = (size_t)elem_bytes;
    assert(size <= sizeof zeros);
    if (!total) return;
    if (!elem || !memcmp(elem, zeros, size)) {
        memset(dst, 0, total);
        return;
    }
    memcpy(dst, elem, size);
    for (size_t done = size; done < total;) {
        size_t more = done < total - done ? done : total - done;
        memcpy((uint8_t *)dst + done, dst, more);
        done += more;
    }
}

void qn_move_all(const qn_view *src, const qn_view *dst) {
    size_t bytes = qn_view_bytes(src);
    assert(bytes == qn_view_bytes(dst));
    if (bytes && src->data != dst->data) memcpy(dst->data, src->data, bytes);
}

int qn_move_lower_copy(const qn_view *src, const qn_view *dst, qn_work *out_work) {
    qn_join_params params = {.parts = {src->data}, .dst = dst->data, .count = 1, .rows = 1};
    params.part_bytes[0] = (int64_t)qn_view_bytes(dst);
    assert(params.part_bytes[0] == (int64_t)qn_view_bytes(src));
    qn_join_work(&params, out_work);
    return 1;
}

int qn_move_lower_box(const qn_view *src, const qn_view *dst, const qn_view *value, const qn_view *shift, int step,
                      int back, qn_work *out_work) {
    qn_box_params params = {
        .src = src->data,
        .dst = dst->data,
        .value = value ? value->data : NULL,
        .shift = shift->data,
        .shift_bytes = (int64_t)qn_dtype_size(shift->dtype),
        .shift_step = step,
        .shift_back = back,
        .elem_bytes = (int64_t)qn_dtype_size(dst->dtype),
        .rank = dst->rank,
    };
    _Static_assert((int)QN_BOX_RANK == (int)QN_MAX_RANK, "a box of any rank can be moved");
    assert(src->rank == dst->rank && src->dtype == dst->dtype);
    assert(shift->dtype == QN_DTYPE_S32 || shift->dtype == QN_DTYPE_S64);
    if (!qn_view_elems(dst)) return 0;
    memcpy(params.src_dims, src->dims, sizeof params.src_dims);
    memcpy(params.dst_dims, dst->dims, sizeof params.dst_dims);
    qn_box_work(&params, out_work);
    return 1;
}

void qn_walk_init(qn_walk *walk, const qn_view *result, const qn_view *operands, int count) {
    assert(count <= QN_WALK_OPERANDS);
    *walk = (qn_walk){.rank = result->rank, .operands = count};
    memcpy(walk->dims, result->dims, sizeof walk->dims);
    for (int k = 0; k < count; k++) {
        const qn_view *operand = &operands[k];
        int64_t strides[QN_MAX_RANK];
        int lead = result->rank - operand->rank;
        assert(lead >= 0);
        qn_view_strides(operand, strides);
        for (int i = 0; i < operand->rank; i++) {
            assert(operand->dims[i] == 1 || operand->dims[i] == result->dims[lead + i]);
            walk->step[k][lead + i] = operand->dims[i] == 1 ? 0 : strides[i];
        }
    }
}

void qn_walk_next(qn_walk *walk) {
    for (int axis = walk->rank - 1; axis >= 0; axis--) {
        for (int k = 0; k < walk->operands; k++) walk->at[k] += walk->step[k][axis];
        if (++walk->index[axis] < walk->dims[axis]) return;
        walk->index[axis] = 0;
        for (int k = 0; k < walk->operands; k++) walk->at[k] -= walk->step[k][axis] * walk->dims[axis];
    }
}

qn_status *qn_move_settle(qn_view *output, const int64_t *dims) {
    for (int i = 0; i < output->rank; i++)
        if (dims[i] < 0 || dims[i] > output->dims[i])
            return QN_ERR(QN_LIMIT, "expected an output whose dim %d is at most %lld, found %lld", i,
                          (long long)output->dims[i], (long long)dims[i]);
    memcpy(output->dims, dims, (size_t)output->rank * sizeof *dims);
    return NULL;
}

qn_status *qn_move_read_ints(const qn_view *control, const char *name, int64_t count, int64_t *out_values) {
    int64_t elems = qn_view_elems(control);
    if (elems != count)
        return QN_ERR(QN_INVALID_ARGUMENT, "expected '%s' to have %lld elements, found %lld", name, (long long)count,
                      (long long)elems);
    for (int64_t i = 0; i < count; i++) out_values[i] = qn_view_get_int(control, i);
    return NULL;
}

qn_status *qn_move_expect_within(int64_t value, int64_t low, int64_t high, const char *name, int index) {
    if (value >= low && value <= high) return NULL;
    if (index < 0)
        return QN_ERR(QN_INVALID_ARGUMENT, "expected %s in [%lld, %lld], found %lld", name, (long long)low,
                      (long long)high, (long long)value);
    return QN_ERR(QN_INVALID_ARGUMENT, "expected %s[%d] in [%lld, %lld], found %lld", name, index, (long long)low,
                  (long long)high, (long long)value);
}
