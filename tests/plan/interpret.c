#include "interpret.h"

#include "kernel/packing.h"

#include <string.h>

enum { OPERANDS_MAX = 64, PANEL = 16 };

typedef struct state {
    const qn_program *program;
    const qn_view *inputs;
    const evaluation *reference;
    qn_arena *arena;
    qn_view *outputs;
    uint8_t *memory; /* the arena of the program; NULL without a ceiling */
    void **blocks;   /* without one: memory of each owner */
    uint32_t *roots;
    int64_t *symbols; /* -1: not settled */
} state;

/* ---- Dims ---- */

/* Instruction `index`, by definition; 0 where it depends on a symbol that is not settled. */
static int dim_value(const state *s, uint32_t index, int64_t *out) {
    const qn_dim_instr *instr = &s->program->dims[index];
    int64_t a, b;
    if (instr->code == QN_DIM_CONST) return *out = instr->imm, 1;
    if (instr->code == QN_DIM_SYMBOL) return *out = s->symbols[instr->a], s->symbols[instr->a] >= 0;
    if (!dim_value(s, instr->a, &a) || !dim_value(s, instr->b, &b)) return 0;
    switch (instr->code) {
    case QN_DIM_ADD: *out = a + b; break;
    case QN_DIM_MUL: *out = a * b; break;
    case QN_DIM_FLOOR_DIV: *out = a / b - (a % b < 0); break;
    case QN_DIM_CEIL_DIV: *out = a / b + (a % b > 0); break;
    case QN_DIM_MAX: *out = a > b ? a : b; break;
    default: *out = a < b ? a : b;
    }
    return 1;
}

static void settle_inputs(const state *s) {
    for (size_t i = 0; i < s->program->symbol_count; i++) {
        const qn_program_symbol *symbol = &s->program->symbols[i];
        s->symbols[i] = symbol->input < 0 ? -1 : s->inputs[symbol->input].dims[symbol->axis];
        if (symbol->input >= 0) assert_true(symbol->low <= s->symbols[i] && s->symbols[i] <= symbol->high);
    }
}

static state start(const qn_program *program, const qn_view *inputs, qn_arena *arena) {
    state s = {.program = program, .inputs = inputs, .arena = arena};
    s.symbols = QN_ARENA_ARRAY(arena, int64_t, program->symbol_count);
    settle_inputs(&s);
    return s;
}

int interpret_refuses(const qn_program *program, const qn_view *inputs, qn_arena *arena) {
    state s = start(program, inputs, arena);
    for (size_t i = 0; i < program->check_count; i++) {
        int64_t condition;
        if (dim_value(&s, program->checks[i].condition, &condition) && condition < 0) return 1;
    }
    return 0;
}

/* The dims of a value now; those that only data can tell at their most. */
static qn_view shape_of(const state *s, uint32_t index) {
    const qn_program_value *value = &s->program->values[index];
    qn_view view = {.dtype = value->dtype, .rank = value->rank, .packing = value->packing};
    for (int i = 0; i < value->rank; i++) {
        if (dim_value(s, value->dims[i], &view.dims[i])) continue;
        const qn_dim_instr *instr = &s->program->dims[value->dims[i]];
        assert_int_equal(instr->code, QN_DIM_SYMBOL);
        view.dims[i] = s->program->symbols[instr->a].high;
    }
    return view;
}

/* ---- Memory ---- */

static void *address_of(const state *s, uint32_t index, const qn_view *view) {
    uint32_t root = s->roots[index];
    const qn_program_value *owner = &s->program->values[root];
    switch (owner->place) {
    case QN_PLACE_CONSTANT: return (void *)(uintptr_t)(s->program->constants.data + owner->offset);
    case QN_PLACE_INPUT: return s->inputs[owner->offset].data;
    case QN_PLACE_OUTPUT:
        if (!s->outputs[owner->offset].data) {
            s->outputs[owner->offset] = shape_of(s, root);
            s->outputs[owner->offset].data =
                qn_arena_alloc_aligned(s->arena, qn_view_bytes(&s->outputs[owner->offset]), 64);
        }
        return s->outputs[owner->offset].data;
    default: break;
    }
    if (s->memory) {
        if (qn_view_bytes(view) > owner->bytes)
            fail_msg("'%s' needs %zu bytes, planned are %zu", owner->name, qn_view_bytes(view), (size_t)owner->bytes);
        assert_true(owner->offset + owner->bytes <= s->program->arena_bytes);
        return s->memory + owner->offset;
    }
    if (!s->blocks[root]) s->blocks[root] = qn_arena_alloc_aligned(s->arena, qn_view_bytes(view), 64);
    return s->blocks[root];
}

static qn_view view_of(const state *s, uint32_t index) {
    if (index == UINT32_MAX) return (qn_view){.dtype = QN_DTYPE_NONE};
    qn_view view = shape_of(s, index);
    view.data = address_of(s, index, &view);
    return view;
}

static void write_dims(const state *s) {
    for (uint32_t i = 0; i < s->program->value_count; i++) {
        const qn_program_value *value = &s->program->values[i];
        if (value->place != QN_PLACE_DIMS || value->alias >= 0) continue;
        qn_view view = view_of(s, i);
        assert_int_equal(qn_view_elems(&view), value->content_count);
        for (uint32_t e = 0; e < value->content_count; e++) {
            int64_t number;
            assert_true(dim_value(s, s->program->contents[value->first_content + e], &number));
            qn_view_set_int(&view, e, number);
        }
    }
}

/* ---- Steps ---- */

