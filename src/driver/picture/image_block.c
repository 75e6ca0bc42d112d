#include "driver/picture/image_block.h"

#include "base/text.h"
#include "driver/picture/answer.h"
#include "driver/picture/layout.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 256 };

/* A picture input and what comes out, as far as known: labels, scores of every pixel, or of the whole picture. */
typedef struct pictures {
    const qn_graph *graph;
    const qn_config *config;
    const qn_value *input, *output;
    const char *layout; /* of the input: "NHWC", "NCHW", or without the batch "HWC", "CHW" */
    int64_t channels;   /* 3 or 1 */
    const char *color;
    qn_answer answer;
    const char *threshold_reason; /* foreground: why it is parted there; in `text` or a constant */
    char text[80];
} pictures;

static const json_t *given(const pictures *p, const char *key) {
    return json_object_get(qn_config_find(p->config, "image"), key);
}

/* ---- Told from the graph ---- */

/* Layout and channels of an input that may be a picture; 0 if it cannot be one. */
static int look_at_input(const qn_graph *graph, const qn_value *input, const char **out_layout, int64_t *out_channels) {
    int64_t last = 0, first = 0;
    const int rank = input->type.rank, has_batch = rank == 4;
    if (rank != 3 && rank != 4) return 0;
    qn_dim_is_const(graph->dims, input->type.dims[rank - 1], &last);
    qn_dim_is_const(graph->dims, input->type.dims[has_batch], &first);
    int last_fits = last == 1 || last == 3, first_fits = first == 1 || first == 3;
    qn_layout layout = qn_layout_of_input(graph, input);
    int is_planar = layout == QN_LAYOUT_NCHW || (layout == QN_LAYOUT_UNKNOWN && !last_fits);
    *out_layout = (is_planar ? "NCHW" : "NHWC") + !has_batch;
    *out_channels = is_planar ? first : last;
    return is_planar ? first_fits : last_fits;
}

/* Does the output tell classes of pixels by itself? A lone output of several scores for every pixel does too. */
static int tells_classes(const qn_graph *graph, const qn_value *input, const qn_value *output) {
    if (qn_answer_is_label_map(graph, input, output)) return 1;
    if (graph->outputs.count != 1 || !qn_dtype_is_float(output->type.dtype)) return 0;
    const qn_answer answer = qn_answer_of(graph, input, output);
    if (answer.kind == QN_ANSWER_FOREGROUND) return answer.is_bounded;
    return answer.kind == QN_ANSWER_LOGITS && answer.class_count >= 2 && answer.class_count <= 256;
}

