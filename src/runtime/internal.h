/* runtime/internal.h - what the parts of the runtime share.
 *
 *   model.c    loading, and what can be asked of a model
 *   ranges.c   the smallest and largest a dim can become
 *   engine.c   kernels and threads
 *   threads.c  how many threads, and why
 *   pool.c     the threads
 *   context.c  life of a context, its tables, the public calls that set and ask shapes
 *   bind.c     from shapes to a program that is ready to run
 *   pinned.c   why a dim has one size
 *   place.c    views, room and addresses of values
 *   arena.c    the block that holds values and scratch
 *   ceiling.c  how much memory any shape in range can need
 *   steps.c    steps made concrete
 *   data.c     sizes that become known while running
 *   check.c    are the program's shapes what its operators say?
 *   run.c      one run
 *   profile.c  what a run did, step by step
 *   trace.c    what runs did, as a time line
 *   queue.c    work in order on a thread of its own; notifier.c: marks between it
 */
#ifndef QN_RUNTIME_INTERNAL_H
#define QN_RUNTIME_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/offsets.h"
#include "kernel/kernel.h"
#include "model/program.h"
#include "quench/context.h"
#include "quench/engine.h"
#include "quench/model.h"
#include "runtime/pool.h"
#include "runtime/trace.h"

/* ---- Model ---- */

/* Facts about a step that hold at all shapes. */
typedef struct qn_step_facts {
    uint8_t touches_caller; /* an operand is in a tensor of the caller */
    uint8_t is_late;        /* a dim of an operand is known only while running */
} qn_step_facts;

struct qn_model {
    qn_allocator allocator;
    _Atomic int references;
    qn_arena arena;
    qn_file_map map; /* loaded from a file */
    void *copy;      /* loaded from memory, copied */
    qn_bytes bytes;
    const qn_program *program;
    qn_model_info info;
    qn_value_info *values;
    qn_step_info *steps;
    qn_step_facts *facts;
    uint32_t *roots;       /* per value: the owner of its bytes */
    uint32_t *lives;       /* per value that owns bytes: first and last step of all values that share them, in pairs */
    uint32_t *ready;       /* per dim instruction: qn_program_dims_ready */
    uint32_t *value_ready; /* per value: the `ready` of the dim that is known last */
    uint32_t first_data_dim;          /* the first dim instruction that depends on data; dim_count if none */
    uint32_t max_inputs, max_outputs; /* of a step */
};

void qn_model_retain(qn_model *model);
void qn_model_release(qn_model *model);

/* Bounds of every dim instruction when symbol i lies in [symbol_low[i], symbol_high[i]]; ends saturate. */
void qn_ranges_run(const qn_dim_instr *code, size_t count, const int64_t *symbol_low, const int64_t *symbol_high,
                   int64_t *out_low, int64_t *out_high);

/* ---- Engine ---- */

struct qn_engine {
    qn_allocator allocator;
    _Atomic int references;
    qn_model *model;
    pthread_mutex_t weights_mutex;
    qn_model *weights;                /* whose constants are in force; under the mutex */
    _Atomic uint64_t weights_version; /* grows with every change */
    qn_pool *pool;                    /* NULL: the caller's executor */
    qn_executor executor;
    qn_kernel_set kernels;
    char *cpu;
};

void qn_engine_retain(qn_engine *engine);
void qn_engine_release(qn_engine *engine);
/* The model whose constants are in force, retained, and the version of that. */
qn_model *qn_engine_take_weights(qn_engine *engine, uint64_t *out_version);

/* ---- Context ---- */

typedef enum qn_step_kind {
    QN_STEP_EVAL, /* the operator's portable code, on the calling thread */
    QN_STEP_WORK, /* a kernel family, in tasks */
    QN_STEP_COPY, /* a view whose output could not share its input's bytes */
    QN_STEP_NONE  /* nothing to do: a view, or no elements */
} qn_step_kind;

/* Items of a queue are numbered, and cancelled up to and including a number: item `number` is cancelled once *up_to has
   reached it. */
typedef struct qn_cancel_point {
    const _Atomic uint64_t *up_to;
    uint64_t number;
} qn_cancel_point;

typedef struct qn_step_state {
    qn_step_kind kind;
    size_t scratch_bytes; /* WORK: per thread */
    int slots;            /* WORK: how many threads' scratch there is room for */
    int is_small;         /* not worth waking threads for */
    int is_open; /* its operator does not take the upper bounds of its operands' shapes: it is made concrete when
                             it runs, at the shapes that the data have then, and has no work until then */
    int64_t ns;
    qn_work work;
} qn_step_state;

