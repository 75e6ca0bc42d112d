#include "ir/names.h"
#include "ir/text.h"

#include <stdlib.h>
#include <string.h>

/* The most elements of a constant that is written as `splat` or `random`: a text of any length would not bound them. */
static const int64_t generated_elems_max = INT64_C(1) << 28;

struct parser {
    qn_graph *graph;
    qn_arena *arena;
    const char *text, *at;
};

/* ---- Tokens ---- */

static void skip_spaces(struct parser *p) {
    for (;;) {
        while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') p->at++;
        if (*p->at != '#') return;
        while (*p->at && *p->at != '\n') p->at++;
    }
}

static int line_of(const struct parser *p) {
    int line = 1;
    for (const char *c = p->text; c < p->at; c++) line += *c == '\n';
    return line;
}

static qn_status *unexpected(struct parser *p, const char *expected) {
    int length = (int)strcspn(p->at, "\n");
    return QN_ERR(QN_INVALID_ARGUMENT, "line %d: expected %s at '%.*s'", line_of(p), expected,
                  length < 24 ? length : 24, p->at);
}

static int accept(struct parser *p, char wanted) {
    skip_spaces(p);
    if (*p->at != wanted) return 0;
    p->at++;
    return 1;
}

static qn_status *expect(struct parser *p, char wanted) {
    char text[] = {'\'', wanted, '\'', 0};
    return accept(p, wanted) ? NULL : unexpected(p, text);
}