/* The first pair of a picture and classes in sight: bytes, since floats may be anything. */
static void find_pair(pictures *p) {
    const qn_graph *graph = p->graph;
    for (size_t i = 0; i < graph->inputs.count; i++)
        for (size_t o = 0; o < graph->outputs.count; o++) {
            const qn_value *input = graph->inputs.items[i], *output = graph->outputs.items[o];
            if (input->type.dtype != QN_DTYPE_U8 || !look_at_input(graph, input, &p->layout, &p->channels)) continue;
            if (!tells_classes(graph, input, output)) continue;
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
        return wrong("input", p->input,
                     "a picture [N, H, W, C], [N, C, H, W], [H, W, C] or [C, H, W] with 3 or 1 channels");
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

/* The axis that {"logits": axis} gives, or the one that the graph shows. */
static qn_status *choose_axis(pictures *p, const json_t *axis) {
    const int rank = p->output->type.rank;
    int64_t size = 0;
    if (!axis) return NULL;
    p->answer.axis = (int)json_integer_value(axis);
    if (p->answer.axis >= rank || (rank == 4 ? !(p->answer.axis & 1) : p->answer.axis & 1))
        return QN_ERR(QN_INVALID_ARGUMENT,
                      "image.decode: output '%s' of rank %d cannot have its classes along axis %d, expected %s",
                      p->output->name, rank, p->answer.axis, rank == 4 ? "1 or 3" : "0 or 2");
    qn_dim_is_const(p->graph->dims, p->output->type.dims[p->answer.axis], &size);
    if (size == 1) return NULL;
    p->answer.kind = QN_ANSWER_LOGITS;
    p->answer.class_count = size;
    return NULL;
}

/* Scores of one class are two classes, however they are called. */
static qn_status *check_logits(pictures *p, const json_t *axis) {
    const int rank = p->output->type.rank;
    if ((rank != 3 && rank != 4) || !qn_dtype_is_float(p->output->type.dtype) || p->answer.kind == QN_ANSWER_LABELS)
        return wrong("output", p->output,
                     "f32 scores of rank 4 with the classes along axis 1 or 3 (or decode: labels)");
    return choose_axis(p, axis);
}

static qn_status *check_labels(pictures *p) {
    const int rank = p->output->type.rank;
    const qn_answer_kind kind = p->answer.kind;
    if (rank < 2 || rank > 4 || kind == QN_ANSWER_LOGITS || kind == QN_ANSWER_SCORES)
        return wrong("output", p->output, "labels [N, H, W] in integers or f32 (or decode: logits or scores)");
    if (kind != QN_ANSWER_LABELS) p->answer.class_count = 0;
    p->answer.kind = QN_ANSWER_LABELS;
    return NULL;
}

static qn_status *check_foreground(pictures *p, const json_t *threshold) {
    const int rank = p->output->type.rank;
    if (rank < 2 || rank > 4 || p->answer.kind == QN_ANSWER_LOGITS || p->answer.kind == QN_ANSWER_SCORES)
        return wrong("output", p->output, "one score for each pixel (or decode: logits, labels or scores)");
    p->answer.kind = QN_ANSWER_FOREGROUND;
    p->answer.class_count = 2;
    if (!threshold) return NULL;
    p->answer.threshold = json_number_value(threshold);
    p->threshold_reason = "the configuration says so";
    return NULL;
}

/* A classifier: one class for the whole picture. */
static qn_status *check_scores(const pictures *p) {
    if (p->answer.kind == QN_ANSWER_SCORES) return NULL;
    return wrong("output", p->output, "f32 scores of classes [N, C] (or decode: labels, logits or foreground)");
}

static void explain_threshold(pictures *p) {
    if (p->answer.kind != QN_ANSWER_FOREGROUND || p->threshold_reason) return;
    p->threshold_reason = "scores without bounds are parted at 0";
    if (!p->answer.is_bounded) return;
    snprintf(p->text, sizeof p->text, "the network ends in numbers from %g to %g", p->answer.low, p->answer.high);
    p->threshold_reason = p->text;
}

static qn_status *check_decode(pictures *p) {
    const json_t *decode = given(p, "decode"), *axis = json_object_get(decode, "logits");
    const json_t *threshold = json_object_get(decode, "foreground");
    const char *word = axis ? "logits" : threshold ? "foreground" : json_string_value(decode);
    p->answer = qn_answer_of(p->graph, p->input, p->output);
    qn_status *status = NULL;
    if (word && !strcmp(word, "labels")) status = check_labels(p);
    if (word && !strcmp(word, "logits")) status = check_logits(p, axis);
    if (word && !strcmp(word, "foreground")) status = check_foreground(p, threshold);
    if (word && !strcmp(word, "scores")) status = check_scores(p);
    const int rank = p->output->type.rank, is_number = p->output->type.dtype != QN_DTYPE_STRING;
    if (!status && (rank < 2 || rank > 4 || !is_number))
        status = wrong("output", p->output, "labels or scores of every pixel, or scores of classes [N, C]");
    if (!status) explain_threshold(p);
    return status;
}

/* How many classes a built-in list names. */
static int64_t count_known(const char *name) { return !strcmp(name, "voc") ? 21 : !strcmp(name, "ade20k") ? 151 : 19; }

static qn_status *check_classes(pictures *p) {
    const json_t *classes = given(p, "classes"), *palette = given(p, "palette");
    int64_t count =
        json_is_string(classes) ? count_known(json_string_value(classes)) : (int64_t)json_array_size(classes);
    if (classes && p->answer.class_count && count != p->answer.class_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "image.classes: the names are %lld, the classes of output '%s' are %lld",
                      (long long)count, p->output->name, (long long)p->answer.class_count);
    if (classes) p->answer.class_count = count;
    int64_t colors = (int64_t)json_array_size(palette);
    if (!colors || colors >= p->answer.class_count) return NULL;
    return QN_ERR(QN_INVALID_ARGUMENT, "image.palette: the colours are %lld, the classes %lld", (long long)colors,
                  (long long)p->answer.class_count);
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

static const char *const decode_names[] = {[QN_ANSWER_LABELS] = "labels",
                                           [QN_ANSWER_LOGITS] = "logits",
                                           [QN_ANSWER_FOREGROUND] = "foreground",
                                           [QN_ANSWER_SCORES] = "scores"};

static qn_status *write_block(const pictures *p, json_t **out_block) {
    const char *fit = json_string_value(given(p, "fit"));
    json_t *block = json_pack("{s:o,s:s,s:s,s:o,s:s,s:s}", "input", text_of(p->input->name), "layout", p->layout,
                              "color", p->color, "output", text_of(p->output->name), "decode",
                              decode_names[p->answer.kind], "fit", fit ? fit : "shrink");
    if (!block) return qn_status_out_of_memory();
    if (p->answer.axis >= 0) json_object_set_new(block, "axis", json_integer(p->answer.axis));
    if (p->answer.kind == QN_ANSWER_FOREGROUND) {
        json_object_set_new(block, "threshold", json_real(p->answer.threshold));
        json_object_set_new(block, "threshold_reason", json_string(p->threshold_reason));
    }
    if (p->answer.class_count) json_object_set_new(block, "class_count", json_integer(p->answer.class_count));
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

/* What there is to know; `input` stays NULL where nothing is configured and the graph shows no pictures. */
static qn_status *look(pictures *p) {
    find_pair(p);
    if (!p->input && !qn_config_find(p->config, "image")) return NULL;
    QN_TRY(choose_input(p));
    QN_TRY(check_color(p));
    QN_TRY(check_counts(p));
    QN_TRY(choose_output(p));
    QN_TRY(check_decode(p));
    return check_classes(p);
}

qn_status *qn_image_block_make(const qn_graph *graph, const qn_config *config, json_t **out_block) {
    pictures p = {.graph = graph, .config = config};
    *out_block = NULL;
    QN_TRY(look(&p));
    return p.input ? write_block(&p, out_block) : NULL;
}

int qn_image_block_find_answer(const qn_graph *graph, const qn_config *config, const qn_value *output,
                               qn_answer *out_answer) {
    pictures p = {.graph = graph, .config = config};
    qn_status *status = look(&p);
    const int is_found = !status && p.input && p.output == output, rank = output->type.rank;
    int64_t last = 0;
    qn_status_free(status); /* it was said when the block was made */
    if (is_found) *out_answer = p.answer;
    if (is_found || !graph->inputs.count || !rank) return is_found;
    /* Probabilities of one class, whatever they are about. */
    if (!qn_dim_is_const(graph->dims, output->type.dims[rank - 1], &last) || last != 1) return 0;
    *out_answer = qn_answer_of(graph, graph->inputs.items[0], output);
    if (out_answer->kind != QN_ANSWER_FOREGROUND) qn_answer_part(output, out_answer);
    return out_answer->is_bounded;
}
