/* ir/facts.h - what is wished of the precision of nodes, and what became of it: a table beside the graph, by node.
 *
 *     wish       what somebody asks of a node: a type, scales, weights. Set before the passes; when nodes are fused, the
 *                wish of one of them goes to the node that is left (pass/precision.h)
 *     integers   which integers pass quantise chose for a node, kept between the half of the pass that chooses and the
 *                half that rewrites
 *     outcome    why a node computes in the type in which it computes. Passes write it; decisions compare `outcome.why`
 *                with an enum
 *
 * No decision compares words. qn_outcome_text() makes them from an outcome where they are shown; no other function
 * knows them.
 *
 *     wish {U8, custom_nodes}                       "custom_nodes"
 *     outcome {ASKED, U8, by custom_nodes}          "u8: custom_nodes"
 *     outcome {RANGE_MISSING, of "x"}               "no integers: there is no range for 'x'"
 *     the same, F32 and is_unmet                    "f32: not in integers as asked for (no integers: there is ...)"
 *
 * A node keeps its facts when it becomes another operation, and a copy of a graph has the facts of all nodes. The facts
 * of a removed node stay in the arena, unreachable. A node of which nothing is known costs a NULL in the table at most.
 */
#ifndef QN_IR_FACTS_H
#define QN_IR_FACTS_H

#include "base/memory.h"
#include "base/status.h"
#include "op/op.h"

typedef struct qn_node qn_node;
typedef struct qn_graph qn_graph;

/* Who asks for a precision. */
typedef enum qn_asker {
    QN_ASKER_NOBODY = 0,
    QN_ASKER_MODE,           /* the configuration key precision_mode; `name` is the mode: "qint8_mixed_float16" */
    QN_ASKER_CUSTOM_NODES,   /* the configuration key custom_nodes */
    QN_ASKER_NETWORK,        /* qn_network_set_node_precision() and its kin */
    QN_ASKER_CONTRACT_FLOAT, /* a contract that would not be kept with integers here */
    QN_ASKER_CONTRACT_WORDS, /* the same; S16 is enough */
    QN_ASKER_SOURCE,         /* fake quantisation in the source: its grids are kept */
    QN_ASKER_NAMED           /* somebody of whom only the words `name` are known: a file kept them */
} qn_asker;

typedef struct qn_who {
    qn_asker asker;
    const char *name; /* MODE and NAMED, else NULL; lives as long as the graph */
} qn_who;

/* How many scales the integers that a node reads are to have. */
typedef enum qn_scales { QN_SCALES_ANY = 0, QN_SCALES_ONE = 1, QN_SCALES_PER_CHANNEL = 2 } qn_scales;

/* What is asked of one node. */
typedef struct qn_node_wish {
    /* The type in which the node is to compute, or to store its floats: F16 or F32 (and no integers), U8 or S16;
       NONE: as the graph says. */
    qn_dtype dtype;
    qn_who who; /* asks for `dtype` */
    /* `dtype` is asked of all nodes of an operator or type. With {"add": int8} a convolution that takes an addition in
       does not inherit it; with {"block3/add": int8} it does. */
    int is_for_kind;
    qn_dtype addend;     /* conv2d: integers in which its addend is to be added, U8 or S16; NONE: as a float */
    qn_scales scales[2]; /* of inputs 0 and 1; ANY: as the graph says */
    qn_dtype weights;    /* S8 or S16: what weights become beside activations of 16 bits; NONE: as the graph says */
} qn_node_wish;

/* Which integers pass quantise chose; all NONE: the node stays float. */
typedef struct qn_integer_choice {
    qn_dtype data;   /* U8 or S16: the type in which the node reads its data */
    qn_dtype addend; /* conv2d: U8 or S16: the type in which it reads its addend; NONE: as a float */
} qn_integer_choice;

