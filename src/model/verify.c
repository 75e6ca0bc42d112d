/* Is a program sound? Files are hostile: after this every index, range and size in it may be trusted, and so the
 * runtime and the operators only assert. Checks stand in an order in which each may trust those before it: limits
 * and indices, then dims, then values, then constants, then the order of steps, and last memory (verify_memory.c). */
#include "model/verify.h"

#include "kernel/packing.h"

#include <assert.h>
#include <string.h>

enum { CONSTANT_ALIGN = 64 };

#define BAD(...) QN_ERR(QN_INVALID_MODEL, __VA_ARGS__)

/* ---- Shared with the runtime ---- */

int qn_program_find_roots(const qn_program *program, uint32_t *out_roots, uint32_t *out_bad) {
    const qn_program_value *values = program->values;
    for (size_t i = 0; i < program->value_count; i++) out_roots[i] = UINT32_MAX;
    for (uint32_t i = 0; i < program->value_count; i++) {
        uint32_t end = i;
        size_t hops = 0;
        *out_bad = i;
        while (out_roots[end] == UINT32_MAX && values[end].alias >= 0) {
            end = (uint32_t)values[end].alias;
            if (end >= program->value_count || hops++ == program->value_count) return 0;
        }
        uint32_t root = out_roots[end] == UINT32_MAX ? end : out_roots[end];
        assert(values[root].alias < 0);
        for (uint32_t on_way = i; out_roots[on_way] == UINT32_MAX; on_way = (uint32_t)values[on_way].alias) {
            out_roots[on_way] = root;
            if (values[on_way].alias < 0) break;
        }
    }
    return 1;
}

void qn_program_dims_ready(const qn_program *program, uint32_t *symbols, uint32_t *out_ready) {
    for (size_t i = 0; i < program->symbol_count; i++) symbols[i] = program->symbols[i].input >= 0 ? 0 : UINT32_MAX;
    for (uint32_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        for (uint32_t i = 0; i < step->data_symbol_count; i++)
            symbols[program->data_symbols[step->first_data_symbol + i].symbol] = s + 1;
    }
    for (size_t i = 0; i < program->dim_count; i++) {
        const qn_dim_instr *instr = &program->dims[i];
        if (instr->code == QN_DIM_CONST) {
            out_ready[i] = 0;
        } else if (instr->code == QN_DIM_SYMBOL) {
            out_ready[i] = symbols[instr->a];
        } else {
            assert(instr->a < i && instr->b < i);
            uint32_t a = out_ready[instr->a], b = out_ready[instr->b];
            out_ready[i] = a > b ? a : b;
        }
    }
}

/* ---- Symbols, dims, checks ---- */

static qn_status *verify_symbols(const qn_program *program) {
    for (size_t i = 0; i < program->symbol_count; i++) {
        const qn_program_symbol *symbol = &program->symbols[i];
        if (symbol->low > symbol->high)
            return BAD("symbol '%s' ranges from %lld to %lld", symbol->name, (long long)symbol->low,
                       (long long)symbol->high);
        if (symbol->input < 0) continue;
        if ((size_t)symbol->input >= program->input_count)
            return BAD("symbol '%s' belongs to input %d of %zu", symbol->name, symbol->input, program->input_count);
        if (symbol->low < 0)
            return BAD("symbol '%s' is the size of an input and may be %lld", symbol->name, (long long)symbol->low);
        const qn_program_value *value = &program->values[program->inputs[symbol->input]];
        if (symbol->axis < 0 || symbol->axis >= value->rank)
            return BAD("symbol '%s' belongs to axis %d of input '%s', which has rank %d", symbol->name, symbol->axis,
                       value->name, value->rank);
        const qn_dim_instr *instr = &program->dims[value->dims[symbol->axis]];
        if (instr->code != QN_DIM_SYMBOL || instr->a != i)
            return BAD("dim %d of input '%s' is not symbol '%s'", symbol->axis, value->name, symbol->name);
    }
    return NULL;
}

