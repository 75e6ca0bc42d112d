/* quench/context.h - running a model.
 *
 *     qn_context *context = NULL;
 *     int64_t shape[4] = {1, 375, 500, 3};
 *     status = qn_context_create(engine, &context);
 *     status = qn_context_set_input_shape(context, 0, 4, shape);
 *     status = qn_context_get_output_shape(context, 0, &output.rank, output.dims);
 *     ... point input.data and output.data at memory of the caller ...
 *     status = qn_context_run(context, &input, 1, &output, 1);
 *     qn_context_destroy(context);
 *
 * Life cycle:  create -> set shapes -> run, run, run ... -> set other shapes -> run ... -> destroy
 *
 * A context belongs to one thread at a time; a call that finds it in use on another answers BUSY and changes nothing.
 * Any number of contexts may run at once on one engine.
 *
 * Memory: all arrays are allocated when the context is created, and the arena, the one block that holds intermediate
 * values and scratch, when shapes are set for the first time. If the model's shapes have an upper bound, the arena has
 * a ceiling, what the largest of them needs. As a rule it is made that large at once and stays; what is not touched
 * costs address space only. Where the ceiling cannot be had, or is over 64 MiB and over four times what the shapes
 * need, the arena is as large as they need. Setting shapes then replaces it by a larger one where they outgrow it, by
 * half as much again at least and never past the ceiling; so it is, by what is needed, where there is no ceiling.
 * Running allocates nothing. The arena may also be the caller's: qn_context_create_with().
 */
#ifndef QUENCH_CONTEXT_H
#define QUENCH_CONTEXT_H

#include "quench/engine.h"
#include "quench/status.h"
#include "quench/tensor.h"
#include "quench/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_context qn_context;

typedef struct qn_shape {
    int rank;                  /* 0 .. QN_MAX_RANK */
    int64_t dims[QN_MAX_RANK]; /* each >= 0 */
} qn_shape;

/* Makes a context. A model whose inputs all have fixed shapes is ready to run at once.
 * @param out_context  on success the context, freed by qn_context_destroy(); else NULL
 * returns    OUT_OF_MEMORY; UNSUPPORTED: the size of a value depends on data and has no bound
 * threads    any thread
 */
QN_API qn_status *qn_context_create(qn_engine *engine, qn_context **out_context) QN_MUST_USE;

typedef struct qn_context_options {
    size_t size; /* sizeof(qn_context_options), set by qn_context_options_init */
    /* Memory for the arena, aligned to 64 bytes. Default NULL: the context allocates it. The caller keeps it alive as
       long as the context, and may use it for anything, other contexts included, while no run of this context is
       active: runs expect nothing in it. It is never replaced or grown */
    void *arena;
    size_t arena_bytes; /* what there is; qn_engine_measure_arena() tells how much is needed */
} qn_context_options;

/* Sets every option to its default. */
QN_API void qn_context_options_init(qn_context_options *options);

/* Makes a context as qn_context_create() does, with options.
 * @param options  NULL for the defaults
 * returns    as qn_context_create(); INVALID_ARGUMENT: an arena that is misaligned, or too small for inputs of fixed
 *            shape. Where shapes are set later, setting them answers INVALID_ARGUMENT, with both sizes, if the arena is
 *            too small for them
 * threads    any thread
 */
QN_API qn_status *qn_context_create_with(qn_engine *engine, const qn_context_options *options,
                                         qn_context **out_context) QN_MUST_USE;

/* How large the arena of a context has to be.
 * @param shapes     one per input, in the model's order: the size at these shapes. NULL: the ceiling, the size that is
 *                   enough for every shape in range
 * @param count      the model's number of inputs; 0 with NULL
 * @param out_bytes  values and the scratch of all the engine's threads together, as a context with an arena of its own
 *                   uses them; 0 on failure
 * returns    INVALID_ARGUMENT, LIMIT, INVALID_MODEL: as qn_context_set_input_shapes(); UNAVAILABLE: no ceiling, since
 *            the shapes have no upper bound; OUT_OF_MEMORY; UNSUPPORTED as qn_context_create()
 * threads    any thread
 * cost       that of making a context and setting its shapes, without the arena; frees all it allocates
 */
