/* Are the program's shapes what its operators say?
 *
 * A file can be well formed and still claim that a convolution's output is larger than it is. Kernels trust shapes, so
 * each step's operator infers its outputs again, over numbers, whenever shapes are set. */
#include "runtime/internal.h"

#include <assert.h>

enum { WORKSPACE_BYTES = 64 * 1024, WORKSPACE_STEP_BYTES = 1024 };

struct qn_checker {
    qn_context *context;
    uint8_t *workspace; /* where pool and contents live, so that checking allocates nothing as a rule */
    size_t workspace_bytes;
    qn_arena arena;
    qn_dim_pool *pool;
    qn_type *inputs, *outputs; /* of the step being checked */
    const qn_dim **contents;   /* of its inputs */
    qn_dim **out_contents;
    const qn_dim **known; /* per value: contents that inference has found in this binding */
};

struct qn_checker *qn_checker_create(qn_context *context) {
    const qn_model *model = context->model;
    qn_arena *tables = &context->tables;
    struct qn_checker *checker = QN_ARENA_NEW(tables, struct qn_checker);
    if (!checker) return NULL;
    checker->context = context;
    checker->workspace_bytes = WORKSPACE_BYTES + context->program->step_count * WORKSPACE_STEP_BYTES;
    checker->workspace = qn_arena_alloc(tables, 1, checker->workspace_bytes);
    checker->inputs = QN_ARENA_ARRAY(tables, qn_type, model->max_inputs);
    checker->outputs = QN_ARENA_ARRAY(tables, qn_type, model->max_outputs);
    checker->contents = QN_ARENA_ARRAY(tables, const qn_dim *, model->max_inputs);
    checker->out_contents = QN_ARENA_ARRAY(tables, qn_dim *, model->max_outputs);
    checker->known = QN_ARENA_ARRAY(tables, const qn_dim *, context->program->value_count);
    int complete = checker->workspace && checker->inputs && checker->outputs && checker->contents &&
                   checker->out_contents && checker->known;
    return complete ? checker : NULL;
}

qn_status *qn_checker_begin(struct qn_checker *checker) {
    checker->arena = (qn_arena){.allocator = &checker->context->engine->allocator,
                                .next = checker->workspace,
                                .end = checker->workspace + checker->workspace_bytes};
    for (size_t i = 0; i < checker->context->program->value_count; i++) checker->known[i] = NULL;
    checker->pool = qn_dim_pool_create(&checker->arena);
    return checker->pool ? NULL : qn_status_out_of_memory();
}

void qn_checker_end(struct qn_checker *checker) {
    qn_arena_deinit(&checker->arena); /* frees only what went beyond the workspace */
    checker->pool = NULL;
}

/* ---- Operands ---- */

static qn_type type_of(struct qn_checker *checker, uint32_t value) {
    const qn_view *view = &checker->context->views[value];
    qn_type type = {.dtype = view->dtype, .rank = view->rank};
    for (int d = 0; d < view->rank; d++) type.dims[d] = qn_dim_const(checker->pool, view->dims[d]);
    return type;
}

/* The elements of a small integer operand, where they are known: NULL otherwise, or without memory. */
static const qn_dim *contents_of(struct qn_checker *checker, uint32_t index, int use_data) {
    const qn_context *context = checker->context;
    const qn_program_value *value = &context->program->values[index];
    const qn_view *view = &context->views[index];
    if (!qn_dtype_is_integer(value->dtype) && value->dtype != QN_DTYPE_BOOL) return NULL;
    int64_t elems = qn_view_elems(view);
    if (elems > QN_CONTENT_MAX) return NULL;
    int from_dims = value->place == QN_PLACE_DIMS && value->alias < 0;
    int from_data = use_data || value->place == QN_PLACE_CONSTANT;
    if (!from_dims && !from_data) return checker->known[index];
    qn_dim *contents = QN_ARENA_ARRAY(&checker->arena, qn_dim, elems ? (size_t)elems : 1);
    for (int64_t i = 0; contents && i < elems; i++) {
        int64_t element =
            from_dims ? context->dims[context->program->contents[value->first_content + i]] : qn_view_get_int(view, i);
        contents[i] = qn_dim_const(checker->pool, element);
    }
    return contents;
}

/* ---- What infer functions ask for ---- */

/* Demands of the operator. All dims are numbers here but the sizes that this very step will find; demands on those are
   checks of the program. */