/* The next word [a-z0-9_]+, which may be empty. */
static size_t peek_word(struct parser *p) {
    skip_spaces(p);
    return strspn(p->at, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static int accept_word(struct parser *p, const char *word) {
    size_t length = peek_word(p);
    if (length != strlen(word) || strncmp(p->at, word, length) != 0) return 0;
    p->at += length;
    return 1;
}

static qn_status *copy_text(struct parser *p, const char *text, size_t length, const char **out) {
    *out = qn_arena_copy_string(p->arena, text, length);
    return *out ? NULL : qn_status_out_of_memory();
}

/* The end of the quoted text that starts at `at`, behind its last quote; NULL if there is none. */
static const char *end_of_quote(const char *at) {
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && at[1]) at++;
    return *at ? at + 1 : NULL;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static qn_status *parse_quoted(struct parser *p, const char **out) {
    skip_spaces(p);
    const char *end = *p->at == '"' ? end_of_quote(p->at) : NULL;
    if (!end) return unexpected(p, "text in double quotes");
    char *copy = qn_arena_alloc(p->arena, (size_t)(end - p->at), 1);
    if (!copy) return qn_status_out_of_memory();
    *out = copy;
    for (p->at++; p->at < end - 1; p->at++) {
        if (*p->at != '\\') {
            *copy++ = *p->at;
        } else if (p->at[1] == 'x' && hex_value(p->at[2]) >= 0 && hex_value(p->at[3]) >= 0) {
            *copy++ = (char)(hex_value(p->at[2]) * 16 + hex_value(p->at[3]));
            p->at += 3;
        } else {
            *copy++ = *++p->at;
        }
    }
    p->at = end;
    return NULL;
}

/* %name */
static qn_status *parse_name(struct parser *p, const char **out) {
    QN_TRY(expect(p, '%'));
    if (*p->at == '"') return parse_quoted(p, out);
    size_t length = 0;
    while (qn_text_is_plain(p->at[length])) length++;
    if (!length) return unexpected(p, "a name");
    QN_TRY(copy_text(p, p->at, length, out));
    p->at += length;
    return NULL;
}

/* Text up to the next `,` or closing bracket outside brackets and quotes. */
static qn_status *parse_item(struct parser *p, const char **out) {
    skip_spaces(p);
    const char *start = p->at;
    int depth = 0;
    while (*p->at && (depth || !strchr(",]})", *p->at))) {
        if (*p->at == '"') {
            p->at = end_of_quote(p->at);
            if (!p->at) {
                p->at = start;
                return unexpected(p, "a closing quote");
            }
            continue;
        }
        depth += *p->at == '(' || *p->at == '[' || *p->at == '{';
        depth -= *p->at == ')' || *p->at == ']' || *p->at == '}';
        p->at++;
    }
    const char *end = p->at;
    while (end > start && (end[-1] == ' ' || end[-1] == '\n')) end--;
    return copy_text(p, start, (size_t)(end - start), out);
}

static qn_status *parse_dim(struct parser *p, qn_dim *out) {
    const char *text;
    QN_TRY(parse_item(p, &text));
    QN_TRY_CTX(qn_dim_parse(p->graph->dims, text, out), "line %d", line_of(p));
    return NULL;
}

static qn_status *parse_number(struct parser *p, int64_t *out) {
    qn_dim dim;
    QN_TRY(parse_dim(p, &dim));
    if (!qn_dim_is_const(p->graph->dims, dim, out)) return unexpected(p, "a number before this");
    return NULL;
}

/* ": f32[1, h]", where "?" and nothing at all mean that it is not known yet. */
static qn_status *parse_type(struct parser *p, qn_type *out) {
    *out = (qn_type){.dtype = QN_DTYPE_NONE};
    if (!accept(p, ':') || accept(p, '?')) return NULL;
    size_t length = peek_word(p);
    char name[16] = "";
    if (length < sizeof name) memcpy(name, p->at, length);
    out->dtype = qn_dtype_from_name(name);
    if (out->dtype == QN_DTYPE_NONE) return unexpected(p, "an element type");
    p->at += length;
    QN_TRY(expect(p, '['));
    if (accept(p, ']')) return NULL;
    do {
        if (out->rank == QN_MAX_RANK) return unexpected(p, "at most 8 dims, no more");
        QN_TRY(parse_dim(p, &out->dims[out->rank++]));
    } while (accept(p, ','));
    return expect(p, ']');
}

/* ---- Statements ---- */

static qn_status *parse_symbol(struct parser *p) {
    const char *text;
    int64_t low, high = QN_DIM_UNBOUNDED;
    qn_dim symbol;
    qn_dim_pool *dims = p->graph->dims;
    skip_spaces(p);
    size_t length = strcspn(p->at, " \n");
    const char *end = *p->at == '"' ? end_of_quote(p->at) : p->at + length;
    if (!end) return unexpected(p, "a closing quote");
    QN_TRY(copy_text(p, p->at, (size_t)(end - p->at), &text));
    QN_TRY_CTX(qn_dim_parse(dims, text, &symbol), "line %d", line_of(p));
    if (!qn_dim_is_symbol(dims, symbol)) return unexpected(p, "the name of a symbol");
    p->at = end;
    QN_TRY(expect(p, '['));
    QN_TRY(parse_number(p, &low));
    QN_TRY(expect(p, ','));
    if (!accept(p, '*')) QN_TRY(parse_number(p, &high));
    QN_TRY(expect(p, ']'));
    skip_spaces(p);
    text = NULL;
    if (*p->at == '"') QN_TRY(parse_quoted(p, &text));
    QN_TRY_CTX(qn_dim_symbol_set_range(dims, symbol, low, high, text), "line %d", line_of(p));
    return NULL;
}

static qn_status *parse_new_name(struct parser *p, const char **out) {
    QN_TRY(parse_name(p, out));
    if (!qn_graph_find_value(p->graph, *out)) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "line %d: two values are named '%s'", line_of(p), *out);
}

static qn_status *parse_input(struct parser *p) {
    const char *name;
    qn_type type;
    qn_value *value;
    QN_TRY(parse_new_name(p, &name));
    QN_TRY(parse_type(p, &type));
    if (type.dtype == QN_DTYPE_NONE) return unexpected(p, "the type of the input");
    return qn_graph_add_input(p->graph, name, &type, &value);
}

static qn_status *parse_element(struct parser *p, qn_view *view, int64_t index) {
    skip_spaces(p);
    const char *end = p->at + strcspn(p->at, ",} \n");
    if (!qn_text_parse_element(p->at, end, view, index)) return unexpected(p, qn_dtype_name(view->dtype));
    p->at = end;
    return NULL;
}

static qn_status *parse_elements(struct parser *p, qn_view *view, int64_t elems) {
    for (int64_t i = 0; i < elems; i++) {
        if (i) QN_TRY(expect(p, ','));
        QN_TRY(parse_element(p, view, i));
    }
    return expect(p, '}');
}

/* Floats in [-1, 1), integers in [0, 100]: the same for every run. */
static qn_status *parse_random(struct parser *p, qn_view *view, int64_t elems) {
    int64_t seed;
    qn_rng rng;
    skip_spaces(p);
    const char *text = p->at;
    seed = strtoll(text, (char **)(uintptr_t)&p->at, 10);
    if (p->at == text) return unexpected(p, "a seed");
    qn_rng_init(&rng, (uint64_t)seed);
    for (int64_t i = 0; i < elems; i++) {
        if (qn_dtype_is_float(view->dtype))
            qn_view_set(view, i, qn_rng_float(&rng, -1, 1));
        else
            qn_view_set_int(view, i, qn_rng_range(&rng, 0, view->dtype == QN_DTYPE_BOOL ? 1 : 100));
    }
    return NULL;
}

static qn_status *parse_data(struct parser *p, qn_view *view) {
    int64_t elems = 1;
    for (int i = 0; i < view->rank; i++)
        if (view->dims[i] < 0 || !qn_checked_mul_i64(elems, view->dims[i], &elems) || elems > generated_elems_max)
            return QN_ERR(QN_LIMIT, "line %d: a constant of negative or more than %lld elements", line_of(p),
                          (long long)generated_elems_max);
    QN_TRY(expect(p, '='));
    int is_list = accept(p, '{');
    if (is_list && elems > (int64_t)strlen(p->at)) return unexpected(p, "as many elements as the dims say");
    view->data = qn_arena_alloc(p->arena, (size_t)elems, qn_dtype_size(view->dtype));
    if (!view->data) return qn_status_out_of_memory();
    if (is_list) return parse_elements(p, view, elems);
    if (accept_word(p, "random")) return parse_random(p, view, elems);
    if (!accept_word(p, "splat"))
        return unexpected(p, "'{', 'splat' or 'random' (a hash cannot be parsed: print in full)");
    if (elems) QN_TRY(parse_element(p, view, 0));
    size_t size = qn_dtype_size(view->dtype);
    for (int64_t i = 1; i < elems; i++) memcpy((char *)view->data + (size_t)i * size, view->data, size);
    return NULL;
}

static qn_status *parse_const(struct parser *p) {
    const char *name;
    qn_type type;
    qn_value *value;
    QN_TRY(parse_new_name(p, &name));
    QN_TRY(parse_type(p, &type));
    qn_view view = {.dtype = type.dtype, .rank = type.rank};
    if (type.dtype == QN_DTYPE_NONE) return unexpected(p, "the type of the constant");
    for (int i = 0; i < type.rank; i++)
        if (!qn_dim_is_const(p->graph->dims, type.dims[i], &view.dims[i]))
            return unexpected(p, "dims that are numbers before this");
    if (type.dtype != QN_DTYPE_STRING) QN_TRY(parse_data(p, &view));
    return qn_graph_add_constant(p->graph, name, &view, &value);
}

static qn_status *parse_used(struct parser *p, qn_value **out) {
    const char *name;
    QN_TRY(parse_name(p, &name));
    *out = qn_graph_find_value(p->graph, name);
    if (*out) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "line %d: no value is named '%s' before this line", line_of(p), name);
}

