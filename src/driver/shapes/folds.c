#include "driver/shapes/folds.h"

#include <string.h>

/* Demands on products of sizes beyond so many are left to the run. */
enum { DEMANDS_MAX = 64 };
static const int64_t far_size = INT64_C(1) << 40; /* no dim is so large */

/* ---- The declared sizes ---- */

/* Sizes for what the source leaves free: primes, so that products do not come out equal by chance. */
static const int64_t stand_ins[] = {97, 101, 103, 107, 109, 113, 127, 131};

static qn_status *settle_symbols(qn_dim_pool *dims) {
    for (size_t i = 0; i < qn_dim_symbol_count(dims); i++) {
        const qn_dim symbol = qn_dim_symbol_at(dims, i);
        int64_t low, high, size = stand_ins[i % (sizeof stand_ins / sizeof *stand_ins)];
        qn_dim_range(dims, symbol, &low, &high);
        size = qn_min_i64(qn_max_i64(size, low), high);
        QN_TRY(qn_dim_symbol_set_range(dims, symbol, size, size, NULL));
    }
    return NULL;
}

static uint32_t find_free(const qn_graph *graph, const qn_type *type) {
    uint32_t free_axes = 0;
    for (int axis = 0; axis < type->rank; axis++)
        free_axes |= (uint32_t)!qn_dim_is_const(graph->dims, type->dims[axis], NULL) << axis;
    return free_axes;
}

static int read_sizes(const qn_graph *graph, const qn_type *type, int64_t *out_sizes) {
    for (int axis = 0; axis < type->rank; axis++)
        if (!qn_dim_is_const(graph->dims, type->dims[axis], &out_sizes[axis]) || out_sizes[axis] < 1) return 0;
    return 1;
}

qn_status *qn_folds_note(qn_graph *graph, qn_folds *out_folds) {
    memset(out_folds, 0, sizeof *out_folds);
    for (const qn_node *node = graph->first; node; node = node->next) {
        if (!qn_op_reshapes(node->op)) continue;
        const qn_type *in = &node->inputs[0]->type, *out = &node->outputs[0]->type;
        const qn_fold fold = {.node = node,
                              .in_rank = in->rank,
                              .out_rank = out->rank,
                              .free_in = find_free(graph, in),
                              .free_out = find_free(graph, out)};
        QN_TRY(QN_LIST_PUSH(graph->arena, &out_folds->list, fold));
    }
    QN_TRY(settle_symbols(graph->dims));
    size_t kept = 0;
    for (size_t i = 0; i < out_folds->list.count; i++) {
        qn_fold *fold = &out_folds->list.items[i];
        if (read_sizes(graph, &fold->node->inputs[0]->type, fold->in) &&
            read_sizes(graph, &fold->node->outputs[0]->type, fold->out))
            out_folds->list.items[kept++] = *fold;
    }
    out_folds->list.count = kept;
    return NULL;
}

/* ---- Sets of dims on trial ---- */

typedef struct judge {
    qn_graph *graph;
    const qn_fold_trial *trial;
    qn_shape_reason *out_failure;
} judge;

typedef struct symbols {
    int count; /* -1: not known */
    qn_dim items[QN_DIM_SYMBOLS_MAX];
} symbols;

static int has_symbol(const symbols *set, qn_dim symbol) {
    for (int i = 0; i < set->count; i++)
        if (qn_dim_same(set->items[i], symbol)) return 1;
    return 0;
}

static int has_all(const symbols *set, const symbols *others) {
    for (int i = 0; i < others->count; i++)
        if (!has_symbol(set, others->items[i])) return 0;
    return 1;
}

static void add_symbols(const qn_graph *graph, symbols *set, qn_dim dim) {
    symbols more;
    more.count = set->count < 0 ? -1 : qn_dim_symbols(graph->dims, dim, more.items);
    for (int i = 0; i < more.count; i++) {
        if (has_symbol(set, more.items[i])) continue;
        if (set->count == QN_DIM_SYMBOLS_MAX) {
            more.count = -1;
            break;
        }
        set->items[set->count++] = more.items[i];
    }
    if (more.count < 0) set->count = -1;
}

