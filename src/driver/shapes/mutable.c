#include "driver/shapes/mutable.h"

#include "driver/shapes/constants.h"
#include "driver/shapes/folds.h"

#include <string.h>

/* Above this many dims that seem free they are not tried one by one. */
enum { SINGLE_TRIALS_MAX = 64, BROADCAST_MAX = 4096 };

/* A dim of an input as it stands in a pool of dims: a number or a symbol. */
typedef struct declared {
    int is_symbol;
    const char *name;
    int64_t low, high; /* of a number: both are it */
    const char *reason;
} declared;

/* A fixed dim on trial. */
typedef struct candidate {
    size_t input;
    int axis;
    int64_t size;
    int is_free; /* in the trial at hand */
    int is_pinned;
    const char *reason; /* of the pin */
    const char *name;   /* of its symbol */
} candidate;

typedef struct trials {
    qn_graph *graph;
    qn_arena *arena; /* the graph's own */
    declared (*inputs)[QN_MAX_RANK];
    QN_LIST(candidate) candidates;
    qn_folds folds;  /* reshapes at the declared sizes */
    qn_dim *symbols; /* of the candidates, while a trial runs */
    int64_t *sizes;  /* of the candidates */
    qn_node_constants constants;
} trials;

const qn_pin *qn_pins_find(const qn_pins *pins, size_t input, int axis) {
    for (size_t i = 0; i < pins->list.count; i++)
        if (pins->list.items[i].input == input && pins->list.items[i].axis == axis) return &pins->list.items[i];
    return NULL;
}

/* ---- Another pool under the same graph ---- */

/* The inputs' dims as they stand now; 0 if one is an expression, which a new pool could not say. */
static int declare_inputs(trials *t) {
    for (size_t i = 0; i < t->graph->inputs.count; i++) {
        const qn_type *type = &t->graph->inputs.items[i]->type;
        for (int axis = 0; axis < type->rank; axis++) {
            declared *d = &t->inputs[i][axis];
            qn_dim_range(t->graph->dims, type->dims[axis], &d->low, &d->high);
            d->is_symbol = d->low != d->high;
            if (!d->is_symbol) continue;
            if (!qn_dim_is_symbol(t->graph->dims, type->dims[axis])) return 0;
            d->name = qn_dim_symbol_name(t->graph->dims, type->dims[axis]);
            d->reason = qn_dim_symbol_reason(t->graph->dims, type->dims[axis]);
        }
    }
    return 1;
}

static qn_status *place_symbol(qn_dim_pool *pool, const char *name, int64_t low, int64_t high, const char *reason,
                               qn_dim *out_dim) {
    if (qn_dim_symbol_find(pool, name, out_dim)) return NULL; /* two inputs may share one */
    *out_dim = qn_dim_symbol(pool, name, low, high);
    return reason ? qn_dim_symbol_set_range(pool, *out_dim, low, high, reason) : NULL;
}

static qn_status *place_input(trials *t, qn_dim_pool *pool, size_t input) {
    qn_type *type = &t->graph->inputs.items[input]->type;
    for (int axis = 0; axis < type->rank; axis++) {
        const declared *d = &t->inputs[input][axis];
        if (d->is_symbol)
            QN_TRY(place_symbol(pool, d->name, d->low, d->high, d->reason, &type->dims[axis]));
        else
            type->dims[axis] = qn_dim_const(pool, d->low);
    }
    return NULL;
}

/* Puts the graph on `pool`: the inputs as declared, free candidates as symbols, nothing inferred. */
static qn_status *rebase(trials *t, qn_dim_pool *pool) {
    qn_graph *graph = t->graph;
    if (!pool) return qn_status_out_of_memory();
    graph->dims = pool;
    memset(&graph->checks, 0, sizeof graph->checks);
    for (size_t i = 0; i < graph->values.count; i++) {
        qn_value *value = graph->values.items[i];
        value->contents = NULL;
        if (value->is_input) continue;
        if (!qn_value_is_constant(value))
            value->type = (qn_type){0};
        else
            for (int axis = 0; axis < value->type.rank; axis++)
                value->type.dims[axis] = qn_dim_const(pool, value->constant_dims[axis]);
    }
    for (size_t i = 0; i < graph->inputs.count; i++) QN_TRY(place_input(t, pool, i));
    for (size_t i = 0; i < t->candidates.count; i++) {
        const candidate *c = &t->candidates.items[i];
        if (c->is_free)
            QN_TRY(place_symbol(pool, c->name, 1, QN_DIM_UNBOUNDED, NULL,
                                &graph->inputs.items[c->input]->type.dims[c->axis]));
    }
    return qn_dim_pool_take_status(pool);
}

