/* op/op.h - what an operator is. Operator files include this header, what operators share
 * (op/move.h, op/rules.h) and kernel/kernel.h when they lower, and nothing else of quench.
 *
 * One operator, one file, one row in ops.def. A definition says everything quench knows about an operator; from it
 * follow the text IR, checking, printing, the file format, documentation and the sample-driven tests.
 *
 *   schema   attributes as fields of a plain struct (op/attrs.h), described by a table
 *   card     how axes, values, weights and integers relate: what passes ask instead of knowing names (op/card.h)
 *   infer    types and shapes over symbolic dims, with checks that name the attribute or dim
 *   eval     plain, naive computation through element accessors: the oracle, the constant folder, the fallback
 *   lower    optional: the same computation as work for a kernel family
 *   cost     multiply-adds, for bench and reports
 *   sample   draws a random legal case for tests and benches
 *
 * Operator files open with a formula. Indices stand for dims that are named in capitals or by the text (n of N, y of
 * H, x of W, c of C); `..` stands for any number of axes; sum(k) runs over all k; [2, 3] is a tensor's dims. "Computed
 * in double" and "in f32" is what eval does; docs/kernel-contracts.md has what kernels do.
 *
 * The dialect (what importers must normalise to):
 *   - Data layout of conv2d, pools, resize, space_to_batch and kin is NHWC; conv2d weights are
 *     [KH, KW, Cin/groups, Cout] (depthwise: groups = Cin, weights [KH, KW, 1, Cin * multiplier]).
 *   - Axes in attributes count from 0; importers turn negative axes of known rank into positive ones.
 *   - What may be data in the source (perm, sizes, begins, paddings) is an input tensor, s32 or s64.
 *   - Binary operators broadcast as NumPy does. Both operands have one dtype.
 */
#ifndef QN_OP_OP_H
#define QN_OP_OP_H

#include <stddef.h>
#include <stdint.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "dim/dim.h"
#include "op/attrs.h"
#include "op/card.h"

/* ---- Attribute schema ---- */

typedef enum qn_attr_kind {
    QN_ATTR_INT,   /* int64_t */
    QN_ATTR_FLOAT, /* float */
    QN_ATTR_BOOL,  /* int64_t, 0 or 1 */
    QN_ATTR_ENUM,  /* int64_t, an index into `names` */
    QN_ATTR_DTYPE, /* int64_t, a qn_dtype */
    QN_ATTR_INTS,  /* qn_ints: at most QN_ATTR_INTS_MAX numbers */
    QN_ATTR_TEXT   /* const char *, owned by the graph's or model's memory; never NULL */
} qn_attr_kind;

typedef struct qn_attr_def {
    const char *name;
    qn_attr_kind kind;
    size_t offset;            /* in the attribute struct */
    int64_t low, high;        /* legal range of INT and of each of INTS (INTS: also their count in `count`) */
    int64_t count;            /* INTS: exact count, or -1 for any */
    const char *const *names; /* ENUM: NULL-terminated spellings */
    const char *fallback;     /* default in text form ("1", "[1, 1]", "none"); NULL: required */
    const char *doc;
} qn_attr_def;

/* ---- Inference ---- */

/* One operand or result during inference. */
typedef struct qn_type {
    qn_dtype dtype;
    int rank;
    qn_dim dims[QN_MAX_RANK];
} qn_type;

/* The context of one inference: read inputs, then set every output exactly once. */
typedef struct qn_infer {
    qn_dim_pool *dims;
    const void *attrs;
    int input_count;
    const qn_type *inputs;
    /* Elements of small integer or bool inputs where known as expressions (row-major), else NULL. An element of
       what the graph holds as a constant is always known, if the tensor is integer or bool and has at most
       QN_CONTENT_MAX elements. */
    const qn_dim *const *contents;
    int output_count;
    qn_type *outputs;
    qn_dim **out_contents; /* set [i] to an array from `arena` when the output's elements are known */
    qn_arena *arena;       /* lives as long as the graph */
    /* who runs the inference: the graph when compiling, the context when shapes are set */
    const struct qn_infer_host *host;
} qn_infer;

