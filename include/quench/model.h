/* quench/model.h - compiled models: load a .qn file and ask what is in it.
 *
 *     qn_model *model = NULL;
 *     qn_status *status = qn_model_load_file("deeplab.qn", NULL, &model);
 *     if (!status) printf("%s\n", qn_model_input(model, 0)->name);
 *     qn_model_destroy(model);
 *
 * Life cycle:  load -> [qn_engine_create -> qn_context_create -> run]* -> destroy
 *
 * A model is immutable: any number of engines may be made from it, on any threads. An engine keeps what it needs of
 * its model alive, so objects may be destroyed in any order.
 *
 * Files are not trusted: loading checks every byte, and no file, however made, makes quench read or write outside
 * its memory.
 *
 * Stability: structs that the caller fills start with `size` and grow at their end; structs that quench fills are
 * borrowed and only grow at their end.
 */
#ifndef QUENCH_MODEL_H
#define QUENCH_MODEL_H

#include "quench/allocator.h"
#include "quench/status.h"
#include "quench/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_model qn_model;

/* The upper end of a range that has none. */
#define QN_NO_LIMIT INT64_MAX

/* Where the bytes of a model are. */
typedef enum qn_memory {
    QN_MEMORY_COPY = 0,   /* in memory of the model's own: bytes may go away after the call, files may be rewritten */
    QN_MEMORY_BORROW = 1, /* where the caller has them, used in place: aligned to 64, unchanged and alive as long as the
                             model and everything made from it. Not for files */
    QN_MEMORY_MAP = 2 /* in the file, which is mapped: weights come into memory as they are used, and processes share
                         them. Only for files */
} qn_memory;

typedef struct qn_model_options {
    size_t size; /* sizeof(qn_model_options), set by qn_model_options_init */
    /* Default NULL: the C library's heap. The struct is copied; what `self` points to must outlive the model and
       everything made from it. */
    const qn_allocator *allocator;
    /* How qn_model_load_file() takes a file: QN_MEMORY_MAP, the default, or QN_MEMORY_COPY, for files that others may
       rewrite in place. */
    qn_memory memory;
} qn_model_options;

/* Sets every option to its default. */
QN_API void qn_model_options_init(qn_model_options *options);

/* Loads a compiled model from a file, which is mapped unless the options say otherwise.
 * @param path       a file that `quench build` or qn_model_bytes() made
 * @param options    NULL for the defaults
 * @param out_model  on success the model, owned by the caller, freed by qn_model_destroy(); else NULL
 * ownership  a mapped file must not be changed in place while the model lives: whoever reads what is cut off gets
 *            SIGBUS. Replacing it by rename is fine, and so is everything with QN_MEMORY_COPY
 * returns    NOT_FOUND, IO: the file cannot be read, or changes while it is copied; INVALID_ARGUMENT:
 *            QN_MEMORY_BORROW; INVALID_MODEL: not a compiled model, or damaged; INCOMPATIBLE: made by a newer quench;
 *            OUT_OF_MEMORY
 * threads    any thread
 * cost       reads the file once to check it; allocates a few times the size of its tables, and with QN_MEMORY_COPY
 *            its size
 */
QN_API qn_status *qn_model_load_file(const char *path, const qn_model_options *options,
                                     qn_model **out_model) QN_MUST_USE;

/* Loads a compiled model from bytes in memory.
 * @param memory  QN_MEMORY_COPY or QN_MEMORY_BORROW; that of the options means nothing here
 * returns    as qn_model_load_file; INVALID_ARGUMENT: QN_MEMORY_BORROW with bytes not aligned to 64, QN_MEMORY_MAP
 * threads    any thread
 */
QN_API qn_status *qn_model_load_memory(const void *data, size_t bytes, qn_memory memory,
                                       const qn_model_options *options, qn_model **out_model) QN_MUST_USE;

/* Gives the model up. Engines and contexts made from it keep working. Accepts NULL. Any thread. */
QN_API void qn_model_destroy(qn_model *model);

/* The bytes of the compiled file, for saving it elsewhere. Owned by the model.
 * @param out_bytes  how many; may not be NULL */
QN_API const void *qn_model_bytes(const qn_model *model, size_t *out_bytes);

/* Do these bytes begin like a compiled model? The first 16 bytes of a file are enough. */
QN_API int qn_model_is_compiled(const void *data, size_t bytes);

/* Where the bytes of a value are while the model runs. */
typedef enum qn_location {
    QN_LOCATION_ARENA = 0,    /* the context's arena */
    QN_LOCATION_CONSTANT = 1, /* the model file */
    QN_LOCATION_INPUT = 2,    /* the caller's input tensor */
    QN_LOCATION_OUTPUT = 3,   /* the caller's output tensor */
    QN_LOCATION_DIMS = 4      /* the arena; computed from the input shapes, not from data */
} qn_location;

/* What an integer value stands for: the float scale[c] * (q - zero_point[c]), c along the last axis. */
typedef struct qn_encoding_info {
    const char *of;  /* that float's name, as models without integers know it */
    size_t channels; /* of the arrays; 1: the same for all channels */
    const float *scale;
    const uint8_t *zero_point;
} qn_encoding_info;