/* Which dim on trial a symbol is; as many as there are: none. */
static size_t find_dim(const qn_fold_trial *trial, qn_dim symbol) {
    size_t i = 0;
    while (i < trial->count && !qn_dim_same(trial->symbols[i], symbol)) i++;
    return i;
}

static qn_status *blame(const judge *j, size_t index, qn_shape_reason reason) {
    if (!reason.text) return qn_status_out_of_memory();
    if (j->trial->focus < j->trial->count && j->trial->focus != index) return NULL;
    return j->trial->blame(j->trial->self, index, reason);
}

/* ---- Words ---- */

static void print_sizes(int rank, const int64_t *sizes, uint32_t free_axes, qn_buffer *buffer) {
    for (int i = 0; i < rank; i++) {
        qn_buffer_printf(buffer, i ? ", " : "[");
        if (free_axes >> i & 1)
            qn_buffer_printf(buffer, "?");
        else
            qn_buffer_printf(buffer, "%lld", (long long)sizes[i]);
    }
    qn_buffer_printf(buffer, rank ? "]" : "[]");
}

/* As inference names nodes. */
static void print_node(const qn_node *node, qn_buffer *buffer) {
    if (node->source)
        qn_buffer_printf(buffer, "%s: ", node->source);
    else
        qn_buffer_printf(buffer, "node '%s' (%s): ", node->name, node->op->name);
}

static const char *take_text(const qn_graph *graph, qn_buffer *buffer) {
    const char *text = qn_arena_copy_string(graph->arena, qn_buffer_text(buffer), buffer->size);
    if (buffer->failed) text = NULL;
    qn_buffer_deinit(buffer);
    return text;
}

static qn_shape_reason describe(const judge *j, const qn_fold *fold) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, j->graph->arena->allocator);
    print_node(fold->node, &buffer);
    qn_buffer_printf(&buffer, "counts elements: it makes ");
    print_sizes(fold->out_rank, fold->out, fold->free_out, &buffer);
    qn_buffer_printf(&buffer, " of ");
    print_sizes(fold->in_rank, fold->in, fold->free_in, &buffer);
    qn_buffer_printf(&buffer, ", and of other sizes something else than the source means");
    return (qn_shape_reason){take_text(j->graph, &buffer), fold->node};
}

/* ---- Groups of dims ---- */

/* Dims of the operand that make dims of the result: indices from .. to below end. */
typedef struct group {
    int in, in_end, out, out_end;
} group;

static int count_elements(int rank, const int64_t *sizes, int64_t *out_count) {
    *out_count = 1;
    for (int i = 0; i < rank; i++)
        if (!qn_checked_mul_i64(*out_count, sizes[i], out_count)) return 0;
    return 1;
}

/* The next group, the smallest that the declared sizes allow; all at once where these tell nothing. Begins with zeros;
   returns 0 at the end. */
static int next_group(const qn_fold *fold, group *g) {
    int64_t before, after, a = 1, b = 1;
    g->in = g->in_end, g->out = g->out_end;
    if (g->in == fold->in_rank && g->out == fold->out_rank) return 0;
    if (!count_elements(fold->in_rank, fold->in, &before) || !count_elements(fold->out_rank, fold->out, &after) ||
        before != after) {
        *g = (group){0, fold->in_rank, 0, fold->out_rank};
        return 1;
    }
    if (g->in_end < fold->in_rank) a = fold->in[g->in_end++];
    if (g->out_end < fold->out_rank) b = fold->out[g->out_end++];
    while (a != b)
        if (a < b)
            a *= fold->in[g->in_end++];
        else
            b *= fold->out[g->out_end++];
    return 1;
}

static const qn_dim *dims_in(const qn_fold *fold) { return fold->node->inputs[0]->type.dims; }
static const qn_dim *dims_out(const qn_fold *fold) { return fold->node->outputs[0]->type.dims; }

