#include "score/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static compared_value *find(comparison *c, const char *name) {
    for (size_t i = 0; i < c->count; i++)
        if (!strcmp(c->items[i].name, name)) return &c->items[i];
    return NULL;
}

/* The value of that name, new if need be; NULL when memory is short. */
static compared_value *find_or_add(comparison *c, const char *name) {
    compared_value *found = find(c, name);
    if (found) return found;
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 64;
        compared_value *items = realloc(c->items, capacity * sizeof *items);
        if (!items) return NULL;
        c->items = items;
        c->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy) return NULL;
    c->items[c->count] = (compared_value){.name = copy};
    return &c->items[c->count++];
}

qn_status *comparison_init(comparison *c, const qn_model *a, const qn_model *b) {
    const qn_value_info *x, *y;
    *c = (comparison){.models = {a, b}};
    for (size_t i = 0; (x = qn_model_output(a, i)); i++)
        for (size_t k = 0; (y = qn_model_output(b, k)); k++) {
            if (strcmp(x->name, y->name)) continue;
            compared_value *value = find_or_add(c, x->name);
            if (!value) return cli_out_of_memory();
            value->is_output = 1;
        }
    return NULL;
}

void comparison_end_run(comparison *c) {
    for (size_t i = 0; i < c->count; i++) qn_tensor_deinit(&c->items[i].kept, NULL);
}

void comparison_deinit(comparison *c) {
    comparison_end_run(c);
    for (size_t i = 0; i < c->count; i++) free(c->items[i].name);
    free(c->items);
    *c = (comparison){0};
}

/* ---- Watching ---- */

static int is_float(qn_dtype dtype) {
    return dtype == QN_DTYPE_F32 || dtype == QN_DTYPE_F64 || dtype == QN_DTYPE_F16 || dtype == QN_DTYPE_BF16;
}

/* Whoever ends a run says so, since the status only tells that it was ended. */
static int give_up(comparison *c) { return c->failed = 1; }

/* The value of that name and what it stands for. */
static const qn_value_info *find_info(const qn_model *model, const char *name) {
    const qn_value_info *info;
    for (size_t i = 0; (info = qn_model_value(model, i)); i++)
        if (!strcmp(info->name, name)) break;
    return info;
}

/* The name that a value is compared by. Integers take that of the float they stand for, unless the model has that
   float too, or stands for it in other integers before. */
static const char *key_of(const qn_model *model, const qn_value_info *value) {
    const qn_value_info *other;
    if (!value->encoding) return value->name;
    int is_before = 1;
    for (size_t i = 0; (other = qn_model_value(model, i)); i++) {
        if (other == value) is_before = 0;
        if (!strcmp(other->name, value->encoding->of)) return value->name;
        if (is_before && other->encoding && !strcmp(other->encoding->of, value->encoding->of)) return value->name;
    }
    return value->encoding->of;
}

/* A copy as floats, where the elements stand for some. */
static int copy(const qn_tensor *tensor, const qn_encoding_info *encoding, qn_tensor *out) {
    qn_status *status = encoding ? cli_tensor_decode(tensor, encoding, out)
                                 : qn_tensor_init(tensor->dtype, tensor->rank, tensor->dims, NULL, out);
    if (!status && !encoding) memcpy(out->data, tensor->data, qn_tensor_bytes(tensor));
    int is_done = !status;
    qn_status_free(status);
    return is_done;
}

int comparison_observe_a(void *self, const char *name, const qn_tensor *tensor) {
    comparison *c = self;
    const qn_value_info *info = find_info(c->models[0], name);
    compared_value *value = find_or_add(c, key_of(c->models[0], info));
    if (!value) return give_up(c);
    value->dtype_a = tensor->dtype;
    value->is_float_a = is_float(tensor->dtype) || info->encoding;
    if (!value->is_float_a && !value->is_output) return 0;
    qn_tensor_deinit(&value->kept, NULL);
    return copy(tensor, info->encoding, &value->kept) ? 0 : give_up(c);
}

static int have_same_shape(const qn_tensor *a, const qn_tensor *b) {
    return a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims);
}

static void add_floats(compared_value *value, const qn_tensor *a, const qn_tensor *b, size_t elems) {
    for (size_t i = 0; i < elems; i++) {
        double x = cli_tensor_get(a, i), y = cli_tensor_get(b, i), error = fabs(x - y);
        if (x == y || (isnan(x) && isnan(y))) error = 0; /* equal infinities too */
        if (isnan(error)) error = INFINITY;
        if (error > value->max_abs) value->max_abs = error;
        value->square_error += error * error;
        if (!isfinite(x) || !isfinite(y)) continue;
        value->dot += x * y;
        value->square_a += x * x;
        value->square_b += y * y;
    }
}

static void add_labels(compared_value *value, const qn_tensor *a, const qn_tensor *b, size_t elems) {
    for (size_t i = 0; i < elems; i++) value->equal += cli_tensor_get(a, i) == cli_tensor_get(b, i);
}

int comparison_observe_b(void *self, const char *name, const qn_tensor *tensor) {
    comparison *c = self;
    qn_tensor floats = {0};
    const qn_value_info *info = find_info(c->models[1], name);
    compared_value *value = find_or_add(c, key_of(c->models[1], info));
    if (!value) return give_up(c);
    value->dtype_b = tensor->dtype;
    value->is_float_b = is_float(tensor->dtype) || info->encoding;
    if (!value->kept.data || is_float(value->kept.dtype) != value->is_float_b) return 0;
    if (!have_same_shape(&value->kept, tensor)) {
        value->has_other_shape = 1;
        return 0;
    }
    if (info->encoding && !copy(tensor, info->encoding, &floats)) return give_up(c);
    const size_t elems = cli_tensor_elems(tensor);
    value->elems += (int64_t)elems;
    value->is_labels = !value->is_float_b;
    (value->is_labels ? add_labels : add_floats)(value, &value->kept, info->encoding ? &floats : tensor, elems);
    qn_tensor_deinit(&floats, NULL);
    return 0;
}

/* ---- Measures ---- */

int compared_value_is_pair(const compared_value *v) { return v->is_float_a && v->is_float_b && !v->has_other_shape; }

int compared_value_was_integer(const compared_value *v) {
    return (v->is_float_a && !is_float(v->dtype_a)) || (v->is_float_b && !is_float(v->dtype_b));
}

double compared_value_sqnr_db(const compared_value *v) {
    if (v->square_error == 0) return INFINITY;
    return v->square_a == 0 ? -INFINITY : 10 * log10(v->square_a / v->square_error);
}

double compared_value_cosine(const compared_value *v) {
    if (v->square_a == 0 && v->square_b == 0) return 1;
    return v->square_a == 0 || v->square_b == 0 ? NAN : v->dot / sqrt(v->square_a) / sqrt(v->square_b);
}

static int rank_of(const compared_value *v) { return compared_value_is_pair(v) ? 0 : v->is_labels ? 1 : 2; }

/* Names settle ties, so that two runs print the same. */
static int compare(const void *a, const void *b) {
    const compared_value *x = a, *y = b;
    int rank = rank_of(x) - rank_of(y);
    if (rank) return rank;
    double p = compared_value_sqnr_db(x), q = compared_value_sqnr_db(y);
    if (p != q && !rank_of(x)) return p < q ? -1 : 1;
    return strcmp(x->name, y->name);
}

void comparison_sort(comparison *c) {
    if (c->count) qsort(c->items, c->count, sizeof *c->items, compare);
}