/* ---- What pins a dim ---- */

/* The reason in words, with the constant of the node it speaks of. In the graph's own arena. */
static const char *name_constant(const trials *t, qn_shape_reason reason) {
    const qn_value *constant = reason.node ? qn_node_constants_find(&t->constants, reason.node) : NULL;
    return constant ? qn_arena_printf(t->arena, "constant '%s' of %s", constant->name, reason.text)
                    : qn_arena_copy_string(t->arena, reason.text, strlen(reason.text));
}

static qn_status *pin(trials *t, candidate *c, qn_shape_reason reason) {
    c->is_pinned = 1;
    c->is_free = 0;
    c->reason = name_constant(t, reason);
    return c->reason ? NULL : qn_status_out_of_memory();
}

/* The demands that speak of one symbol. */
typedef QN_LIST(qn_dim) demands;

/* Lists them by the number of the symbol, in the memory of the trial. Demands on many sizes are left out: with the
   others free, one size hardly refutes them. */
static qn_status *sort_demands(const qn_graph *graph, demands **out_about) {
    *out_about = QN_ARENA_ARRAY(graph->arena, demands, qn_dim_symbol_count(graph->dims));
    if (!*out_about) return qn_status_out_of_memory();
    for (size_t i = 0; i < graph->checks.count; i++) {
        qn_dim symbols[QN_DIM_SYMBOLS_MAX], condition = graph->checks.items[i].condition;
        int count = qn_dim_symbols(graph->dims, condition, symbols);
        for (int k = 0; k < count; k++)
            QN_TRY(QN_LIST_PUSH(graph->arena, &(*out_about)[qn_dim_symbol_number(graph->dims, symbols[k])], condition));
    }
    return NULL;
}

/* With `symbol` anywhere in [low, high], is some demand of the graph that speaks of it refuted? The symbol is left
 * there. */
static int is_refuted_in(const qn_graph *graph, const demands *about, qn_dim symbol, int64_t low, int64_t high) {
    qn_status_free(qn_dim_symbol_set_range(graph->dims, symbol, low, high, NULL));
    for (size_t i = 0; i < about->count; i++) {
        int64_t least, most;
        qn_dim_range(graph->dims, about->items[i], &least, &most);
        if (most < 0) return 1;
    }
    return 0;
}

/* Is each size in [low, high] refuted? Halves what is not refuted as a whole. */
static int all_refuted(const qn_graph *graph, const demands *about, qn_dim symbol, int64_t low, int64_t high) {
    if (low > high || is_refuted_in(graph, about, symbol, low, high)) return 1;
    if (low == high) return 0;
    int64_t middle = low + (high - low) / 2;
    return all_refuted(graph, about, symbol, low, middle) && all_refuted(graph, about, symbol, middle + 1, high);
}

/* Is nothing but `size` left of 1 .. `size`, apart from 1, which broadcasts where `size` was meant? */
static int only_broadcasts(const qn_graph *graph, const demands *about, qn_dim symbol, int64_t low, int64_t high,
                           int64_t size) {
    if (low != 1 || high != size || size > BROADCAST_MAX) return 0;
    int answer = all_refuted(graph, about, symbol, 2, size - 1);
    qn_status_free(qn_dim_symbol_set_range(graph->dims, symbol, low, high, NULL));
    return answer;
}

/* After an inference that went well: pins what it settled, of all free candidates or (not NULL) one. */
static qn_status *pin_settled(trials *t, const candidate *focus) {
    demands *about;
    QN_TRY(sort_demands(t->graph, &about));
    for (size_t i = 0; i < t->candidates.count; i++) {
        candidate *c = &t->candidates.items[i];
        int64_t low, high;
        qn_dim symbol;
        if (!c->is_free || (focus && c != focus) || !qn_dim_symbol_find(t->graph->dims, c->name, &symbol)) continue;
        qn_dim_range(t->graph->dims, symbol, &low, &high);
        const char *text = qn_dim_symbol_reason(t->graph->dims, symbol);
        const qn_shape_reason reason = {text ? text : "the graph", qn_dim_symbol_asker(t->graph->dims, symbol)};
        const demands *speaking = &about[qn_dim_symbol_number(t->graph->dims, symbol)];
        if (low == high || only_broadcasts(t->graph, speaking, symbol, low, high, c->size)) QN_TRY(pin(t, c, reason));
    }
    return NULL;
}

/* ---- What would lose its meaning ---- */

static qn_status *blame(void *self, size_t index, qn_shape_reason reason) {
    trials *t = self;
    candidate *c = &t->candidates.items[index];
    return c->is_pinned ? NULL : pin(t, c, reason);
}