QN_API qn_status *qn_engine_measure_arena(qn_engine *engine, const qn_shape *shapes, size_t count,
                                          uint64_t *out_bytes) QN_MUST_USE;

/* What one run costs at some shapes, told without running. */
typedef struct qn_cost {
    int64_t macs;           /* multiply-adds of convolutions and matrix products; INT64_MAX: too many to count */
    int64_t moved_bytes;    /* read and written by all steps, each of their tensors once; INT64_MAX likewise */
    uint64_t value_bytes;   /* of the arena, for values */
    uint64_t scratch_bytes; /* of the arena, for the scratch of all the engine's threads together */
} qn_cost;

/* What a run costs at these shapes. Where sizes depend on data they count with their upper bounds.
 * @param shapes    one per input, in the model's order
 * @param count     the model's number of inputs
 * @param out_cost  all zero on failure
 * returns    INVALID_ARGUMENT, LIMIT, INVALID_MODEL: as qn_context_set_input_shapes(); OUT_OF_MEMORY; UNSUPPORTED as
 *            qn_context_create()
 * threads    any thread
 * cost       as qn_engine_measure_arena(): nothing is allocated for values
 */
QN_API qn_status *qn_engine_measure_cost(qn_engine *engine, const qn_shape *shapes, size_t count,
                                         qn_cost *out_cost) QN_MUST_USE;

/* Gives the context up; not while a run is active. Where it waits on a queue it stays until that has run. Accepts
 * NULL. */
QN_API void qn_context_destroy(qn_context *context);

/* Sets the shape of one input. As soon as every input has one (fixed ones have theirs from the start) the program is
 * made ready for these shapes: output shapes are known and running allocates nothing.
 * Inputs whose shapes must agree are changed together by qn_context_set_input_shapes().
 * @param index  which input, in the model's order
 * @param dims   `rank` sizes
 * returns    INVALID_ARGUMENT: no such input, wrong rank, a dim outside the model's range (the message says what
 *            bounds it) or a combination that the model's own checks refuse: the shapes stay as they were.
 *            INVALID_ARGUMENT also where the caller's arena is too small.
 *            OUT_OF_MEMORY, LIMIT (a value larger than memory can be), INVALID_MODEL (the file contradicts itself at
 *            these shapes): the shapes stay as they were too. Only if the arena was to grow and then not even the
 *            memory that it had is there any more, no shapes are set: set them again. BUSY
 * cost       microseconds; allocates the first time, and when an arena below its ceiling, or without one, must grow
 */
QN_API qn_status *qn_context_set_input_shape(qn_context *context, size_t index, int rank,
                                             const int64_t *dims) QN_MUST_USE;

/* Sets the shapes of all inputs at once.
 * @param shapes  one per input, in the model's order
 * @param count   the model's number of inputs
 * returns    as qn_context_set_input_shape()
 */
QN_API qn_status *qn_context_set_input_shapes(qn_context *context, const qn_shape *shapes, size_t count) QN_MUST_USE;

/* The shape of an output at the shapes that are set.
 * @param out_dims  room for QN_MAX_RANK sizes
 * returns    INVALID_ARGUMENT: no such output, or shapes are not set; BUSY; UNAVAILABLE: the size depends on data.
 *            With UNAVAILABLE *out_rank and out_dims hold an upper bound, before a run and after it alike: give run() a
 *            tensor of that shape, and it puts the true dims in
 */
QN_API qn_status *qn_context_get_output_shape(qn_context *context, size_t index, int *out_rank,
                                              int64_t *out_dims) QN_MUST_USE;

