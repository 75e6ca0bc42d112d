/* What operators say of themselves on their cards (op/card.h), held against what they compute, on random legal cases. */
#include "drawn_case.h"

#include "op/grid.h"
#include "op/layer.h"
#include "op/requantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_PER_OP = 100 };

typedef void (*check_fn)(drawn_case *drawn);

static void run(drawn_case *drawn) {
    expect_drawn_ok(drawn, operator_case_infer(drawn->c), "infer");
    expect_drawn_ok(drawn, operator_case_eval(drawn->c), "eval");
}

/* Draws cases of every operator, runs them, and checks. */
static void for_every_operator(check_fn check) {
    for (size_t row = 0; row < qn_op_count(); row++) {
        const qn_op_def *op = qn_op_at(row);
        for (int k = 0; op->sample && op->outputs && k < CASES_PER_OP; k++) {
            drawn_case drawn;
            draw_case(&drawn, op, qn_hash_bytes(op->name, strlen(op->name), drawn_seed() + (uint64_t)k));
            run(&drawn);
            check(&drawn);
            drop_case(&drawn);
        }
    }
}

static int data_inputs(const drawn_case *drawn) { return qn_op_data_inputs(drawn->c->op, drawn->c->input_count); }

/* ---- Values ---- */

static int is_element_of(const qn_view *view, const void *element, size_t bytes) {
    if (view->dtype == QN_DTYPE_NONE || qn_dtype_size(view->dtype) != bytes) return 0;
    for (int64_t i = 0; i < qn_view_elems(view); i++)
        if (!memcmp((const char *)view->data + (size_t)i * bytes, element, bytes)) return 1;
    return 0;
}

/* Is element `i` of the result found among inputs [first, end)? */
static int is_from(const drawn_case *drawn, int64_t i, int first, int end) {
    const size_t bytes = qn_dtype_size(drawn->c->out.dtype);
    for (int k = first; k < end; k++)
        if (is_element_of(&drawn->c->inputs[k], (const char *)drawn->c->out.data + (size_t)i * bytes, bytes)) return 1;
    return 0;
}

static void check_same(drawn_case *drawn) {
    const qn_view *x = &drawn->c->inputs[0], *y = &drawn->c->out;
    CHECK(drawn, qn_view_bytes(x) == qn_view_bytes(y) && !memcmp(x->data, y->data, qn_view_bytes(x)),
          "the bytes are not those of input 0");
}

static void check_moved(drawn_case *drawn) {
    for (int64_t i = 0; i < qn_view_elems(&drawn->c->out); i++)
        CHECK(drawn, is_from(drawn, i, 0, data_inputs(drawn)), "element %lld is in no input of data", (long long)i);
}

static void check_picked(drawn_case *drawn) {
    for (int64_t i = 0; i < qn_view_elems(&drawn->c->out); i++)
        CHECK(drawn,
              is_from(drawn, i, 0, 1) || is_from(drawn, i, data_inputs(drawn), drawn->c->input_count) ||
                  qn_view_get(&drawn->c->out, i) == 0,
              "element %lld is neither in input 0 nor constant", (long long)i);
}

static void check_averaged(drawn_case *drawn) {
    const qn_view *x = &drawn->c->inputs[0], *y = &drawn->c->out;
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < qn_view_elems(x); i++) {
        low = fmin(low, qn_view_get(x, i));
        high = fmax(high, qn_view_get(x, i));
    }
    const double slack =
        qn_dtype_is_float(y->dtype) && y->dtype != QN_DTYPE_F32 && y->dtype != QN_DTYPE_F64 ? 0.02 : 1e-5;
    for (int64_t i = 0; i < qn_view_elems(y); i++) {
        const double value = qn_view_get(y, i);
        if (isfinite(value))
            CHECK(drawn, value >= low - slack && value <= high + slack, "%g is not in [%g, %g]", value, low, high);
    }
}

