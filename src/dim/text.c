/* Printing and parsing of dims. Grammar (docs/text-ir.md):
 *
 *   sum      = term { ("+" | "-") term }
 *   term     = factor { "*" factor }
 *   factor   = number | name | "(" sum ")" | function
 *   function = ("max" | "min" | "ge") "(" sum "," sum ")"
 *            | ("floor" | "ceil") "(" sum "/" sum ")"
 *            | "product" "(" sum { "," sum } ")"
 *   name     = letters, digits, "_", ".", ":" (no digit first, no function's name), or any text in double quotes
 */
#include "base/text.h"
#include "dim/pool.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 64 << 10, PARSE_DEPTH_MAX = 2 * QN_DIM_DEPTH_MAX + 8, NAME_BYTES_MAX = 1024 };

/* ---- Printing ---- */

struct printer {
    const qn_dim_pool *pool;
    qn_buffer *buffer;
    size_t start, bytes_max;
    int cut;
};

static void put(struct printer *printer, const char *text) { qn_buffer_append(printer->buffer, text, strlen(text)); }

static int is_full(struct printer *printer) {
    if (printer->buffer->size - printer->start < printer->bytes_max) return 0;
    if (!printer->cut) put(printer, "...");
    printer->cut = 1;
    return 1;
}

static int is_function(const char *name) {
    static const char *const functions[] = {"max", "min", "ge", "floor", "ceil", "product"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(name, functions[i]) == 0) return 1;
    return 0;
}

static int is_name_char(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.' || c == ':'; }

static int is_plain_name(const char *name) {
    if (!*name || isdigit((unsigned char)*name) || is_function(name)) return 0;
    for (; *name; name++)
        if (!is_name_char(*name)) return 0;
    return 1;
}

void qn_dim_print_name(const char *name, qn_buffer *buffer) {
    if (is_plain_name(name)) {
        qn_buffer_append(buffer, name, strlen(name));
        return;
    }
    qn_buffer_printf(buffer, "\"");
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') qn_buffer_append(buffer, "\\", 1);
        qn_buffer_append(buffer, name, 1);
    }
    qn_buffer_printf(buffer, "\"");
}

static void print_dim(struct printer *printer, qn_dim dim);

static void print_sum(struct printer *printer, const qn_dim_node *node) {
    for (uint32_t i = 0; i < node->count && !is_full(printer); i++) {
        if (i) put(printer, " + ");
        if (node->u.terms[i].coef != 1) qn_buffer_printf(printer->buffer, "%lld * ", (long long)node->u.terms[i].coef);
        print_dim(printer, node->u.terms[i].atom);
    }
    if (node->constant) qn_buffer_printf(printer->buffer, " + %lld", (long long)node->constant);
}

/* In parentheses if it is a sum. */
static void print_operand(struct printer *printer, qn_dim dim) {
    int is_sum = qn_dim_kind_of(printer->pool, dim) == QN_DIM_KIND_SUM;
    if (is_sum) put(printer, "(");
    print_dim(printer, dim);
    if (is_sum) put(printer, ")");
}

/* "a * b"; "product(a + 1, b)" where a factor is a sum that is not multiplied out. */
static void print_product(struct printer *printer, const qn_dim_node *node) {
    int has_sum = 0;
    for (uint32_t i = 0; i < node->count; i++)
        has_sum |= qn_dim_kind_of(printer->pool, node->u.factors[i]) == QN_DIM_KIND_SUM;
    if (has_sum) put(printer, "product(");
    for (uint32_t i = 0; i < node->count && !is_full(printer); i++) {
        if (i) put(printer, has_sum ? ", " : " * ");
        print_dim(printer, node->u.factors[i]);
    }
    if (has_sum) put(printer, ")");
}

static void print_dim(struct printer *printer, qn_dim dim) {
    if (is_full(printer)) return;
    const qn_dim_node *node = qn_dim_node_at(printer->pool, dim);
    switch ((qn_dim_kind)node->kind) {
    case QN_DIM_KIND_CONST: qn_buffer_printf(printer->buffer, "%lld", (long long)node->constant); break;
    case QN_DIM_KIND_SYMBOL:
        qn_dim_print_name(printer->pool->symbols.items[node->u.symbol].name, printer->buffer);
        break;
    case QN_DIM_KIND_SUM: print_sum(printer, node); break;
    case QN_DIM_KIND_PRODUCT: print_product(printer, node); break;
    case QN_DIM_KIND_FLOOR:
        put(printer, "floor(");
        print_operand(printer, node->u.args[0]);
        put(printer, " / ");
        print_operand(printer, node->u.args[1]);
        put(printer, ")");
        break;
    case QN_DIM_KIND_RELU:
    case QN_DIM_KIND_STEP:
        put(printer, node->kind == QN_DIM_KIND_RELU ? "max(" : "ge(");
        print_dim(printer, node->u.args[0]);
        put(printer, ", 0)");
        break;
    }
}

void qn_dim_print_short(const qn_dim_pool *pool, qn_dim dim, size_t bytes, qn_buffer *buffer) {
    struct printer printer = {.pool = pool, .buffer = buffer, .start = buffer->size, .bytes_max = bytes};
    print_dim(&printer, dim);
}

void qn_dim_print(const qn_dim_pool *pool, qn_dim dim, qn_buffer *buffer) {
    qn_dim_print_short(pool, dim, TEXT_BYTES_MAX, buffer);
}

/* ---- Parsing ---- */

struct parser {
    qn_dim_pool *pool;
    const char *text, *at;
    int depth;
};

static qn_status *parse_sum(struct parser *parser, qn_dim *out);

static void skip_spaces(struct parser *parser) {
    while (isspace((unsigned char)*parser->at)) parser->at++;
}

