#include "random_graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS_MAX = 6, SIZE_MAX_FIXED = 26 };

typedef struct maker {
    qn_graph *graph;
    qn_rng rng;
    const random_graph_options *options;
    QN_LIST(qn_value *) pictures; /* f32 of rank 4 */
    QN_LIST(qn_value *) turned;   /* the same, [N, C, H, W] */
} maker;

/* ---- Small parts ---- */

static int64_t draw(maker *m, int64_t low, int64_t high) { return qn_rng_range(&m->rng, low, high); }

static void must(qn_status *status) {
    if (!status) return;
    abort();
}

static qn_value *constant(maker *m, qn_dtype dtype, int rank, const int64_t *dims, float low, float high) {
    qn_view view = {.dtype = dtype, .rank = rank};
    qn_value *value;
    for (int i = 0; i < rank; i++) view.dims[i] = dims[i];
    view.data = qn_arena_alloc(m->graph->arena, 1, qn_view_bytes(&view));
    for (int64_t i = 0; i < qn_view_elems(&view); i++) qn_view_set(&view, i, qn_rng_float(&m->rng, low, high));
    must(qn_graph_add_constant(m->graph, NULL, &view, &value));
    return value;
}

static qn_value *ints(maker *m, int rank, const int64_t *dims, const int32_t *values) {
    qn_view view = {.dtype = QN_DTYPE_S32, .rank = rank};
    qn_value *value;
    for (int i = 0; i < rank; i++) view.dims[i] = dims[i];
    view.data = qn_arena_copy(m->graph->arena, values, qn_view_bytes(&view));
    must(qn_graph_add_constant(m->graph, NULL, &view, &value));
    return value;
}
#define INTS(m, ...)                                                                                                   \
    ints(m, 1, (int64_t[]){sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)}, (int32_t[]){__VA_ARGS__})

/* The first result of a new node, or NULL where the operator does not take these operands. */
static qn_value *apply(maker *m, const qn_op_def *op, const void *attrs, int count, qn_value *const *inputs) {
    qn_node *node;
    for (int i = 0; i < op->min_inputs; i++)
        if (i < count && !inputs[i]) return NULL;
    must(qn_graph_add_node(m->graph, op, NULL, attrs, count, inputs, NULL, &node));
    qn_status *status = qn_node_infer(m->graph, node);
    if (!status) return op->outputs ? node->outputs[0] : NULL;
    qn_status_free(status);
    qn_graph_remove_node(m->graph, node);
    return NULL;
}
#define APPLY(m, op, attrs, ...)                                                                                       \
    apply(m, op, attrs, (int)(sizeof((qn_value *[]){__VA_ARGS__}) / sizeof(qn_value *)), (qn_value *[]){__VA_ARGS__})

static int64_t channels_of(const maker *m, const qn_value *value) {
    int64_t channels = 0;
    qn_dim_is_const(m->graph->dims, value->type.dims[value->type.rank - 1], &channels);
    return channels;
}

/* Are height and width small at every size in range? */
static int is_small(const maker *m, const qn_value *value) {
    for (int axis = 1; axis < 3; axis++) {
        int64_t low, high;
        qn_dim_range(m->graph->dims, value->type.dims[axis], &low, &high);
        if (low < 0 || (high > SIZE_MAX_FIXED && m->options->size_max != QN_DIM_UNBOUNDED)) return 0;
    }
    return channels_of(m, value) <= CHANNELS_MAX;
}

static void keep(maker *m, qn_value *value) {
    if (value && value->type.rank == 4 && value->type.dtype == QN_DTYPE_F32 && is_small(m, value))
        must(QN_LIST_PUSH(m->graph->arena, &m->pictures, value));
}

static qn_value *pick(maker *m) {
    int64_t count = (int64_t)m->pictures.count;
    return m->pictures
        .items[draw(m, draw(m, 0, 2) ? qn_max_i64(0, count - 2) : 0, count - 1)]; /* mostly a recent one */
}

static int same_type(const qn_value *a, const qn_value *b) {
    int same = a->type.dtype == b->type.dtype && a->type.rank == b->type.rank;
    for (int i = 0; same && i < a->type.rank; i++) same = qn_dim_same(a->type.dims[i], b->type.dims[i]);
    return same;
}