static qn_status *verify_checks(const qn_program *program, const uint32_t *ready) {
    for (size_t i = 0; i < program->check_count; i++) {
        uint32_t condition = program->checks[i].condition;
        if (condition >= program->dim_count || ready[condition] == UINT32_MAX)
            return BAD("check %zu depends on dim %u, which is never known", i, condition);
    }
    return NULL;
}

/* ---- Values ---- */

static qn_status *verify_value_type(const qn_program *program, const qn_program_value *value) {
    if (value->dtype <= QN_DTYPE_NONE || value->dtype >= QN_DTYPE_COUNT || qn_dtype_size(value->dtype) == 0)
        return BAD("element type %d does not exist or has no size", (int)value->dtype);
    if (value->rank < 0 || value->rank > QN_MAX_RANK)
        return BAD("rank %d, expected at most %d", value->rank, QN_MAX_RANK);
    for (int d = 0; d < value->rank; d++)
        if (value->dims[d] >= program->dim_count)
            return BAD("dim %d is instruction %u of %zu", d, value->dims[d], program->dim_count);
    if (value->place < 0 || value->place >= QN_PLACE_COUNT) return BAD("place %d does not exist", (int)value->place);
    return NULL;
}

static qn_status *verify_constant(const qn_program *program, const qn_program_value *value) {
    uint64_t need = qn_dtype_size(value->dtype);
    for (int d = 0; d < value->rank; d++) {
        const qn_dim_instr *instr = &program->dims[value->dims[d]];
        if (instr->code != QN_DIM_CONST || instr->imm < 0) return BAD("dim %d of a constant is not a number", d);
        if (__builtin_mul_overflow(need, (uint64_t)instr->imm, &need)) return BAD("the size of the constant overflows");
    }
    if (value->offset % CONSTANT_ALIGN || value->offset > program->constants.size ||
        value->bytes > program->constants.size - value->offset)
        return BAD("constant at %llu with %llu bytes is outside the constants (%zu bytes) or not aligned to %d",
                   (unsigned long long)value->offset, (unsigned long long)value->bytes, program->constants.size,
                   CONSTANT_ALIGN);
    if (need > value->bytes)
        return BAD("constant of %llu bytes, but its shape needs %llu", (unsigned long long)value->bytes,
                   (unsigned long long)need);
    return NULL;
}

/* The packing takes weights of this type and these dims, and the constant has all bytes that they need when packed. The
   bytes of padding are not looked at: whatever they are, kernels compute with them and read nothing outside. */
static qn_status *verify_packing(const qn_program *program, const qn_program_value *value) {
    int64_t dims[QN_MAX_RANK];
    size_t need;
    for (int d = 0; d < value->rank; d++) dims[d] = program->dims[value->dims[d]].imm;
    const qn_weights weights = {.dtype = value->dtype, .rank = value->rank, .dims = dims};
    if (!qn_packing_takes(value->packing, &weights))
        return BAD("packed as %s, which is not for %s of rank %d and these dims", value->packing->name,
                   qn_dtype_name(value->dtype), value->rank);
    if (!qn_packing_measure(value->packing, &weights, &need)) return BAD("the size of the packed constant overflows");
    if (need > value->bytes)
        return BAD("packed as %s with %llu bytes, but its shape needs %llu", value->packing->name,
                   (unsigned long long)value->bytes, (unsigned long long)need);
    return NULL;
}

static qn_status *verify_arena(const qn_program *program, const qn_program_value *value) {
    if (!program->arena_bytes) return NULL;
    if (value->offset % CONSTANT_ALIGN || value->offset > program->arena_bytes ||
        value->bytes > program->arena_bytes - value->offset)
        return BAD("arena bytes %llu + %llu are outside the arena (%llu bytes) or not aligned to %d",
                   (unsigned long long)value->offset, (unsigned long long)value->bytes,
                   (unsigned long long)program->arena_bytes, CONSTANT_ALIGN);
    return NULL;
}

