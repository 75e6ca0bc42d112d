#include "toy_format.h"

#include "import/common/convert.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 24 };

typedef struct toy_attr {
    const char *name, *text;
    int known;
} toy_attr;

typedef struct toy_node {
    const char *name, *op;
    int input_count, attr_count;
    const char *inputs[WORDS_MAX];
    toy_attr attrs[WORDS_MAX];
    qn_site_outputs outputs;
} toy_node;

/* A line split at its blanks. */
typedef struct toy_line {
    int count;
    const char *words[WORDS_MAX];
} toy_line;

typedef struct toy_importer {
    qn_importer *common;
    int version;
    QN_LIST(toy_line) lines;
    qn_import_names taken, value_names;
    QN_LIST(qn_value *) values;
} toy_importer;

typedef struct toy_site {
    qn_site site;
    toy_node *node;
} toy_site;

/* ---- Attributes: "1,2,3", "0.5", "same", "true" ---- */

static qn_status *read_dtype(const char *text, qn_dtype *out_dtype) {
    *out_dtype = qn_dtype_from_name(text);
    return *out_dtype ? NULL : QN_ERR(QN_INVALID_MODEL, "there is no element type '%s'", text);
}

static qn_status *read_numbers(const char *name, const char *text, qn_ints *out_ints) {
    *out_ints = (qn_ints){0};
    for (char *end; *text; text = *end ? end + 1 : end) {
        if (out_ints->count == QN_ATTR_INTS_MAX) return QN_ERR(QN_LIMIT, "attribute '%s' is too long", name);
        out_ints->values[out_ints->count++] = strtoll(text, &end, 10);
        if (end == text || (*end && *end != ','))
            return QN_ERR(QN_INVALID_MODEL, "attribute '%s' holds '%s', expected integers", name, text);
    }
    return NULL;
}

static qn_status *read_attr(qn_site *site, const char *name, qn_site_attr_kind kind, qn_site_attr *out_value,
                            int *out_found) {
    toy_node *node = ((toy_site *)site)->node;
    toy_attr *attr = NULL;
    qn_ints ints;
    for (int i = 0; i < node->attr_count; i++)
        if (strcmp(node->attrs[i].name, name) == 0) attr = &node->attrs[i];
    *out_found = attr != NULL;
    if (!attr) return NULL;
    attr->known = 1;
    switch (kind) {
    case QN_SITE_INT:
        QN_TRY(read_numbers(name, attr->text, &ints));
        if (ints.count != 1) return QN_ERR(QN_INVALID_MODEL, "attribute '%s' holds a list, expected an integer", name);
        out_value->number = ints.values[0];
        return NULL;
    case QN_SITE_INTS: return read_numbers(name, attr->text, &out_value->ints);
    case QN_SITE_FLOAT: out_value->real = strtof(attr->text, NULL); return NULL;
    case QN_SITE_BOOL: out_value->number = strcmp(attr->text, "true") == 0; return NULL;
    case QN_SITE_TEXT: out_value->text = attr->text; return NULL;
    case QN_SITE_DTYPE: return read_dtype(attr->text, &out_value->dtype);
    default: return QN_ERR(QN_UNSUPPORTED, "attribute '%s' has a kind that this format does not know", name);
    }
}

/* ---- Conversions ---- */

/* Filters are OIHW, padding is four numbers or a word. */
static qn_status *convert_conv(qn_site *site) {
    static const char *const words[] = {"none", "same", NULL};
    static const qn_padding paddings[] = {QN_PADDING_VALID, QN_PADDING_SAME_UPPER};
    qn_conv2d_attrs attrs;
    qn_value *x, *weights;
    int64_t word;
    qn_attrs_init(&qn_op_conv2d, &attrs);
    QN_TRY(qn_site_enter_nhwc(site, 0, 1, &x));
    QN_TRY(qn_site_expect_rank(site, 1, 4));
    QN_TRY(qn_site_get_ints(site, "strides", &attrs.stride));
    if (!attrs.stride.count) attrs.stride = (qn_ints){.count = 2, .values = {1, 1}};
    QN_TRY(qn_site_get_ints(site, "pads", &attrs.pads));
    attrs.padding = QN_PADDING_EXPLICIT;
    if (!attrs.pads.count) {
        attrs.pads.count = 4;
        QN_TRY(qn_site_get_choice(site, "padding", words, 0, &word));
        attrs.padding = paddings[word];
    }
    QN_TRY(qn_site_transpose(site, "hwio", "hwio/perm", 4, (int64_t[]){2, 3, 1, 0}, site->inputs[1], &weights));
    return qn_site_emit_nhwc(site, 1, site->op, &attrs, 2, (qn_value *[]){x, weights});
}