static qn_status *require(void *self, qn_infer *infer, qn_dim condition, const char *message) {
    (void)self;
    (void)infer;
    (void)condition;
    (void)message;
    return NULL;
}

static qn_dim data_dim(void *self, qn_infer *infer, int output, int axis, qn_dim low, qn_dim high) {
    int64_t least, most, unused;
    (void)self;
    (void)output;
    (void)axis;
    qn_dim_range(infer->dims, low, &least, &unused);
    qn_dim_range(infer->dims, high, &unused, &most);
    return qn_dim_symbol(infer->dims, "data", least, most > least ? most : least);
}

/* ---- Comparison ---- */

static int is_settled_here(const qn_program *program, const qn_program_step *step, uint32_t output, int axis) {
    for (uint32_t i = 0; i < step->data_symbol_count; i++) {
        const qn_program_data_symbol *row = &program->data_symbols[step->first_data_symbol + i];
        if (row->output == output && row->axis == (uint32_t)axis) return 1;
    }
    return 0;
}

static qn_status *compare_output(const struct qn_checker *checker, const qn_program_step *step, uint32_t output) {
    const qn_context *context = checker->context;
    uint32_t index = context->program->operands[step->first_output + output];
    const char *name = context->program->values[index].name;
    const qn_view *view = &context->views[index];
    const qn_type *type = &checker->outputs[output];
    if (type->dtype != view->dtype || type->rank != view->rank)
        return QN_ERR(QN_INVALID_MODEL,
                      "the compiled model says that '%s' is %s of rank %d, but the operator makes %s of rank %d", name,
                      qn_dtype_name(view->dtype), view->rank, qn_dtype_name(type->dtype), type->rank);
    for (int d = 0; d < view->rank; d++) {
        int64_t low, high;
        qn_dim_range(checker->pool, type->dims[d], &low, &high);
        if (is_settled_here(context->program, step, output, d) ? low >= 0 && high <= view->dims[d]
                                                               : low == high && low == view->dims[d])
            continue;
        return QN_ERR(QN_INVALID_MODEL,
                      "the compiled model says that dim %d of '%s' is %lld, but the operator makes %lld%s", d, name,
                      (long long)view->dims[d], (long long)high, low == high ? "" : " at most");
    }
    return NULL;
}

static qn_status *infer_step(struct qn_checker *checker, const qn_program_step *step, int use_data) {
    const uint32_t *operands = checker->context->program->operands;
    for (uint32_t i = 0; i < step->input_count; i++) {
        uint32_t value = operands[step->first_input + i];
        checker->inputs[i] = value == UINT32_MAX ? (qn_type){.dtype = QN_DTYPE_NONE} : type_of(checker, value);
        checker->contents[i] = value == UINT32_MAX ? NULL : contents_of(checker, value, use_data);
    }
    for (uint32_t i = 0; i < step->output_count; i++) {
        checker->outputs[i] = (qn_type){.dtype = QN_DTYPE_NONE};
        checker->out_contents[i] = NULL;
    }
    const qn_infer_host host = {checker, require, data_dim};
    qn_infer infer = {.dims = checker->pool,
                      .attrs = step->attrs,
                      .input_count = (int)step->input_count,
                      .inputs = checker->inputs,
                      .contents = checker->contents,
                      .output_count = (int)step->output_count,
                      .outputs = checker->outputs,
                      .out_contents = checker->out_contents,
                      .arena = &checker->arena,
                      .host = &host};
    qn_status *status = step->op->infer(&infer);
    return qn_status_join(status, qn_dim_pool_take_status(checker->pool));
}

qn_status *qn_checker_check(struct qn_checker *checker, uint32_t index, int use_data) {
    assert(checker->pool && index < checker->context->program->step_count);
    const qn_program_step *step = &checker->context->program->steps[index];
    QN_TRY(infer_step(checker, step, use_data));
    for (uint32_t i = 0; i < step->output_count; i++) {
        QN_TRY(compare_output(checker, step, i));
        checker->known[checker->context->program->operands[step->first_output + i]] = checker->out_contents[i];
    }
    return NULL;
}

int64_t qn_checker_most(const struct qn_checker *checker, uint32_t output, uint32_t axis) {
    int64_t low, high;
    assert(checker->pool && (int)axis < checker->outputs[output].rank);
    qn_dim_range(checker->pool, checker->outputs[output].dims[axis], &low, &high);
    return high;
}