static qn_status *verify_dims_value(const qn_verifier *v, const qn_program_value *value) {
    const qn_program *program = v->program;
    if (!qn_dtype_is_integer(value->dtype) && value->dtype != QN_DTYPE_BOOL)
        return BAD("values computed from shapes are integers, not %s", qn_dtype_name(value->dtype));
    if (value->first_content > program->content_count ||
        value->content_count > program->content_count - value->first_content)
        return BAD("contents %u + %u are outside the %zu that exist", value->first_content, value->content_count,
                   program->content_count);
    int64_t elems = 1;
    for (int d = 0; d < value->rank; d++) {
        const qn_dim_instr *instr = &program->dims[value->dims[d]];
        if (instr->code != QN_DIM_CONST || instr->imm < 0 || !qn_checked_mul_i64(elems, instr->imm, &elems))
            return BAD("dim %d of a value computed from shapes is not a number", d);
    }
    if (elems != value->content_count)
        return BAD("%u contents for %lld elements", value->content_count, (long long)elems);
    if (program->arena_bytes && value->content_count * (uint64_t)qn_dtype_size(value->dtype) > value->bytes)
        return BAD("%u elements do not fit in %llu bytes", value->content_count, (unsigned long long)value->bytes);
    for (uint32_t i = 0; i < value->content_count; i++)
        if (v->ready[program->contents[value->first_content + i]]) return BAD("element %u depends on data", i);
    return NULL;
}

static qn_status *verify_end(const qn_program_value *value, const uint32_t *list, size_t count, uint32_t self,
                             const char *what) {
    if (value->offset >= count || list[value->offset] != self)
        return BAD("refers to %s %llu, which is another value", what, (unsigned long long)value->offset);
    return NULL;
}

static qn_status *verify_owner(const qn_verifier *v, uint32_t index) {
    const qn_program *program = v->program;
    const qn_program_value *value = &program->values[index];
    switch (value->place) {
    case QN_PLACE_CONSTANT:
        QN_TRY(verify_constant(program, value));
        return value->packing ? verify_packing(program, value) : NULL;
    case QN_PLACE_INPUT: return verify_end(value, program->inputs, program->input_count, index, "input");
    case QN_PLACE_OUTPUT: return verify_end(value, program->outputs, program->output_count, index, "output");
    case QN_PLACE_DIMS: QN_TRY(verify_dims_value(v, value)); return verify_arena(program, value);
    default: return verify_arena(program, value);
    }
}

static qn_status *verify_value(const qn_verifier *v, uint32_t index) {
    const qn_program *program = v->program;
    const qn_program_value *value = &program->values[index];
    if (value->alias < -1) return BAD("alias %d does not exist", value->alias);
    if (value->packing && (value->place != QN_PLACE_CONSTANT || value->alias >= 0))
        return BAD("packed as %s, but no constant", value->packing->name);
    for (int d = 0; d < value->rank; d++)
        if (v->ready[value->dims[d]] == UINT32_MAX) return BAD("dim %d depends on a symbol that nothing settles", d);
    if (value->alias < 0) return verify_owner(v, index);
    const qn_program_value *root = &program->values[v->roots[index]];
    if (value->place != root->place || value->offset != root->offset)
        return BAD("shares the bytes of '%s', but has another place", root->name);
    return NULL;
}

static qn_status *verify_values(const qn_verifier *v) {
    uint32_t bad;
    if (!qn_program_find_roots(v->program, v->roots, &bad))
        return BAD("value %u '%s' shares the bytes of no value, or of itself", bad, v->program->values[bad].name);
    uint64_t contents = 0;
    for (uint32_t i = 0; i < v->program->value_count; i++) contents += v->program->values[i].content_count;
    if (contents > v->program->content_count) return BAD("values share contents");
    for (uint32_t i = 0; i < v->program->value_count; i++) {
        const qn_program_value *value = &v->program->values[i];
        QN_TRY_CTX(verify_value(v, i), "value %u '%s'", i, value->name);
    }
    return NULL;
}