static qn_status *unexpected(const struct parser *parser, const char *expected) {
    if (!*parser->at) return QN_ERR(QN_INVALID_ARGUMENT, "'%.64s' ends where %s should follow", parser->text, expected);
    return QN_ERR(QN_INVALID_ARGUMENT, "'%.64s': expected %s at '%.16s'", parser->text, expected, parser->at);
}

static int accept(struct parser *parser, char wanted) {
    skip_spaces(parser);
    if (*parser->at != wanted) return 0;
    parser->at++;
    return 1;
}

static qn_status *expect(struct parser *parser, char wanted) {
    char text[] = {'\'', wanted, '\'', 0};
    return accept(parser, wanted) ? NULL : unexpected(parser, text);
}

static qn_status *parse_number(struct parser *parser, qn_dim *out) {
    const char *start = parser->at;
    int negative = *start == '-';
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + (uint64_t)negative;
    parser->at += negative;
    if (!isdigit((unsigned char)*parser->at)) return unexpected(parser, "a number");
    for (; isdigit((unsigned char)*parser->at); parser->at++) {
        uint64_t digit = (uint64_t)(*parser->at - '0');
        if (value > (limit - digit) / 10) return QN_ERR(QN_INVALID_ARGUMENT, "%.32s is no 64-bit number", start);
        value = value * 10 + digit;
    }
    *out = qn_dim_const(parser->pool, negative ? (int64_t)(0 - value) : (int64_t)value);
    return NULL;
}

static qn_status *parse_name(struct parser *parser, char *out_name) {
    size_t length = 0;
    int quoted = *parser->at == '"';
    parser->at += quoted;
    while (quoted ? *parser->at != '"' : is_name_char(*parser->at)) {
        if (quoted && *parser->at == '\\') parser->at++;
        if (!*parser->at) return unexpected(parser, "'\"'");
        if (length + 1 == NAME_BYTES_MAX)
            return QN_ERR(QN_INVALID_ARGUMENT, "the name '%.16s...' is longer than %d bytes", out_name,
                          NAME_BYTES_MAX - 1);
        out_name[length++] = *parser->at++;
    }
    parser->at += quoted;
    out_name[length] = 0;
    return length ? NULL : unexpected(parser, "a number, a name or '('");
}

/* After "product(" */
static qn_status *parse_product(struct parser *parser, qn_dim *out) {
    QN_TRY(parse_sum(parser, out));
    while (accept(parser, ',')) {
        qn_dim factor;
        QN_TRY(parse_sum(parser, &factor));
        *out = qn_dim_product(parser->pool, *out, factor);
    }
    return expect(parser, ')');
}

static qn_status *parse_call(struct parser *parser, const char *name, qn_dim *out) {
    char divides = name[0] == 'f' || name[0] == 'c';
    qn_dim a, b;
    QN_TRY(expect(parser, '('));
    if (name[0] == 'p') return parse_product(parser, out);
    QN_TRY(parse_sum(parser, &a));
    QN_TRY(expect(parser, divides ? '/' : ','));
    QN_TRY(parse_sum(parser, &b));
    QN_TRY(expect(parser, ')'));
    if (divides)
        *out = name[0] == 'f' ? qn_dim_floor_div(parser->pool, a, b) : qn_dim_ceil_div(parser->pool, a, b);
    else if (name[0] == 'g')
        *out = qn_dim_ge(parser->pool, a, b);
    else
        *out = name[1] == 'a' ? qn_dim_max(parser->pool, a, b) : qn_dim_min(parser->pool, a, b);
    return NULL;
}

static qn_status *parse_factor(struct parser *parser, qn_dim *out) {
    char name[NAME_BYTES_MAX] = "";
    skip_spaces(parser);
    if (isdigit((unsigned char)*parser->at) || *parser->at == '-') return parse_number(parser, out);
    if (accept(parser, '(')) {
        QN_TRY(parse_sum(parser, out));
        return expect(parser, ')');
    }
    int quoted = *parser->at == '"';
    QN_TRY(parse_name(parser, name));
    if (!quoted && is_function(name)) return parse_call(parser, name, out);
    if (!qn_dim_symbol_find(parser->pool, name, out)) *out = qn_dim_symbol(parser->pool, name, 0, QN_DIM_UNBOUNDED);
    return NULL;
}

static qn_status *parse_term(struct parser *parser, qn_dim *out) {
    QN_TRY(parse_factor(parser, out));
    while (accept(parser, '*')) {
        qn_dim factor;
        QN_TRY(parse_factor(parser, &factor));
        *out = qn_dim_mul(parser->pool, *out, factor);
    }
    return NULL;
}

static qn_status *parse_sum(struct parser *parser, qn_dim *out) {
    if (++parser->depth > PARSE_DEPTH_MAX)
        return QN_ERR(QN_LIMIT, "'%.32s...' nests deeper than %d levels", parser->text, PARSE_DEPTH_MAX);
    QN_TRY(parse_term(parser, out));
    for (;;) {
        qn_dim term;
        int plus = accept(parser, '+');
        if (!plus && !accept(parser, '-')) break;
        QN_TRY(parse_term(parser, &term));
        *out = plus ? qn_dim_add(parser->pool, *out, term) : qn_dim_sub(parser->pool, *out, term);
    }
    parser->depth--;
    return NULL;
}

qn_status *qn_dim_parse(qn_dim_pool *pool, const char *text, qn_dim *out_dim) {
    struct parser parser = {pool, text, text, 0};
    QN_TRY(parse_sum(&parser, out_dim));
    skip_spaces(&parser);
    if (*parser.at) return unexpected(&parser, "the end");
    return qn_dim_pool_take_status(pool);
}