/* Equal elements of input 0 give equal elements of the result. */
static void check_table(drawn_case *drawn) {
    qn_view *x = &drawn->c->inputs[0], *y = &drawn->c->out;
    const size_t in = qn_dtype_size(x->dtype), out = qn_dtype_size(y->dtype);
    for (int64_t i = 0; i < qn_view_elems(x); i++) /* random floats are seldom equal by themselves */
        memcpy((char *)x->data + (size_t)i * in, (char *)x->data + (size_t)(i / 3) * in, in);
    expect_drawn_ok(drawn, operator_case_eval(drawn->c), "eval");
    CHECK(drawn, qn_view_elems(x) == qn_view_elems(y), "the result has another number of elements");
    for (int64_t i = 1; i < qn_view_elems(x); i++)
        if (!memcmp((char *)x->data + (size_t)i * in, (char *)x->data + (size_t)(i - 1) * in, in))
            CHECK(drawn, !memcmp((char *)y->data + (size_t)i * out, (char *)y->data + (size_t)(i - 1) * out, out),
                  "elements %lld and %lld are equal, and their results are not", (long long)i - 1, (long long)i);
}

/* Element by element; scales may be those of a channel each, and which grid that makes the operator's own tests say. */
static void check_rounded(drawn_case *drawn) {
    const qn_view *x = &drawn->c->inputs[0], *y = &drawn->c->out;
    CHECK(drawn, x->rank == y->rank && !memcmp(x->dims, y->dims, (size_t)x->rank * sizeof *x->dims),
          "the result has other dims than input 0");
    if (!y->rank || !y->dims[y->rank - 1]) check_table(drawn);
}

static void check_truth(drawn_case *drawn) {
    CHECK(drawn, drawn->c->out.dtype == QN_DTYPE_BOOL, "the result is not bool");
    for (int64_t i = 0; i < qn_view_elems(&drawn->c->out); i++)
        CHECK(drawn, ((const uint8_t *)drawn->c->out.data)[i] <= 1, "a bool is neither 0 nor 1");
}

static void check_labels(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    const int64_t axis = qn_op_label_axis(c->op, c->attrs);
    const int64_t dtype = *(const int64_t *)(const void *)((const char *)c->attrs + c->op->dtype_offset);
    CHECK(drawn, axis >= 0 && axis < c->inputs[0].rank, "%lld is no axis of input 0", (long long)axis);
    CHECK(drawn, (int64_t)c->out.dtype == dtype, "the labels have another type than the attribute names");
    const int64_t most = c->inputs[0].dims[axis];
    for (int64_t i = 0; i < qn_view_elems(&drawn->c->out); i++) {
        const double label = qn_view_get(&drawn->c->out, i);
        CHECK(drawn, label >= 0 && label < (double)most, "%g is no index along an axis", label);
    }
}

/* Another element changes nothing. */
static void check_told_by_shape(drawn_case *drawn) {
    qn_view *x = &drawn->c->inputs[0];
    const size_t bytes = qn_view_bytes(&drawn->c->out);
    void *kept = malloc(bytes + 1);
    assert_non_null(kept);
    memcpy(kept, drawn->c->out.data, bytes);
    memset(x->data, 0, qn_view_bytes(x));
    expect_drawn_ok(drawn, operator_case_eval(drawn->c), "eval");
    CHECK(drawn, !memcmp(kept, drawn->c->out.data, bytes), "the result depends on elements");
    free(kept);
}

static void check_values(drawn_case *drawn) {
    static const check_fn checks[] = {[QN_VALUES_SAME] = check_same,
                                      [QN_VALUES_MOVED] = check_moved,
                                      [QN_VALUES_PICKED] = check_picked,
                                      [QN_VALUES_AVERAGED] = check_averaged,
                                      [QN_VALUES_ROUNDED] = check_rounded,
                                      [QN_VALUES_TABLE] = check_table,
                                      [QN_VALUES_LABELS] = check_labels,
                                      [QN_VALUES_TRUTH] = check_truth,
                                      [QN_VALUES_SHAPE] = check_told_by_shape,
                                      [QN_VALUES_CODED] = check_rounded,
                                      [QN_VALUES_LAYER] = NULL};
    const check_fn check = checks[drawn->c->op->values];
    if (check) check(drawn);
}

static void results_are_what_the_card_says_of_their_elements(void **state) {
    (void)state;
    for_every_operator(check_values);
}