/* What inference asks of the graph or context that runs it, which is `self`. qn_infer_require() and its kin
   (op/require.c) prove or refute demands over the ranges of dims; only the undecided ones are passed on to the host. */
typedef struct qn_infer_host {
    void *self;
    /* `condition` is neither proven nor refuted. `message` is in the arena. */
    qn_status *(*require)(void *self, qn_infer *infer, qn_dim condition, const char *message);
    /* See qn_infer_data_dim. */
    qn_dim (*data_dim)(void *self, qn_infer *infer, int output, int axis, qn_dim low, qn_dim high);
} qn_infer_host;

enum { QN_CONTENT_MAX = 64 };

/* Demands `condition` >= 0 at every shape. Proven: nothing happens. Proven false over the whole range: an error.
   Else it becomes a check when shapes are set, with this message, and may narrow the declared range. */
qn_status *qn_infer_require(qn_infer *infer, qn_dim condition, const char *format, ...) QN_PRINTF(3, 4) QN_MUST_USE;
/* Demands a == b. */
qn_status *qn_infer_require_equal(qn_infer *infer, qn_dim a, qn_dim b, const char *format, ...)
    QN_PRINTF(4, 5) QN_MUST_USE;
/* A dim known only after the step has run, in [low, high]. eval reports it by shrinking its output view's dims. */
qn_dim qn_infer_data_dim(qn_infer *infer, int output, int axis, qn_dim low, qn_dim high);

/* Helpers. */
qn_status *qn_infer_expect_rank(const qn_infer *infer, int input, int rank, const char *name) QN_MUST_USE;
qn_status *qn_infer_expect_dtype(const qn_infer *infer, int input, qn_dtype dtype, const char *name) QN_MUST_USE;
qn_status *qn_infer_expect_same_dtype(const qn_infer *infer, int a, int b) QN_MUST_USE;
/* Number of elements of an input when all dims are constant, else -1. */
int64_t qn_infer_const_elems(const qn_infer *infer, int input);
/* Copies input `input`'s known constant elements; 0 if any is unknown or not constant. */
int qn_infer_const_ints(const qn_infer *infer, int input, int64_t *out_values, int64_t max_count, int64_t *out_count);
qn_dim qn_infer_const(const qn_infer *infer, int64_t value);
/* Sets output `output` to dtype and a copy of dims. */
void qn_infer_set(qn_infer *infer, int output, qn_dtype dtype, int rank, const qn_dim *dims);
/* NumPy broadcasting of two shapes, with checks. */
qn_status *qn_infer_broadcast(qn_infer *infer, const qn_type *a, const qn_type *b, int *out_rank,
                              qn_dim *out_dims) QN_MUST_USE;

/* ---- Evaluation ---- */

typedef struct qn_eval {
    const void *attrs;
    int input_count;
    const qn_view *inputs; /* absent optional inputs have dtype QN_DTYPE_NONE */
    int output_count;
    qn_view *outputs; /* dims and data set by the caller; never overlap the inputs unless MAY_ALIAS */
    void *scratch;    /* scratch_bytes() bytes, 64-aligned */
    /* lower only: bit i: the elements of input i follow from the shapes, and infer has seen them */
    uint32_t settled;
} qn_eval;

/* ---- Lowering ---- */

struct qn_work;       /* kernel/kernel.h */
struct qn_packing;    /* kernel/packing.h: how weights lie in memory */
struct qn_kernel_set; /* kernel/kernel.h: the kernels chosen for this CPU */

/* How the kernels of a step want a constant input: see qn_op_def.pack. */
typedef struct qn_pack {
    const struct qn_packing *packing; /* never NULL */
    qn_dtype dtype;                   /* of the elements; the constant's are converted to it first */
    int is_transposed;                /* the constant is a matrix, and its transpose is what is packed */
} qn_pack;

typedef struct qn_sample qn_sample;