/* Every input and output is a value of its own with the right place. */
static qn_status *verify_ends(const qn_program *program, const uint32_t *list, size_t count, qn_place place,
                              const char *what) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] >= program->value_count)
            return BAD("%s %zu is value %u of %zu", what, i, list[i], program->value_count);
        const qn_program_value *value = &program->values[list[i]];
        if (value->place != place || value->offset != i || value->alias >= 0)
            return BAD("%s %zu: value '%s' has not the place of this %s", what, i, value->name, what);
    }
    return NULL;
}

/* ---- Steps ---- */

static qn_status *verify_step_ranges(const qn_program *program, const qn_program_step *step) {
    const qn_op_def *op = step->op;
    if (step->first_input > program->operand_count || step->input_count > program->operand_count - step->first_input ||
        step->first_output > program->operand_count || step->output_count > program->operand_count - step->first_output)
        return BAD("operands are outside the %zu that exist", program->operand_count);
    if (step->input_count < (uint32_t)op->min_inputs ||
        (op->max_inputs >= 0 && step->input_count > (uint32_t)op->max_inputs) ||
        step->output_count != (uint32_t)op->outputs)
        return BAD("%u inputs and %u outputs, expected %d to %d inputs and %d outputs", step->input_count,
                   step->output_count, op->min_inputs, op->max_inputs, op->outputs);
    if (step->first_data_symbol > program->data_symbol_count ||
        step->data_symbol_count > program->data_symbol_count - step->first_data_symbol)
        return BAD("data symbols are outside the %zu that exist", program->data_symbol_count);
    for (uint32_t i = 0; i < step->input_count + step->output_count; i++) {
        uint32_t slot = i < step->input_count ? step->first_input + i : step->first_output + i - step->input_count;
        uint32_t value = program->operands[slot];
        if (value == UINT32_MAX && i >= (uint32_t)op->min_inputs && i < step->input_count) continue;
        if (value >= program->value_count) return BAD("operand %u is value %u of %zu", i, value, program->value_count);
    }
    return NULL;
}

static qn_status *verify_data_symbols(const qn_program *program, const qn_program_step *step, uint8_t *settled) {
    if (step->data_symbol_count && !(step->op->flags & QN_OP_DATA_SHAPE))
        return BAD("settles a size, but no size of what the operator makes depends on data");
    for (uint32_t i = 0; i < step->data_symbol_count; i++) {
        const qn_program_data_symbol *row = &program->data_symbols[step->first_data_symbol + i];
        if (row->symbol >= program->symbol_count || program->symbols[row->symbol].input >= 0 || settled[row->symbol])
            return BAD("settles symbol %u, which does not exist or is settled elsewhere", row->symbol);
        if (row->output >= step->output_count)
            return BAD("settles a dim of output %u of %u", row->output, step->output_count);
        const qn_program_value *value = &program->values[program->operands[step->first_output + row->output]];
        if (row->axis >= (uint32_t)value->rank) return BAD("settles axis %u of output '%s'", row->axis, value->name);
        const qn_dim_instr *instr = &program->dims[value->dims[row->axis]];
        if (instr->code != QN_DIM_SYMBOL || instr->a != row->symbol)
            return BAD("dim %u of output '%s' is not symbol '%s'", row->axis, value->name,
                       program->symbols[row->symbol].name);
        if (value->place == QN_PLACE_DIMS || value->place == QN_PLACE_CONSTANT || value->place == QN_PLACE_INPUT)
            return BAD("settles a dim of '%s', which the step does not make", value->name);
        settled[row->symbol] = 1;
    }
    return NULL;
}