static void check_cast(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    if (!qn_op_casts(c->op)) return;
    const int64_t dtype = *(const int64_t *)(const void *)((const char *)c->attrs + c->op->dtype_offset);
    CHECK(drawn, (int64_t)c->out.dtype == dtype, "the result has another type than the attribute names");
}

static void casts_give_the_type_that_they_name(void **state) {
    (void)state;
    assert_true(qn_op_casts(&qn_op_cast));
    assert_false(qn_op_casts(&qn_op_round) || qn_op_casts(&qn_op_quantize_linear));
    for_every_operator(check_cast);
}

/* ---- Extents ---- */

static void check_padded(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    const qn_view *x = &c->inputs[0], *y = &c->out;
    const int filler = qn_op_filler(c->op, c->attrs);
    const int fills = filler && filler < c->input_count && c->inputs[filler].dtype != QN_DTYPE_NONE;
    for (int i = 0; i < x->rank; i++) CHECK(drawn, y->dims[i] >= x->dims[i], "dim %d is smaller than that of x", i);
    for (int64_t i = 0; i < qn_view_elems(y); i++)
        CHECK(drawn,
              is_from(drawn, i, 0, 1) ||
                  (filler && (fills ? is_from(drawn, i, filler, filler + 1) : qn_view_get(y, i) == 0)),
              "element %lld is neither in input 0 nor the filler", (long long)i);
}

static void check_cropped(drawn_case *drawn) {
    CHECK(drawn, qn_view_elems(&drawn->c->out) <= qn_view_elems(&drawn->c->inputs[0]), "there are more elements");
}

static void check_scaled(drawn_case *drawn) {
    const qn_view *x = &drawn->c->inputs[0], *y = &drawn->c->out;
    CHECK(drawn, y->rank == 4 && y->dims[0] == x->dims[0] && y->dims[3] == x->dims[3],
          "more than height and width differ");
}

static void check_repeated(drawn_case *drawn) {
    const qn_view *x = &drawn->c->inputs[0], *y = &drawn->c->out;
    for (int i = 0; i < x->rank; i++)
        CHECK(drawn, x->dims[i] ? y->dims[i] % x->dims[i] == 0 : !y->dims[i], "dim %d is no multiple of that of x", i);
}

static void check_joined(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    const int64_t axis = qn_op_axis(c->op, c->attrs);
    int64_t sum = 0;
    CHECK(drawn, axis >= 0 && axis < c->out.rank, "%lld is no axis of the result", (long long)axis);
    for (int i = 0; i < c->input_count; i++) sum += c->inputs[i].dims[axis];
    CHECK(drawn, c->out.dims[axis] == sum, "the axis is not as long as those of the inputs together");
}

static void check_extents(drawn_case *drawn) {
    static const check_fn checks[] = {[QN_EXTENTS_PADDED] = check_padded,
                                      [QN_EXTENTS_CROPPED] = check_cropped,
                                      [QN_EXTENTS_SCALED] = check_scaled,
                                      [QN_EXTENTS_REPEATED] = check_repeated,
                                      [QN_EXTENTS_JOINED] = check_joined};
    const qn_extents extents = drawn->c->op->extents;
    if (extents) checks[extents](drawn);
}

static void extents_become_what_the_card_says(void **state) {
    (void)state;
    for_every_operator(check_extents);
}

/* ---- Grids ---- */

/* Elements of one channel differ by whole steps of its grid. */
static void check_grid(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    const qn_grid_card *card = c->op->grid;
    const qn_view *y = &c->out;
    if (!card || !card->is_plain(c->attrs, y->rank)) return;
    const qn_view *low = &c->inputs[card->low], *high = &c->inputs[card->high];
    const int64_t channels = qn_view_elems(low);
    for (int64_t i = channels; i < qn_view_elems(y); i++) {
        qn_grid grid;
        const int64_t at = i % channels;
        if (!card->find(c->attrs, c->inputs[0].dtype, (float)qn_view_get(low, at), (float)qn_view_get(high, at), &grid))
            return;
        const double steps = (qn_view_get(y, i) - qn_view_get(y, at)) / (double)grid.scale;
        CHECK(drawn, fabs(steps - rint(steps)) < 1e-3, "element %lld is %g steps from that of its grid", (long long)i,
              steps - rint(steps));
    }
}