/* Why a node computes in the type in which it computes. The comment says which fields of the outcome go with a reason. */
typedef enum qn_why {
    QN_WHY_NOTHING = 0, /* there is nothing to say */
    QN_WHY_ASKED,       /* `who` asked for it */
    /* Reasons for no integers. Of a layer or an addition: */
    QN_WHY_RANGE_MISSING, /* of value `name` */
    QN_WHY_NO_TIME_SAVED,
    /* of a layer: */
    QN_WHY_WEIGHTS_NOT_CONSTANT,
    QN_WHY_WEIGHTS_EMPTY,
    QN_WHY_WEIGHTS_SHARED, /* by so many layers that copies of them would fill memory */
    QN_WHY_BIAS_NOT_CONSTANT,
    QN_WHY_DATA_NOT_FLOAT,
    QN_WHY_GROUPS,            /* of several channels each: there is no kernel */
    QN_WHY_TOO_MANY_PRODUCTS, /* in one sum: 32 bits might not hold it */
    QN_WHY_PRODUCT_FORM,
    /* of an addition: */
    QN_WHY_ADDITION_FORM,
    QN_WHY_CHANNELS_VARY,
    /* Reasons for no halves. */
    QN_WHY_FROM_INTEGERS,      /* sizes and indices, which are to stay exact */
    QN_WHY_INTEGERS_TOO_LARGE, /* a cast of integers that half precision may not hold */
    QN_WHY_CONSTANT_TOO_LARGE, /* constant `name` */
    QN_WHY_NEVER_HALF,         /* the operator's results are f32 by definition */
    QN_WHY_OPERATOR_REFUSES,   /* operator `name` does not take f16 */
    /* A cast that stands between two neighbours, from type `from`. */
    QN_WHY_CAST,
    QN_WHY_COUNT
} qn_why;

typedef struct qn_outcome {
    qn_why why;
    qn_dtype dtype;   /* in which the node computes: U8, S16, F16 or F32; NONE: not settled yet */
    qn_who who;       /* ASKED; asker NOBODY: by whom is not known */
    const char *name; /* as `why` says, else NULL; lives as long as the graph */
    qn_dtype from;    /* CAST */
    int is_unmet;     /* integers were asked for; `why` says why not, or (ASKED) only who wanted them */
    /* Layers that became integer: */
    int has_byte_weights; /* beside data of 16 bits */
    int64_t kept_grids,
        outputs;     /* outputs whose weights are as the source rounded them, of all; 0, 0: it did not round */
    qn_dtype addend; /* U8 or S16 as asked for; NONE: nobody asked */
    const char *unranged_addend; /* the addend was asked for and stays float: this value has no range; else NULL */
} qn_outcome;

typedef struct qn_node_facts {
    qn_node_wish wish;
    qn_integer_choice integers;
    qn_outcome outcome; /* as written last; qn_outcome_of() says what to show */
} qn_node_facts;

/* All that is known of a node. Never NULL: zeros where nothing is. Holds until facts of the graph are written. */
const qn_node_facts *qn_facts_of(const qn_graph *graph, const qn_node *node);
/* The same for writing. OUT_OF_MEMORY. */
qn_status *qn_facts_edit(qn_graph *graph, const qn_node *node, qn_node_facts **out_facts) QN_MUST_USE;

/* Asks `dtype` of a node, in place of what was asked before; what became of that is forgotten. The name in `who` is
   copied. dtype NONE: nothing is asked any more. OUT_OF_MEMORY. */
qn_status *qn_facts_ask(qn_graph *graph, const qn_node *node, qn_dtype dtype, qn_who who, int is_for_kind) QN_MUST_USE;
/* Gives `node` the type that is asked of `from`, by whom it is asked, and the outcome of `from`, in place of its own.
   OUT_OF_MEMORY. */
qn_status *qn_facts_take_dtype(qn_graph *graph, const qn_node *node, const qn_node *from) QN_MUST_USE;

/* The outcome of a node. Where there is none yet but a type is asked of the node, ASKED with that asker and dtype NONE. */
qn_outcome qn_outcome_of(const qn_graph *graph, const qn_node *node);
/* `outcome` is copied, its names are borrowed. OUT_OF_MEMORY. */
qn_status *qn_outcome_set(qn_graph *graph, const qn_node *node, const qn_outcome *outcome) QN_MUST_USE;

/* ---- ir/facts_text.c: the words ---- */

/* "custom_nodes", "qint8_mixed_float16"; never NULL. */
const char *qn_who_text(qn_who who);
/* "u8: custom_nodes"; without the type "custom_nodes". NULL: there is nothing to say (QN_WHY_NOTHING), or memory is
   short. */
const char *qn_outcome_text(const qn_outcome *outcome, qn_arena *arena);
const char *qn_outcome_text_untyped(const qn_outcome *outcome, qn_arena *arena);

#endif
