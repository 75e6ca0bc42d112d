/* dim/dim.h - dimensions as integer expressions over symbols, interned and simplified.
 *
 * A `qn_dim` is a handle into a pool. Equal expressions have equal handles: sums are kept as sorted linear
 * combinations of atoms (symbols, products, quotients, clamps, comparisons) plus a constant, so that (h + e) - e is h.
 * Handle 0 is the constant 0.
 * Every symbol has an inclusive range; the constructors use ranges to simplify (max(h, 513) is 513 when h <= 513),
 * so an expression rebuilt after a range was tightened may become simpler.
 *
 * Booleans are the integers 0 and 1: see qn_dim_ge and its kin.
 *
 * Ranges may be narrowed, never widened: expressions made under a range hold only within it.
 *
 * Failure is sticky: after an overflow of a constant or exhausted memory every constructor returns the constant 0
 * and qn_dim_pool_take_status() says why; callers check once per operator.
 */
#ifndef QN_DIM_DIM_H
#define QN_DIM_DIM_H

#include "base/memory.h"
#include "base/status.h"

typedef struct qn_dim {
    uint32_t id;
} qn_dim;

typedef struct qn_dim_pool qn_dim_pool;

#define QN_DIM_UNBOUNDED INT64_MAX /* the upper end of a range that has none */

/* Allocates from `arena`, which must outlive the pool. NULL on exhaustion. */
qn_dim_pool *qn_dim_pool_create(qn_arena *arena);
/* The first failure since the last call, or NULL; ownership passes to the caller and the pool is usable again. */
qn_status *qn_dim_pool_take_status(qn_dim_pool *pool) QN_MUST_USE;

qn_dim qn_dim_const(qn_dim_pool *pool, int64_t value);
/* A new symbol; `name` ("ImageTensor.1") is copied and used when printing. low <= high. */
qn_dim qn_dim_symbol(qn_dim_pool *pool, const char *name, int64_t low, int64_t high);