static qn_status *parse_output(struct parser *p) {
    qn_value *value;
    QN_TRY(parse_used(p, &value));
    return qn_graph_mark_output(p->graph, value);
}

static qn_status *parse_check(struct parser *p) {
    qn_check check = {0};
    QN_TRY(expect(p, '['));
    QN_TRY(parse_dim(p, &check.condition));
    QN_TRY(expect(p, ']'));
    QN_TRY(parse_quoted(p, &check.message));
    return QN_LIST_PUSH(p->graph->arena, &p->graph->checks, check);
}

/* ---- Nodes ---- */

struct statement {
    QN_LIST(const char *) names;
    QN_LIST(qn_type) types;
    QN_LIST(qn_value *) inputs;
    const qn_op_def *op;
    void *attrs;
    const char *name, *source;
};

static qn_status *parse_results(struct parser *p, struct statement *s) {
    skip_spaces(p);
    if (*p->at != '%') return NULL;
    do {
        const char *name;
        qn_type type;
        QN_TRY(parse_new_name(p, &name));
        QN_TRY(parse_type(p, &type));
        QN_TRY(QN_LIST_PUSH(p->arena, &s->names, name));
        QN_TRY(QN_LIST_PUSH(p->arena, &s->types, type));
    } while (accept(p, ','));
    return expect(p, '=');
}