static qn_status *emit_sum(qn_site *site, const qn_ints *axes) {
    qn_value *value;
    QN_TRY(qn_site_constant_ints(site, "axes", axes->count, axes->values, &value));
    return qn_site_emit_output(site, site->op, &(qn_reduce_attrs){.keep_dims = 1}, 2,
                               (qn_value *[]){site->inputs[0], value});
}

/* Up to version 12. */
static qn_status *convert_sum_attr(qn_site *site) {
    qn_ints axes;
    QN_TRY(qn_site_get_ints(site, "axes", &axes));
    QN_TRY_CTX(qn_axes_normalise(&axes, site->inputs[0]->type.rank, &axes), "attribute 'axes'");
    return emit_sum(site, &axes);
}

/* Since version 13. */
static qn_status *convert_sum_input(qn_site *site) {
    qn_ints axes;
    QN_TRY(qn_site_input_ints(site, 1, &axes));
    QN_TRY(qn_site_input_context(site, 1, qn_axes_normalise(&axes, site->inputs[0]->type.rank, &axes)));
    return emit_sum(site, &axes);
}

static qn_status *convert_softmax(qn_site *site) {
    qn_axis_attrs attrs;
    QN_TRY(qn_site_get_axis(site, "axis", -1, site->inputs[0]->type.rank, &attrs.axis));
    return qn_site_emit_output(site, site->op, &attrs, 1, site->inputs);
}

static qn_status *convert_split(qn_site *site) {
    int64_t axis;
    qn_ints sizes;
    QN_TRY(qn_site_get_axis(site, "axis", 0, site->inputs[0]->type.rank, &axis));
    QN_TRY(qn_site_get_ints(site, "sizes", &sizes));
    return qn_site_emit_split_sizes(site, site->inputs[0], axis, &sizes);
}

static qn_status *convert_sum_of_all(qn_site *site) { return qn_site_emit_chain(site, site->op, "sum"); }

static const qn_import_row rows[] = {
    {"Conv", 1, 0, 2, 2, convert_conv, &qn_op_conv2d},
    {"CumSum", 1, 0, 2, 2, qn_convert_attrs, &qn_op_cumsum, "axis=#1, exclusive, reverse=backwards"},
    {"Identity", 1, 0, 1, 1, qn_convert_forward, NULL},
    {"Old", 1, 6, 1, 1, qn_convert_straight, &qn_op_neg},
    {"Old", 9, 10, 1, 1, qn_convert_straight, &qn_op_abs},
    {"ReduceSum", 1, 12, 1, 1, convert_sum_attr, &qn_op_reduce_sum},
    {"ReduceSum", 13, 0, 2, 2, convert_sum_input, &qn_op_reduce_sum},
    {"Relu", 1, 0, 1, 1, qn_convert_straight, &qn_op_relu},
    {"Softmax", 1, 0, 1, 1, convert_softmax, &qn_op_softmax},
    {"Split", 1, 0, 1, 1, convert_split, NULL},
    {"Sum", 1, 0, 1, -1, convert_sum_of_all, &qn_op_add},
};

const qn_import_table toy_table = {rows, sizeof rows / sizeof *rows};

/* ---- Lines ---- */

static qn_status *split_line(toy_importer *importer, const char *text, size_t length) {
    toy_line line = {0};
    for (size_t at = 0; at < length;) {
        size_t end = at;
        while (end < length && text[end] != ' ') end++;
        if (line.count == WORDS_MAX) return QN_ERR(QN_LIMIT, "a line of more than %d words", WORDS_MAX);
        line.words[line.count] = qn_arena_copy_string(importer->common->scratch, text + at, end - at);
        if (!line.words[line.count++]) return qn_status_out_of_memory();
        at = end + 1;
    }
    return line.count ? QN_LIST_PUSH(importer->common->scratch, &importer->lines, line) : NULL;
}

static qn_status *split_lines(toy_importer *importer) {
    const char *text = (const char *)importer->common->source->bytes.data;
    const char *end = text + importer->common->source->bytes.size;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end) line_end = end;
        QN_TRY(split_line(importer, text, (size_t)(line_end - text)));
        text = line_end + 1;
    }
    return NULL;
}