static void results_lie_on_the_grid_that_the_card_tells_of(void **state) {
    (void)state;
    assert_true(qn_op_rounds_to_grid(&qn_op_fake_quant));
    assert_false(qn_op_rounds_to_grid(&qn_op_dequantize) || qn_op_rounds_to_grid(&qn_op_cast));
    for_every_operator(check_grid);
}

/* ---- Axes ---- */

/* A copy of `view` whose axis i is axis order[i] of it; freed by the caller. */
static qn_view turned(const qn_view *view, const int *order) {
    qn_view out = *view;
    int64_t strides[QN_MAX_RANK];
    const size_t bytes = qn_dtype_size(view->dtype);
    qn_view_strides(view, strides);
    for (int i = 0; i < view->rank; i++) out.dims[i] = view->dims[order[i]];
    out.data = malloc(qn_view_bytes(view) + 1);
    assert_non_null(out.data);
    for (int64_t at = 0; at < qn_view_elems(&out); at++) {
        int64_t rest = at, from = 0;
        for (int i = out.rank - 1; i >= 0; i--) {
            from += rest % out.dims[i] * strides[order[i]];
            rest /= out.dims[i];
        }
        memcpy((char *)out.data + (size_t)at * bytes, (const char *)view->data + (size_t)from * bytes, bytes);
    }
    return out;
}

/* An operand that broadcasts to `rank` axes, with all of them. */
static qn_view widened(const qn_view *view, int rank) {
    qn_view out = *view;
    for (int i = 0; i < rank; i++) out.dims[i] = i < rank - view->rank ? 1 : view->dims[i - (rank - view->rank)];
    out.rank = rank;
    return out;
}

/* A control that speaks of axes, about operands whose axis order[i] is now axis i; `renamed` is the inverse. */
static qn_view turned_control(const qn_view *control, int kind, const int *order, const int *renamed, int rank) {
    qn_view out = *control;
    const size_t bytes = qn_view_bytes(control);
    out.data = malloc(bytes + 1);
    assert_non_null(out.data);
    memcpy(out.data, control->data, bytes);
    for (int64_t i = 0; kind == QN_CONTROL_NAMES_AXES && i < qn_view_elems(control); i++) {
        const int64_t axis = qn_view_get_int(control, i);
        qn_view_set_int(&out, i, renamed[axis < 0 ? axis + rank : axis]);
    }
    for (int i = 0; kind == QN_CONTROL_PER_AXIS && i < rank; i++)
        memcpy((char *)out.data + (size_t)i * (bytes / (size_t)rank),
               (const char *)control->data + (size_t)order[i] * (bytes / (size_t)rank), bytes / (size_t)rank);
    return out;
}

/* Input 0 of an operator that keeps axes may broadcast: those of the result are those of the widest. */
static int trace(const operator_case *c, int *out_source) {
    for (int i = 0; i < QN_MAX_RANK; i++) out_source[i] = i;
    if (c->op->axes.kind == QN_AXES_KEPT && c->inputs[0].rank < c->out.rank) return c->out.rank;
    const qn_eval operands = {.attrs = c->attrs, .input_count = c->input_count, .inputs = c->inputs};
    return qn_op_trace_axes(c->op, &operands, out_source);
}

/* Does the card say how to rename what names axes of its operands? tests/pass/flip_test.c holds the rest. */
static int can_turn(const operator_case *c) {
    int names = c->op->axes.kind == QN_AXES_KEPT || (c->op->axes.attr && !c->op->axes.attr_names_result);
    for (int i = 0; i < QN_AXES_CONTROLS_MAX; i++) names |= c->op->axes.controls[i] == QN_CONTROL_NAMES_AXES;
    return names && c->op->axes.kind != QN_AXES_NHWC && c->op->axes.kind != QN_AXES_OWN;
}