/* Another value of the type of `value`, or NULL. */
static qn_value *pick_like(maker *m, const qn_value *value) {
    for (int attempt = 0; attempt < 6; attempt++) {
        qn_value *other = pick(m);
        if (other != value && same_type(other, value)) return other;
    }
    return NULL;
}

/* [height, width] of a picture, as the network computes it. */
static qn_value *size_of(maker *m, qn_value *x) {
    qn_dtype_attrs attrs = {QN_DTYPE_S32};
    qn_value *shape = APPLY(m, &qn_op_shape, &attrs, x);
    return APPLY(m, &qn_op_strided_slice, NULL, shape, INTS(m, 1), INTS(m, 3), INTS(m, 1));
}

/* ---- What is added ---- */

static qn_value *weights(maker *m, int64_t size, int64_t in, int64_t out) {
    return constant(m, QN_DTYPE_F32, 4, (int64_t[]){size, size, in, out}, -0.6f, 0.6f);
}

static void set_conv(qn_conv2d_attrs *attrs) { qn_attrs_init(&qn_op_conv2d, attrs); }

static void add_conv(maker *m) {
    qn_value *x = pick(m), *inputs[4] = {x};
    int64_t in = channels_of(m, x), depthwise = draw(m, 0, 2) == 0,
            out = depthwise ? in * draw(m, 1, 2) : draw(m, 1, CHANNELS_MAX);
    qn_conv2d_attrs attrs;
    set_conv(&attrs);
    attrs.padding = draw(m, 0, QN_PADDING_VALID);
    attrs.groups = depthwise ? in : 1;
    for (int i = 0; i < 2; i++) attrs.stride.values[i] = draw(m, 1, 3) / 2 + (draw(m, 0, 3) == 0);
    for (int i = 0; i < 2; i++) attrs.stride.values[i] = qn_max_i64(1, attrs.stride.values[i]);
    for (int i = 0; i < 4 && attrs.padding == QN_PADDING_EXPLICIT; i++) attrs.pads.values[i] = draw(m, 0, 1);
    if (draw(m, 0, 5) == 0) attrs.dilation.values[0] = 2;
    inputs[1] = weights(m, draw(m, 0, 2) ? 1 : draw(m, 2, 3), depthwise ? 1 : in, out);
    if (m->options->fused && draw(m, 0, 1)) inputs[2] = constant(m, QN_DTYPE_F32, 1, &out, -1, 1);
    if (m->options->fused) attrs.activation = draw(m, 0, QN_ACTIVATION_RELU6);
    qn_value *y = apply(m, &qn_op_conv2d, &attrs, 3, inputs);
    inputs[3] = y && m->options->fused && draw(m, 0, 1) ? pick_like(m, y) : NULL;
    if (inputs[3]) y = apply(m, &qn_op_conv2d, &attrs, 4, inputs);
    keep(m, y);
}

static void add_affine(maker *m) {
    static const qn_op_def *const ops[] = {&qn_op_add, &qn_op_sub, &qn_op_mul, &qn_op_div};
    qn_value *x = pick(m);
    for (int64_t length = draw(m, 1, 4); x && length; length--) {
        const qn_op_def *op = ops[draw(m, 0, 3)];
        int64_t channels = channels_of(m, x), form = draw(m, 0, 3);
        const int64_t dims[][4] = {{1}, {channels}, {1, 1, 1, channels}, {1}};
        const int ranks[] = {0, 1, 4, 1};
        qn_value *c = constant(m, QN_DTYPE_F32, ranks[form], dims[form], 0.5f, 1.6f);
        int swapped = op != &qn_op_sub && op != &qn_op_div && draw(m, 0, 1);
        x = swapped ? APPLY(m, op, NULL, c, x) : APPLY(m, op, NULL, x, c);
        if (draw(m, 0, 4) == 0) keep(m, x); /* others may look into the chain */
    }
    keep(m, x);
}

static qn_value *batch_norm(maker *m, qn_value *x) {
    int64_t channels = channels_of(m, x);
    qn_batch_norm_attrs attrs = {0.001f};
    return APPLY(m, &qn_op_batch_norm, &attrs, x, constant(m, QN_DTYPE_F32, 1, &channels, 0.5f, 1.5f),
                 constant(m, QN_DTYPE_F32, 1, &channels, -1, 1), constant(m, QN_DTYPE_F32, 1, &channels, -1, 1),
                 constant(m, QN_DTYPE_F32, 1, &channels, 0.5f, 1.5f));
}
static void add_batch_norm(maker *m) { keep(m, batch_norm(m, pick(m))); }