/* A constant as the operator sees it; of any other value the element type alone. */
static qn_view constant_view(const qn_program *program, const qn_program_value *value) {
    qn_view view = {.dtype = value->dtype};
    if (value->place != QN_PLACE_CONSTANT || value->alias >= 0) return view;
    for (int d = 0; d < value->rank; d++) assert(program->dims[value->dims[d]].code == QN_DIM_CONST);
    view.rank = value->rank;
    view.packing = value->packing;
    for (int d = 0; d < value->rank; d++) view.dims[d] = program->dims[value->dims[d]].imm;
    view.data = (void *)(uintptr_t)(program->constants.data + value->offset);
    return view;
}

/* Packed input `input` of a step lies in just the packing that the operator asks for. `attrs` has room for a copy of
   the step's attributes. */
static qn_status *verify_packed_input(const qn_program_step *step, const qn_eval *operands, int input, const char *name,
                                      void *attrs) {
    const qn_view *view = &operands->inputs[input];
    qn_pack want;
    if (step->op->attrs_bytes) memcpy(attrs, step->attrs, step->op->attrs_bytes);
    if (!step->op->pack(operands, input, attrs, &want))
        return BAD("reads '%s', which is packed as %s for %s; expected it plain", name, view->packing->name,
                   view->packing->families);
    if (want.packing != view->packing || want.dtype != view->dtype)
        return BAD("reads '%s', which is packed as %s of %s; expected it packed as %s of %s", name, view->packing->name,
                   qn_dtype_name(view->dtype), want.packing->name, qn_dtype_name(want.dtype));
    if (want.is_transposed)
        return BAD("transposes '%s', which is packed as %s; expected a step that transposes nothing", name,
                   view->packing->name);
    return NULL;
}

/* The input of a step; NULL where it is absent. */
static const qn_program_value *input_of(const qn_program *program, const qn_program_step *step, uint32_t input) {
    const uint32_t index = program->operands[step->first_input + input];
    return index == UINT32_MAX ? NULL : &program->values[index];
}

/* Operators that read nothing packed. */
static qn_status *verify_plain_inputs(const qn_program *program, const qn_program_step *step) {
    for (uint32_t i = 0; i < step->input_count; i++) {
        const qn_program_value *value = input_of(program, step, i);
        if (value && value->packing)
            return BAD("reads '%s', which is packed as %s for %s; expected it plain", value->name, value->packing->name,
                       value->packing->families);
    }
    return NULL;
}

/* Memory that verify_constants_of() uses again for every step. */
typedef struct step_scratch {
    qn_view *views; /* as many as any step has inputs */
    void *attrs;    /* as large as the attributes of any step */
} step_scratch;

/* The packing of the step's constant inputs, and what the operator's check() has to say of their elements. */
static qn_status *verify_constants_of(const qn_program *program, const qn_program_step *step,
                                      const step_scratch *scratch) {
    if (!step->op->pack) QN_TRY(verify_plain_inputs(program, step));
    if (!step->op->pack && !step->op->check) return NULL;
    qn_view *views = scratch->views;
    for (uint32_t i = 0; i < step->input_count; i++) {
        const qn_program_value *value = input_of(program, step, i);
        views[i] = value ? constant_view(program, value) : (qn_view){.dtype = QN_DTYPE_NONE};
    }
    const qn_eval operands = {.attrs = step->attrs, .input_count = (int)step->input_count, .inputs = views};
    for (uint32_t i = 0; i < step->input_count; i++)
        if (views[i].packing)
            QN_TRY(verify_packed_input(step, &operands, (int)i, input_of(program, step, i)->name, scratch->attrs));
    return step->op->check ? step->op->check(&operands) : NULL;
}