/* The same case on operands with their axes in another order. */
static operator_case *turn_case(drawn_case *drawn, int rank, const int *order, const int *renamed, qn_view *inputs) {
    const operator_case *c = drawn->c;
    operator_case *other = operator_case_create(c->op);
    if (c->op->attrs_bytes) memcpy(other->attrs, c->attrs, c->op->attrs_bytes);
    qn_op_rename_axes(c->op, other->attrs, renamed);
    for (int i = 0; i < c->input_count; i++) {
        const int is_data = i < data_inputs(drawn), control = i < QN_AXES_CONTROLS_MAX ? c->op->axes.controls[i] : 0;
        inputs[i] = (qn_view){.dtype = QN_DTYPE_NONE};
        if (c->inputs[i].dtype == QN_DTYPE_NONE) {
            operator_case_skip_input(other);
            continue;
        }
        if (is_data) {
            const qn_view wide = widened(&c->inputs[i], rank);
            inputs[i] = turned(&wide, order);
        } else {
            inputs[i] = turned_control(&c->inputs[i], control, order, renamed, rank);
        }
        operator_case_input(other, inputs[i].dtype, inputs[i].rank, inputs[i].dims, inputs[i].data);
    }
    return other;
}

static void expect_turned(const drawn_case *drawn, const operator_case *other, const int *renamed) {
    int source[QN_MAX_RANK], found[QN_MAX_RANK], out_order[QN_MAX_RANK] = {0};
    const int rank = trace(drawn->c, source), other_rank = trace(other, found);
    CHECK(drawn, rank == drawn->c->out.rank && other_rank == rank, "the trace has rank %d, the result %d", rank,
          drawn->c->out.rank);
    for (int k = 0; k < rank; k++)
        for (int i = 0; i < rank; i++)
            if (renamed[source[i]] == found[k]) out_order[k] = i;
    qn_view expected = turned(&drawn->c->out, out_order);
    for (int i = 0; i < rank; i++) CHECK(drawn, expected.dims[i] == other->out.dims[i], "dim %d differs", i);
    for (int64_t i = 0; i < qn_view_elems(&expected); i++) {
        const double a = qn_view_get(&expected, i), b = qn_view_get(&other->out, i);
        const double slack = drawn->c->op->axes.kind == QN_AXES_KEPT ? 0 : 0.02 * fmax(1, fabs(a)); /* sums, half too */
        CHECK(drawn, a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= slack, "element %lld is %g, expected %g",
              (long long)i, b, a);
    }
    free(expected.data);
}