static void add_unary(maker *m) {
    static const qn_op_def *const ops[] = {&qn_op_relu, &qn_op_relu6, &qn_op_relu6,
                                           &qn_op_neg,  &qn_op_tanh,  &qn_op_identity};
    keep(m, APPLY(m, ops[draw(m, 0, 5)], NULL, pick(m)));
}

static void add_residual(maker *m) {
    qn_value *a = pick(m), *b = pick_like(m, a);
    if (b) keep(m, APPLY(m, draw(m, 0, 3) ? &qn_op_add : &qn_op_maximum, NULL, a, b));
}

/* Paddings and crops around an atrous convolution, as TensorFlow computes them from the size. */
static void make_paddings(maker *m, qn_value *x, qn_value *block, int32_t base, qn_value **out_pads,
                          qn_value **out_crops) {
    qn_axis_attrs columns = {1};
    qn_value *before = INTS(m, base, base), *zeros = INTS(m, 0, 0), *size = size_of(m, x);
    qn_value *full = APPLY(m, &qn_op_add, NULL, APPLY(m, &qn_op_add, NULL, size, before), before);
    qn_value *gap = APPLY(m, &qn_op_sub, NULL, block, APPLY(m, &qn_op_floor_mod, NULL, full, block));
    qn_value *extra = APPLY(m, &qn_op_floor_mod, NULL, gap, block);
    *out_pads = APPLY(m, &qn_op_stack, &columns, before, APPLY(m, &qn_op_add, NULL, before, extra));
    *out_crops = APPLY(m, &qn_op_stack, &columns, zeros, extra);
}

static void add_atrous(maker *m) {
    qn_value *x = pick(m), *pads, *crops, *b;
    int32_t block = (int32_t)draw(m, 1, 3), base = (int32_t)(draw(m, 0, 2) ? block : draw(m, 0, 2));
    int64_t in = channels_of(m, x), depthwise = draw(m, 0, 1);
    qn_conv2d_attrs attrs;
    set_conv(&attrs);
    attrs.padding = QN_PADDING_VALID;
    attrs.groups = depthwise ? in : 1;
    if (draw(m, 0, 7) == 0) attrs.stride.values[0] = 2;
    b = INTS(m, block, block);
    make_paddings(m, x, b, base, &pads, &crops);
    qn_value *s = APPLY(m, &qn_op_space_to_batch, NULL, x, b, pads);
    qn_value *y =
        s ? APPLY(m, &qn_op_conv2d, &attrs, s, weights(m, 3, depthwise ? 1 : in, depthwise ? in : draw(m, 1, 4)))
          : NULL;
    if (y && draw(m, 0, 2) == 0) y = batch_norm(m, y);
    if (y && draw(m, 0, 2) == 0)
        y = APPLY(m, &qn_op_add, NULL, y, constant(m, QN_DTYPE_F32, 1, (int64_t[]){channels_of(m, y)}, -1, 1));
    if (y && draw(m, 0, 2) == 0) y = APPLY(m, &qn_op_relu6, NULL, y);
    keep(m, y ? APPLY(m, &qn_op_batch_to_space, NULL, y, b, crops) : NULL);
}

/* Operators that change nothing, or little. */
static void add_copy(maker *m) {
    qn_value *x = pick(m);
    qn_cast_attrs f32 = {QN_DTYPE_F32};
    qn_axis_attrs last = {3};
    const int64_t edges[] = {4, 2};
    const int32_t none[8] = {0}, one[8] = {0, 0, 0, 1, 0, 0, 0, 0};
    switch (draw(m, 0, 7)) {
    case 0: keep(m, APPLY(m, &qn_op_identity, NULL, x)); return;
    case 1: keep(m, APPLY(m, &qn_op_cast, &f32, x)); return;
    case 2: keep(m, APPLY(m, &qn_op_pad, NULL, x, ints(m, 2, edges, draw(m, 0, 2) ? none : one))); return;
    case 3: keep(m, APPLY(m, &qn_op_slice, NULL, x, INTS(m, 0, 0, 0, 0), INTS(m, -1, -1, -1, -1))); return;
    case 4: keep(m, APPLY(m, &qn_op_resize_bilinear, NULL, x, size_of(m, x))); return;
    case 5: keep(m, APPLY(m, &qn_op_concat, &last, x)); return;
    case 6: {
        qn_dtype_attrs s32 = {QN_DTYPE_S32};
        keep(m, APPLY(m, &qn_op_reshape, NULL, x, APPLY(m, &qn_op_shape, &s32, x)));
        return;
    }
    default: keep(m, APPLY(m, &qn_op_tile, NULL, x, INTS(m, 1, 1, 1, 1)));
    }
}