static qn_status *verify_constants(const qn_verifier *v) {
    const qn_program *program = v->program;
    size_t inputs = 0, attrs_bytes = 0;
    for (size_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        if (step->input_count > inputs) inputs = step->input_count;
        if (step->op->attrs_bytes > attrs_bytes) attrs_bytes = step->op->attrs_bytes;
    }
    const step_scratch scratch = {QN_ARENA_ARRAY(v->arena, qn_view, inputs), qn_arena_alloc(v->arena, 1, attrs_bytes)};
    if (!scratch.views || !scratch.attrs) return qn_status_out_of_memory();
    for (size_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        QN_TRY_CTX(verify_constants_of(program, step, &scratch), "step %zu '%s' (%s)", s, step->name, step->op->name);
    }
    return NULL;
}

/* Indices and arities of all steps; afterwards operands may be followed. */
static qn_status *verify_step_tables(const qn_verifier *v) {
    const qn_program *program = v->program;
    uint8_t *settled = qn_arena_alloc(v->arena, program->symbol_count, 1);
    uint64_t operands = 0, data_symbols = 0;
    if (!settled) return qn_status_out_of_memory();
    for (size_t s = 0; s < program->step_count; s++) {
        const qn_program_step *step = &program->steps[s];
        QN_TRY_CTX(verify_step_ranges(program, step), "step %zu '%s' (%s)", s, step->name, step->op->name);
        operands += step->input_count + step->output_count;
        if (operands > program->operand_count) return BAD("steps share operands");
        QN_TRY_CTX(verify_data_symbols(program, step, settled), "step %zu '%s' (%s)", s, step->name, step->op->name);
        data_symbols += step->data_symbol_count;
    }
    if (data_symbols != program->data_symbol_count)
        return BAD("%zu data symbols, but steps settle %llu", program->data_symbol_count,
                   (unsigned long long)data_symbols);
    return NULL;
}

/* Are all dims of `value` known before step `step`? */
static int dims_known(const qn_verifier *v, const qn_program_value *value, uint32_t step) {
    for (int d = 0; d < value->rank; d++)
        if (v->ready[value->dims[d]] > step) return 0;
    return 1;
}

/* Every input of step `s` exists when it runs, and every output is made by it alone. Fills made_at and used_at. */
static qn_status *verify_step_flow(const qn_verifier *v, uint32_t s) {
    const qn_program *program = v->program;
    const qn_program_step *step = &program->steps[s];
    for (uint32_t i = 0; i < step->input_count; i++) {
        uint32_t index = program->operands[step->first_input + i];
        if (index == UINT32_MAX) continue;
        assert(index < program->value_count); /* verify_step_tables */
        const qn_program_value *value = &program->values[index];
        int given = value->alias < 0 && value->place != QN_PLACE_ARENA && value->place != QN_PLACE_OUTPUT;
        if (!given && v->made_at[index] == QN_STEP_NEVER) return BAD("reads '%s' before anything made it", value->name);
        if (!dims_known(v, value, s)) return BAD("reads '%s' before its shape is known", value->name);
        v->used_at[index] = s;
    }
    for (uint32_t i = 0; i < step->output_count; i++) {
        uint32_t index = program->operands[step->first_output + i];
        const qn_program_value *value = &program->values[index];
        if (v->made_at[index] != QN_STEP_NEVER) return BAD("makes '%s', which was made before", value->name);
        if (value->alias < 0 && value->place != QN_PLACE_ARENA && value->place != QN_PLACE_OUTPUT)
            return BAD("writes '%s', which is not its to write", value->name);
        if (!dims_known(v, value, s + 1)) return BAD("makes '%s', whose shape is known only later", value->name);
        v->made_at[index] = s;
        v->used_at[index] = s;
    }
    return NULL;
}