static void check_turned(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    int order[QN_MAX_RANK], renamed[QN_MAX_RANK];
    const int rank = c->op->axes.kind == QN_AXES_KEPT ? c->out.rank : c->inputs[0].rank;
    if (!can_turn(c) || !rank || trace(c, order) < 0) return;
    for (int i = 0; i < rank; i++) order[i] = i;
    for (int i = rank - 1 - c->op->axes.has_channels; i > 0; i--) {
        const int64_t k = qn_rng_range(&drawn->rng, 0, i);
        const int kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    for (int i = 0; i < rank; i++) renamed[order[i]] = i;
    qn_view inputs[QN_MAX_SAMPLE_INPUTS];
    operator_case *other = turn_case(drawn, rank, order, renamed, inputs);
    expect_drawn_ok(drawn, operator_case_infer(other), "infer with other axes");
    expect_drawn_ok(drawn, operator_case_eval(other), "eval with other axes");
    expect_turned(drawn, other, renamed);
    operator_case_destroy(other);
    for (int i = 0; i < c->input_count; i++) free(inputs[i].data);
}

static void operands_with_other_axes_give_results_with_other_axes(void **state) {
    (void)state;
    for_every_operator(check_turned);
}

/* An input that is said to be data has the axes of the result, or broadcasts to them where the operator has no
   channels: vectors per channel are controls. */
static void check_data(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    if (c->op->axes.kind != QN_AXES_KEPT) return;
    for (int i = 0; i < data_inputs(drawn); i++) {
        const qn_view *x = &c->inputs[i];
        if (x->dtype == QN_DTYPE_NONE) continue;
        CHECK(drawn, c->op->axes.has_channels ? x->rank == c->out.rank : x->rank <= c->out.rank,
              "input %d is said to be data, and has rank %d; the result has %d", i, x->rank, c->out.rank);
    }
}

static void inputs_of_data_lie_along_the_axes_of_the_result(void **state) {
    (void)state;
    for_every_operator(check_data);
}
static int traced; /* cases */

static void check_trace(drawn_case *drawn) {
    const operator_case *c = drawn->c;
    int source[QN_MAX_RANK];
    if (c->op->axes.kind != QN_AXES_TRACED) return;
    const int rank = trace(c, source); /* slices and kin make axes shorter */
    const int is_cut = !qn_op_is_view(c->op) && qn_op_moves(c->op) && !qn_op_permutes(c->op);
    if (rank < 0) return; /* cannot tell */
    traced++;
    CHECK(drawn, rank == c->out.rank, "the trace has another rank than the result");
    for (int i = 0; i < c->out.rank && !is_cut; i++) {
        if (source[i] < 0 && c->op->layer) continue; /* as many as the weights have */
        const int64_t dim = source[i] < 0 ? 1 : c->inputs[0].dims[source[i]];
        CHECK(drawn, c->out.dims[i] == dim || c->out.dims[i] == 1, "axis %d is said to be axis %d of input 0", i,
              source[i]);
    }
}

static void traces_tell_where_axes_come_from(void **state) {
    (void)state;
    for_every_operator(check_trace);
    assert_true(traced > 1000);
}

/* What other channels hold has no say in channel 0. */
static void check_channels(drawn_case *drawn) {
    operator_case *c = drawn->c;
    qn_view *x = &c->inputs[0], *y = &c->out;
    if (!qn_op_keeps_channels(c->op) || !x->rank || !y->rank || !qn_dtype_is_float(x->dtype)) return;
    const int64_t channels = x->dims[x->rank - 1], elems = qn_view_elems(y);
    CHECK(drawn, y->dims[y->rank - 1] == channels, "the result has other channels");
    double *kept = calloc((size_t)elems + 1, sizeof *kept);
    assert_non_null(kept);
    for (int64_t i = 0; i < elems; i++) kept[i] = qn_view_get(y, i);
    for (int64_t i = 0; i < qn_view_elems(x); i++)
        if (i % channels) qn_view_set(x, i, 1.5 - qn_view_get(x, i));
    expect_drawn_ok(drawn, operator_case_eval(c), "eval");
    for (int64_t i = 0; i < elems; i += channels)
        CHECK(drawn, kept[i] == qn_view_get(y, i), "channel 0 depends on others");
    free(kept);
}

static void channels_stay_apart_where_the_card_says_so(void **state) {
    (void)state;
    for_every_operator(check_channels);
}

/* Where nothing is mixed along the axis, other first elements change none of the last. */
static void check_unmixed(drawn_case *drawn) {
    operator_case *c = drawn->c;
    qn_view *x = &c->inputs[0], *y = &c->out;
    int64_t strides[QN_MAX_RANK];
    const int64_t axis = qn_op_axis(c->op, c->attrs), elems = qn_view_elems(x);
    if (c->op->axes.kind != QN_AXES_KEPT || qn_op_moves(c->op) || axis < 0 || !elems || x->dims[axis] < 2) return;
    if (qn_op_mixes_axis(c->op, c->attrs, axis)) return;
    qn_view_strides(x, strides);
    double *kept = calloc((size_t)elems, sizeof *kept);
    assert_non_null(kept);
    for (int64_t i = 0; i < elems; i++) {
        kept[i] = qn_view_get(y, i);
        if (i / strides[axis] % x->dims[axis] == 0) qn_view_set(x, i, qn_view_get(x, i) + 1);
    }
    expect_drawn_ok(drawn, operator_case_eval(c), "eval");
    for (int64_t i = 0; i < elems; i++)
        if (i / strides[axis] % x->dims[axis] == x->dims[axis] - 1)
            CHECK(drawn, qn_view_get(y, i) == kept[i], "element %lld depends on others", (long long)i);
    free(kept);
}

static void elements_along_an_axis_are_mixed_where_the_card_says_so(void **state) {
    (void)state;
    for_every_operator(check_unmixed);
    const qn_axis_attrs along_1 = {.axis = 1};
    assert_true(qn_op_mixes_axis(&qn_op_softmax, &along_1, 1));
    operator_case *sums = operator_case_create(&qn_op_cumsum);
    assert_true(qn_op_mixes_axis(sums->op, sums->attrs, 0));
    operator_case_destroy(sums);
    assert_false(qn_op_mixes_axis(&qn_op_softmax, &along_1, 0) || qn_op_mixes_axis(&qn_op_concat, &along_1, 1));
}

/* ---- Layers and integers ---- */

static void layers_say_where_their_parts_are(void **state) {
    (void)state;
    int layers = 0;
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        assert_int_equal(op->layer != NULL, op->values == QN_VALUES_LAYER);
        if (!op->layer) continue;
        layers++;
        assert_true(op->layer->weights > 0 && op->layer->weights < op->min_inputs);
        assert_true(op->layer->bias < op->max_inputs && op->layer->addend < op->max_inputs);
        assert_true(!op->layer->bias || op->layer->bias != op->layer->addend);
        int found = 0;
        for (const qn_attr_def *row = op->attrs; row->name; row++)
            found |=
                row->offset == op->layer->activation && row->kind == QN_ATTR_ENUM && !strcmp(row->name, "activation");
        assert_true(found);
    }
    assert_true(layers >= 4);
}