/* Has the group as many elements before as after, at all sizes? What cannot be multiplied has not. */
static int is_exact(const qn_graph *graph, const qn_fold *fold, const group *g) {
    const qn_dim *in = dims_in(fold), *out = dims_out(fold);
    int is_taken[QN_MAX_RANK] = {0};
    qn_dim before = qn_dim_const(graph->dims, 1), after = before;
    for (int i = g->in; i < g->in_end; i++) {
        int same = g->out;
        while (same < g->out_end && (is_taken[same] || !qn_dim_same(in[i], out[same]))) same++;
        if (same < g->out_end)
            is_taken[same] = 1;
        else
            before = qn_dim_mul(graph->dims, before, in[i]);
    }
    for (int i = g->out; i < g->out_end; i++)
        if (!is_taken[i]) after = qn_dim_mul(graph->dims, after, out[i]);
    qn_status *status = qn_dim_pool_take_status(graph->dims);
    const int failed = status != NULL;
    qn_status_free(status);
    return !failed && qn_dim_same(before, after);
}

/* The symbols by which the graph itself computes the shape. */
static symbols find_intended(const qn_graph *graph, const qn_fold *fold) {
    symbols set = {0};
    const qn_dim *contents = fold->node->inputs[1]->contents;
    for (int i = 0; contents && i < fold->out_rank; i++) add_symbols(graph, &set, contents[i]);
    return set;
}

/* One dim that is cut into several (16000 samples into 100 frames of 160) keeps its meaning at all sizes that divide.
   Not so one that was joined from others before, nor where it begins another count of what there was one of. */
static int is_split(const qn_graph *graph, const qn_fold *fold, const group *g) {
    const qn_dim *in = dims_in(fold), *out = dims_out(fold);
    int varying = 0;
    for (int i = g->in; i < g->in_end; i++) {
        symbols joined;
        if (qn_dim_is_const(graph->dims, in[i], NULL)) {
            if (fold->in[i] > 1) return 0;
            continue;
        }
        joined.count = qn_dim_multiplied_symbols(graph->dims, in[i], joined.items);
        if (varying++ || joined.count || qn_dim_divisor(graph->dims, in[i]) > 1) return 0;
    }
    for (int i = g->out; i < g->out_end; i++)
        if (!qn_dim_is_const(graph->dims, out[i], NULL) && fold->out[i] == 1) return 0;
    return 1;
}

/* What the group makes of dims that came down to 1, as a pool over all of the picture does: at other sizes there would
   be several, and they would count as something else. */
static qn_status *judge_ones(const judge *j, const qn_fold *fold, const group *g, const symbols *intended) {
    const qn_dim *in = dims_in(fold), *out = dims_out(fold);
    for (int i = g->in; i < g->in_end; i++) {
        symbols set = {0};
        int is_kept = fold->in[i] != 1;
        for (int o = g->out; o < g->out_end; o++) is_kept |= qn_dim_same(in[i], out[o]);
        if (is_kept) continue;
        add_symbols(j->graph, &set, in[i]);
        for (int s = 0; s < set.count; s++) {
            const size_t index = find_dim(j->trial, set.items[s]);
            if (index < j->trial->count && j->trial->sizes[index] > 1 && !has_symbol(intended, set.items[s]))
                QN_TRY(blame(j, index, describe(j, fold)));
        }
    }
    return NULL;
}

/* A batch of one that was joined with other dims before comes back as the number 1: more samples would be more of the
   others, such as steps of the same sentence. */
static qn_status *judge_joined(const judge *j, const qn_fold *fold, const group *g, const symbols *intended) {
    int has_one = 0;
    for (int o = g->out; o < g->out_end; o++)
        has_one |= fold->out[o] == 1 && qn_dim_is_const(j->graph->dims, dims_out(fold)[o], NULL);
    for (int i = g->in; i < g->in_end && has_one; i++) {
        symbols joined;
        joined.count = qn_dim_multiplied_symbols(j->graph->dims, dims_in(fold)[i], joined.items);
        for (int s = 0; s < joined.count; s++) {
            const size_t index = find_dim(j->trial, joined.items[s]);
            if (index < j->trial->count && j->trial->sizes[index] == 1 && !has_symbol(intended, joined.items[s]))
                QN_TRY(blame(j, index, describe(j, fold)));
        }
    }
    return NULL;
}

