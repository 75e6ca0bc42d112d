/* The flat form of dims: (h + 7) / 8 with h being symbol 0 becomes
 *
 *     0   SYMBOL 0
 *     1   CONST 7
 *     2   ADD 0 1
 *     3   CONST 8
 *     4   FLOOR_DIV 2 3
 *
 * and another dim that needs h + 7 refers to instruction 2.
 */
#include "dim/pool.h"

#include <assert.h>
#include <string.h>

struct qn_dim_program_builder {
    qn_arena *arena;
    const qn_dim_pool *pool;
    QN_LIST(qn_dim_instr) code;
    uint32_t *table; /* open addressing, instruction indices + 1 */
    size_t table_size;
    uint32_t *done; /* by dim id: instruction index + 1 */
    size_t done_size;
    int failed; /* out of memory */
};

qn_dim_program_builder *qn_dim_program_create(qn_arena *arena, const qn_dim_pool *pool) {
    qn_dim_program_builder *builder = QN_ARENA_NEW(arena, qn_dim_program_builder);
    if (!builder) return NULL;
    builder->arena = arena;
    builder->pool = pool;
    builder->table_size = 256;
    builder->table = QN_ARENA_ARRAY(arena, uint32_t, builder->table_size);
    return builder->table ? builder : NULL;
}

static uint64_t hash_instr(const qn_dim_instr *instr) {
    uint64_t hash = instr->code;
    hash = (hash ^ instr->a) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ (hash >> 31) ^ instr->b) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ (hash >> 31) ^ (uint64_t)instr->imm) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 31);
}

static size_t find_slot(const qn_dim_program_builder *builder, const qn_dim_instr *instr) {
    size_t mask = builder->table_size - 1, slot = hash_instr(instr) & mask;
    for (; builder->table[slot]; slot = (slot + 1) & mask) {
        const qn_dim_instr *other = &builder->code.items[builder->table[slot] - 1];
        if (other->code == instr->code && other->a == instr->a && other->b == instr->b && other->imm == instr->imm)
            break;
    }
    return slot;
}

static int grow_table(qn_dim_program_builder *builder) {
    uint32_t *table = QN_ARENA_ARRAY(builder->arena, uint32_t, builder->table_size * 2);
    if (!table) return 0;
    builder->table = table;
    builder->table_size *= 2;
    for (uint32_t i = 0; i < builder->code.count; i++) table[find_slot(builder, &builder->code.items[i])] = i + 1;
    return 1;
}

/* The number of the instruction, which is appended unless it is there already. 0 after a failure. */
static uint32_t emit(qn_dim_program_builder *builder, qn_dim_code code, uint32_t a, uint32_t b, int64_t imm) {
    qn_dim_instr instr = {.code = code, .a = a, .b = b, .imm = imm};
    if (builder->failed) return 0;
    if ((builder->code.count + 1) * 2 > builder->table_size && !grow_table(builder)) builder->failed = 1;
    if (builder->failed) return 0;
    size_t slot = find_slot(builder, &instr);
    if (builder->table[slot]) return builder->table[slot] - 1;
    qn_status *status = QN_LIST_PUSH(builder->arena, &builder->code, instr);
    if (status) {
        qn_status_free(status);
        builder->failed = 1;
        return 0;
    }
    builder->table[slot] = (uint32_t)builder->code.count;
    return (uint32_t)builder->code.count - 1;
}

static uint32_t emit_const(qn_dim_program_builder *builder, int64_t value) {
    return emit(builder, QN_DIM_CONST, 0, 0, value);
}

/* The instruction that yields `dim`, which has been emitted. */
static uint32_t done_at(const qn_dim_program_builder *builder, qn_dim dim) {
    assert(builder->failed || builder->done[dim.id]);
    return builder->done[dim.id] - 1;
}

static uint32_t emit_sum(qn_dim_program_builder *builder, const qn_dim_node *node) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t part = done_at(builder, node->u.terms[i].atom);
        if (node->u.terms[i].coef != 1)
            part = emit(builder, QN_DIM_MUL, part, emit_const(builder, node->u.terms[i].coef), 0);
        sum = i == 0 ? part : emit(builder, QN_DIM_ADD, sum, part, 0);
    }
    return node->constant ? emit(builder, QN_DIM_ADD, sum, emit_const(builder, node->constant), 0) : sum;
}