struct qn_context {
    qn_engine *engine;
    qn_model *model;           /* the engine's */
    const qn_program *program; /* the model's */
    qn_model *weights;         /* whose constants it computes with: retained */
    uint64_t weights_version;  /* of the engine's, when these were taken */
    qn_arena tables;           /* everything below that is not the block */
    _Atomic int references;
    atomic_flag busy;
    _Atomic int cancelled;
    const qn_cancel_point *cancel_point; /* of the queue that runs it, or NULL */
    int is_bound, is_profiling;
    int is_measuring; /* nothing is going to run on this context: it has no arena */
    int is_borrowed;  /* the block is the caller's */
    qn_trace *trace;  /* or NULL */
    uint32_t trace_id;
    qn_observe_fn observe;
    void *observe_self;

    uint8_t *given;   /* per input: is its shape set? */
    qn_shape *shapes; /* per input */

    int64_t *symbols, *next_symbols; /* values of symbols, in force and being tried */
    int64_t *dims, *next_dims;       /* values of dim instructions, likewise */
    qn_view *views;     /* per value; data NULL for what is in tensors of the caller until they are known */
    uint64_t *capacity; /* per value that owns bytes: how many there are */
    uint64_t *offsets;  /* per value in the arena: where, at the shapes in force */
    qn_view *operands;  /* per operand: the view that steps get */
    qn_step_state *steps;
    void **input_data, **output_data; /* of the last run; never dereferenced without being set by the run in progress */

    qn_offsets_block *blocks; /* for laying out per shape */
    uint32_t *block_owners;
    void *block_scratch;
    int64_t *data_most; /* per symbol that depends on data: the most it can be at the shapes in force */
    int64_t *low, *high, *symbol_low, *symbol_high; /* for programs with data symbols, and those that have a plan */
    int lays_out; /* values are laid out for the shapes in force, not where the plan puts them for all in range */

    uint8_t *block; /* the arena: values, then scratch */
    uint64_t block_bytes, value_bytes, scratch_bytes;
    uint64_t needed_bytes;  /* of the block, at the shapes in force */
    uint64_t ceiling_bytes; /* of the block, at any shape in range; 0: none */
    uint64_t scratch_room;  /* what of the ceiling is scratch; UINT64_MAX without one */
    uint8_t *scratch;

    struct qn_checker *checker;
};

/* What a step's operator gets. `scratch` may be NULL while lowering. */
qn_eval qn_context_step_eval(const qn_context *context, uint32_t step);

/* Adds "step 12 'Conv' (conv2d)" to a failure. */
qn_status *qn_context_step_error(const qn_context *context, uint32_t step, qn_status *status) QN_MUST_USE;

/* context.c */
/* INVALID_ARGUMENT, naming an input without a shape, if shapes are not set. */
qn_status *qn_context_require_bound(const qn_context *context) QN_MUST_USE;

/* run.c, profile.c: the public calls once the context is known to be free. */
qn_status *qn_context_run_once(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                               size_t output_count) QN_MUST_USE;
/* Runs once on behalf of a queue: as qn_context_run(), and cancelled by `point` too. */
qn_status *qn_context_run_queued(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                                 size_t output_count, const qn_cancel_point *point) QN_MUST_USE;
void qn_context_retain(qn_context *context);
/* Of the kernel's, or "eval", "copy", "view"; static. */
const char *qn_step_kernel_name(const qn_step_state *state);
/* Has the work of this number been cancelled? */
static inline int qn_cancel_point_is_hit(const qn_cancel_point *point) {
    return atomic_load_explicit(point->up_to, memory_order_relaxed) >= point->number;
}
qn_status *qn_context_describe_step(const qn_context *context, size_t step, qn_step_profile *out_profile) QN_MUST_USE;
/* Of all steps, at the shapes that are bound. */
qn_status *qn_context_add_up_cost(const qn_context *context, qn_cost *out_cost) QN_MUST_USE;

/* bind.c */
/* Writes the values computed from shapes into the arena. INVALID_ARGUMENT if one does not fit its type. */
qn_status *qn_context_write_dims_values(qn_context *context) QN_MUST_USE;
/* Makes the context ready for `shapes` (all inputs). On failure the earlier binding stays, or, where memory or the file
   is at fault, there is none. */
qn_status *qn_context_bind(qn_context *context, const qn_shape *shapes) QN_MUST_USE;
/* Takes the weights of the engine if they were replaced since this context took some, and binds the shapes in force
   again. Allocates nothing. Every run begins with this. */
qn_status *qn_context_refresh_weights(qn_context *context) QN_MUST_USE;
/* Why the network holds dim `axis` of an input to `size`, as the compiler found (meta, "pinned"); "" where it says
   nothing. Cut short where there is no room. */
void qn_program_find_pin(const qn_program *program, const char *input, int axis, int64_t size, char *out_reason,
                         size_t room);
/* Is this shape in the range of the input? Names input, axis, value, range and reason if not. */
qn_status *qn_context_check_shape(const qn_context *context, size_t input, int rank, const int64_t *dims) QN_MUST_USE;
/* Evaluates the checks that become known when `ready` steps have run. */
qn_status *qn_context_run_checks(const qn_context *context, const int64_t *dims, uint32_t ready) QN_MUST_USE;