/* After an inference that went well: pins what would mean something else, of all free candidates or (not NULL) one. */
static qn_status *pin_meaningless(trials *t, const candidate *focus, qn_shape_reason *out_failure) {
    const size_t count = t->candidates.count;
    for (size_t i = 0; i < count; i++) {
        const candidate *c = &t->candidates.items[i];
        t->symbols[i] = qn_dim_const(t->graph->dims, 0);
        if (c->is_free) (void)qn_dim_symbol_find(t->graph->dims, c->name, &t->symbols[i]);
    }
    const qn_fold_trial trial = {.count = count,
                                 .symbols = t->symbols,
                                 .sizes = t->sizes,
                                 .focus = focus ? (size_t)(focus - t->candidates.items) : count,
                                 .self = t,
                                 .blame = blame};
    return qn_folds_judge(&t->folds, t->graph, &trial, out_failure);
}

static qn_status *note_declared(trials *t) {
    const size_t count = t->candidates.count;
    t->symbols = qn_arena_alloc(t->arena, count, sizeof *t->symbols);
    t->sizes = qn_arena_alloc(t->arena, count, sizeof *t->sizes);
    if (!t->symbols || !t->sizes) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) t->sizes[i] = t->candidates.items[i].size;
    return qn_folds_note(t->graph, &t->folds);
}

/* ---- Trials ---- */

/* Infers the graph with the free candidates as symbols, in memory that is given back. What it settles is pinned (of
   all, or `focus` alone); a failure that is the graph's fault is *out_failure, with its text in the graph's own arena,
   else that text is NULL. */
static qn_status *try_out(trials *t, const candidate *focus, qn_shape_reason *out_failure) {
    qn_graph *graph = t->graph;
    qn_arena scratch;
    qn_arena_init(&scratch, t->arena->allocator);
    graph->arena = &scratch;
    *out_failure = (qn_shape_reason){0};
    qn_status *status = rebase(t, qn_dim_pool_create(&scratch));
    if (!status) status = qn_graph_infer(graph);
    const int is_inferred = !status;
    if (is_inferred) status = pin_meaningless(t, focus, out_failure);
    if (status && !is_inferred && qn_status_code(status) != QN_OUT_OF_MEMORY) {
        const char *message = qn_status_message(status), *node = qn_status_node(status);
        out_failure->text = qn_arena_copy_string(t->arena, message, strlen(message));
        out_failure->node = node ? qn_graph_find_node(graph, node) : NULL;
        qn_status_free(status);
        status = out_failure->text ? NULL : qn_status_out_of_memory();
    } else if (!status && out_failure->text) {
        out_failure->text = qn_arena_copy_string(t->arena, out_failure->text, strlen(out_failure->text));
        if (!out_failure->text) status = qn_status_out_of_memory();
    } else if (!status) {
        status = pin_settled(t, focus);
    }
    graph->arena = t->arena;
    graph->dims = NULL;
    memset(&graph->checks, 0, sizeof graph->checks);
    qn_arena_deinit(&scratch);
    return status;
}

static void free_unpinned(trials *t) {
    for (size_t i = 0; i < t->candidates.count; i++) t->candidates.items[i].is_free = !t->candidates.items[i].is_pinned;
}

static size_t count_unpinned(const trials *t) {
    size_t count = 0;
    for (size_t i = 0; i < t->candidates.count; i++) count += !t->candidates.items[i].is_pinned;
    return count;
}

/* Frees `c` alone or, with `partners`, together with the dims of other inputs that have its size: those may have to
   agree with it. Returns how many are free. */
static size_t free_for(trials *t, const candidate *c, int partners) {
    size_t count = 0;
    for (size_t i = 0; i < t->candidates.count; i++) {
        candidate *other = &t->candidates.items[i];
        int is_partner = partners && other->input != c->input && other->size == c->size;
        other->is_free = !other->is_pinned && (other == c || is_partner);
        count += (size_t)other->is_free;
    }
    return count;
}

static qn_status *try_single(trials *t, candidate *c) {
    qn_shape_reason failure;
    free_for(t, c, 0);
    QN_TRY(try_out(t, c, &failure));
    if (failure.text) QN_TRY(pin(t, c, failure));
    if (!c->is_pinned) return NULL;
    const char *reason = c->reason;
    c->is_pinned = 0;
    if (free_for(t, c, 1) > 1) {
        QN_TRY(try_out(t, c, &failure));
        if (!failure.text) return NULL;
    }
    c->is_pinned = 1;
    c->is_free = 0;
    c->reason = reason;
    return NULL;
}

/* Each dim that no trial has pinned so far. */
static qn_status *try_singly(trials *t) {
    for (size_t i = 0; i < t->candidates.count; i++)
        if (!t->candidates.items[i].is_pinned) QN_TRY(try_single(t, &t->candidates.items[i]));
    return NULL;
}