/* Dims that only one side of the group follows. */
static qn_status *judge_one_sided(const judge *j, const qn_fold *fold, const symbols *side, const symbols *other,
                                  const symbols *intended, int *inout_found) {
    for (int s = 0; s < side->count; s++) {
        const size_t index = find_dim(j->trial, side->items[s]);
        if (has_symbol(other, side->items[s])) continue;
        if (index == j->trial->count || has_symbol(intended, side->items[s])) continue;
        *inout_found = 1;
        QN_TRY(blame(j, index, describe(j, fold)));
    }
    return NULL;
}

/* Both sides follow the same dims, and not equally. */
static qn_status *judge_uneven(const judge *j, const qn_fold *fold, const symbols *side, const symbols *intended) {
    for (int s = 0; s < side->count; s++) {
        const size_t index = find_dim(j->trial, side->items[s]);
        if (index == j->trial->count || has_symbol(intended, side->items[s])) continue;
        if (j->trial->focus < j->trial->count) {
            QN_TRY(blame(j, index, describe(j, fold)));
        } else if (!j->out_failure->text) {
            *j->out_failure = describe(j, fold);
            if (!j->out_failure->text) return qn_status_out_of_memory();
        }
    }
    return NULL;
}

static qn_status *judge_group(const judge *j, const qn_fold *fold, const group *g, const symbols *intended) {
    symbols before = {0}, after = {0};
    int found = 0;
    if (is_exact(j->graph, fold, g)) {
        QN_TRY(judge_ones(j, fold, g, intended));
        return judge_joined(j, fold, g, intended);
    }
    for (int i = g->in; i < g->in_end; i++) add_symbols(j->graph, &before, dims_in(fold)[i]);
    for (int i = g->out; i < g->out_end; i++) add_symbols(j->graph, &after, dims_out(fold)[i]);
    if (before.count < 0 || after.count < 0) return NULL;
    QN_TRY(judge_one_sided(j, fold, &before, &after, intended, &found));
    QN_TRY(judge_one_sided(j, fold, &after, &before, intended, &found));
    return found || is_split(j->graph, fold, g) ? NULL : judge_uneven(j, fold, &before, intended);
}

static qn_status *judge_fold(const judge *j, const qn_fold *fold) {
    group g = {0};
    if (fold->node->inputs[0]->type.rank != fold->in_rank || fold->node->outputs[0]->type.rank != fold->out_rank)
        return NULL;
    const symbols intended = find_intended(j->graph, fold);
    if (intended.count < 0) return NULL;
    while (next_group(fold, &g)) QN_TRY(judge_group(j, fold, &g, &intended));
    return NULL;
}

/* ---- Demands on dims that were joined ---- */

/* A demand that speaks of nothing but a product of sizes: that 512 weights meet H * W * 32. */
typedef struct demand {
    const qn_check *check;
    symbols joined;
} demand;

static int is_demand(const judge *j, const qn_check *check, demand *out) {
    const qn_graph *graph = j->graph;
    symbols all;
    out->check = check;
    if (!check->node || qn_op_reshapes(check->node->op)) return 0; /* looked at as groups */
    out->joined.count = qn_dim_multiplied_symbols(graph->dims, check->condition, out->joined.items);
    if (out->joined.count < 2) return 0;
    all.count = qn_dim_symbols(graph->dims, check->condition, all.items);
    return all.count >= 0 && has_all(&out->joined, &all);
}

