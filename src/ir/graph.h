/* ir/graph.h - a network as the compiler sees it: values, nodes, and the order in which nodes run.
 *
 * A graph is in single-assignment form: every value is an input, a constant or the output of exactly one node, and
 * nodes stand in an order in which each comes after the producers of its inputs. Use lists are kept exact by the
 * functions below; never write `inputs[i]` directly.
 *
 * Everything lives in the graph's arena and dies with it. Threads: one at a time.
 */
#ifndef QN_IR_GRAPH_H
#define QN_IR_GRAPH_H

#include "base/cancel.h"
#include "ir/facts.h"
#include "op/op.h"

typedef struct qn_node qn_node;
typedef struct qn_value qn_value;

typedef struct qn_use {
    qn_node *node;
    int index; /* which input of `node` */
} qn_use;

/* What an integer value stands for: scale[c] * (q - zero_point[c]), c along the last axis. */
typedef struct qn_value_encoding {
    const char *of;   /* the float value's name */
    int64_t channels; /* 1: the same for all */
    const float *scale;
    const int32_t *zero_point;
} qn_value_encoding;

/* What a float value was seen, or is said, to hold. Owned by an arena that outlives the graph. */
typedef struct qn_value_stats {
    float low, high;  /* finite, low <= 0 <= high, low < high */
    int64_t elements; /* of each channel, that were seen; 0: not known, or said rather than seen */
    int64_t channels; /* of the arrays below, along the last axis; 0: there are none */
    const float *channel_low, *channel_high;
    const float *channel_mean, *channel_square; /* means of the value and of its square; NULL: not known */
    int expects_means;                          /* they are what batch norms let expect, and nobody measured them */
    const struct qn_moments *moments;           /* of what windows over it hold (quant/moments.h); NULL: not known */
    const qn_value_encoding *grid; /* of 8 bits or less, that the source chose and that integers keep; NULL: none */
} qn_value_stats;

struct qn_value {
    uint32_t id;         /* unique in the graph, in order of creation */
    const char *name;    /* unique in the graph; the source framework's name where there is one ("Conv" , "split:1") */
    qn_type type;        /* dtype NONE until inferred */
    qn_node *producer;   /* NULL for inputs and constants */
    int producer_output; /* which output of the producer */
    const void *data;    /* constants: the elements (for STRING and empty ones: not NULL, no bytes); NULL for all
                            other values; owned by the arena or the source file */
    size_t data_bytes;   /* larger than the dims say once weights are packed */
    const struct qn_packing
        *packing;                 /* constants: how `data` is laid out (kernel/packing.h); NULL, and so in every graph
                                         that passes see: dense */
    const int64_t *constant_dims; /* constants: the dims as numbers */
    qn_dim *contents;             /* elements as expressions where known (small integers), else NULL */
    QN_LIST(qn_use) uses;
    int is_input, is_output;           /* may be both */
    const qn_value_encoding *encoding; /* integers that stand for floats; NULL: not known, or what they are */
    /* floats: what integer precision may count on; NULL: not known; constants: their grid */
    const qn_value_stats *stats;
    uint32_t fixed_axes; /* inputs: bit i: dim i is to stay the number it is, whatever could vary */
};

struct qn_node {
    uint32_t id; /* unique in the graph, in order of creation; of its facts (ir/facts.h) */
    const qn_op_def *op;
    const char *name; /* unique; for messages, dumps and bench */
    void *attrs;      /* op->attrs_bytes bytes */
    int input_count, output_count;
    qn_value **inputs; /* NULL for an absent optional input */
    uint32_t *slots;   /* where inputs[i]->uses holds the use by input i */
    qn_value **outputs;
    qn_node *prev, *next; /* order of execution */
    const char *source;   /* "tensorflow: node 'Pad' (Pad)": where it came from, for messages; NULL if nowhere */
    uint32_t mark;        /* scratch of one walk over the graph; whoever walks sets it first */
};

/* How the graph is to compute in integers; set before pass quantise. */
typedef struct qn_integer_wish {
    qn_dtype dtype;   /* of activations: U8 or S16; NONE: no integers */
    qn_dtype weights; /* beside activations of 16 bits, in any layer: S8, or S16 or NONE for S16; beside 8 bits: S8 */
    qn_who who;       /* asks for them */
    const char *arch; /* whose cost model says what pays (quant/cost.h); NULL: the default */
    int per_tensor;   /* one scale for all outputs of a layer's weights, rather than one for each */
    int symmetric;    /* the zero point of activations is the middle */
    int equalise;     /* channels of one value may have scales of their own */
    int correct_bias; /* the mean of what rounding weights changes is taken off the bias */
    int64_t rounding_iterations; /* sweeps in which weights find better integers than the nearest; 0: none */
} qn_integer_wish;