/* ---- Definition ---- */

enum {
    QN_OP_ELEMENTWISE = 1u << 0, /* output element i depends on element i of same-shaped or broadcast inputs only */
    QN_OP_COMMUTES = 1u << 1,    /* its two inputs may be swapped */
    /* output 0 may share memory with a dying input of equal byte size: see `alias_first` */
    QN_OP_MAY_ALIAS = 1u << 2,
    QN_OP_EFFECT = 1u << 3,      /* kept though it has no used output (assert) */
    QN_OP_DATA_SHAPE = 1u << 4,  /* has outputs whose size depends on data */
    QN_OP_SETS_DTYPE = 1u << 5,  /* an attribute names the element type of output 0: see `dtype_offset` */
    QN_OP_FITS = 1u << 6,        /* changes extents only: where the type of input 0 stays, the result is input 0 */
    QN_OP_KEEPS_ORDER = 1u << 7, /* increases strictly: of elements (along its axis) the greatest stays the greatest */
};

typedef struct qn_op_def {
    const char *name;           /* canonical: text IR, command line, documentation, file format */
    const char *doc;            /* one sentence */
    const char *node_type;      /* what MagicMind, and so a configuration, calls its kind: "IConvNode"; NULL: nothing */
    int min_inputs, max_inputs; /* max -1: any number. Optional inputs come last */
    int outputs;
    uint32_t flags;
    int data_inputs; /* the first so many inputs are data, the others control (0: all are data) */
    /* QN_OP_MAY_ALIAS: inputs from this one on may; the others must not share with output 0 */
    int alias_first;
    /* bit i: input i has the element type the operator asks for, whatever floats are stored in */
    uint32_t fixed_inputs;
    size_t dtype_offset;      /* QN_OP_SETS_DTYPE, and labels: of that attribute (int64_t) in the attribute struct */
    const qn_attr_def *attrs; /* ends with a row whose name is NULL; may be NULL */
    size_t attrs_bytes;       /* sizeof the attribute struct, 0 if none */

    /* ---- The card: what rewriting, quantising, planning and reports ask (op/card.h) ---- */
    qn_axes_card axes;
    qn_values values;
    /* What the results would lie in if the element type rounded nothing, from the ranges of the inputs; of integers
       only where they do not wrap (qn_bounds_unwrapped). NULL: what `values` says, which is within input 0, or inputs
       of data, for SAME, MOVED, PICKED and AVERAGED, and else not known. Asked through qn_op_bounds(), which rounds. */
    qn_interval (*bounds)(const qn_bounds *of);
    qn_extents extents;
    int (*filler)(const void *attrs); /* PADDED: see qn_op_filler; NULL: what is put there is of input 0 */
    const qn_grid_card *grid;         /* NULL: the results lie on none, or one that inputs and attributes do not tell */
    qn_arithmetic arithmetic;
    int64_t activation;                   /* the qn_activation that the operator is: relu, relu6; else NONE */
    const qn_layer_card *layer;           /* LAYER; else NULL */
    const struct qn_op_def *integer;      /* computes the same on integers; NULL: none does */
    const qn_requantize_card *requantize; /* of operators on integers that scale their sums; else NULL */

    /* ---- What it computes ---- */
    qn_status *(*infer)(qn_infer *infer);
    /* Refuses what infer does not see: elements of constants, and numbers that depend on element types. Constants have
       dims and data, other inputs an element type only; there are no outputs. When a file is read infer has not run
       yet, so that types may be any. NULL: takes anything */
    qn_status *(*check)(const qn_eval *operands);
    qn_status *(*eval)(const qn_eval *eval);
    size_t (*scratch_bytes)(const qn_eval *eval); /* NULL: none; looks at attrs, dtypes and dims only */
    /* Fills *out_work and returns 1, or returns 0 when no kernel family covers these operands (eval runs then).
       Dims are concrete and data pointers final, but what they point at is not there yet: never read it (kernels may,
       while they run). Not called where data decides the dims of an output. */
    int (*lower)(const qn_eval *operands, const struct qn_kernel_set *kernels, struct qn_work *out_work);
    /* How the kernels that lower() chooses want constant input `input` packed; returns 0 where they want it plain.
       `attrs` is a copy of operands->attrs, in which this function sets the attributes that hold once the input is
       packed (a transposed matrix is packed straight, and transpose_b becomes false). Operands are those of check().
       The planner packs exactly the inputs for which this returns 1, and a file may hold packed exactly these: no other
       code says which packings are legal. NULL: no input is ever packed. */
    int (*pack)(const qn_eval *operands, int input, void *attrs, qn_pack *out_pack);
    int64_t (*macs)(const qn_eval *operands); /* multiply-adds; NULL: 0 */
    /* Draws a random legal case: attrs (zeroed, attrs_bytes), input dtypes and dims, and the data of control
       inputs through `sample`. NULL only where tests construct cases by hand. */
    void (*sample)(qn_sample *sample);
} qn_op_def;

