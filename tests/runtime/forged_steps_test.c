/* Well signed files of one operator each, with attributes, element types, ranks, dims, packings and data that no
 * compiler would write. Where inference lets them pass, the file claims just what inference says, so that nothing
 * stands between them and the kernels but the checks of operators. None may crash, none may end in INTERNAL. */
#include "forged.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/packing.h"

enum { CASES_PER_OP = 200, ELEMS_MAX = 1 << 15, DATA_MOST = 4096, PACKED_BYTES = 48 << 10 };

typedef struct forgery {
    const qn_op_def *op;
    qn_rng *rng;
    qn_arena arena;
    qn_sample sample;
    maker *maker;
    qn_type types[QN_MAX_SAMPLE_INPUTS], output;
    const qn_dim *contents[QN_MAX_SAMPLE_INPUTS];
    int is_open[QN_MAX_SAMPLE_INPUTS]; /* what the input holds is known only while running */
    qn_dim data[QN_MAX_RANK];          /* sizes that the step settles, by axis */
    int is_data[QN_MAX_RANK];
} forgery;

static int one_in(qn_rng *rng, int count) { return qn_rng_range(rng, 1, count) == 1; }

/* ---- Damage ---- */

static int64_t draw_number(qn_rng *rng) {
    static const int64_t numbers[] = {0,  1,  2,   3,   -1,    -2,        7,         8,         16,
                                      17, 64, 255, 256, 65535, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    return numbers[qn_rng_range(rng, 0, (int64_t)(sizeof numbers / sizeof *numbers) - 1)];
}

static qn_dtype draw_dtype(qn_rng *rng) {
    for (;;) {
        const qn_dtype dtype = (qn_dtype)qn_rng_range(rng, 1, QN_DTYPE_COUNT - 1);
        if (qn_dtype_size(dtype)) return dtype;
    }
}

static int64_t draw_within(qn_rng *rng, int64_t low, int64_t high) {
    int64_t number = draw_number(rng);
    if (one_in(rng, 20)) return number; /* out of range, perhaps: the loader says so */
    if (number >= low && number <= high) return number;
    return one_in(rng, 2) ? low : high;
}

static int count_names(const qn_attr_def *def) {
    int count = 0;
    while (def->names[count]) count++;
    return count;
}

static void damage_attribute(forgery *f) {
    qn_rng *rng = f->rng;
    int count = 0;
    while (f->op->attrs && f->op->attrs[count].name) count++;
    if (!count) return;
    const qn_attr_def *def = &f->op->attrs[qn_rng_range(rng, 0, count - 1)];
    char *field = (char *)f->sample.attrs + def->offset;
    int64_t *number = (int64_t *)(void *)field;
    switch (def->kind) {
    case QN_ATTR_INT: *number = draw_within(rng, def->low, def->high); break;
    case QN_ATTR_BOOL: *number = qn_rng_range(rng, 0, 1); break;
    case QN_ATTR_ENUM: *number = qn_rng_range(rng, 0, count_names(def) - 1); break;
    case QN_ATTR_DTYPE: *number = qn_rng_range(rng, 1, QN_DTYPE_COUNT - 1); break;
    case QN_ATTR_FLOAT: {
        static const float floats[] = {0, -1, 1e-30f, 1e30f, INFINITY, NAN};
        *(float *)(void *)field = floats[qn_rng_range(rng, 0, 5)];
        break;
    }
    case QN_ATTR_INTS: {
        qn_ints *ints = (qn_ints *)(void *)field;
        if (def->count < 0) ints->count = qn_rng_range(rng, 0, QN_ATTR_INTS_MAX);
        for (int64_t i = 0; i < ints->count; i++)
            if (one_in(rng, 2)) ints->values[i] = draw_within(rng, def->low, def->high);
        break;
    }
    case QN_ATTR_TEXT: break;
    }
}

/* The layout of constants decides which code reads them: what the operator asks for, or any. */
static void damage_packing(forgery *f) {
    if (!f->sample.input_count) return;
    const int input = f->sample.input_count > 1 && !one_in(f->rng, 4);
    qn_view *view = &f->sample.inputs[input];
    view->packing = qn_packing_at((size_t)qn_rng_range(f->rng, 0, (int64_t)qn_packing_count() - 1));
    if (one_in(f->rng, 4)) return;
    qn_pack pack;
    void *attrs = qn_arena_copy(&f->arena, f->sample.attrs, f->op->attrs_bytes);
    const qn_eval operands = {
        .attrs = f->sample.attrs, .input_count = f->sample.input_count, .inputs = f->sample.inputs};
    if (f->op->pack && f->op->pack(&operands, input, attrs, &pack)) view->packing = pack.packing;
}

static void damage_groups(forgery *f) {
    for (const qn_attr_def *def = f->op->attrs; def && def->name; def++)
        if (!strcmp(def->name, "groups"))
            *(int64_t *)(void *)((char *)f->sample.attrs + def->offset) = qn_rng_range(f->rng, 1, 4);
}

static void damage_shape(qn_rng *rng, qn_view *view) {
    static const int64_t dims[] = {0, 1, 2, 3, 4, 8, 15, 16, 17, 33, 300};
    if (one_in(rng, 4)) view->rank = (int)qn_rng_range(rng, 0, QN_MAX_RANK);
    for (int d = 0; d < view->rank; d++)
        if (view->dims[d] < 0 || one_in(rng, 3)) view->dims[d] = dims[qn_rng_range(rng, 0, 10)];
}

static void damage_input(forgery *f) {
    qn_rng *rng = f->rng;
    if (!f->sample.input_count) return;
    qn_view *view = &f->sample.inputs[qn_rng_range(rng, 0, f->sample.input_count - 1)];
    switch (qn_rng_range(rng, 0, 3)) {
    case 0: view->dtype = draw_dtype(rng); break;
    case 1: damage_shape(rng, view); break;
    case 2:
        if (view->data) { /* the data of a control input, as it is drawn below, may be anything */
            view->data = NULL;
            break;
        }
        damage_shape(rng, view);
        break;
    default:
        if (one_in(rng, 2) && f->sample.input_count < QN_MAX_SAMPLE_INPUTS)
            f->sample.inputs[f->sample.input_count++] = *view;
        else
            f->sample.input_count--;
    }
}

/* The same type everywhere: what mixes types is refused long before a kernel could see it. */
static void damage_all_types(forgery *f) {
    const qn_dtype from = f->sample.input_count ? f->sample.inputs[0].dtype : QN_DTYPE_NONE;
    const qn_dtype to = draw_dtype(f->rng);
    for (int i = 0; i < f->sample.input_count; i++)
        if (f->sample.inputs[i].dtype == from && !f->sample.inputs[i].data) f->sample.inputs[i].dtype = to;
}

static void damage(forgery *f) {
    for (int64_t count = qn_rng_range(f->rng, 0, 3); count > 0; count--) switch (qn_rng_range(f->rng, 0, 5)) {
        case 0: damage_packing(f); break;
        case 1: damage_groups(f); break;
        case 2: damage_input(f); break;
        case 3: damage_all_types(f); break;
        default: damage_attribute(f);
        }
}

/* ---- Data ---- */

static int64_t draw_element(qn_rng *rng, qn_dtype dtype) {
    if (dtype == QN_DTYPE_BOOL) return qn_rng_range(rng, 0, 1);
    return one_in(rng, 8) ? draw_number(rng) : qn_rng_range(rng, -1, 6);
}

/* 0 where that would be too much. */
static int give_data(forgery *f, int input) {
    qn_view *view = &f->sample.inputs[input];
    int64_t elems = 1;
    for (int d = 0; d < view->rank; d++) {
        elems *= view->dims[d] ? view->dims[d] : 1;
        if (elems > ELEMS_MAX) return 0;
    }
    const void *old = view->data;
    elems = qn_view_elems(view);
    view->data =
        qn_arena_alloc(&f->arena, (size_t)elems * qn_dtype_size(view->dtype) + (input == 1 ? PACKED_BYTES : 1), 1);
    for (int64_t i = 0; i < elems; i++) {
        if (qn_dtype_is_float(view->dtype))
            qn_view_set(view, i, one_in(f->rng, 50) ? NAN : qn_rng_float(f->rng, -2, 6));
        else
            qn_view_set_int(view, i, draw_element(f->rng, view->dtype));
    }
    if (old && qn_view_bytes(view) && !one_in(f->rng, 8)) memcpy(view->data, old, qn_view_bytes(view));
    return 1;
}

/* A control input keeps what the sample drew only if that still has the form it was drawn in. */
static int give_all_data(forgery *f, const qn_sample *drawn) {
    for (int i = 0; i < f->sample.input_count; i++) {
        qn_view *view = &f->sample.inputs[i];
        if (view->dtype == QN_DTYPE_NONE) continue;
        if (i >= drawn->input_count || view->dtype != drawn->inputs[i].dtype || view->rank != drawn->inputs[i].rank ||
            memcmp(view->dims, drawn->inputs[i].dims, (size_t)view->rank * sizeof *view->dims))
            view->data = NULL;
        if (!give_data(f, i)) return 0;
    }
    return 1;
}

/* ---- What inference says of it ---- */

static qn_status *require(void *self, qn_infer *infer, qn_dim condition, const char *message) {
    (void)self, (void)infer, (void)condition, (void)message;
    return NULL;
}

static qn_dim data_dim(void *self, qn_infer *infer, int output, int axis, qn_dim low, qn_dim high) {
    forgery *f = self;
    int64_t least, most, ignored;
    (void)output;
    qn_dim_range(infer->dims, low, &least, &ignored);
    qn_dim_range(infer->dims, high, &ignored, &most);
    char name[8];
    snprintf(name, sizeof name, "d%d", axis);
    f->is_data[axis] = 1;
    return f->data[axis] = maker_symbol(f->maker, qn_arena_copy_string(&f->arena, name, strlen(name)), -1, -1, 0,
                                        most < 0 ? 0 : qn_min_i64(most, DATA_MOST));
}

static int infer_output(forgery *f) {
    qn_dim *contents = NULL;
    const qn_infer_host host = {f, require, data_dim};
    for (int i = 0; i < f->sample.input_count; i++) {
        const qn_view *view = &f->sample.inputs[i];
        f->types[i] = (qn_type){.dtype = view->dtype, .rank = view->rank};
        for (int d = 0; d < view->rank; d++) f->types[i].dims[d] = maker_const(f->maker, view->dims[d]);
        int64_t elems = view->dtype == QN_DTYPE_NONE ? 0 : qn_view_elems(view);
        f->is_open[i] = view->dtype != QN_DTYPE_NONE && one_in(f->rng, i ? 5 : 2);
        if (f->is_open[i] || elems > QN_CONTENT_MAX || view->dtype == QN_DTYPE_NONE || qn_dtype_is_float(view->dtype))
            continue;
        qn_dim *known = QN_ARENA_ARRAY(&f->arena, qn_dim, (size_t)elems + 1);
        for (int64_t e = 0; e < elems; e++) known[e] = maker_const(f->maker, qn_view_get_int(view, e));
        f->contents[i] = known;
    }
    qn_infer infer = {.dims = maker_pool(f->maker),
                      .attrs = f->sample.attrs,
                      .input_count = f->sample.input_count,
                      .inputs = f->types,
                      .contents = f->contents,
                      .output_count = 1,
                      .outputs = &f->output,
                      .out_contents = &contents,
                      .arena = &f->arena,
                      .host = &host};
    qn_status *status = qn_attrs_verify(f->op, f->sample.attrs);
    if (!status) status = f->op->infer(&infer);
    status = qn_status_join(status, qn_dim_pool_take_status(maker_pool(f->maker)));
    int is_good = !status;
    qn_status_free(status);
    return is_good;
}

/* ---- The file ---- */

static uint32_t add_operand(forgery *f, int i) {
    static const char *const names[] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
    const qn_view *view = &f->sample.inputs[i];
    if (view->dtype == QN_DTYPE_NONE) return UINT32_MAX;
    if (f->is_open[i]) return maker_input(f->maker, names[i], view->dtype, view->rank, f->types[i].dims);
    uint32_t constant = maker_constant(f->maker, names[i], view->dtype, view->rank, view->dims, view->data,
                                       i == 1 ? PACKED_BYTES : 0); /* room for weights however they are packed */
    maker_pack(f->maker, constant, view->packing);
    return constant;
}

/* The step, and one that reads what it makes. */
static rig_file write_forgery(forgery *f) {
    uint32_t operands[QN_MAX_SAMPLE_INPUTS];
    for (int i = 0; i < f->sample.input_count; i++) operands[i] = add_operand(f, i);
    uint32_t y = maker_step(f->maker, f->op, f->sample.attrs, f->sample.input_count, operands, "y", f->output.dtype,
                            f->output.rank, f->output.dims);
    for (int d = 0; d < f->output.rank; d++)
        if (f->is_data[d]) maker_settles(f->maker, f->data[d], d);
    maker_output(f->maker, maker_step(f->maker, &qn_op_identity, NULL, 1, &y, "z", f->output.dtype, f->output.rank,
                                      f->output.dims));
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_ok(qn_program_write(maker_finish(f->maker, one_in(f->rng, 2)), &buffer));
    rig_file out = {aligned_alloc(64, qn_align_up(buffer.size, 64)), buffer.size};
    memcpy(out.data, buffer.data, buffer.size);
    qn_buffer_deinit(&buffer);
    return out;
}

static int output_is_small(const forgery *f) {
    int64_t elems = 1;
    for (int d = 0; d < f->output.rank; d++) {
        int64_t low, high;
        qn_dim_range(maker_pool(f->maker), f->output.dims[d], &low, &high);
        if (low < 0 || high > ELEMS_MAX || (elems *= high ? high : 1) > ELEMS_MAX) return 0;
    }
    return 1;
}

/* Returns what forged_try() says, or -1 where there is no such file. */
static int forge(const qn_op_def *op, uint64_t seed) {
    qn_rng rng;
    qn_rng_init(&rng, seed);
    forgery f = {.op = op, .rng = &rng, .maker = maker_create()};
    qn_arena_init(&f.arena, NULL);
    f.sample = (qn_sample){.rng = &rng, .arena = &f.arena, .low = -2, .high = 2};
    f.sample.attrs = qn_arena_alloc(&f.arena, 1, op->attrs_bytes ? op->attrs_bytes : 1);
    qn_attrs_init(op, f.sample.attrs);
    op->sample(&f.sample);
    const qn_sample drawn = f.sample;
    damage(&f);
    int got = -1;
    if (give_all_data(&f, &drawn) && infer_output(&f) && output_is_small(&f)) {
        rig_file file = write_forgery(&f);
        got = forged_try(file, &rng);
        free(file.data);
    }
    maker_destroy(f.maker);
    qn_arena_deinit(&f.arena);
    return got;
}

static void test_no_forged_operator_crashes_or_blames_us(void **state) {
    (void)state;
    const char *text = getenv("QN_SEED"), *only = getenv("QN_OP");
    uint64_t base = text ? strtoull(text, NULL, 0) : 1;
    int counts[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < qn_op_count(); i++) {
        const qn_op_def *op = qn_op_at(i);
        if (!op->sample || op->outputs != 1 || (only && strcmp(only, op->name))) continue;
        int runs = 0;
        for (uint64_t n = 0; n < CASES_PER_OP; n++) {
            const uint64_t seed = base * 1000003 + i * CASES_PER_OP + n;
            const int got = forge(op, seed);
            counts[got + 1]++;
            runs += got == 2;
        }
        if (!runs) fail_msg("no forged %s was run", op->name);
    }
    print_message("%d not inferred, %d refused, %d loaded, %d made a context\n", counts[0], counts[1], counts[2],
                  counts[3]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_forged_operator_crashes_or_blames_us),
    };
    return cmocka_run_group_tests_name("runtime/forged_steps", tests, NULL, NULL);
}
