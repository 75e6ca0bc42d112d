/* op/card.h - what an operator says of itself to whoever rewrites, quantises, plans or reports.
 *
 * A card has these parts. Passes and the driver ask for them instead of knowing operators by name, so that an operator
 * added tomorrow is treated well by code that has never heard of it.
 *
 *   axes     how the axes of the result relate to those of input 0, and what names axes in attributes and inputs
 *   values   what the elements of the result are, in terms of those of the inputs
 *   extents  how the result is longer or shorter than input 0, and what is put around it
 *   grid     the numbers that integers stand for, where results lie on such
 *   layer    operators with weights: where weights, bias, addend and activation are, and the shape of the sums
 *   integer  which operator computes the same on integers, and where that one has its scales
 *
 * "Inputs of data" are what the operator computes on; "controls" say how (paddings, sizes, axes, ranges).
 */
#ifndef QN_OP_CARD_H
#define QN_OP_CARD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

struct qn_eval;
struct qn_op_def;
struct qn_layer_shape;      /* op/layer.h */
struct qn_requantize_slots; /* op/requantize.h */

/* ---- Axes ---- */

typedef enum qn_axes_kind {
    QN_AXES_OWN = 0,  /* none of the below: the operator makes its axes (fill, where ...) */
    QN_AXES_KEPT,     /* axis i of the result is axis i of every input of data of its rank; others broadcast to it */
    QN_AXES_TRACED,   /* axes are permuted, dropped or added as `trace` says (transpose, squeeze, reduce_mean ...) */
    QN_AXES_RESHAPED, /* the elements of input 0 in their order under other dims: axes are merged and split (reshape) */
    QN_AXES_NHWC      /* input 0 and the result are pictures [N, H, W, C], or dims [N, H, W] of one */
} qn_axes_kind;

/* How a control input speaks of the axes of input 0, or of the result. */
typedef enum qn_axes_control {
    QN_CONTROL_NO_AXES = 0,         /* not at all */
    QN_CONTROL_PER_AXIS = 1,        /* its element, or row, k belongs to axis k: paddings of pad, multiples of tile */
    QN_CONTROL_NAMES_AXES = 2,      /* its elements are axes: those that reduce_mean reduces */
    QN_CONTROL_PER_RESULT_AXIS = 3, /* its element k belongs to axis k of the result: the shape that reshape makes */
    QN_CONTROL_ORDERS_AXES = 4      /* its element k is the axis of input 0 that axis k of the result is: transpose */
} qn_axes_control;

enum { QN_AXES_CONTROLS_MAX = 4, QN_TURN_NUMBERS_MAX = 16 };

/* What a control input becomes. ROWS: element k is element numbers[k] of what it was. NUMBERS: element k is numbers[k]. */
typedef enum qn_turn_kind { QN_TURN_KEEP = 0, QN_TURN_ROWS, QN_TURN_NUMBERS } qn_turn_kind;
typedef struct qn_turned_control {
    qn_turn_kind kind;
    int count;
    int64_t numbers[QN_TURN_NUMBERS_MAX];
} qn_turned_control;

/* An operator is asked to say the same of operands whose axes have another order. */
typedef struct qn_axes_turn {
    const int *in, *out; /* axis i of input 0 becomes axis in[i], axis k of the result is to be axis out[k] */
    void *attrs;         /* a copy of operands->attrs, to be changed */
    qn_turned_control controls[QN_AXES_CONTROLS_MAX]; /* of input i; zeroed */
} qn_axes_turn;

typedef struct qn_axes_card {
    qn_axes_kind kind;
    const char *attr;      /* the attribute (INT or INTS) that names axes of input 0; NULL: there is none */
    int attr_names_result; /* it names axes of the result instead (stack, expand_dims) */
    uint8_t controls[QN_AXES_CONTROLS_MAX]; /* qn_axes_control of input i */
    /* Vectors among its inputs, or a matrix, belong to the last axis (batch_norm, matmul), which has to stay the last. A
       vector of one element that stands for all channels does not bind it. */
    int has_channels;
    /* TRACED: axis i of the result is axis out_source[i] of input 0, or a new one where that is -1. Returns the rank of
       the result; -1: cannot tell. Reads attributes, the rank of input 0, its dims (-1: no number) and controls that
       are constants (their data, else NULL). Further inputs of data have the axes of input 0 (stack). Example: squeeze
       of [1, h, 3] gives 2 with out_source {1, 2}. */
    int (*trace)(const struct qn_eval *operands, int *out_source);
    /* TRACED, where attributes and controls speak of axes in a way that `attr` and `controls` cannot say (strided_slice).
       Operands are those of `trace`, which could tell. `in` and `out` agree about every axis that the trace follows. */
    void (*turn)(const struct qn_eval *operands, qn_axes_turn *turn);
} qn_axes_card;