/* An input, an output or an intermediate value. Everything in it is owned by the model. */
typedef struct qn_value_info {
    const char *name;
    qn_dtype dtype;
    int rank;
    int64_t dims[QN_MAX_RANK];        /* -1 where the dim depends on the input shapes or on data */
    int64_t min_dims[QN_MAX_RANK];    /* over the declared range; equal to dims where that is not -1 */
    int64_t max_dims[QN_MAX_RANK];    /* QN_NO_LIMIT: unbounded */
    const char *reasons[QN_MAX_RANK]; /* inputs: what bounds the dim, "" if nothing but the declaration does */
    qn_location location;
    uint64_t offset; /* ARENA and DIMS of a model with a ceiling: bytes into an arena that has it (smaller ones are laid
                        out for their shapes); CONSTANT: bytes into the constants; INPUT, OUTPUT: which */
    uint64_t bytes;  /* CONSTANT: exact; ARENA: the most over the declared range, 0: no ceiling */
    uint32_t first_step, last_step;   /* the steps between which the bytes must stay */
    int64_t alias;                    /* the value whose bytes these are, or -1 */
    const qn_encoding_info *encoding; /* NULL: no integers, or what they are themselves: bytes of a picture, labels */
} qn_value_info;

/* Writes the shapes that a value can have: "1 x 1..513 x ? x 3", where ? has no upper end and "3..?" only a lower one
   above 1; "scalar" for rank 0. Returns `text`. Any thread. */
QN_API const char *qn_value_info_print_dims(const qn_value_info *value, char text[QN_DIMS_TEXT]);

/* What a step does, as its operator says of itself: programs that count or explain steps ask for this, not for names of
 * operators, so that they know operators which are added later. More may follow; what is not known is as COMPUTES. */
typedef enum qn_step_role {
    QN_ROLE_COMPUTES = 0, /* none of the below: new numbers from those of its inputs */
    QN_ROLE_LAYER = 1,    /* sums of products with weights: a convolution or matrix product, in floats or in integers */
    QN_ROLE_VIEW = 2,     /* the elements of its first input, in their order, under another shape: no work */
    QN_ROLE_TRANSPOSE = 3, /* the elements of its first input with the axes in another order */
    QN_ROLE_PAD = 4,       /* its first input with more elements around */
    QN_ROLE_CROP = 5,      /* a part of its first input, or some of its elements at regular distances */
    QN_ROLE_SCALE = 6,     /* its first input, pictures, at another height and width */
    QN_ROLE_MOVE = 7       /* copies of elements in any other way: put together, repeated, gathered */
} qn_step_role;

/* One step of the compiled program. Everything in it is owned by the model. */
typedef struct qn_step_info {
    const char *name;      /* of the node in the source model */
    const char *op;        /* canonical operator name */
    const char *precision; /* what it computes in, and why: "f32: default" */
    size_t input_count, output_count;
    const uint32_t *inputs, *outputs; /* indices of values; UINT32_MAX: an optional input that is absent */
    qn_step_role role;
} qn_step_info;

typedef struct qn_model_info {
    const char *name;
    const char *meta; /* JSON: provenance, configuration, image block; no deeper than 64 levels, but otherwise only
                         checked by qn_model_check_meta() (quench/build.h) */
    size_t input_count, output_count, step_count, value_count;
    uint64_t file_bytes, const_bytes;
    uint64_t arena_bytes_max; /* for values, over the whole declared range; 0: no ceiling. Scratch comes on top */
} qn_model_info;

/* Totals and texts. Owned by the model, valid as long as it. Any thread. */
QN_API const qn_model_info *qn_model_get_info(const qn_model *model);

/* Input, output, value or step number `index`; NULL if there is no such. Owned by the model. Any thread. */
QN_API const qn_value_info *qn_model_input(const qn_model *model, size_t index);
QN_API const qn_value_info *qn_model_output(const qn_model *model, size_t index);
QN_API const qn_value_info *qn_model_value(const qn_model *model, size_t index);
QN_API const qn_step_info *qn_model_step(const qn_model *model, size_t index);

/* The index of the input (output, value) of that name.
 * returns    NOT_FOUND, with the nearest name that exists
 */
QN_API qn_status *qn_model_find_input(const qn_model *model, const char *name, size_t *out_index) QN_MUST_USE;
QN_API qn_status *qn_model_find_output(const qn_model *model, const char *name, size_t *out_index) QN_MUST_USE;
QN_API qn_status *qn_model_find_value(const qn_model *model, const char *name, size_t *out_index) QN_MUST_USE;

/* Writes the attributes of a step that differ from their defaults ("stride=[2, 2], padding=same_upper") as snprintf
 * does: at most `capacity` bytes with the final NUL, and the full length without it into *out_length (may be NULL).
 * @param text  may be NULL when capacity is 0
 * returns    INVALID_ARGUMENT: no such step; OUT_OF_MEMORY
 */
QN_API qn_status *qn_model_step_attributes(const qn_model *model, size_t index, char *text, size_t capacity,
                                           size_t *out_length) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