static void add_pool(maker *m) {
    qn_pool2d_attrs attrs;
    qn_attrs_init(&qn_op_max_pool2d, &attrs);
    attrs.kernel = (qn_ints){2, {draw(m, 1, 3), draw(m, 1, 3)}};
    attrs.stride = (qn_ints){2, {draw(m, 1, 2), draw(m, 1, 2)}};
    attrs.padding = draw(m, QN_PADDING_SAME_UPPER, QN_PADDING_VALID);
    keep(m, APPLY(m, draw(m, 0, 1) ? &qn_op_max_pool2d : &qn_op_avg_pool2d, &attrs, pick(m)));
}

static void add_resize(maker *m) {
    qn_resize_attrs attrs = {draw(m, 0, 1), 0};
    qn_value *x = pick(m),
             *size = draw(m, 0, 1) ? INTS(m, (int32_t)draw(m, 1, 9), (int32_t)draw(m, 1, 9)) : size_of(m, pick(m));
    keep(m, APPLY(m, draw(m, 0, 1) ? &qn_op_resize_bilinear : &qn_op_resize_nearest, &attrs, x, size));
}

/* Means over the picture, spread out again: image pooling, squeeze and excite. */
static void add_mean(maker *m) {
    qn_reduce_attrs attrs = {1};
    qn_value *x = pick(m), *mean = APPLY(m, &qn_op_reduce_mean, &attrs, x, INTS(m, 1, 2));
    if (mean) keep(m, APPLY(m, draw(m, 0, 1) ? &qn_op_mul : &qn_op_sub, NULL, x, mean));
}

/* Work on the picture as a list of pixels: views, and what may happen in place between them. */
static void add_views(maker *m) {
    qn_dtype_attrs s32 = {QN_DTYPE_S32};
    qn_value *x = pick(m), *shape = APPLY(m, &qn_op_shape, &s32, x);
    qn_value *flat = APPLY(m, &qn_op_reshape, NULL, x, INTS(m, -1, (int32_t)channels_of(m, x)));
    qn_value *y = flat ? APPLY(m, draw(m, 0, 1) ? &qn_op_relu : &qn_op_square, NULL, flat) : NULL;
    if (y && draw(m, 0, 1)) y = APPLY(m, &qn_op_add, NULL, y, flat);
    keep(m, y ? APPLY(m, &qn_op_reshape, NULL, y, shape) : NULL);
}

static void add_concat(maker *m) {
    qn_axis_attrs last = {3};
    qn_value *a = pick(m), *b = pick_like(m, a);
    if (b) keep(m, APPLY(m, &qn_op_concat, &last, a, b));
}

/* A node that is there already, once more. */
static void add_again(maker *m) {
    qn_node *node = m->graph->first;
    for (int64_t skip = draw(m, 0, (int64_t)m->graph->node_count); node && skip; skip--) node = node->next;
    if (node && node->op->outputs == 1) keep(m, apply(m, node->op, node->attrs, node->input_count, node->inputs));
}

/* A demand on the size, as TensorFlow's graphs make it. */
static void add_assertion(maker *m) {
    qn_assert_attrs attrs = {"the picture is too small"};
    qn_value *large = APPLY(m, &qn_op_greater_equal, NULL, size_of(m, pick(m)), INTS(m, (int32_t)draw(m, 0, 1), 1));
    if (large) APPLY(m, &qn_op_assert, &attrs, large);
}

