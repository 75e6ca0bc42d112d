#include "import/common/table.h"

#include "import/common/names.h"

#include <stdlib.h>
#include <string.h>

/* The index of the first row of the operator; where there is none, the index at which it would have to stand. */
static size_t first_row(const qn_import_table *table, const char *source) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(table->rows[middle].source, source) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int is_of(const qn_import_table *table, size_t index, const char *source) {
    return index < table->count && strcmp(table->rows[index].source, source) == 0;
}

const qn_import_row *qn_import_table_find(const qn_import_table *table, const char *source, int version) {
    for (size_t i = first_row(table, source); is_of(table, i, source); i++) {
        const qn_import_row *row = &table->rows[i];
        if (version >= row->since && (!row->until || version <= row->until)) return row;
    }
    return NULL;
}

const char *qn_import_table_versions(const qn_import_table *table, const char *source, qn_arena *arena) {
    const char *text = NULL;
    for (size_t i = first_row(table, source); is_of(table, i, source); i++) {
        const qn_import_row *row = &table->rows[i];
        const char *before = text ? text : "", *comma = text ? ", " : "";
        if (!row->until)
            text = qn_arena_printf(arena, "%s%ssince %d", before, comma, row->since);
        else if (row->since == row->until)
            text = qn_arena_printf(arena, "%s%s%d", before, comma, row->since);
        else
            text = qn_arena_printf(arena, "%s%s%d to %d", before, comma, row->since, row->until);
        if (!text) return NULL;
    }
    return text;
}

static const qn_attr_def *find_attr(const qn_op_def *op, const char *name, size_t length) {
    for (const qn_attr_def *def = op->attrs; def && def->name; def++)
        if (strlen(def->name) == length && !memcmp(def->name, name, length)) return def;
    return NULL;
}

int qn_import_attr_next(const qn_op_def *op, const char **inout_entries, qn_import_attr *out_attr) {
    const char *entry = *inout_entries + strspn(*inout_entries, ", ");
    const size_t length = strcspn(entry, ","), ours = strcspn(entry, ",=");
    const char *source = entry + ours + (ours < length);
    const size_t source_length = ours < length ? length - ours - 1 : length;
    *out_attr = (qn_import_attr){.ours = find_attr(op, entry, ours), .input = -1};
    if (!out_attr->ours || !source_length || source_length >= sizeof out_attr->source) return 0;
    memcpy(out_attr->source, ours < length ? source : entry, source_length);
    if (*source == '#') out_attr->input = atoi(source + 1);
    out_attr->is_axis =
        op->axes.attr && out_attr->ours->kind == QN_ATTR_INT && !strcmp(op->axes.attr, out_attr->ours->name);
    *inout_entries = entry + length;
    return 1;
}

/* Every entry is an attribute of the operator that can be read without knowing what it means; inputs are axes. */
static int are_attrs_sound(const qn_import_row *row) {
    const char *entries = row->attrs;
    qn_import_attr attr;
    if (!entries) return 1;
    if (!row->op) return 0;
    while (qn_import_attr_next(row->op, &entries, &attr)) {
        if (attr.ours->kind == QN_ATTR_ENUM || attr.ours->kind == QN_ATTR_TEXT) return 0;
        if (attr.input >= 0 && (attr.input >= row->min_inputs || !attr.is_axis)) return 0;
    }
    return !*entries;
}

int qn_import_table_is_sound(const qn_import_table *table) {
    for (size_t i = 0; i < table->count; i++) {
        const qn_import_row *row = &table->rows[i], *last = i ? row - 1 : NULL;
        if (!row->convert || row->since < 0 || (row->until && row->until < row->since)) return 0;
        if (row->min_inputs < 0 || (row->max_inputs >= 0 && row->max_inputs < row->min_inputs)) return 0;
        if (!are_attrs_sound(row)) return 0;
        int order = last ? strcmp(last->source, row->source) : -1;
        if (order > 0 || (order == 0 && (!last->until || last->until >= row->since))) return 0;
    }
    return 1;
}

/* ---- Operators that no row reads ---- */

enum { SHOWN_NODES = 3, LISTED_MAX = 60 };

typedef struct group {
    const char *op, *why;
    size_t count;
    const char *nodes[SHOWN_NODES];
} group;

struct qn_import_unknown_list {
    qn_import_names ops;
    QN_LIST(group) groups;
};

qn_status *qn_import_unknown_add(qn_import_unknown *unknown, const char *op, const char *why, const char *node) {
    if (!unknown->list) unknown->list = QN_ARENA_NEW(unknown->arena, struct qn_import_unknown_list);
    struct qn_import_unknown_list *list = unknown->list;
    if (!list) return qn_status_out_of_memory();
    uint32_t at = (uint32_t)list->groups.count;
    int added = qn_import_names_add(&list->ops, unknown->arena, op, at, &at);
    if (added < 0) return qn_status_out_of_memory();
    if (added) QN_TRY(QN_LIST_PUSH(unknown->arena, &list->groups, ((group){.op = op, .why = why})));
    group *g = &list->groups.items[at];
    if (g->count < SHOWN_NODES) g->nodes[g->count] = node;
    g->count++;
    return NULL;
}

static void describe_group(const group *g, qn_buffer *text) {
    qn_buffer_printf(text, "%s (%s%s%zu node%s: ", g->op, g->why ? g->why : "", g->why ? "; " : "", g->count,
                     g->count == 1 ? "" : "s");
    for (size_t i = 0; i < g->count && i < SHOWN_NODES; i++)
        qn_buffer_printf(text, "%s'%s'", i ? ", " : "", g->nodes[i]);
    qn_buffer_printf(text, "%s)", g->count > SHOWN_NODES ? ", ..." : "");
}

qn_status *qn_import_unknown_status(const qn_import_unknown *unknown) {
    if (!unknown->list) return NULL;
    const size_t count = unknown->list->groups.count;
    qn_buffer text;
    qn_buffer_init(&text, unknown->arena->allocator);
    for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
        if (i) qn_buffer_printf(&text, ", ");
        describe_group(&unknown->list->groups.items[i], &text);
    }
    if (count > LISTED_MAX) qn_buffer_printf(&text, ", and %zu more", count - LISTED_MAX);
    qn_status *status = QN_ERR(
        QN_UNSUPPORTED, "%zu operator%s not supported: %s; outputs that do not need %s can be named (--output NAME)",
        count, count == 1 ? " is" : "s are", qn_buffer_text(&text), count == 1 ? "it" : "them");
    qn_buffer_deinit(&text);
    return status;
}
