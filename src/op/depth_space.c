/* depth_to_space, space_to_depth - channels spread over blocks of B x B pixels, and collected from them, NHWC:
 *
 *   wide[n, y * B + i, x * B + j, c] = deep[n, y, x, (i * B + j) * C + c]
 *
 * depth_to_space makes wide [N, H * B, W * B, C] of deep [N, H, W, B * B * C], space_to_depth the reverse; B is
 * `block`. Any element type. */
#include "op/operand.h"

#include <assert.h>

static const qn_attr_def attr_defs[] = {
    {.name = "block",
     .kind = QN_ATTR_INT,
     .offset = offsetof(qn_block_attrs, block),
     .low = 1,
     .high = 32767,
     .fallback = NULL,
     .doc = "Height and width of a block of pixels."},
    {0},
};

static qn_status *infer_depth_to_space(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t block = ((const qn_block_attrs *)infer->attrs)->block;
    QN_TRY(qn_infer_expect_rank(infer, 0, 4, "x"));
    qn_dim by = qn_infer_const(infer, block);
    qn_dim dims[4] = {x->dims[0], qn_dim_mul(infer->dims, x->dims[1], by), qn_dim_mul(infer->dims, x->dims[2], by)};
    QN_TRY(qn_infer_divide(infer, x->dims[3], block * block, "the number of channels", &dims[3]));
    qn_infer_set(infer, 0, x->dtype, 4, dims);
    return NULL;
}

static qn_status *infer_space_to_depth(qn_infer *infer) {
    const qn_type *x = &infer->inputs[0];
    int64_t block = ((const qn_block_attrs *)infer->attrs)->block;
    QN_TRY(qn_infer_expect_rank(infer, 0, 4, "x"));
    qn_dim dims[4] = {x->dims[0]};
    QN_TRY(qn_infer_divide(infer, x->dims[1], block, "the number of rows", &dims[1]));
    QN_TRY(qn_infer_divide(infer, x->dims[2], block, "the number of columns", &dims[2]));
    dims[3] = qn_dim_mul(infer->dims, x->dims[3], qn_infer_const(infer, block * block));
    qn_infer_set(infer, 0, x->dtype, 4, dims);
    return NULL;
}

/* Both sides hold the same elements; `wide` is the one with more pixels. */
static void move_pixels(const qn_eval *eval, const qn_view *wide, const qn_view *deep, int to_wide) {
    int64_t block = ((const qn_block_attrs *)eval->attrs)->block, depth = wide->dims[3], pixel = 0;
    assert(deep->dims[3] == block * block * depth && wide->dims[1] == block * deep->dims[1]);
    for (int64_t n = 0; n < wide->dims[0]; n++)
        for (int64_t y = 0; y < wide->dims[1]; y++)
            for (int64_t x = 0; x < wide->dims[2]; x++, pixel++) {
                int64_t source = (n * deep->dims[1] + y / block) * deep->dims[2] + x / block;
                int64_t there = source * deep->dims[3] + (y % block * block + x % block) * depth;
                if (to_wide)
                    qn_view_copy(deep, there, wide, pixel * depth, depth);
                else
                    qn_view_copy(wide, pixel * depth, deep, there, depth);
            }
}

static qn_status *eval_depth_to_space(const qn_eval *eval) {
    move_pixels(eval, &eval->outputs[0], &eval->inputs[0], 1);
    return NULL;
}

static qn_status *eval_space_to_depth(const qn_eval *eval) {
    move_pixels(eval, &eval->inputs[0], &eval->outputs[0], 0);
    return NULL;
}

static void sample_depth_to_space(qn_sample *sample) {
    qn_rng *rng = sample->rng;
    int64_t block = qn_rng_range(rng, 1, 3);
    ((qn_block_attrs *)sample->attrs)->block = block;
    qn_sample_input(sample, QN_DTYPE_F32, 4,
                    (int64_t[]){qn_rng_range(rng, 1, 2), qn_rng_range(rng, 1, 5), qn_rng_range(rng, 1, 5),
                                qn_rng_range(rng, 1, 4) * block * block});
}

static void sample_space_to_depth(qn_sample *sample) {
    qn_rng *rng = sample->rng;
    int64_t block = qn_rng_range(rng, 1, 3);
    ((qn_block_attrs *)sample->attrs)->block = block;
    qn_sample_input(sample, QN_DTYPE_F32, 4,
                    (int64_t[]){qn_rng_range(rng, 1, 2), qn_rng_range(rng, 1, 4) * block,
                                qn_rng_range(rng, 1, 4) * block, qn_rng_range(rng, 1, 5)});
}

const qn_op_def qn_op_depth_to_space = {
    .name = "depth_to_space",
    .doc = "Spreads the channels of each NHWC pixel over a block of pixels.",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_block_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_MOVED,
    .infer = infer_depth_to_space,
    .eval = eval_depth_to_space,
    .sample = sample_depth_to_space,
};

const qn_op_def qn_op_space_to_depth = {
    .name = "space_to_depth",
    .doc = "Collects the channels of each block of NHWC pixels in one pixel.",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .attrs = attr_defs,
    .attrs_bytes = sizeof(qn_block_attrs),
    .axes = {.kind = QN_AXES_NHWC},
    .values = QN_VALUES_MOVED,
    .infer = infer_space_to_depth,
    .eval = eval_space_to_depth,
    .sample = sample_space_to_depth,
};