static void add_labels(maker *m) {
    qn_argreduce_attrs attrs = {3, draw(m, 0, 1) ? QN_DTYPE_S64 : QN_DTYPE_S32};
    qn_cast_attrs cast = {draw(m, 0, 1) ? QN_DTYPE_U8 : QN_DTYPE_F32};
    qn_axes_attrs axes = {{1, {3}}};
    qn_value *x = pick(m), *y = x;
    if (draw(m, 0, 1)) y = APPLY(m, &qn_op_resize_bilinear, NULL, x, INTS(m, 7, 5));
    y = y ? APPLY(m, &qn_op_argmax, &attrs, y) : NULL;
    if (y && draw(m, 0, 1)) y = APPLY(m, &qn_op_expand_dims, &axes, y);
    if (y && draw(m, 0, 1)) y = APPLY(m, &qn_op_cast, &cast, y);
    if (y) must(qn_graph_mark_output(m->graph, y));
}

/* The positive elements: how many they are only data tells. */
static void add_data_shape(maker *m) {
    qn_value *x = pick(m), *flat = APPLY(m, &qn_op_reshape, NULL, x, INTS(m, -1));
    qn_value *positive = flat ? APPLY(m, &qn_op_greater, NULL, flat, constant(m, QN_DTYPE_F32, 0, NULL, 0, 0)) : NULL;
    qn_value *places = positive ? APPLY(m, &qn_op_where, NULL, positive) : NULL;
    qn_axis_attrs axis = {0};
    qn_value *picked = places ? APPLY(m, &qn_op_gather, &axis, flat, places) : NULL;
    qn_value *y = picked ? APPLY(m, &qn_op_neg, NULL, picked) : NULL;
    if (y) must(qn_graph_mark_output(m->graph, y));
}

/* ---- Other layouts ---- */

static void keep_turned(maker *m, qn_value *value) {
    int64_t channels;
    if (!value || value->type.rank != 4 || !qn_dim_is_const(m->graph->dims, value->type.dims[1], &channels)) return;
    if (channels <= CHANNELS_MAX && channels > 0) must(QN_LIST_PUSH(m->graph->arena, &m->turned, value));
}

static qn_value *pick_turned(maker *m) { return m->turned.items[draw(m, 0, (int64_t)m->turned.count - 1)]; }

static qn_value *combine_turned(maker *m, qn_value *x, int64_t channels) {
    static const qn_op_def *const ops[] = {&qn_op_add, &qn_op_mul, &qn_op_sub, &qn_op_maximum};
    const qn_op_def *op = ops[draw(m, 0, 3)];
    qn_value *c = draw(m, 0, 3) ? constant(m, QN_DTYPE_F32, 3, (int64_t[]){channels, 1, 1}, 0.5f, 1.6f)
                                : constant(m, QN_DTYPE_F32, 0, NULL, 0.5f, 1.6f);
    for (int attempt = 0; attempt < 4; attempt++) {
        qn_value *other = pick_turned(m);
        if (same_type(x, other)) c = other;
    }
    return draw(m, 0, 1) ? APPLY(m, op, NULL, x, c) : APPLY(m, op, NULL, c, x);
}

/* Channels in groups, which change places, one by one or by a gather. */
static qn_value *shuffle_turned(maker *m, qn_value *x, int32_t channels) {
    qn_dtype_attrs s32 = {QN_DTYPE_S32};
    qn_axis_attrs axis = {1}, first = {0};
    qn_value *shape = APPLY(m, &qn_op_shape, &s32, x);
    qn_value *pixels = APPLY(m, &qn_op_strided_slice, NULL, shape, INTS(m, 2), INTS(m, 4), INTS(m, 1));
    if (channels % 2 || draw(m, 0, 3) == 0)
        return APPLY(m, &qn_op_gather, &axis, x, INTS(m, channels - 1, 0, (int32_t)draw(m, 0, channels - 1)));
    qn_value *batch = APPLY(m, &qn_op_strided_slice, NULL, shape, INTS(m, 0), INTS(m, 1), INTS(m, 1));
    qn_value *groups = APPLY(m, &qn_op_concat, &first, batch, INTS(m, 2, channels / 2), pixels);
    qn_value *apart = APPLY(m, &qn_op_reshape, NULL, x, groups);
    qn_value *turned = apart ? APPLY(m, &qn_op_transpose, NULL, apart, INTS(m, 0, 2, 1, 3, 4)) : NULL;
    return turned ? APPLY(m, &qn_op_reshape, NULL, turned, shape) : NULL;
}