/* Dims that can vary alone but not together: the first ones win. */
static qn_status *try_growing(trials *t) {
    for (size_t i = 0; i < t->candidates.count; i++) t->candidates.items[i].is_free = 0;
    for (size_t i = 0; i < t->candidates.count; i++) {
        candidate *c = &t->candidates.items[i];
        qn_shape_reason failure;
        if (c->is_pinned) continue;
        c->is_free = 1;
        QN_TRY(try_out(t, NULL, &failure));
        if (failure.text) QN_TRY(pin(t, c, failure));
    }
    return NULL;
}

/* There are too many to find out which. */
static qn_status *pin_all(trials *t, qn_shape_reason reason) {
    for (size_t i = 0; i < t->candidates.count; i++)
        if (!t->candidates.items[i].is_pinned) QN_TRY(pin(t, &t->candidates.items[i], reason));
    return NULL;
}

/* All at once first: most dims that cannot vary show there. Only what is left is tried dim by dim, since sizes that are
   free together may hide that each alone is not ([n, h] reshaped to [64]). */
static qn_status *find_pins(trials *t) {
    qn_shape_reason failure;
    size_t all = t->candidates.count;
    free_unpinned(t);
    QN_TRY(try_out(t, NULL, &failure));
    size_t left = count_unpinned(t);
    if (failure.text || (left > 0 && all > 1)) {
        if (left > SINGLE_TRIALS_MAX && failure.text) {
            QN_TRY(pin_all(t, failure));
        } else if (left <= SINGLE_TRIALS_MAX) {
            QN_TRY(try_singly(t));
        }
    }
    for (int round = 0; round < SINGLE_TRIALS_MAX; round++) { /* what is pinned may show what others depend on */
        left = count_unpinned(t);
        if (!left) return NULL;
        free_unpinned(t);
        QN_TRY(try_out(t, NULL, &failure));
        if (failure.text) return count_unpinned(t) > SINGLE_TRIALS_MAX ? pin_all(t, failure) : try_growing(t);
        if (count_unpinned(t) == left) return NULL;
    }
    return pin_all(t, (qn_shape_reason){.text = "a chain of dims that hold one another"});
}

/* ---- */

static qn_status *list_candidates(trials *t, int (*keep)(const void *self, size_t input, int axis, int64_t size),
                                  const void *keep_self) {
    for (size_t i = 0; i < t->graph->inputs.count; i++) {
        const qn_value *input = t->graph->inputs.items[i];
        for (int axis = 0; axis < input->type.rank; axis++) {
            const declared *d = &t->inputs[i][axis];
            if (d->is_symbol || d->low < 1 || (keep && keep(keep_self, i, axis, d->low))) continue;
            candidate c = {.input = i,
                           .axis = axis,
                           .size = d->low,
                           .name = qn_arena_printf(t->arena, "%s.%d", input->name, axis)};
            if (!c.name) return qn_status_out_of_memory();
            QN_TRY(QN_LIST_PUSH(t->arena, &t->candidates, c));
        }
    }
    return NULL;
}

static qn_status *apply(trials *t, qn_pins *out_pins) {
    qn_arena lists;
    qn_arena_init(&lists, t->arena->allocator);
    qn_status *status = qn_node_constants_init(&t->constants, t->graph, &lists);
    if (!status) status = note_declared(t);
    if (!status) status = find_pins(t);
    qn_arena_deinit(&lists);
    QN_TRY(status);
    free_unpinned(t);
    for (size_t i = 0; i < t->candidates.count; i++) {
        const candidate *c = &t->candidates.items[i];
        qn_pin found = {c->input, c->axis, c->size, c->reason};
        if (c->is_pinned) QN_TRY(QN_LIST_PUSH(t->arena, &out_pins->list, found));
    }
    QN_TRY(rebase(t, qn_dim_pool_create(t->arena)));
    return qn_graph_infer(t->graph);
}

qn_status *qn_mutable_apply(qn_graph *graph, int (*keep)(const void *self, size_t input, int axis, int64_t size),
                            const void *keep_self, qn_pins *out_pins) {
    trials t = {.graph = graph, .arena = graph->arena};
    memset(out_pins, 0, sizeof *out_pins);
    t.inputs = qn_arena_alloc(t.arena, graph->inputs.count ? graph->inputs.count : 1, sizeof *t.inputs);
    if (!t.inputs) return qn_status_out_of_memory();
    if (!declare_inputs(&t)) return NULL;
    QN_TRY(list_candidates(&t, keep, keep_self));
    return t.candidates.count ? apply(&t, out_pins) : NULL;
}