/* A demand on the shapes that inference could neither prove nor refute. */
typedef struct qn_check {
    qn_dim condition;    /* must be >= 0 */
    const char *message; /* already carries the node */
    const qn_node *node; /* who demands it first; NULL: not known */
} qn_check;

struct qn_graph {
    qn_arena *arena;
    qn_dim_pool *dims;
    const char *name;
    qn_node *first, *last;
    size_t node_count;
    QN_LIST(qn_value *) values; /* every value ever made, dead ones included (no producer, no uses) */
    QN_LIST(qn_value *) inputs; /* in the order of the source */
    QN_LIST(qn_value *) outputs;
    QN_LIST(qn_check) checks; /* rebuilt by qn_graph_infer */
    uint32_t next_id, next_node_id;
    QN_LIST(qn_node_facts *) facts; /* by id of node; NULL, or beyond the end: nothing is known. ir/facts.h */
    struct qn_name_table *names;
    /* F16: floats are stored in half precision where nothing speaks against it; NONE or F32: as the source has them. */
    qn_dtype precision;
    qn_who precision_asker; /* of F16 */
    qn_integer_wish integer;
    qn_cancel cancel; /* whoever works on the graph for long asks now and then */
};

/* Makes an empty graph in `arena`. NULL on exhaustion. */
qn_graph *qn_graph_create(qn_arena *arena, const char *name);

/* Every `name` is copied; where it is taken already (or NULL) a suffix makes it unique. */
qn_status *qn_graph_add_input(qn_graph *graph, const char *name, const qn_type *type, qn_value **out_value) QN_MUST_USE;
/* `data` is borrowed: it must live as long as the arena. `dims` are numbers. */
qn_status *qn_graph_add_constant(qn_graph *graph, const char *name, const qn_view *view,
                                 qn_value **out_value) QN_MUST_USE;
/* Creates a node with op->outputs fresh outputs, appended at the end or put before `before`. `attrs` is copied with
   its texts (NULL: the defaults). Output 0 is named `name`, output i `name:i`. INVALID_MODEL: a number of inputs the
   operator does not have. An input may be NULL here and set later. */
qn_status *qn_graph_add_node(qn_graph *graph, const qn_op_def *op, const char *name, const void *attrs, int input_count,
                             qn_value *const *inputs, qn_node *before, qn_node **out_node) QN_MUST_USE;
qn_status *qn_graph_mark_output(qn_graph *graph, qn_value *value) QN_MUST_USE;
/* Makes an output an ordinary value again; the other outputs keep their order. */
void qn_graph_unmark_output(qn_graph *graph, qn_value *value);
/* Puts `to` into the place of `from` in the list of outputs: `from`, an output, is none afterwards, and `to`, which is
   none, becomes one. Names and uses stay. */
void qn_graph_replace_output(qn_graph *graph, qn_value *from, qn_value *to);
/* Gives an input another type. What is computed from the input has its old types until qn_graph_infer. */
void qn_value_retype_input(qn_value *input, const qn_type *type);

qn_value *qn_graph_find_value(const qn_graph *graph, const char *name); /* NULL if there is none */
qn_node *qn_graph_find_node(const qn_graph *graph, const char *name);   /* the same */
int qn_value_is_constant(const qn_value *value);
/* The constant as a view; dims must be constant. */
qn_view qn_value_view(const qn_value *value);

qn_status *qn_node_set_input(qn_graph *graph, qn_node *node, int index, qn_value *value) QN_MUST_USE;
/* Makes every use of `from`, and its mark as an output, refer to `to`. When `from` was an output the two swap names.
   Where `to` is itself an input or output of the graph, whose name is promised, `from` stays the output it was. */
qn_status *qn_graph_replace_value(qn_graph *graph, qn_value *from, qn_value *to) QN_MUST_USE;
/* Puts a node, or a chain of nodes, between the value `from` and the nodes that read it. `reader` is the first node of
   the chain and goes on reading `from`; `to` is the result of the last one, and all other uses of `from` become uses of
   `to`. Before: from -> a, b, reader -> to. After: from -> reader -> to -> a, b. */