static uint32_t emit_node(qn_dim_program_builder *builder, const qn_dim_node *node) {
    uint32_t at;
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST: return emit_const(builder, node->constant);
    case QN_DIM_KIND_SYMBOL: return emit(builder, QN_DIM_SYMBOL, node->u.symbol, 0, 0);
    case QN_DIM_KIND_SUM: return emit_sum(builder, node);
    case QN_DIM_KIND_PRODUCT:
        at = done_at(builder, node->u.factors[0]);
        for (uint32_t i = 1; i < node->count; i++)
            at = emit(builder, QN_DIM_MUL, at, done_at(builder, node->u.factors[i]), 0);
        return at;
    case QN_DIM_KIND_FLOOR:
        return emit(builder, QN_DIM_FLOOR_DIV, done_at(builder, node->u.args[0]), done_at(builder, node->u.args[1]), 0);
    case QN_DIM_KIND_RELU:
        return emit(builder, QN_DIM_MAX, done_at(builder, node->u.args[0]), emit_const(builder, 0), 0);
    case QN_DIM_KIND_STEP: /* min(max(e, -1) + 1, 1): never overflows where e does not */
        at = emit(builder, QN_DIM_MAX, done_at(builder, node->u.args[0]), emit_const(builder, -1), 0);
        at = emit(builder, QN_DIM_MIN, at, emit_const(builder, 0), 0);
        return emit(builder, QN_DIM_ADD, at, emit_const(builder, 1), 0);
    }
    return 0;
}

static void emit_dim(void *self, qn_dim dim) {
    qn_dim_program_builder *builder = self;
    if (builder->failed || builder->done[dim.id]) return;
    qn_dim_each_operand(builder->pool, dim, emit_dim, builder);
    uint32_t index = emit_node(builder, qn_dim_node_at(builder->pool, dim));
    if (!builder->failed) builder->done[dim.id] = index + 1;
}

static int grow_done(qn_dim_program_builder *builder) {
    size_t need = builder->pool->nodes.count;
    if (need <= builder->done_size) return 1;
    need = need * 3 / 2;
    uint32_t *done = QN_ARENA_ARRAY(builder->arena, uint32_t, need);
    if (!done) return 0;
    if (builder->done_size) memcpy(done, builder->done, builder->done_size * sizeof *done);
    builder->done = done;
    builder->done_size = need;
    return 1;
}

qn_status *qn_dim_program_add(qn_dim_program_builder *builder, qn_dim dim, uint32_t *out_index) {
    if (!grow_done(builder)) return qn_status_out_of_memory();
    emit_dim(builder, dim);
    if (builder->failed) return qn_status_out_of_memory();
    *out_index = done_at(builder, dim);
    return NULL;
}

const qn_dim_instr *qn_dim_program_code(const qn_dim_program_builder *builder, size_t *out_count) {
    *out_count = builder->code.count;
    return builder->code.items;
}

/* ---- Checking and running ---- */

static qn_status *verify_instr(const qn_dim_instr *instr, size_t index, size_t symbol_count) {
    if (instr->code >= QN_DIM_CODE_COUNT)
        return QN_ERR(QN_INVALID_MODEL, "shape instruction %zu has the unknown code %u", index, instr->code);
    if (instr->reserved != 0) return QN_ERR(QN_INVALID_MODEL, "shape instruction %zu sets a reserved field", index);
    if (instr->code == QN_DIM_CONST) return NULL;
    if (instr->code == QN_DIM_SYMBOL) {
        if (instr->a < symbol_count) return NULL;
        return QN_ERR(QN_INVALID_MODEL, "shape instruction %zu reads symbol %u of %zu", index, instr->a, symbol_count);
    }
    if (instr->a < index && instr->b < index) return NULL;
    return QN_ERR(QN_INVALID_MODEL, "shape instruction %zu reads a value that is not computed before it", index);
}

qn_status *qn_dim_program_verify(const qn_dim_instr *code, size_t count, size_t symbol_count) {
    for (size_t i = 0; i < count; i++) QN_TRY(verify_instr(&code[i], i, symbol_count));
    return NULL;
}

static int divide(int64_t a, int64_t b, int up, int64_t *out) {
    if (b <= 0) return 0;
    *out = up ? qn_ceil_div_i64(a, b) : qn_floor_div_i64(a, b);
    return 1;
}

qn_status *qn_dim_program_run(const qn_dim_instr *code, size_t first, size_t count, const int64_t *symbols,
                              int64_t *values) {
    for (size_t i = first; i < count; i++) {
        const qn_dim_instr *instr = &code[i];
        int ok = 1;
        switch ((qn_dim_code)instr->code) {
        case QN_DIM_CONST: values[i] = instr->imm; break;
        case QN_DIM_SYMBOL: values[i] = symbols[instr->a]; break;
        case QN_DIM_ADD: ok = qn_checked_add_i64(values[instr->a], values[instr->b], &values[i]); break;
        case QN_DIM_MUL: ok = qn_checked_mul_i64(values[instr->a], values[instr->b], &values[i]); break;
        case QN_DIM_FLOOR_DIV: ok = divide(values[instr->a], values[instr->b], 0, &values[i]); break;
        case QN_DIM_CEIL_DIV: ok = divide(values[instr->a], values[instr->b], 1, &values[i]); break;
        case QN_DIM_MAX: values[i] = qn_max_i64(values[instr->a], values[instr->b]); break;
        case QN_DIM_MIN: values[i] = qn_min_i64(values[instr->a], values[instr->b]); break;
        case QN_DIM_CODE_COUNT: break;
        }
        if (!ok)
            return QN_ERR(QN_INVALID_ARGUMENT, "a shape computed from the inputs' shapes overflows or divides by zero");
    }
    return NULL;
}