/* Axes that are cut, come, and go. */
static qn_value *recut_turned(maker *m, qn_value *x, int32_t channels) {
    const int64_t at = draw(m, 0, 4), form = draw(m, 0, 4);
    qn_strided_slice_attrs every = {.begin_mask = 15, .end_mask = 15},
                           one = {.ellipsis_mask = 1, .shrink_axis_mask = 2},
                           more = {.begin_mask = 7, .end_mask = 7, .new_axis_mask = 1 << draw(m, 0, 3)};
    qn_axis_attrs axis = {at};
    qn_axes_attrs axes = {{1, {at}}}, fourth = {{1, {4}}};
    qn_reduce_attrs reduce = {0};
    qn_value *y;
    switch (form) {
    case 0:
        return APPLY(m, &qn_op_strided_slice, &every, x, INTS(m, 0, 0, 0, 0), INTS(m, 0, 0, 0, 0),
                     INTS(m, 1, -1, 2, 1));
    case 1:
        y = APPLY(m, &qn_op_strided_slice, &more, x, INTS(m, 0, 0, 0), INTS(m, 0, 0, 0), INTS(m, 1, 1, 1));
        return y ? APPLY(m, &qn_op_reduce_max, &reduce, y, INTS(m, (int32_t)draw(m, 0, 4))) : NULL;
    case 2:
        y = APPLY(m, &qn_op_stack, &axis, x, pick_turned(m), x);
        return y ? APPLY(m, &qn_op_reduce_max, &reduce, y, INTS(m, (int32_t)at)) : NULL;
    case 3:
        y = APPLY(m, &qn_op_strided_slice, &one, x, INTS(m, 0, 0), INTS(m, 0, 1), INTS(m, 1, 1));
        y = y ? APPLY(m, &qn_op_reshape, NULL, y, INTS(m, -1, channels, 1)) : NULL;
        return y ? APPLY(m, &qn_op_relu, NULL, y) : NULL;
    default:
        y = APPLY(m, &qn_op_expand_dims, &axes, x);
        y = y ? APPLY(m, &qn_op_relu, NULL, y) : NULL;
        return y ? APPLY(m, &qn_op_squeeze, draw(m, 0, 1) ? &axes : &fourth, y) : NULL;
    }
}

/* Something that treats axes alike, on x [N, C, H, W]. */
static void add_on_turned(maker *m, qn_value *x) {
    static const qn_op_def *const unary[] = {&qn_op_relu, &qn_op_relu6, &qn_op_neg, &qn_op_tanh};
    const int64_t edges[] = {4, 2};
    const int32_t pads[8] = {0, 0, 0, (int32_t)draw(m, 0, 1), 1, 0, 0, 2};
    qn_axis_attrs axis = {draw(m, 0, 3) ? 1 : draw(m, 0, 3)};
    qn_reduce_attrs reduce = {draw(m, 0, 2) > 0};
    qn_argreduce_attrs labels = {1, QN_DTYPE_S32};
    qn_axes_attrs none = {{0, {0}}};
    qn_value *y;
    int64_t channels = 1;
    qn_dim_is_const(m->graph->dims, x->type.dims[1], &channels);
    switch (draw(m, 0, 12)) {
    case 9:
    case 10: keep_turned(m, shuffle_turned(m, x, (int32_t)channels)); return;
    case 11:
    case 12: keep_turned(m, recut_turned(m, x, (int32_t)channels)); return;
    case 0: keep_turned(m, APPLY(m, &qn_op_pad, NULL, x, ints(m, 2, edges, pads))); return;
    case 1: keep_turned(m, APPLY(m, &qn_op_concat, &axis, x, pick_turned(m))); return;
    case 2: keep_turned(m, APPLY(m, &qn_op_softmax, &axis, x)); return;
    case 3: keep_turned(m, APPLY(m, &qn_op_slice, NULL, x, INTS(m, 0, 0, 0, 0), INTS(m, -1, 1, -1, -1))); return;
    case 4:
        y = APPLY(m, &qn_op_reduce_mean, &reduce, x, draw(m, 0, 1) ? INTS(m, 2, 3) : INTS(m, -2));
        keep_turned(m, y && reduce.keep_dims && draw(m, 0, 1) ? APPLY(m, &qn_op_mul, NULL, x, y) : y);
        return;
    case 5: APPLY(m, &qn_op_argmax, &labels, x); return;
    case 6: APPLY(m, &qn_op_squeeze, &none, x); return;
    case 7: APPLY(m, &qn_op_reshape, NULL, x, INTS(m, 1, -1)); return;
    default: keep_turned(m, APPLY(m, unary[draw(m, 0, 3)], NULL, x));
    }
}

