/* op/move.h - moving elements by their bytes, whatever their dtype: what pad, slice, concat, transpose and kin share.
 *
 * Dims are trusted here; what comes from data is checked by the operator before.
 */
#ifndef QN_OP_MOVE_H
#define QN_OP_MOVE_H

#include "kernel/kernel.h"
#include "op/op.h"

enum { QN_MOVE_MAX_RANK = 2 * QN_MAX_RANK };

/* A box of elements to copy. `src` and `dst` are the elements at index 0 of every axis; a step is the distance in
   bytes from one index to the next (src: negative goes backwards, 0 repeats). Source and destination do not overlap. */
typedef struct qn_move {
    int rank;
    int64_t dims[QN_MOVE_MAX_RANK];
    int64_t src_step[QN_MOVE_MAX_RANK], dst_step[QN_MOVE_MAX_RANK];
    const uint8_t *src;
    uint8_t *dst;
    int64_t elem_bytes;
} qn_move;

/* A move of all of `dims` from the start of dense `src` to the start of dense `dst`; change fields from there. Steps
   follow the dims of each view; both have one rank. */
void qn_move_init(qn_move *move, const qn_view *src, const qn_view *dst, const int64_t *dims);
/* Copies, by the longest contiguous runs there are. */
void qn_move_run(const qn_move *move);
/* `count` copies of the `elem_bytes` bytes at `elem`; NULL: zeros. */
void qn_move_fill(void *dst, int64_t count, const void *elem, int64_t elem_bytes);
/* All bytes of a view to another of the same size; the same memory is left alone. */
void qn_move_all(const qn_view *src, const qn_view *dst);

/* Work that copies all bytes of `src` to `dst`, which has as many and at least one. Returns 1. */
int qn_move_lower_copy(const qn_view *src, const qn_view *dst, qn_work *out_work);
/* Work that fills `dst` from `src`, of the same rank: dst[i] = src[i + shift], see qn_box_params. `shift` is an s32 or s64
   control input whose element k * step belongs to axis k; `value` is NULL or holds one element. 0: nothing to do. */
int qn_move_lower_box(const qn_view *src, const qn_view *dst, const qn_view *value, const qn_view *shift, int step,
                      int back, qn_work *out_work);

/* Walks the elements of a result in row-major order beside operands that broadcast to it. */
enum { QN_WALK_OPERANDS = 3 };
typedef struct qn_walk {
    int rank, operands;
    int64_t dims[QN_MAX_RANK], index[QN_MAX_RANK];
    int64_t step[QN_WALK_OPERANDS][QN_MAX_RANK]; /* in elements, 0 where the operand repeats */
    int64_t at[QN_WALK_OPERANDS];                /* the element of each operand that belongs to the present one */
} qn_walk;

void qn_walk_init(qn_walk *walk, const qn_view *result, const qn_view *operands, int count);
void qn_walk_next(qn_walk *walk);

/* Makes `dims` the dims of an output whose size the data decides: LIMIT if an axis is above what was planned. */
qn_status *qn_move_settle(qn_view *output, const int64_t *dims) QN_MUST_USE;
/* The elements of an s32 or s64 control input; INVALID_ARGUMENT unless it has `count` of them. */
qn_status *qn_move_read_ints(const qn_view *control, const char *name, int64_t count, int64_t *out_values) QN_MUST_USE;
/* low <= value <= high, or "expected name[index] in [low, high], found value" (no brackets for index -1). */
qn_status *qn_move_expect_within(int64_t value, int64_t low, int64_t high, const char *name, int index) QN_MUST_USE;

#endif