static void integer_twins_scale_their_sums(void **state) {
    (void)state;
    int twins = 0;
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        if (op->activation) assert_int_equal(op->values, QN_VALUES_TABLE);
        if (op->requantize) assert_true(op->requantize->slots && op->requantize->result < op->attrs_bytes);
        if (!op->integer) continue;
        twins++;
        assert_non_null(op->integer->requantize);
        assert_int_equal(op->integer->axes.kind, op->axes.kind);
        assert_null(op->integer->integer);
    }
    assert_true(twins >= 3);
}

static void arithmetic_names_the_operator_that_does_it(void **state) {
    (void)state;
    assert_ptr_equal(qn_op_of_arithmetic(QN_ARITHMETIC_ADD), &qn_op_add);
    assert_ptr_equal(qn_op_of_arithmetic(QN_ARITHMETIC_SUBTRACT), &qn_op_sub);
    assert_ptr_equal(qn_op_of_arithmetic(QN_ARITHMETIC_MULTIPLY), &qn_op_mul);
    assert_ptr_equal(qn_op_of_arithmetic(QN_ARITHMETIC_DIVIDE), &qn_op_div);
}

static void attributes_that_name_axes_are_there(void **state) {
    (void)state;
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        int found = !op->axes.attr;
        for (const qn_attr_def *row = op->attrs; row && row->name && !found; row++)
            found = !strcmp(row->name, op->axes.attr) && (row->kind == QN_ATTR_INT || row->kind == QN_ATTR_INTS);
        assert_true(found);
        assert_int_equal(op->axes.trace != NULL, op->axes.kind == QN_AXES_TRACED);
        for (int k = 0; k < QN_AXES_CONTROLS_MAX; k++) /* inputs of data are no controls */
            assert_true(!op->axes.controls[k] || (op->data_inputs && k >= op->data_inputs));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_what_the_card_says_of_their_elements),
        cmocka_unit_test(casts_give_the_type_that_they_name),
        cmocka_unit_test(extents_become_what_the_card_says),
        cmocka_unit_test(results_lie_on_the_grid_that_the_card_tells_of),
        cmocka_unit_test(operands_with_other_axes_give_results_with_other_axes),
        cmocka_unit_test(inputs_of_data_lie_along_the_axes_of_the_result),
        cmocka_unit_test(traces_tell_where_axes_come_from),
        cmocka_unit_test(channels_stay_apart_where_the_card_says_so),
        cmocka_unit_test(elements_along_an_axis_are_mixed_where_the_card_says_so),
        cmocka_unit_test(layers_say_where_their_parts_are),
        cmocka_unit_test(integer_twins_scale_their_sums),
        cmocka_unit_test(arithmetic_names_the_operator_that_does_it),
        cmocka_unit_test(attributes_that_name_axes_are_there),
    };
    return cmocka_run_group_tests_name("op/card", tests, NULL, NULL);
}
