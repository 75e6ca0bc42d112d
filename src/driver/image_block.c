#include "driver/image_block.h"

#include "base/text.h"
#include "driver/layout.h"

#include <stdio.h>
#include <string.h>

enum { UPSTREAM_DEPTH_MAX = 64, NAMES_MAX = 256 };

/* A picture input and what comes out, as far as known: labels, scores of every pixel, or of the whole picture. */
typedef struct pictures {
    const qn_graph *graph;
    const qn_config *config;
    const qn_value *input, *output;
    const char *layout; /* of the input: "NHWC", "NCHW" */
    int64_t channels;   /* 3 or 1 */
    const char *color, *decode;
    int64_t axis;        /* logits: of the classes */
    int64_t class_count; /* 0: unknown */
} pictures;

static const json_t *given(const pictures *p, const char *key) {
    return json_object_get(qn_config_find(p->config, "image"), key);
}

/* ---- Told from the graph ---- */

/* Layout and channels of an input that may be a picture; 0 if it cannot be one. */
static int look_at_input(const qn_graph *graph, const qn_value *input, const char **out_layout, int64_t *out_channels) {
    int64_t last = 0, second = 0;
    if (input->type.rank != 4) return 0;
    qn_dim_is_const(graph->dims, input->type.dims[3], &last);
    qn_dim_is_const(graph->dims, input->type.dims[1], &second);
    int last_fits = last == 1 || last == 3, second_fits = second == 1 || second == 3;
    qn_layout layout = qn_layout_of_input(graph, input);
    int is_nchw = layout == QN_LAYOUT_NCHW || (layout == QN_LAYOUT_UNKNOWN && !last_fits);
    *out_layout = is_nchw ? "NCHW" : "NHWC";
    *out_channels = is_nchw ? second : last;
    return is_nchw ? second_fits : last_fits;
}

static int may_hold_labels(const qn_value *output) {
    return output->type.rank == 3 && (qn_dtype_is_integer(output->type.dtype) || output->type.dtype == QN_DTYPE_F32);
}

/* The argmax from which labels come, through operators that only move or convert them; NULL if there is none. */
static const qn_node *find_argmax(const qn_value *value) {
    for (int depth = 0; depth < UPSTREAM_DEPTH_MAX && value && value->producer; depth++) {
        const qn_node *node = value->producer;
        if (node->op == &qn_op_argmax) return node;
        int moves = node->op->flags & (QN_OP_MOVES | QN_OP_VIEW) || node->op == &qn_op_cast ||
                    node->op == &qn_op_identity || node->op == &qn_op_resize_nearest;
        if (!moves) return NULL;
        value = node->inputs[0];
    }
    return NULL;
}

static int64_t dim_or_zero(const qn_graph *graph, const qn_value *value, int64_t axis) {
    int64_t size = 0;
    qn_dim_is_const(graph->dims, value->type.dims[axis], &size);
    return size;
}

/* The first pair of a picture and labels in sight. */
static void find_pair(pictures *p) {
    const qn_graph *graph = p->graph;
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (size_t o = 0; o < graph->outputs.count; o++) {
            const qn_value *input = graph->inputs.items[i], *output = graph->outputs.items[o];
            if (input->type.dtype != QN_DTYPE_U8 || !look_at_input(graph, input, &p->layout, &p->channels)) continue;
            if (!may_hold_labels(output) || !find_argmax(output)) continue;
            p->input = input;
            p->output = output;
            return;
        }
}

/* ---- Input ---- */

static qn_status *wrong(const char *key, const qn_value *value, const char *expected) {
    return QN_ERR(QN_INVALID_ARGUMENT, "image.%s: '%s' is %s of rank %d, expected %s", key, value->name,
                  qn_dtype_name(value->type.dtype), value->type.rank, expected);
}

/* The value of that name among `values`. */
static qn_status *find_named(const char *key, const char *name, qn_value *const *values, size_t count,
                             const qn_value **out) {
    const char *names[NAMES_MAX] = {0};
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        *out = values[i];
        if (!strcmp(values[i]->name, name)) return NULL;
        if (known < NAMES_MAX) names[known++] = values[i]->name;
    }
    const char *nearest = qn_text_nearest(name, names, known);
    if (!nearest && known == 1) nearest = names[0];
    return QN_ERR(QN_INVALID_ARGUMENT, "image.%s: the network has no %s '%s'%s%s", key, key, name,
                  nearest ? "; there is " : "", nearest ? nearest : "");
}