static qn_status *add_value(toy_importer *importer, const char *name, qn_value *value) {
    uint32_t first;
    if (qn_import_names_add(&importer->value_names, importer->common->scratch, name, (uint32_t)importer->values.count,
                            &first) < 0)
        return qn_status_out_of_memory();
    return QN_LIST_PUSH(importer->common->scratch, &importer->values, value);
}

static qn_value *find_value(const toy_importer *importer, const char *name) {
    int64_t index = qn_import_names_find(&importer->value_names, name);
    return index < 0 ? NULL : importer->values.items[index];
}

static qn_status *read_input(toy_importer *importer, const toy_line *line) {
    const qn_import_options *options = importer->common->options;
    qn_import_input input = {.name = line->words[1], .node = line->words[1], .declared.rank = line->count - 3};
    qn_value *value;
    QN_TRY(read_dtype(line->words[2], &input.dtype));
    for (int i = 3; i < line->count; i++)
        input.declared.dims[i - 3] = line->words[i][0] == '?' ? -1 : strtoll(line->words[i], NULL, 10);
    for (size_t i = 0; i < options->input_count; i++)
        if (strcmp(options->inputs[i], input.name) == 0) input.asked = &options->input_dims[i];
    QN_TRY(qn_importer_add_input(importer->common, &input, &value));
    return add_value(importer, input.name, value);
}

/* Raw bytes of a file beside the model, from an offset on. */
static qn_status *read_weights(toy_importer *importer, const toy_line *line) {
    qn_import_shape shape = {.rank = line->count - 5};
    qn_view view = {0};
    qn_value *value;
    qn_bytes bytes;
    size_t elems, offset = (size_t)strtoull(line->words[4], NULL, 10);
    QN_TRY(read_dtype(line->words[2], &view.dtype));
    for (int i = 5; i < line->count; i++) shape.dims[i - 5] = strtoll(line->words[i], NULL, 10);
    QN_TRY(qn_source_open_sibling(importer->common->source, line->words[3], &bytes));
    QN_TRY(qn_constant_set_dims(&shape, &view, &elems));
    const size_t need = elems * qn_dtype_size(view.dtype), left = bytes.size > offset ? bytes.size - offset : 0;
    bytes = (qn_bytes){bytes.data + (left ? offset : 0), need < left ? need : left};
    QN_TRY(qn_constant_take_bytes(bytes, line->words[3], importer->common->arena, &importer->common->copied, &view));
    QN_TRY(qn_graph_add_constant(importer->common->graph, line->words[1], &view, &value));
    return add_value(importer, line->words[1], value);
}

static qn_status *read_listed(toy_importer *importer, const toy_line *line) {
    const size_t count = (size_t)line->count - 3;
    qn_view view = {.rank = 1, .dims = {(int64_t)count}};
    qn_value *value;
    QN_TRY(read_dtype(line->words[2], &view.dtype));
    QN_TRY(qn_constant_alloc(importer->common->arena, count, &importer->common->copied, &view));
    for (size_t i = 0; i < count; i++)
        QN_TRY_CTX(qn_constant_store_int(&view, i, strtoll(line->words[3 + i], NULL, 10)), "constant '%s'",
                   line->words[1]);
    QN_TRY(qn_graph_add_constant(importer->common->graph, line->words[1], &view, &value));
    return add_value(importer, line->words[1], value);
}

static void parse_node(qn_arena *arena, const toy_line *line, toy_node *node) {
    int i = 3;
    *node = (toy_node){.name = line->words[1], .op = line->words[2]};
    for (; i < line->count && strcmp(line->words[i], ";") != 0; i++) node->inputs[node->input_count++] = line->words[i];
    for (i++; i < line->count; i++) {
        const char *equals = strchr(line->words[i], '=');
        if (!equals) continue;
        node->attrs[node->attr_count++] = (toy_attr){
            .name = qn_arena_copy_string(arena, line->words[i], (size_t)(equals - line->words[i])), .text = equals + 1};
    }
}

static qn_status *gather_inputs(const toy_importer *importer, qn_site *site, size_t count) {
    site->input_count = (int)count;
    site->inputs = QN_ARENA_ARRAY(importer->common->scratch, qn_value *, count);
    if (!site->inputs) return qn_status_out_of_memory();
    for (size_t i = 0; i < count; i++) {
        if (strcmp(site->input_names[i], "-") == 0) continue; /* left out */
        site->inputs[i] = find_value(importer, site->input_names[i]);
        if (!site->inputs[i])
            return qn_site_input_context(site, (int)i, QN_ERR(QN_INVALID_MODEL, "there is no such value"));
    }
    return NULL;
}