/* ---- Values ---- */

typedef enum qn_values {
    QN_VALUES_NEW = 0,  /* computed from many elements; nothing more is said */
    QN_VALUES_SAME,     /* the elements of input 0 in their order under another shape: no work at all, a view */
    QN_VALUES_MOVED,    /* copies of elements of the inputs of data, told by controls and shapes alone */
    QN_VALUES_PICKED,   /* each an element of input 0, chosen by value, or a constant beside them: max_pool2d, pad */
    QN_VALUES_AVERAGED, /* each a weighted mean of elements of input 0, so within their range */
    QN_VALUES_ROUNDED,  /* element i is element i of input 0 in another type or on a coarser grid: cast, round */
    QN_VALUES_CODED,    /* element i is the integer that stands for element i of input 0, or the number that the integer
                           stands for: quantize_linear, dequantize */
    QN_VALUES_TABLE,    /* element i is a function of element i of input 0 alone: relu, exp */
    QN_VALUES_LABELS,   /* indices of elements along an axis, chosen by value, in the type of `dtype_offset`: argmax */
    QN_VALUES_TRUTH,    /* yes or no, element by element: comparisons, logic */
    QN_VALUES_SHAPE,    /* tell the shape of input 0 and nothing of its elements */
    QN_VALUES_LAYER     /* sums of products of input 0 with weights: see `layer` */
} qn_values;

/* What becomes of the extents of input 0. */
typedef enum qn_extents {
    QN_EXTENTS_OTHER = 0, /* they stay, or the operator makes its own */
    QN_EXTENTS_PADDED,    /* more elements around those of input 0: pad; see `filler` */
    QN_EXTENTS_CROPPED,   /* some of the elements of input 0: slice */
    QN_EXTENTS_SCALED,    /* the picture at another height and width: resize_bilinear */
    QN_EXTENTS_REPEATED,  /* input 0 over and over: tile */
    QN_EXTENTS_JOINED     /* the inputs of data one after the other along the axis that `axes.attr` names: concat */
} qn_extents;

struct qn_grid; /* op/grid.h */

/* The results lie on the grid of what integers of one range [low, high] stand for, or of one for each channel. */
typedef struct qn_grid_card {
    int low, high; /* the inputs with the ends of the ranges */
    /* Are the integers bytes, and do several ranges belong to the channels of the last axis? Passes see no other grids. */
    int (*is_plain)(const void *attrs, int rank);
    /* The grid of one range, of integers of `dtype` where they are input 0. 0: there is none, such as of no width. */
    int (*find)(const void *attrs, qn_dtype dtype, float low, float high, struct qn_grid *out);
} qn_grid_card;

/* What an elementwise operator of two operands calculates: passes do algebra with it. */
typedef enum qn_arithmetic {
    QN_ARITHMETIC_NONE = 0, /* none of these */
    QN_ARITHMETIC_ADD,
    QN_ARITHMETIC_SUBTRACT, /* the second from the first */
    QN_ARITHMETIC_MULTIPLY,
    QN_ARITHMETIC_DIVIDE /* the first by the second */
} qn_arithmetic;

/* ---- Bounds ---- */

/* Elements are in [low, high], or NaN (of which casts to integers and truth make numbers that are not looked at here). An infinite end is one that is not known. Integers count as the doubles that
   qn_view_get() makes of them. */
typedef struct qn_interval {
    double low, high;
} qn_interval;

/* A node whose results are to be bounded. */
typedef struct qn_bounds {
    const void *attrs;
    qn_dtype dtype; /* of output 0 */
    int input_count;
    const qn_interval *inputs;
    const qn_dtype *dtypes; /* of the inputs; NONE: an optional one that is not given */
} qn_bounds;

/* ---- Layers ---- */

/* act(sum(x * weights) + bias + addend), x being input 0. */
typedef struct qn_layer_card {
    int weights, bias, addend;  /* their inputs; 0: the operator has none */
    size_t activation;          /* offset of that attribute (int64_t, a qn_activation) in the attribute struct */
    const char *depthwise_type; /* qn_op_def.node_type where every filter sees one channel; NULL: the same */
    /* The shape of the sums, from the attributes and the dims of the weights, which are constant; `out` is zeroed. */
    void (*describe)(const void *attrs, int rank, const int64_t *weight_dims, struct qn_layer_shape *out);
} qn_layer_card;