/* Runs the model once.
 * @param inputs   one per input, in the model's order; dtype, rank and dims as set; only read. data may be NULL only
 *                 if a dim is 0, and is aligned to its element
 * @param outputs  one per output; dtype, rank and dims as qn_context_get_output_shape() says; data is the caller's
 *                 and overlaps neither an input nor another output. Where a size depends on data, run() reduces dims
 *                 to the true ones and sets capacity_bytes to what the dims before had room for. Such a tensor may be
 *                 given again as it is, also to a run in a queue behind the first: then any dims within the bound will
 *                 do, if capacity_bytes is enough for the bound. quench never writes beyond these bytes
 * returns    INVALID_ARGUMENT: shapes not set, or a tensor that differs from the above: nothing was written.
 *            INVALID_ARGUMENT, LIMIT, UNSUPPORTED from a step, with its name: what the data asks for cannot be done.
 *            CANCELLED. BUSY. After a failure the outputs hold nothing in particular; the context stays usable
 * threads    one at a time per context
 * cost       allocates nothing, takes no lock unless threads sleep
 */
QN_API qn_status *qn_context_run(qn_context *context, const qn_tensor *inputs, size_t input_count, qn_tensor *outputs,
                                 size_t output_count) QN_MUST_USE;

/* Asks the run in progress to stop: it returns CANCELLED soon. Does nothing when none is in progress; what waits on a
   queue is cancelled by qn_queue_cancel(). Any thread. */
QN_API void qn_context_cancel(qn_context *context);

typedef struct qn_arena_info {
    uint64_t total_bytes;   /* of the arena as allocated or given; grows up to the ceiling, never shrinks */
    uint64_t value_bytes;   /* needed for values at the shapes that are set */
    uint64_t scratch_bytes; /* needed for scratch, all threads together */
    uint64_t table_bytes;   /* everything else the context holds */
    uint64_t ceiling_bytes; /* the most that values and scratch need at any shape in range; 0: no ceiling */
} qn_arena_info;

/* How much memory the context holds. Not while a run is active. */
QN_API void qn_context_get_arena(const qn_context *context, qn_arena_info *out_info);

/* What the last run did in one step. */
typedef struct qn_step_profile {
    const char *name, *op; /* owned by the model */
    const char *kernel;    /* the kernel's name; "eval" for the operator's portable code, "view" for no work. Static */
    int64_t ns;            /* time it took */
    int64_t macs;          /* multiply-adds */
    int64_t bytes;         /* read and written, each tensor once */
    int64_t tasks;         /* independent pieces it was split into */
} qn_step_profile;

/* Turns timing of steps on or off (default off: no clock is read). BUSY if in use. */
QN_API qn_status *qn_context_set_profiling(qn_context *context, int enabled) QN_MUST_USE;

/* One step of the last run; `ns` is 0 if that was not timed. Steps are numbered as in qn_model_step().
 * returns    INVALID_ARGUMENT: no such step, or shapes are not set; BUSY
 */
QN_API qn_status *qn_context_get_step_profile(qn_context *context, size_t step,
                                              qn_step_profile *out_profile) QN_MUST_USE;

/* Records the following runs into `trace` (quench/trace.h), which the context keeps alive; NULL for none.
 * returns    BUSY; OUT_OF_MEMORY: nothing has changed
 * cost       a run takes about 0.1 us longer for each step and each range of tasks
 */
QN_API qn_status *qn_context_set_trace(qn_context *context, qn_trace *trace) QN_MUST_USE;

/* Sees values while a run computes them: first the inputs, then the outputs of each step right after it, each with
 * its name and bytes. `tensor` and its data are valid during the call only and must not be written. What integers stand
 * for is in the value's qn_value_info.encoding.
 * Return 0 to go on, anything else to end the run with CANCELLED. */
typedef int (*qn_observe_fn)(void *self, const char *name, const qn_tensor *tensor);

/* Sets the observer of the following runs; NULL for none. It is called on the thread that calls qn_context_run().
 * BUSY if in use. */
QN_API qn_status *qn_context_set_observer(qn_context *context, qn_observe_fn observe, void *self) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