/* The operand holds what the network computes. */
static void compare(const state *s, const qn_program_step *step, uint32_t index, const qn_view *view) {
    const qn_program_value *value = &s->program->values[index];
    const qn_value *known = qn_graph_find_value(s->reference->graph, value->name);
    if (!known || value->place == QN_PLACE_CONSTANT) return;
    qn_view expected = evaluated(s->reference, known);
    if (expected.dtype == QN_DTYPE_NONE) return;
    assert_int_equal(view->dtype, expected.dtype);
    assert_int_equal(view->rank, expected.rank);
    for (int i = 0; i < view->rank; i++) assert_int_equal(view->dims[i], expected.dims[i]);
    if (memcmp(view->data, expected.data, qn_view_bytes(view)))
        fail_msg("step '%s' finds '%s' overwritten", step->name, value->name);
}

/* Where element (row, column) of panels [columns / 16][groups][kernel_w][16][group] is, `group` values of `height` side by
   side. */
static int64_t place_of(int64_t row, int64_t column, int64_t height, int64_t kernel_w, int64_t group) {
    const int64_t groups = (height + group - 1) / group, y = row / kernel_w, x = row % kernel_w;
    const int64_t cell = (column / PANEL * groups + y / group) * kernel_w + x;
    return (cell * PANEL + column % PANEL) * group + y % group;
}

void unpack(const qn_view *packed, qn_view *out_plain) {
    const qn_packing *packing = packed->packing;
    const int64_t columns = packed->dims[packed->rank - 1], rows = qn_view_elems(packed) / columns;
    const size_t size = qn_dtype_size(packed->dtype);
    int64_t group = packing == &qn_packing_panel16x2                                         ? 2
                    : packing == &qn_packing_panel16x4 || packing == &qn_packing_channel16x4 ? 4
                                                                                             : 1;
    int64_t kernel_w = packing == &qn_packing_channel16x4 ? packed->dims[1] : 1;
    assert_non_null(packing);
    for (int64_t row = 0; row < rows; row++)
        for (int64_t column = 0; column < columns; column++)
            memcpy((char *)out_plain->data + (size_t)(row * columns + column) * size,
                   (char *)packed->data + (size_t)place_of(row, column, rows / kernel_w, kernel_w, group) * size, size);
}

/* The operand as eval takes it: plain. */
static qn_view plain_view(const state *s, qn_view view) {
    if (view.dtype == QN_DTYPE_NONE || !view.packing) return view;
    qn_view plain = view;
    plain.data = qn_arena_alloc(s->arena, (size_t)qn_view_elems(&view), qn_dtype_size(view.dtype));
    plain.packing = NULL;
    unpack(&view, &plain);
    return plain;
}

static void run_step(const state *s, const qn_program_step *step) {
    qn_view inputs[OPERANDS_MAX], outputs[OPERANDS_MAX];
    const uint32_t *in = s->program->operands + step->first_input, *out = s->program->operands + step->first_output;
    assert_true(step->input_count <= OPERANDS_MAX && step->output_count <= OPERANDS_MAX);
    for (uint32_t i = 0; i < step->input_count; i++) {
        inputs[i] = view_of(s, in[i]);
        if (in[i] != UINT32_MAX) compare(s, step, in[i], &inputs[i]);
        inputs[i] = plain_view(s, inputs[i]);
    }
    for (uint32_t i = 0; i < step->output_count; i++) outputs[i] = view_of(s, out[i]);
    int is_view = qn_op_is_view(step->op) && outputs[0].data == inputs[0].data;
    qn_eval eval = {.attrs = step->attrs,
                    .input_count = (int)step->input_count,
                    .inputs = inputs,
                    .output_count = (int)step->output_count,
                    .outputs = outputs};
    size_t scratch = step->op->scratch_bytes ? step->op->scratch_bytes(&eval) : 0;
    eval.scratch = qn_arena_alloc_aligned(s->arena, scratch, 64);
    qn_status *status = is_view ? NULL : step->op->eval(&eval);
    if (status) fail_msg("step '%s': %s", step->name, qn_status_message(status));
    for (uint32_t i = 0; i < step->data_symbol_count; i++) {
        const qn_program_data_symbol *row = &s->program->data_symbols[step->first_data_symbol + i];
        s->symbols[row->symbol] = outputs[row->output].dims[row->axis];
    }
    for (uint32_t i = 0; i < step->output_count; i++) {
        const qn_program_value *value = &s->program->values[out[i]];
        if (value->place == QN_PLACE_OUTPUT && value->alias < 0) s->outputs[value->offset] = outputs[i];
        compare(s, step, out[i], &outputs[i]);
    }
}

void interpret(const qn_program *program, const qn_view *inputs, const evaluation *reference, qn_arena *arena,
               qn_view *out_outputs) {
    state s = start(program, inputs, arena);
    uint32_t bad;
    s.reference = reference;
    s.outputs = out_outputs;
    s.roots = QN_ARENA_ARRAY(arena, uint32_t, program->value_count);
    s.blocks = QN_ARENA_ARRAY(arena, void *, program->value_count);
    assert_true(qn_program_find_roots(program, s.roots, &bad));
    memset(out_outputs, 0, program->output_count * sizeof *out_outputs);
    if (program->arena_bytes) {
        s.memory = qn_arena_alloc_aligned(arena, program->arena_bytes, 64);
        memset(s.memory, 0xA5, program->arena_bytes);
    }
    write_dims(&s);
    for (size_t i = 0; i < program->step_count; i++) run_step(&s, &program->steps[i]);
}