qn_dim qn_dim_add(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_sub(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_mul(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_floor_div(qn_dim_pool *pool, qn_dim a, qn_dim b); /* towards minus infinity; a b below 1 counts as 1 */
qn_dim qn_dim_ceil_div(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_floor_mod(qn_dim_pool *pool, qn_dim a, qn_dim b); /* a - b * floor(a / b) */
qn_dim qn_dim_max(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_min(qn_dim_pool *pool, qn_dim a, qn_dim b);

/* 0/1 results: ge(a, b) = min(max(a - b + 1, 0), 1). Operands of not, and, or are 0 or 1. */
qn_dim qn_dim_ge(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_gt(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_eq(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_not(qn_dim_pool *pool, qn_dim a);
qn_dim qn_dim_and(qn_dim_pool *pool, qn_dim a, qn_dim b);
qn_dim qn_dim_or(qn_dim_pool *pool, qn_dim a, qn_dim b);

static inline int qn_dim_same(qn_dim a, qn_dim b) { return a.id == b.id; }
/* 1 and *out_value (if not NULL) when only one value is possible. */
int qn_dim_is_const(const qn_dim_pool *pool, qn_dim dim, int64_t *out_value);
int qn_dim_is_symbol(const qn_dim_pool *pool, qn_dim dim);
/* The symbol of that name (the first, if several have it); 0 if there is none. */
int qn_dim_symbol_find(const qn_dim_pool *pool, const char *name, qn_dim *out_symbol);
/* Inclusive bounds over the ranges of the symbols. *out_high may be QN_DIM_UNBOUNDED, *out_low INT64_MIN. */
void qn_dim_range(const qn_dim_pool *pool, qn_dim dim, int64_t *out_low, int64_t *out_high);

/* The range of a symbol, and the reason of its bound (owned by the pool; NULL if none was given). */
qn_status *qn_dim_symbol_set_range(qn_dim_pool *pool, qn_dim symbol, int64_t low, int64_t high,
                                   const char *reason) QN_MUST_USE;
/* Learning leaves this symbol's range alone: for sizes that data decides. No check of shapes can keep such a size from
   being larger than a range says. */
void qn_dim_symbol_keep_range(qn_dim_pool *pool, qn_dim symbol);
const char *qn_dim_symbol_reason(const qn_dim_pool *pool, qn_dim symbol);
/* Who asked for what that reason says; NULL where the reason was not learned. */
const void *qn_dim_symbol_asker(const qn_dim_pool *pool, qn_dim symbol);
const char *qn_dim_symbol_name(const qn_dim_pool *pool, qn_dim symbol);
size_t qn_dim_symbol_count(const qn_dim_pool *pool);
/* Symbols are numbered from 0 in the order in which they were made. */
size_t qn_dim_symbol_number(const qn_dim_pool *pool, qn_dim symbol);
qn_dim qn_dim_symbol_at(const qn_dim_pool *pool, size_t number);

enum { QN_DIM_SYMBOLS_MAX = 8 };
/* The symbols that occur in `dim`, each once. Returns how many; -1: more than QN_DIM_SYMBOLS_MAX, or the expression is
   too large to look through. */
int qn_dim_symbols(const qn_dim_pool *pool, qn_dim dim, qn_dim out_symbols[QN_DIM_SYMBOLS_MAX]);
/* The same for only the symbols that are multiplied with other sizes: H and W of H*W + N. */
int qn_dim_multiplied_symbols(const qn_dim_pool *pool, qn_dim dim, qn_dim out_symbols[QN_DIM_SYMBOLS_MAX]);
/* The greatest number that divides `dim` whatever its symbols are, as far as its form tells: 4 for 4*T + 8. At least
   1. */
int64_t qn_dim_divisor(const qn_dim_pool *pool, qn_dim dim);

/* Learns from "`condition` is never negative": cuts off the ends of the symbols' ranges where interval arithmetic
   shows the condition to be negative, remembering `reason` (copied) and `asker`, whoever that is to the caller. Returns
   1 if anything was narrowed. A condition that can never hold narrows nothing. *inout_effort is reduced by about the
   number of nodes that were computed; at 0 or below nothing is learned any more. For example, 513 - h >= 0 cuts h in
   [1, unbounded) to [1, 513]. */
int qn_dim_learn_nonnegative(qn_dim_pool *pool, qn_dim condition, const char *reason, const void *asker,
                             int64_t *inout_effort);

/* The same expression made again with the ranges that symbols have now: max(h, 513) becomes 513 once h <= 513 is
   known. */
qn_dim qn_dim_rebuild(qn_dim_pool *pool, qn_dim dim);

/* The expression `dim` of the pool `from`, made in `to` with the ranges that symbols have there. Symbols are found by
   name; those that `to` does not have are made, with range and reason. Shared parts are translated once. LIMIT,
   OUT_OF_MEMORY. */
qn_status *qn_dim_translate(const qn_dim_pool *from, qn_dim dim, qn_dim_pool *to, qn_dim *out_dim) QN_MUST_USE;

/* Text: "513", "ImageTensor.1", "max(h + -1, 0)", "floor((h + 7) / 8)" (docs/text-ir.md). Appends to `buffer`. Text
   beyond 64 KiB ends in "..." and cannot be parsed. */
void qn_dim_print(const qn_dim_pool *pool, qn_dim dim, qn_buffer *buffer);
/* The same for messages: text beyond `bytes` ends in "...". */
void qn_dim_print_short(const qn_dim_pool *pool, qn_dim dim, size_t bytes, qn_buffer *buffer);
/* A symbol's name as qn_dim_print writes it: in quotes where it is no plain word. */
void qn_dim_print_name(const char *name, qn_buffer *buffer);
/* Parses what qn_dim_print wrote; unknown names become symbols with range [0, unbounded). */
qn_status *qn_dim_parse(qn_dim_pool *pool, const char *text, qn_dim *out_dim) QN_MUST_USE;

/* ---- The flat form that compiled files hold (dim/program.c, no pool needed) ----
   Instruction i computes value i from earlier values only. */
typedef enum qn_dim_code {
    QN_DIM_CONST = 0,  /* value = imm */
    QN_DIM_SYMBOL = 1, /* value = symbols[a] */
    QN_DIM_ADD = 2,    /* value[a] + value[b] */
    QN_DIM_MUL = 3,
    QN_DIM_FLOOR_DIV = 4,
    QN_DIM_CEIL_DIV = 5,
    QN_DIM_MAX = 6,
    QN_DIM_MIN = 7,
    QN_DIM_CODE_COUNT
} qn_dim_code;

typedef struct qn_dim_instr {
    uint32_t code; /* qn_dim_code */
    uint32_t a, b;
    uint32_t reserved; /* 0 */
    int64_t imm;
} qn_dim_instr;

/* Appends the instructions that compute `dim` to a program under construction, sharing what is there already.
   *out_index is the instruction that yields it. Symbols are numbered as in qn_dim_symbol_at. */
typedef struct qn_dim_program_builder qn_dim_program_builder;
qn_dim_program_builder *qn_dim_program_create(qn_arena *arena, const qn_dim_pool *pool); /* NULL on exhaustion */
qn_status *qn_dim_program_add(qn_dim_program_builder *builder, qn_dim dim, uint32_t *out_index) QN_MUST_USE;
const qn_dim_instr *qn_dim_program_code(const qn_dim_program_builder *builder, size_t *out_count);

/* Is every instruction well formed (codes, operands before it, symbols < symbol_count)? */
qn_status *qn_dim_program_verify(const qn_dim_instr *code, size_t count, size_t symbol_count) QN_MUST_USE;
/* Computes values[first..count) from symbols; values below `first` are kept. INVALID_ARGUMENT on overflow or
   division by <= 0. */
qn_status *qn_dim_program_run(const qn_dim_instr *code, size_t first, size_t count, const int64_t *symbols,
                              int64_t *values) QN_MUST_USE;

#endif