static qn_status *convert(toy_importer *importer, toy_site *site) {
    const toy_node *node = site->node;
    QN_TRY(qn_site_check_input_count(&site->site, (size_t)node->input_count));
    QN_TRY(gather_inputs(importer, &site->site, (size_t)node->input_count));
    QN_TRY(qn_site_convert(&site->site));
    for (int i = 0; i < node->attr_count; i++)
        if (!node->attrs[i].known)
            QN_TRY(qn_importer_warn_attr(importer->common, node->name, node->op, node->attrs[i].name));
    return NULL;
}

static qn_status *read_node(toy_importer *importer, const toy_line *line) {
    toy_node node;
    parse_node(importer->common->scratch, line, &node);
    toy_site site = {.site = {.importer = importer->common,
                              .node = node.name,
                              .source_op = node.op,
                              .read_attr = read_attr,
                              .row = qn_import_table_find(&toy_table, node.op, importer->version),
                              .input_names = node.inputs,
                              .outputs = &node.outputs},
                     .node = &node};
    QN_TRY(qn_site_context(&site.site, convert(importer, &site)));
    for (size_t i = 0; i < node.outputs.count; i++) {
        const char *name = qn_site_output_name(&site.site, (int)i);
        if (!name) return qn_status_out_of_memory();
        QN_TRY(add_value(importer, name, node.outputs.items[i]));
    }
    return NULL;
}

static qn_status *read_output(toy_importer *importer, const toy_line *line) {
    qn_value *value = find_value(importer, line->words[1]);
    if (!value) return QN_ERR(QN_INVALID_MODEL, "output '%s': there is no such value", line->words[1]);
    return qn_importer_mark_output(importer->common, line->words[1], value);
}

/* ---- The format ---- */

/* Names of all nodes, and all operators that no row reads. */
static qn_status *check_nodes(toy_importer *importer) {
    qn_arena *scratch = importer->common->scratch;
    qn_import_unknown unknown = {.arena = scratch};
    for (size_t i = 0; i < importer->lines.count; i++) {
        const toy_line *line = &importer->lines.items[i];
        uint32_t first;
        if (strcmp(line->words[0], "node") != 0) continue;
        if (qn_import_names_add(&importer->taken, scratch, line->words[1], (uint32_t)i, &first) < 0)
            return qn_status_out_of_memory();
        if (qn_import_table_find(&toy_table, line->words[2], importer->version)) continue;
        const char *versions = qn_import_table_versions(&toy_table, line->words[2], scratch);
        const char *why =
            versions ? qn_arena_printf(scratch, "not of version %d: read are %s", importer->version, versions) : NULL;
        QN_TRY(qn_import_unknown_add(&unknown, line->words[2], why, line->words[1]));
    }
    importer->common->taken = &importer->taken;
    return qn_import_unknown_status(&unknown);
}

static qn_status *toy_import(qn_importer *common) {
    static const struct {
        const char *word;
        qn_status *(*read)(toy_importer *importer, const toy_line *line);
    } readers[] = {{"input", read_input},
                   {"weights", read_weights},
                   {"numbers", read_listed},
                   {"node", read_node},
                   {"output", read_output}};
    toy_importer importer = {.common = common};
    const toy_options *own = common->options->own;
    QN_TRY(split_lines(&importer));
    importer.version = own ? own->version : atoi(importer.lines.items[0].words[1]);
    QN_TRY(check_nodes(&importer));
    QN_TRY(qn_importer_create_graph(common));
    for (size_t i = 1; i < importer.lines.count; i++)
        for (size_t k = 0; k < sizeof readers / sizeof *readers; k++)
            if (strcmp(importer.lines.items[i].words[0], readers[k].word) == 0)
                QN_TRY(readers[k].read(&importer, &importer.lines.items[i]));
    return NULL;
}

static qn_status *toy_recognise(const qn_source *source, int *out_is_it) {
    *out_is_it = source->bytes.size > 4 && memcmp(source->bytes.data, "toy ", 4) == 0;
    return NULL;
}

static const qn_import_format formats[] = {{"toy", "a toy of text", toy_recognise, toy_import, sizeof(toy_options)}};

const qn_import_formats toy_formats = {formats, 1};