/* An operator on integers that scales its exact sums into a result (op/requantize.h). */
typedef struct qn_requantize_card {
    size_t result; /* offset of its qn_requantize_attrs in the attribute struct */
    const struct qn_requantize_slots *slots;
} qn_requantize_card;

/* ---- Questions that several rooms ask (op/card.c) ---- */

/* Is the result made of copies of elements of the inputs of data, whatever they hold? */
int qn_op_moves(const struct qn_op_def *op);
/* Is it the bytes of input 0 under another shape: no work at all? */
int qn_op_is_view(const struct qn_op_def *op);
/* Which of `input_count` inputs are data: the first so many. */
int qn_op_data_inputs(const struct qn_op_def *op, int input_count);
/* Does channel c (the last axis) of the result hold elements of channel c of input 0, or means of them, and nothing
   else? Such operators give for integers the integers of what they give for floats, whatever scales channels have. */
int qn_op_keeps_channels(const struct qn_op_def *op);
/* Has it weights, and computes in floats? Those on integers have `requantize` too. */
int qn_op_is_layer(const struct qn_op_def *op);
/* Such a layer whose sums are of windows that slide over pictures? */
int qn_op_is_convolution(const struct qn_op_def *op);
/* Is the result input 0 itself, under another name? */
int qn_op_is_identity(const struct qn_op_def *op);
/* Is it input 0 under other dims, whichever those had? */
int qn_op_reshapes(const struct qn_op_def *op);
/* Is it input 0 with its axes in another order, and nothing else? */
int qn_op_permutes(const struct qn_op_def *op);
/* Is it input 0 in the element type that an attribute names? */
int qn_op_casts(const struct qn_op_def *op);
/* Is it input 0 on a grid (`grid`), in floats still? */
int qn_op_rounds_to_grid(const struct qn_op_def *op);
/* Are the inputs of data put one after the other along an axis (qn_op_axis)? */
int qn_op_joins(const struct qn_op_def *op);
/* The input that holds what is put around input 0, zeros where it is absent. 0: nothing but elements of input 0 is. */
int qn_op_filler(const struct qn_op_def *op, const void *attrs);
/* The operator that calculates so, which is none of NONE. */
const struct qn_op_def *qn_op_of_arithmetic(qn_arithmetic arithmetic);
/* qn_axes_card.trace for whichever kind: KEPT gives every axis itself. -1: nothing can be said. */
int qn_op_trace_axes(const struct qn_op_def *op, const struct qn_eval *operands, int *out_source);
/* The trace of products of the rows of input 0, its last axis, with a matrix: all axes but the last are kept. */
int qn_trace_rows(const struct qn_eval *operands, int *out_source);
/* The axis of input 0 that the attribute `axes.attr` names, if that is one; -1: none is named. */
int64_t qn_op_axis(const struct qn_op_def *op, const void *attrs);
/* The axis of input 0 along which labels are counted: qn_op_axis(), or the channels of pictures. */
int64_t qn_op_label_axis(const struct qn_op_def *op, const void *attrs);
/* Are the elements along axis `axis` of the result, which is that of input 0, computed from each other? So softmax does. */
int qn_op_mixes_axis(const struct qn_op_def *op, const void *attrs, int64_t axis);
/* Gives the axes that attributes of a copy name other numbers: axis a becomes renamed[a]. INTS stay sorted. */
void qn_op_rename_axes(const struct qn_op_def *op, void *attrs, const int *renamed);

/* ---- Bounds of results (op/bounds.c) ---- */

enum { QN_BOUNDS_INPUTS_MAX = 8 };
/* The range of the results from those of the inputs, which have elements: by qn_op_def.bounds, or else by `values`.
   With more than QN_BOUNDS_INPUTS_MAX inputs it is not known. It holds for every element type: u8 [200, 250] +
   [10, 10] wraps, so nothing is known of it; a cast of f32 [-1, 300] to u8 saturates and gives [0, 255].
   Results may be outside by what their type rounds: one unit in the last place for TABLE, a few for AVERAGED. */
qn_interval qn_op_bounds(const struct qn_op_def *op, const qn_bounds *of);
/* What lies in either range. */
qn_interval qn_interval_join(qn_interval a, qn_interval b);
/* For operators that compute integers with wrap-around: `exact`, the range without it, if the type of the result holds
   all of it and doubles hold it and the operands exactly; else not known. Of floats: `exact`. */
qn_interval qn_bounds_unwrapped(const qn_bounds *of, qn_interval exact);
static inline qn_interval qn_bounds_unknown(void) { return (qn_interval){-INFINITY, INFINITY}; }

#endif