static qn_status *parse_operands(struct parser *p, struct statement *s) {
    QN_TRY(expect(p, '('));
    if (accept(p, ')')) return NULL;
    do {
        qn_value *value = NULL;
        if (!accept_word(p, "none")) QN_TRY(parse_used(p, &value));
        QN_TRY(QN_LIST_PUSH(p->arena, &s->inputs, value));
    } while (accept(p, ','));
    return expect(p, ')');
}

static qn_status *parse_attrs(struct parser *p, struct statement *s) {
    if (s->op->attrs_bytes) {
        s->attrs = qn_arena_alloc(p->arena, 1, s->op->attrs_bytes);
        if (!s->attrs) return qn_status_out_of_memory();
        qn_attrs_init(s->op, s->attrs);
    }
    if (!accept(p, '{') || accept(p, '}')) return NULL;
    do {
        const char *name, *text;
        size_t length = peek_word(p);
        QN_TRY(copy_text(p, p->at, length, &name));
        p->at += length;
        QN_TRY(expect(p, '='));
        QN_TRY(parse_item(p, &text));
        QN_TRY_CTX(qn_attrs_parse_one(s->op, s->attrs, name, text, p->arena), "line %d", line_of(p));
    } while (accept(p, ','));
    return expect(p, '}');
}

static qn_status *parse_op(struct parser *p, const qn_op_def **out) {
    char name[64] = "";
    size_t length = peek_word(p);
    if (!length || length >= sizeof name) return unexpected(p, "an operator");
    memcpy(name, p->at, length);
    *out = qn_op_find(name);
    if (!*out) return unexpected(p, "an operator");
    p->at += length;
    return NULL;
}

static qn_status *parse_statement(struct parser *p, struct statement *s) {
    QN_TRY(parse_results(p, s));
    QN_TRY(parse_op(p, &s->op));
    if (s->names.count != (size_t)s->op->outputs)
        return QN_ERR(QN_INVALID_ARGUMENT, "line %d: %s has %d results, found names for %zu", line_of(p), s->op->name,
                      s->op->outputs, s->names.count);
    QN_TRY(parse_operands(p, s));
    QN_TRY(parse_attrs(p, s));
    if (accept_word(p, "name")) QN_TRY(parse_quoted(p, &s->name));
    if (accept_word(p, "source")) QN_TRY(parse_quoted(p, &s->source));
    if (!s->name && s->names.count) s->name = s->names.items[0];
    if (s->inputs.count > INT16_MAX) return QN_ERR(QN_LIMIT, "line %d: more than %d inputs", line_of(p), INT16_MAX);
    return NULL;
}

static qn_status *parse_node(struct parser *p) {
    struct statement s = {.op = NULL};
    qn_node *node;
    QN_TRY(parse_statement(p, &s));
    QN_TRY_CTX(qn_graph_add_node(p->graph, s.op, s.name, s.attrs, (int)s.inputs.count, s.inputs.items, NULL, &node),
               "line %d", line_of(p));
    node->source = s.source;
    for (int i = 0; i < node->output_count; i++) {
        node->outputs[i]->type = s.types.items[i];
        QN_TRY_CTX(qn_graph_rename_value(p->graph, node->outputs[i], s.names.items[i]), "line %d", line_of(p));
    }
    return NULL;
}

static qn_status *parse_graph(struct parser *p) {
    const char *name;
    if (!accept_word(p, "graph")) return unexpected(p, "'graph'");
    QN_TRY(parse_quoted(p, &name));
    p->graph = qn_graph_create(p->arena, name);
    if (!p->graph) return qn_status_out_of_memory();
    QN_TRY(expect(p, '{'));
    while (!accept(p, '}')) {
        if (accept_word(p, "symbol"))
            QN_TRY(parse_symbol(p));
        else if (accept_word(p, "input"))
            QN_TRY(parse_input(p));
        else if (accept_word(p, "const"))
            QN_TRY(parse_const(p));
        else if (accept_word(p, "check"))
            QN_TRY(parse_check(p));
        else if (accept_word(p, "output"))
            QN_TRY(parse_output(p));
        else
            QN_TRY(parse_node(p));
    }
    skip_spaces(p);
    return *p->at ? unexpected(p, "the end") : NULL;
}

qn_status *qn_graph_parse(qn_arena *arena, const char *text, qn_graph **out_graph) {
    struct parser parser = {.arena = arena, .text = text, .at = text};
    QN_TRY(parse_graph(&parser));
    *out_graph = parser.graph;
    return NULL;
}