/* A case under construction. Tests fill the data of inputs that have none. */
struct qn_sample {
    qn_rng *rng;
    qn_arena *arena;
    void *attrs;
    int input_count;
    qn_view inputs[QN_MAX_SAMPLE_INPUTS];
    float low, high; /* range of random float data; default -2 .. 2 */
};

/* Adds an input of random data (data == NULL) and returns its index. */
int qn_sample_input(qn_sample *sample, qn_dtype dtype, int rank, const int64_t *dims);
/* Adds a control input holding `values` (rank 1, or rank 0 if count is -1). */
int qn_sample_ints(qn_sample *sample, qn_dtype dtype, int count, const int64_t *values);
/* Draws dims of a rank in [min_rank, max_rank], small, 1 often and 0 sometimes; returns the rank. */
int qn_sample_shape(qn_sample *sample, int min_rank, int max_rank, int64_t *out_dims);
/* Draws a dtype of a set, bit 1 << dtype each; f32 half of the time if it is there. */
qn_dtype qn_sample_dtype(qn_sample *sample, uint32_t set);
/* s32 or s64. */
qn_dtype qn_sample_index_dtype(qn_sample *sample);

/* ---- Registry, built from ops.def ---- */

size_t qn_op_count(void);
const qn_op_def *qn_op_at(size_t index);
const qn_op_def *qn_op_find(const char *name); /* NULL if there is none */

#define QN_OP(name) extern const qn_op_def qn_op_##name;
#include "op/ops.def"
#undef QN_OP

/* ---- Generic over the schema (op/attr.c) ---- */

/* Fills `attrs` with the defaults; required ones stay zero. */
void qn_attrs_init(const qn_op_def *op, void *attrs);
/* Checks every attribute against its row; messages name the attribute, the value and what is allowed. */
qn_status *qn_attrs_verify(const qn_op_def *op, const void *attrs) QN_MUST_USE;
int qn_attrs_equal(const qn_op_def *op, const void *a, const void *b);
uint64_t qn_attrs_hash(const qn_op_def *op, const void *attrs);
/* "stride=[2, 2], padding=same_upper": only what differs from the default, or all. */
void qn_attrs_print(const qn_op_def *op, const void *attrs, int all, qn_buffer *buffer);
/* Sets one attribute from text, as qn_attrs_print writes values: 3, 0.5, true, same_upper, f32, [1, 2], "text" with
   \", \\, \n and \xNN (text without quotes is taken as it stands). Checks it too. `arena` owns copied text. */
qn_status *qn_attrs_parse_one(const qn_op_def *op, void *attrs, const char *name, const char *text,
                              qn_arena *arena) QN_MUST_USE;
/* Binary form of the .qn file: fields in schema order, little endian; see docs/file-format.md. */
void qn_attrs_write(const qn_op_def *op, const void *attrs, qn_buffer *buffer);
qn_status *qn_attrs_read(const qn_op_def *op, qn_bytes bytes, void *attrs, qn_arena *arena) QN_MUST_USE;

#endif