static qn_status *choose_input(pictures *p) {
    const qn_graph *graph = p->graph;
    const char *name = json_string_value(given(p, "input"));
    if (name) {
        QN_TRY(find_named("input", name, graph->inputs.items, graph->inputs.count, &p->input));
    } else if (!p->input) {
        size_t found = 0;
        const char *layout;
        int64_t channels;
        for (size_t i = 0; i < graph->inputs.count; i++)
            if (look_at_input(graph, graph->inputs.items[i], &layout, &channels)) {
                p->input = graph->inputs.items[i];
                found++;
            }
        if (found != 1)
            return QN_ERR(QN_INVALID_ARGUMENT, "image: %zu inputs could take pictures: name one with image.input",
                          found);
    }
    if (!look_at_input(graph, p->input, &p->layout, &p->channels))
        return wrong("input", p->input, "a picture [N, H, W, C] or [N, C, H, W] with 3 or 1 channels");
    if (p->input->type.dtype == QN_DTYPE_U8 || p->input->type.dtype == QN_DTYPE_F32) return NULL;
    return wrong("input", p->input, "u8 or f32");
}

static qn_status *check_color(pictures *p) {
    const char *color = json_string_value(given(p, "color"));
    int64_t channels = color && !strcmp(color, "GRAY") ? 1 : 3;
    p->color = color ? color : p->channels == 3 ? "RGB" : "GRAY";
    if (!color || channels == p->channels) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "image.color: %s does not fit input '%s', which has %s", color, p->input->name,
                  p->channels == 3 ? "3 channels: RGB or BGR" : "one channel: GRAY");
}

static qn_status *check_counts(const pictures *p) {
    static const char *const keys[] = {"mean", "std", "pad_value"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t count = json_array_size(given(p, keys[i]));
        if (count > 1 && (int64_t)count != p->channels)
            return QN_ERR(QN_INVALID_ARGUMENT, "image.%s: %zu numbers for input '%s', whose channels are %lld", keys[i],
                          count, p->input->name, (long long)p->channels);
    }
    if (p->input->type.dtype != QN_DTYPE_U8) return NULL;
    const char *key = given(p, "mean") ? "mean" : given(p, "std") ? "std" : given(p, "scale") ? "scale" : NULL;
    if (!key) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "image.%s: input '%s' takes pixels as they are (u8): only a float input can be given normalised ones",
                  key, p->input->name);
}

/* ---- Output ---- */

static qn_status *choose_output(pictures *p) {
    const qn_graph *graph = p->graph;
    const char *name = json_string_value(given(p, "output"));
    if (name) return find_named("output", name, graph->outputs.items, graph->outputs.count, &p->output);
    if (p->output) return NULL;
    if (graph->outputs.count != 1)
        return QN_ERR(QN_INVALID_ARGUMENT, "image: the network has %zu outputs: name one with image.output",
                      graph->outputs.count);
    p->output = graph->outputs.items[0];
    return NULL;
}

/* A classifier: one class for the whole picture. */
static qn_status *check_scores(pictures *p) {
    if (p->output->type.rank != 2 || p->output->type.dtype != QN_DTYPE_F32)
        return wrong("output", p->output, "f32 scores of classes [N, C] (or decode: labels or logits)");
    p->class_count = dim_or_zero(p->graph, p->output, 1);
    return NULL;
}