/* ceiling.c */
/* Sets ceiling_bytes and scratch_room. Before the first binding: it uses the tables. */
qn_status *qn_context_find_ceiling(qn_context *context) QN_MUST_USE;

/* arena.c */
/* Places the values, makes the steps concrete, and sees that the block has room for values and scratch: a block of the
   context's own that is too small is replaced. INVALID_ARGUMENT: a block of the caller's is too small; INVALID_MODEL,
   LIMIT; OUT_OF_MEMORY: there is no block then. */
qn_status *qn_context_take_arena(qn_context *context) QN_MUST_USE;

/* place.c */
/* Bytes of `value` with its dims taken from `dims`: INVALID_MODEL where one is negative, LIMIT. */
qn_status *qn_value_measure(const qn_program_value *value, const int64_t *dims, uint64_t *out_bytes) QN_MUST_USE;
void qn_view_set_dims(qn_view *view, const qn_program_value *value, const int64_t *dims);
/* View and room of every value at the shapes in `dims`, and the offset of every value in the arena: as the plan
   says, or with `lays_out` as is best for these shapes. INVALID_MODEL, LIMIT. */
qn_status *qn_context_place_values(qn_context *context) QN_MUST_USE;
/* Sets the dims of the views of values whose shapes depend on data, from `dims`. INVALID_MODEL: a value would
   outgrow its room. */
qn_status *qn_context_refresh_data_views(qn_context *context) QN_MUST_USE;
/* Points every view at its bytes. Views in the arena while there is no block, and views in tensors of the caller before
   a run, point at made-up addresses: good for lowering, which compares addresses, and never read or written. */
void qn_context_point_views(qn_context *context);

/* steps.c */
/* Copies the view of every operand of `step` from the values'. */
void qn_context_load_operands(qn_context *context, uint32_t step);
/* Decides how `step` runs and makes its work, with the data pointers in its operands; its shapes are checked, unless it
   is open. */
void qn_context_lower(qn_context *context, uint32_t step);
/* Bytes of scratch that are enough for one thread of any kernel, where a kernel wants more at a smaller shape than
   at the largest, for which room was made. */
enum { QN_SCRATCH_FLOOR = 512 * 1024 };
/* Bytes of scratch that all steps together need: those whose shapes are open until they run, at least the floor. */
uint64_t qn_context_scratch_bytes(const qn_context *context);
/* Bytes of scratch that a step uses: all its threads together. */
uint64_t qn_step_scratch_bytes(const qn_step_state *state);
/* Makes a step that was lowered while running do with `room` bytes of scratch. At smaller shapes than those for
   which room was made a kernel may want somewhat more; then fewer threads work on the step. With room 4096 and 1536
   bytes for each of four threads, two threads work on it. LIMIT: there is no room even for one. */
qn_status *qn_step_fit_scratch(qn_step_state *state, uint64_t room) QN_MUST_USE;
/* Bytes of scratch of one thread in a step's work. */
size_t qn_context_scratch_stride(const qn_step_state *state);

/* data.c */
/* Data symbols may be as large as the program says. */
void qn_context_widen_data(qn_context *context);
/* Lowers the upper bounds of the data symbols of `step`, which has just been checked, to those that its operator has
   inferred from the shapes in force; dims that depend on these symbols follow. */
qn_status *qn_context_narrow_data(qn_context *context, uint32_t step) QN_MUST_USE;
/* Sets data symbols to their upper bounds again, and the dims that depend on them. */
qn_status *qn_context_reset_data(qn_context *context) QN_MUST_USE;
/* Sets the data symbols of `step` to the sizes that it has found, recomputes the dims that depend on them, and
   evaluates the checks that are known now. INTERNAL: a size above its bound; INVALID_ARGUMENT: a check fails. */
qn_status *qn_context_settle(qn_context *context, uint32_t step) QN_MUST_USE;

/* check.c */
struct qn_checker *qn_checker_create(qn_context *context); /* in `tables`; NULL on exhaustion */
/* Forgets the shapes checked so far. Called before the first step of a binding. */
qn_status *qn_checker_begin(struct qn_checker *checker) QN_MUST_USE;
void qn_checker_end(struct qn_checker *checker);
/* Does the operator of `step`, given its operands' types, make outputs of the types that the program says?
   INVALID_MODEL if not. `use_data`: the inputs' elements are there and may be looked at. */
qn_status *qn_checker_check(struct qn_checker *checker, uint32_t step, int use_data) QN_MUST_USE;
/* The most that dim `axis` of output `output` of the step checked last can be. */
int64_t qn_checker_most(const struct qn_checker *checker, uint32_t output, uint32_t axis);

#endif