static qn_status *verify_flow(const qn_verifier *v) {
    const qn_program *program = v->program;
    for (uint32_t s = 0; s < program->step_count; s++)
        QN_TRY_CTX(verify_step_flow(v, s), "step %u '%s' (%s)", s, program->steps[s].name, program->steps[s].op->name);
    for (size_t i = 0; i < program->output_count; i++)
        if (v->made_at[program->outputs[i]] == QN_STEP_NEVER)
            return BAD("output '%s' is made by no step", program->values[program->outputs[i]].name);
    for (size_t i = 0; i < program->input_count; i++)
        if (!dims_known(v, &program->values[program->inputs[i]], 0))
            return BAD("the shape of input '%s' depends on data", program->values[program->inputs[i]].name);
    return NULL;
}

/* ---- All ---- */

static qn_status *verify_limits(const qn_program *program) {
    const struct {
        const char *name;
        size_t count;
    } rows[] = {{"symbols", program->symbol_count}, {"dims", program->dim_count},
                {"values", program->value_count},   {"operands", program->operand_count},
                {"steps", program->step_count},     {"data symbols", program->data_symbol_count},
                {"checks", program->check_count},   {"contents", program->content_count},
                {"inputs", program->input_count},   {"outputs", program->output_count}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].count > QN_PROGRAM_ITEMS_MAX)
            return QN_ERR(QN_LIMIT, "%zu %s, the limit is %d", rows[i].count, rows[i].name, QN_PROGRAM_ITEMS_MAX);
    if (program->value_count > QN_PROGRAM_VALUES_MAX || program->step_count > QN_PROGRAM_VALUES_MAX)
        return QN_ERR(QN_LIMIT, "%zu values and %zu steps, the limit is %d", program->value_count, program->step_count,
                      QN_PROGRAM_VALUES_MAX);
    if (program->arena_bytes > INT64_MAX / 4)
        return BAD("an arena of %llu bytes", (unsigned long long)program->arena_bytes);
    return NULL;
}

static qn_status *make_tables(qn_verifier *v) {
    size_t values = v->program->value_count;
    v->roots = QN_ARENA_ARRAY(v->arena, uint32_t, values);
    v->made_at = QN_ARENA_ARRAY(v->arena, uint32_t, values);
    v->used_at = QN_ARENA_ARRAY(v->arena, uint32_t, values);
    v->ready = QN_ARENA_ARRAY(v->arena, uint32_t, v->program->dim_count);
    v->symbols = QN_ARENA_ARRAY(v->arena, uint32_t, v->program->symbol_count);
    if (!v->roots || !v->made_at || !v->used_at || !v->ready || !v->symbols) return qn_status_out_of_memory();
    for (size_t i = 0; i < values; i++) v->made_at[i] = QN_STEP_NEVER;
    return NULL;
}

qn_status *qn_program_verify(const qn_program *program, qn_arena *scratch) {
    qn_verifier v = {.program = program, .arena = scratch};
    QN_TRY(verify_limits(program));
    QN_TRY(make_tables(&v));
    QN_TRY(qn_dim_program_verify(program->dims, program->dim_count, program->symbol_count));
    for (size_t i = 0; i < program->content_count; i++)
        if (program->contents[i] >= program->dim_count)
            return BAD("content %zu is dim %u of %zu", i, program->contents[i], program->dim_count);
    for (size_t i = 0; i < program->value_count; i++)
        QN_TRY_CTX(verify_value_type(program, &program->values[i]), "value %zu '%s'", i, program->values[i].name);
    QN_TRY(verify_ends(program, program->inputs, program->input_count, QN_PLACE_INPUT, "input"));
    QN_TRY(verify_ends(program, program->outputs, program->output_count, QN_PLACE_OUTPUT, "output"));
    QN_TRY(verify_symbols(program));
    QN_TRY(verify_step_tables(&v));
    qn_program_dims_ready(program, v.symbols, v.ready);
    QN_TRY(verify_checks(program, v.ready));
    QN_TRY(verify_values(&v));
    QN_TRY(verify_constants(&v));
    QN_TRY(verify_flow(&v));
    QN_TRY(qn_verify_encodings(program));
    return qn_verify_memory(&v);
}