static qn_status *check_decode(pictures *p) {
    const json_t *decode = given(p, "decode"), *axis = json_object_get(decode, "logits");
    const char *word = axis ? "logits" : json_string_value(decode);
    const char *usual = p->output->type.rank == 4 ? "logits" : p->output->type.rank == 2 ? "scores" : "labels";
    p->decode = word ? word : usual;
    p->axis = -1;
    if (!strcmp(p->decode, "scores")) return check_scores(p);
    if (!strcmp(p->decode, "labels")) {
        const qn_node *argmax = find_argmax(p->output);
        if (!may_hold_labels(p->output))
            return wrong("output", p->output, "labels [N, H, W] in integers or f32 (or decode: logits or scores)");
        if (argmax)
            p->class_count =
                dim_or_zero(p->graph, argmax->inputs[0], ((const qn_argreduce_attrs *)argmax->attrs)->axis);
        return NULL;
    }
    if (p->output->type.rank != 4 || p->output->type.dtype != QN_DTYPE_F32)
        return wrong("output", p->output,
                     "f32 scores of rank 4 with the classes along axis 1 or 3 (or decode: labels)");
    p->axis = axis ? json_integer_value(axis) : qn_layout_of_output(p->graph, p->output) == QN_LAYOUT_NCHW ? 1 : 3;
    p->class_count = dim_or_zero(p->graph, p->output, p->axis);
    return NULL;
}

/* How many classes a built-in list names. */
static int64_t count_known(const char *name) { return !strcmp(name, "voc") ? 21 : !strcmp(name, "ade20k") ? 151 : 19; }

static qn_status *check_classes(pictures *p) {
    const json_t *classes = given(p, "classes"), *palette = given(p, "palette");
    int64_t count =
        json_is_string(classes) ? count_known(json_string_value(classes)) : (int64_t)json_array_size(classes);
    if (classes && p->class_count && count != p->class_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "image.classes: the names are %lld, the classes of output '%s' are %lld",
                      (long long)count, p->output->name, (long long)p->class_count);
    if (classes) p->class_count = count;
    int64_t colors = (int64_t)json_array_size(palette);
    if (!colors || colors >= p->class_count) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "image.palette: the colours are %lld, the classes %lld", (long long)colors,
                  (long long)p->class_count);
}

/* ---- Writing ---- */

/* Names of values are bytes of the source; what is no UTF-8 cannot be said in JSON. */
static json_t *text_of(const char *text) {
    json_t *value = json_string(text);
    return value ? value : json_string("?");
}

/* A number or list as a list. */
static json_t *list_of(const json_t *value, double fallback) {
    if (json_is_array(value)) return json_deep_copy(value);
    json_t *list = json_array();
    json_array_append_new(list, value ? json_deep_copy(value) : json_real(fallback));
    return list;
}

static void copy_key(const pictures *p, const char *key, json_t *block) {
    if (given(p, key)) json_object_set_new(block, key, json_deep_copy(given(p, key)));
}

static qn_status *write_block(const pictures *p, json_t **out_block) {
    const char *fit = json_string_value(given(p, "fit"));
    json_t *block =
        json_pack("{s:o,s:s,s:s,s:o,s:s,s:s}", "input", text_of(p->input->name), "layout", p->layout, "color", p->color,
                  "output", text_of(p->output->name), "decode", p->decode, "fit", fit ? fit : "shrink");
    if (!block) return qn_status_out_of_memory();
    if (p->axis >= 0) json_object_set_new(block, "axis", json_integer(p->axis));
    if (p->class_count) json_object_set_new(block, "class_count", json_integer(p->class_count));
    if (p->input->type.dtype != QN_DTYPE_U8) {
        json_object_set_new(block, "mean", list_of(given(p, "mean"), 0));
        json_object_set_new(block, "std", list_of(given(p, "std"), 1));
        json_object_set_new(block, "scale", given(p, "scale") ? json_deep_copy(given(p, "scale")) : json_real(1));
    }
    copy_key(p, "classes", block);
    copy_key(p, "palette", block);
    if (given(p, "pad_value")) json_object_set_new(block, "pad_value", list_of(given(p, "pad_value"), 0));
    *out_block = block;
    return NULL;
}

qn_status *qn_image_block_make(const qn_graph *graph, const qn_config *config, json_t **out_block) {
    pictures p = {.graph = graph, .config = config, .axis = -1};
    *out_block = NULL;
    find_pair(&p);
    if (!p.input && !qn_config_find(config, "image")) return NULL;
    QN_TRY(choose_input(&p));
    QN_TRY(check_color(&p));
    QN_TRY(check_counts(&p));
    QN_TRY(choose_output(&p));
    QN_TRY(check_decode(&p));
    QN_TRY(check_classes(&p));
    return write_block(&p, out_block);
}