/* With the dims joined by `d` at `factor` / 2 of their declared sizes, is some demand refuted? Ranges are put back. */
static int is_refuted(const judge *j, const demand *demands, size_t count, const demand *d, int64_t factor) {
    qn_dim_pool *dims = j->graph->dims;
    int64_t low[QN_DIM_SYMBOLS_MAX], high[QN_DIM_SYMBOLS_MAX];
    int refuted = 0, moved = 0;
    for (int s = 0; s < d->joined.count; s++) {
        const size_t index = find_dim(j->trial, d->joined.items[s]);
        qn_dim_range(dims, d->joined.items[s], &low[s], &high[s]);
        const int64_t declared = index < j->trial->count ? j->trial->sizes[index] : qn_max_i64(low[s], 1);
        int64_t size = index < j->trial->count ? (qn_min_i64(declared, far_size) * factor + 1) / 2 : declared;
        size = qn_min_i64(qn_max_i64(size, low[s]), high[s]);
        moved |= size != declared;
        qn_status_free(qn_dim_symbol_set_range(dims, d->joined.items[s], size, size, NULL));
    }
    for (size_t i = 0; i < count && !refuted; i++) {
        int64_t least, most;
        qn_dim_range(dims, demands[i].check->condition, &least, &most);
        refuted = most < 0;
    }
    for (int s = 0; s < d->joined.count; s++)
        qn_status_free(qn_dim_symbol_set_range(dims, d->joined.items[s], low[s], high[s], NULL));
    return refuted || !moved;
}

/* The reshape that joined them; NULL if none did. */
static const qn_fold *find_joining(const qn_folds *folds, const qn_graph *graph, const symbols *joined) {
    for (size_t f = 0; f < folds->list.count; f++) {
        const qn_fold *fold = &folds->list.items[f];
        int before = 0, after = 0;
        symbols set;
        for (int i = 0; i < fold->node->inputs[0]->type.rank; i++) {
            set.count = qn_dim_multiplied_symbols(graph->dims, dims_in(fold)[i], set.items);
            before |= has_all(&set, joined);
        }
        for (int i = 0; i < fold->node->outputs[0]->type.rank; i++) {
            set.count = qn_dim_multiplied_symbols(graph->dims, dims_out(fold)[i], set.items);
            after |= has_all(&set, joined);
        }
        if (after && !before) return fold;
    }
    return NULL;
}

static qn_shape_reason describe_demand(const judge *j, const qn_folds *folds, const demand *d) {
    const qn_fold *fold = find_joining(folds, j->graph, &d->joined);
    qn_buffer buffer;
    qn_buffer_init(&buffer, j->graph->arena->allocator);
    if (fold) {
        print_node(fold->node, &buffer);
        qn_buffer_printf(&buffer, "joins the dims of ");
        print_sizes(fold->in_rank, fold->in, fold->free_in, &buffer);
        qn_buffer_printf(&buffer, " to ");
        print_sizes(fold->out_rank, fold->out, fold->free_out, &buffer);
        qn_buffer_printf(&buffer, ", whose number of elements is demanded by ");
    }
    qn_buffer_printf(&buffer, "%s", d->check->message);
    return (qn_shape_reason){take_text(j->graph, &buffer), fold ? fold->node : d->check->node};
}

/* Where a number of elements is demanded, other sizes with the same product would do, which are another picture. */
static qn_status *judge_demands(const judge *j, const qn_folds *folds) {
    demand demands[DEMANDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < j->graph->checks.count && count < DEMANDS_MAX; i++)
        count += is_demand(j, &j->graph->checks.items[i], &demands[count]);
    for (size_t i = 0; i < count; i++) {
        const demand *d = &demands[i];
        if (!is_refuted(j, demands, count, d, 1) || !is_refuted(j, demands, count, d, 4)) continue;
        for (int s = 0; s < d->joined.count; s++) {
            const size_t index = find_dim(j->trial, d->joined.items[s]);
            if (index < j->trial->count) QN_TRY(blame(j, index, describe_demand(j, folds, d)));
        }
    }
    return NULL;
}

qn_status *qn_folds_judge(const qn_folds *folds, qn_graph *graph, const qn_fold_trial *trial,
                          qn_shape_reason *out_failure) {
    const judge j = {graph, trial, out_failure};
    *out_failure = (qn_shape_reason){0};
    for (size_t i = 0; i < folds->list.count; i++) QN_TRY(judge_fold(&j, &folds->list.items[i]));
    return judge_demands(&j, folds);
}