static void add_layout(maker *m) {
    int64_t channels, form = m->turned.count ? draw(m, 0, 5) : 0;
    if (form == 0) {
        keep_turned(m, APPLY(m, &qn_op_transpose, NULL, pick(m), INTS(m, 0, 3, 1, 2)));
        return;
    }
    qn_value *x = pick_turned(m);
    if (form == 1) {
        keep(m, APPLY(m, &qn_op_transpose, NULL, x, INTS(m, 0, 2, 3, 1)));
    } else if (form == 2 && draw(m, 0, 3) == 0) {
        keep_turned(m, APPLY(m, &qn_op_transpose, NULL, x, INTS(m, 0, 1, 3, 2)));
    } else if (form < 4) {
        qn_dim_is_const(m->graph->dims, x->type.dims[1], &channels);
        keep_turned(m, combine_turned(m, x, channels));
    } else {
        add_on_turned(m, x);
    }
}

/* ---- The graph ---- */

static void add_something(maker *m) {
    static void (*const makers[])(maker *) = {
        add_conv,     add_conv,     add_conv,   add_affine, add_affine,    add_batch_norm, add_unary, add_unary,
        add_residual, add_residual, add_atrous, add_atrous, add_copy,      add_copy,       add_pool,  add_resize,
        add_mean,     add_views,    add_concat, add_again,  add_assertion, add_labels};
    if (m->options->layouts && draw(m, 0, 1)) {
        add_layout(m);
        return;
    }
    if (m->options->data_shapes && draw(m, 0, 15) == 0)
        add_data_shape(m);
    else
        makers[draw(m, 0, (int64_t)(sizeof makers / sizeof *makers) - 1)](m);
}

static void add_input(maker *m) {
    qn_dim_pool *dims = m->graph->dims;
    qn_type type = {.dtype = QN_DTYPE_F32, .rank = 4};
    qn_value *value;
    int is_free = m->options->size_max == QN_DIM_UNBOUNDED || draw(m, 0, 3);
    type.dims[0] = draw(m, 0, 2) ? qn_dim_const(dims, draw(m, 1, 2)) : qn_dim_symbol(dims, "n", 1, 3);
    type.dims[1] = is_free ? qn_dim_symbol(dims, "h", 1, m->options->size_max) : qn_dim_const(dims, draw(m, 1, 9));
    type.dims[2] = is_free && draw(m, 0, 1) ? qn_dim_symbol(dims, "w", 1, m->options->size_max)
                                            : qn_dim_const(dims, draw(m, 1, 9));
    type.dims[3] = qn_dim_const(dims, draw(m, 1, 4));
    for (int64_t count = draw(m, 1, 2); count; count--) {
        must(qn_graph_add_input(m->graph, "x", &type, &value));
        keep(m, value);
    }
}

/* What nobody uses becomes an output, and now and then what others use too. */
static void mark_outputs(maker *m) {
    for (size_t i = 0; i < m->graph->values.count; i++) {
        qn_value *value = m->graph->values.items[i];
        if (value->producer && (!value->uses.count || draw(m, 0, 14) == 0)) must(qn_graph_mark_output(m->graph, value));
    }
    if (!m->graph->outputs.count)
        must(qn_graph_mark_output(m->graph, APPLY(m, &qn_op_relu, NULL, m->pictures.items[0])));
}

qn_graph *random_graph(qn_arena *arena, uint64_t seed, const random_graph_options *options) {
    for (;; seed += UINT64_C(0x100000001)) { /* demands may contradict each other: then another one */
        maker m = {.graph = qn_graph_create(arena, "random"), .options = options};
        qn_rng_init(&m.rng, seed);
        add_input(&m);
        for (int i = 0; i < options->nodes; i++) add_something(&m);
        mark_outputs(&m);
        qn_status *status = qn_graph_infer(m.graph);
        if (!status) status = qn_graph_verify(m.graph);
        if (!status) return m.graph;
        assert(qn_status_code(status) != QN_INTERNAL);
        qn_status_free(status);
    }
}