qn_status *qn_graph_insert_after(qn_graph *graph, qn_value *from, const qn_node *reader, qn_value *to) QN_MUST_USE;
/* Turns `node` into another operation with the same one output, keeping its name, place, uses and facts; then infers it
   again. `inputs` may be those of other nodes; each must come before `node`. `attrs` is copied (NULL: the defaults). */
qn_status *qn_node_become(qn_graph *graph, qn_node *node, const qn_op_def *op, const void *attrs, int input_count,
                          qn_value *const *inputs) QN_MUST_USE;
/* Gives a value another name, and the node whose first output it is. INVALID_ARGUMENT: the name is taken. */
qn_status *qn_graph_rename_value(qn_graph *graph, qn_value *value, const char *name) QN_MUST_USE;
/* Takes a node out; none of its outputs may be used or be outputs of the graph. Its names are free again. */
void qn_graph_remove_node(qn_graph *graph, qn_node *node);
void qn_graph_move_before(qn_graph *graph, qn_node *node, qn_node *before);
/* Puts the nodes into an order that respects data flow, keeping the present order where it can. Error: a cycle,
   naming a node on it. */
qn_status *qn_graph_sort(qn_graph *graph) QN_MUST_USE;
/* Has the node an effect, or an output that is used or is one of the graph? */
int qn_node_is_needed(const qn_node *node);
/* Removes nodes none of whose outputs is needed (the nodes are in order) and constants without uses. Returns how many
   nodes went. */
size_t qn_graph_remove_dead(qn_graph *graph);

/* ---- ir/axes.c ---- */
/* Which axis of input 0 each axis of the one result is (op/card.h: trace), from what is constant about the node.
   Returns the rank of the result; -1: it cannot be told. */
int qn_node_trace_axes(const qn_graph *graph, const qn_node *node, int *out_source);
/* Asks an operator that can (op/card.h: turn) what a node whose axes can be traced becomes in another order. */
void qn_node_turn_axes(const qn_graph *graph, const qn_node *node, qn_axes_turn *turn);

/* ---- ir/copy.c ---- */
/* A copy in `arena`, inferred, with a pool of dims of its own and all facts of its nodes: whatever happens to the copy
   leaves `graph` as it is. The data of constants and the stats of values are borrowed from `graph` and must outlive the
   copy. OUT_OF_MEMORY, and what inference says. */
qn_status *qn_graph_copy(const qn_graph *graph, qn_arena *arena, qn_graph **out_copy) QN_MUST_USE;

/* ---- ir/infer.c ---- */
/* Types, shapes and contents of every value, from the inputs on, and `checks`. Checks that bound a symbol narrow it;
   inference then runs again until nothing narrows. Errors carry the node; a demand that can never hold is
   INVALID_MODEL. */
qn_status *qn_graph_infer(qn_graph *graph) QN_MUST_USE;
/* The same for one new node, whose inputs are inferred: what passes call after adding nodes. */
qn_status *qn_node_infer(qn_graph *graph, qn_node *node) QN_MUST_USE;

/* ---- ir/verify.c ---- */
/* Structure: order, use lists, arities, attribute ranges, names unique, types present. INTERNAL with the first
   breach. */
qn_status *qn_graph_verify(const qn_graph *graph) QN_MUST_USE;

/* ---- ir/print.c, ir/parse.c ---- docs/text-ir.md
     graph "deeplab" {
       symbol ImageTensor.1 [1, 513] "assert: image too large"
       input %ImageTensor : u8[1, ImageTensor.1, ImageTensor.2, 3]
       const %w : f32[3, 3, 3, 32] = {1, 2.5, ...}
       %y : f32[1, 257, 257, 32] = conv2d(%x, %w, none) {stride=[2, 2], padding=same_upper}
       output %y
     }
   Constants of more than 16 elements are printed as a hash unless `full`; with `full` the text is the whole graph and
   parses back to it. Parsing leaves qn_graph_infer to the caller: types may be left out. INVALID_ARGUMENT with the
   line. */
void qn_graph_print(const qn_graph *graph, int full, qn_buffer *buffer);
qn_status *qn_graph_parse(qn_arena *arena, const char *text, qn_graph **out_graph) QN_MUST_USE;

#endif
