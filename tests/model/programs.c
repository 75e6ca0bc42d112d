#include "programs.h"

#include "base/offsets.h"
#include "kernel/kernel.h"
#include "kernel/packing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 64 };

struct maker {
    qn_arena arena;
    qn_dim_pool *pool;
    qn_dim_program_builder *code;
    qn_program program;
    qn_program_symbol symbols[MAX];
    qn_program_value values[MAX];
    qn_dim dims[MAX][QN_MAX_RANK];
    qn_program_step steps[MAX];
    uint32_t operands[4 * MAX], contents[MAX], inputs[MAX], outputs[MAX];
    qn_program_data_symbol data_symbols[MAX];
    qn_program_check checks[MAX];
    qn_program_encoding encodings[MAX];
    qn_buffer constants;
};

static void must(qn_status *status) {
    if (!status) return;
    abort();
}

maker *maker_create(void) {
    maker *m = calloc(1, sizeof *m);
    qn_arena_init(&m->arena, NULL);
    m->pool = qn_dim_pool_create(&m->arena);
    m->code = qn_dim_program_create(&m->arena, m->pool);
    qn_buffer_init(&m->constants, NULL);
    m->program = (qn_program){.name = "made by hand",
                              .meta = "{\"from\": \"tests\"}",
                              .symbols = m->symbols,
                              .values = m->values,
                              .steps = m->steps,
                              .operands = m->operands,
                              .contents = m->contents,
                              .inputs = m->inputs,
                              .outputs = m->outputs,
                              .data_symbols = m->data_symbols,
                              .checks = m->checks,
                              .encodings = m->encodings};
    return m;
}

void maker_destroy(maker *m) {
    free((void *)(uintptr_t)m->program.constants.data);
    qn_buffer_deinit(&m->constants);
    qn_arena_deinit(&m->arena);
    free(m);
}

qn_dim_pool *maker_pool(maker *m) { return m->pool; }
qn_dim maker_const(maker *m, int64_t value) { return qn_dim_const(m->pool, value); }

qn_dim maker_symbol(maker *m, const char *name, int input, int axis, int64_t low, int64_t high) {
    m->symbols[m->program.symbol_count++] =
        (qn_program_symbol){.name = name, .low = low, .high = high, .reason = "", .input = input, .axis = axis};
    return qn_dim_symbol(m->pool, name, low, high);
}

void maker_bound(maker *m, qn_dim symbol, int64_t low, int64_t high, const char *reason) {
    for (size_t i = 0; i < m->program.symbol_count; i++) {
        if (!qn_dim_same(qn_dim_symbol_at(m->pool, i), symbol)) continue;
        m->symbols[i].low = low;
        m->symbols[i].high = high;
        m->symbols[i].reason = reason;
    }
    must(qn_dim_symbol_set_range(m->pool, symbol, low, high, reason));
}

const qn_dim *maker_dims(maker *m, uint32_t value) { return m->dims[value]; }

static uint32_t add_value(maker *m, const char *name, qn_dtype dtype, qn_place place, int rank, const qn_dim *dims) {
    uint32_t index = (uint32_t)m->program.value_count++;
    assert(index < MAX);
    qn_program_value *value = &m->values[index];
    *value = (qn_program_value){.name = name, .dtype = dtype, .place = place, .rank = rank, .alias = -1};
    for (int d = 0; d < rank; d++) {
        m->dims[index][d] = dims[d];
        must(qn_dim_program_add(m->code, dims[d], &value->dims[d]));
    }
    return index;
}

uint32_t maker_input(maker *m, const char *name, qn_dtype dtype, int rank, const qn_dim *dims) {
    uint32_t index = add_value(m, name, dtype, QN_PLACE_INPUT, rank, dims);
    m->values[index].offset = m->program.input_count;
    m->inputs[m->program.input_count++] = index;
    return index;
}

uint32_t maker_constant(maker *m, const char *name, qn_dtype dtype, int rank, const int64_t *dims, const void *data,
                        size_t bytes) {
    qn_dim handles[QN_MAX_RANK];
    size_t plain = qn_dtype_size(dtype);
    for (int d = 0; d < rank; d++) {
        handles[d] = maker_const(m, dims[d]);
        plain *= (size_t)dims[d];
    }
    uint32_t index = add_value(m, name, dtype, QN_PLACE_CONSTANT, rank, handles);
    qn_buffer_align(&m->constants, 64);
    m->values[index].offset = m->constants.size;
    m->values[index].bytes = bytes ? bytes : plain;
    qn_buffer_append(&m->constants, data, (size_t)m->values[index].bytes);
    return index;
}

void maker_pack(maker *m, uint32_t value, const qn_packing *packing) { m->values[value].packing = packing; }

uint32_t maker_shape_value(maker *m, const char *name, qn_dtype dtype, int count, const qn_dim *contents) {
    qn_dim dims[1] = {maker_const(m, count)};
    uint32_t index = add_value(m, name, dtype, QN_PLACE_DIMS, 1, dims);
    m->values[index].first_content = (uint32_t)m->program.content_count;
    m->values[index].content_count = (uint32_t)count;
    for (int i = 0; i < count; i++)
        must(qn_dim_program_add(m->code, contents[i], &m->contents[m->program.content_count++]));
    return index;
}

uint32_t maker_step(maker *m, const qn_op_def *op, const void *attrs, int input_count, const uint32_t *inputs,
                    const char *output, qn_dtype dtype, int rank, const qn_dim *dims) {
    qn_program_step *step = &m->steps[m->program.step_count++];
    *step = (qn_program_step){.op = op, .name = output, .precision = "f32: default"};
    if (op->attrs) {
        void *copy = qn_arena_alloc(&m->arena, 1, op->attrs_bytes);
        if (attrs)
            memcpy(copy, attrs, op->attrs_bytes);
        else
            qn_attrs_init(op, copy);
        step->attrs = copy;
    }
    step->first_input = (uint32_t)m->program.operand_count;
    step->input_count = (uint32_t)input_count;
    for (int i = 0; i < input_count; i++) m->operands[m->program.operand_count++] = inputs[i];
    step->first_output = (uint32_t)m->program.operand_count;
    step->output_count = 1;
    step->first_data_symbol = (uint32_t)m->program.data_symbol_count;
    uint32_t value = add_value(m, output, dtype, QN_PLACE_ARENA, rank, dims);
    m->operands[m->program.operand_count++] = value;
    return value;
}

void maker_settles(maker *m, qn_dim symbol, int axis) {
    uint32_t number = 0;
    while (!qn_dim_same(qn_dim_symbol_at(m->pool, number), symbol)) number++;
    m->data_symbols[m->program.data_symbol_count++] = (qn_program_data_symbol){number, 0, (uint32_t)axis};
    m->steps[m->program.step_count - 1].data_symbol_count++;
}

void maker_alias(maker *m, uint32_t value, uint32_t owner) { m->values[value].alias = (int32_t)owner; }

void maker_output(maker *m, uint32_t value) {
    m->values[value].place = QN_PLACE_OUTPUT;
    m->values[value].offset = m->program.output_count;
    m->outputs[m->program.output_count++] = value;
}

void maker_check(maker *m, qn_dim condition, const char *message) {
    qn_program_check *check = &m->checks[m->program.check_count++];
    check->message = message;
    must(qn_dim_program_add(m->code, condition, &check->condition));
}

void maker_encoding(maker *m, uint32_t value, const char *of, uint32_t channels, const float *scale,
                    const uint8_t *zero_point) {
    m->encodings[m->program.encoding_count++] = (qn_program_encoding){value, of, channels, scale, zero_point};
}

static uint64_t upper_bytes(maker *m, uint32_t value) {
    uint64_t bytes = qn_dtype_size(m->values[value].dtype);
    for (int d = 0; d < m->values[value].rank; d++) {
        int64_t low, high;
        qn_dim_range(m->pool, m->dims[value][d], &low, &high);
        bytes *= (uint64_t)high;
    }
    return bytes;
}

static void measure_lives(maker *m) {
    for (uint32_t s = 0; s < m->program.step_count; s++) {
        const qn_program_step *step = &m->steps[s];
        for (uint32_t i = 0; i < step->input_count + step->output_count; i++) {
            uint32_t index = m->operands[step->first_input + i]; /* outputs follow inputs */
            if (index == UINT32_MAX) continue;
            if (i >= step->input_count) m->values[index].first_step = s;
            m->values[index].last_step = s;
        }
    }
    for (uint32_t i = 0; i < m->program.value_count; i++)
        if (m->values[i].place == QN_PLACE_DIMS) {
            m->values[i].first_step = 0;
            m->values[i].last_step = (uint32_t)m->program.step_count - 1;
        }
}

static uint32_t owner_of(const maker *m, uint32_t value) {
    while (m->values[value].alias >= 0) value = (uint32_t)m->values[value].alias;
    return value;
}

static void lay_out(maker *m, int ceiling) {
    qn_offsets_block blocks[MAX];
    uint32_t owners[MAX], count = 0;
    for (uint32_t i = 0; i < m->program.value_count; i++) {
        qn_program_value *value = &m->values[i];
        if (owner_of(m, i) != i || (value->place != QN_PLACE_ARENA && value->place != QN_PLACE_DIMS)) continue;
        qn_offsets_block block = {.bytes = upper_bytes(m, i), .first = value->first_step, .last = value->last_step};
        for (uint32_t j = 0; j < m->program.value_count; j++)
            if (owner_of(m, j) == i && m->values[j].last_step > block.last) block.last = m->values[j].last_step;
        if (ceiling) value->bytes = block.bytes;
        owners[count] = i;
        blocks[count++] = block;
    }
    if (!ceiling) return;
    void *scratch = qn_arena_alloc(&m->arena, 1, qn_offsets_scratch_bytes(count));
    int packed = qn_offsets_pack(blocks, count, scratch, &m->program.arena_bytes);
    assert(packed);
    (void)packed;
    for (uint32_t i = 0; i < count; i++) m->values[owners[i]].offset = blocks[i].offset;
}

const qn_program *maker_finish(maker *m, int ceiling) {
    measure_lives(m);
    lay_out(m, ceiling);
    for (uint32_t i = 0; i < m->program.value_count; i++) {
        m->values[i].place = m->values[owner_of(m, i)].place;
        m->values[i].offset = m->values[owner_of(m, i)].offset;
    }
    m->program.dims = qn_dim_program_code(m->code, &m->program.dim_count);
    must(qn_dim_pool_take_status(m->pool));
    uint8_t *constants = aligned_alloc(64, qn_align_up(m->constants.size + 1, 64));
    if (m->constants.size) memcpy(constants, m->constants.data, m->constants.size);
    m->program.constants = (qn_bytes){constants, m->constants.size};
    return &m->program;
}

/* ---- Complete programs ---- */

enum { IN = 3, OUT = 20, TAPS = 9 };

static uint32_t add_convolution(maker *m, uint32_t x) {
    float weights[TAPS * IN * OUT], bias[OUT];
    for (int i = 0; i < TAPS * IN * OUT; i++) weights[i] = (float)(i * 37 % 23 - 11) / 64.0f;
    for (int i = 0; i < OUT; i++) bias[i] = (float)(i - 10) / 8.0f;
    size_t packed_elems = qn_conv_f32_packed_elems(TAPS * IN, OUT);
    float *packed = qn_arena_alloc_aligned(&m->arena, packed_elems * sizeof(float), 64);
    qn_conv_f32_pack(weights, TAPS * IN, OUT, packed);
    uint32_t w =
        maker_constant(m, "weights", QN_DTYPE_F32, 4, (int64_t[]){3, 3, IN, OUT}, packed, packed_elems * sizeof(float));
    maker_pack(m, w, &qn_packing_panel16);
    uint32_t b = maker_constant(m, "bias", QN_DTYPE_F32, 1, (int64_t[]){OUT}, bias, 0);
    qn_conv2d_attrs attrs;
    qn_attrs_init(&qn_op_conv2d, &attrs);
    attrs.padding = QN_PADDING_SAME_UPPER;
    attrs.activation = QN_ACTIVATION_RELU;
    qn_dim dims[4];
    memcpy(dims, m->dims[x], sizeof dims);
    dims[3] = maker_const(m, OUT);
    return maker_step(m, &qn_op_conv2d, &attrs, 3, (uint32_t[]){x, w, b}, "conv", QN_DTYPE_F32, 4, dims);
}

const qn_program *program_pictures(maker *m, int ceiling) {
    qn_dim h = maker_symbol(m, "x.1", 0, 1, 1, 24), w = maker_symbol(m, "x.2", 0, 2, 1, 24), one = maker_const(m, 1),
           two = maker_const(m, 2);
    qn_dim channels = maker_const(m, OUT);
    maker_bound(m, h, 1, 24, "node 'Slice': expected size[1] in [0, 24]");
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 4, (qn_dim[]){one, h, w, maker_const(m, IN)});
    maker_check(m, qn_dim_sub(m->pool, maker_const(m, 40), qn_dim_add(m->pool, h, w)),
                "node 'Assert': height and width add up to at most 40");
    uint32_t conv = add_convolution(m, x);
    uint32_t sum =
        maker_step(m, &qn_op_add, NULL, 2, (uint32_t[]){conv, conv}, "sum", QN_DTYPE_F32, 4, maker_dims(m, conv));
    uint32_t soft = maker_step(m, &qn_op_sigmoid, NULL, 1, &sum, "soft", QN_DTYPE_F32, 4, maker_dims(m, sum));
    maker_alias(m, soft, sum);
    qn_dim size[2] = {qn_dim_mul(m->pool, h, two), qn_dim_mul(m->pool, w, two)};
    uint32_t target = maker_shape_value(m, "size", QN_DTYPE_S32, 2, size);
    uint32_t y = maker_step(m, &qn_op_resize_nearest, NULL, 2, (uint32_t[]){soft, target}, "y", QN_DTYPE_F32, 4,
                            (qn_dim[]){one, size[0], size[1], channels});
    qn_axes_attrs axes = {.axes = {.count = 1, .values = {0}}};
    uint32_t flat =
        maker_step(m, &qn_op_squeeze, &axes, 1, &y, "flat", QN_DTYPE_F32, 3, (qn_dim[]){size[0], size[1], channels});
    maker_alias(m, flat, y);
    uint32_t z = maker_step(m, &qn_op_neg, NULL, 1, &flat, "z", QN_DTYPE_F32, 3, maker_dims(m, flat));
    maker_output(m, y);
    maker_output(m, z);
    return maker_finish(m, ceiling);
}

const qn_program *program_bytes(maker *m, qn_dtype dtype, int groups) {
    enum { CHANNELS = 6, KERNEL = 5 };
    int8_t packed[1024] = {0};
    int64_t bias[CHANNELS] = {0};
    float multiplier[CHANNELS] = {1, 1, 1, 1, 1, 1};
    int64_t cin = groups == 1 ? CHANNELS : 1;
    size_t bytes = dtype == QN_DTYPE_S16 ? qn_conv_s16s8_packed_bytes(KERNEL * cin, CHANNELS)
                   : groups == 1         ? qn_conv_u8_packed_bytes(KERNEL * cin, CHANNELS)
                                         : qn_depthwise_u8_packed_bytes(KERNEL, 1, CHANNELS);
    assert(bytes <= sizeof packed);
    qn_dim dims[4] = {maker_const(m, 1), maker_const(m, 8), maker_const(m, 8), maker_const(m, CHANNELS)};
    uint32_t x = maker_input(m, "x", dtype, 4, dims);
    uint32_t w = maker_constant(m, "weights", QN_DTYPE_S8, 4, (int64_t[]){KERNEL, 1, cin, CHANNELS}, packed, bytes);
    uint32_t b = maker_constant(m, "bias", dtype == QN_DTYPE_S16 ? QN_DTYPE_S64 : QN_DTYPE_S32, 1,
                                (int64_t[]){CHANNELS}, bias, 0);
    uint32_t f = maker_constant(m, "multiplier", QN_DTYPE_F32, 1, (int64_t[]){CHANNELS}, multiplier, 0);
    qn_conv2d_quantized_attrs attrs;
    qn_attrs_init(&qn_op_conv2d_quantized, &attrs);
    attrs.conv.padding = QN_PADDING_SAME_UPPER;
    attrs.conv.groups = groups == 1 ? 1 : CHANNELS;
    maker_pack(m, w,
               dtype == QN_DTYPE_S16 ? &qn_packing_panel16x2
               : groups == 1         ? &qn_packing_panel16x4
                                     : &qn_packing_channel16x4);
    maker_output(
        m, maker_step(m, &qn_op_conv2d_quantized, &attrs, 4, (uint32_t[]){x, w, b, f}, "conv", QN_DTYPE_F32, 4, dims));
    return maker_finish(m, 1);
}

/* x as integers and back, into an output. */
static void add_integers(maker *m, uint32_t x, qn_dtype dtype, int64_t channels, const float *scale,
                         const int32_t *zero_point, const char *name, const char *output) {
    float multiplier[IN];
    for (int64_t c = 0; c < channels; c++) multiplier[c] = 1.0f / scale[c];
    uint32_t s = maker_constant(m, "scale", QN_DTYPE_F32, 1, &channels, scale, 0);
    uint32_t f = maker_constant(m, "multiplier", QN_DTYPE_F32, 1, &channels, multiplier, 0);
    uint32_t p = maker_constant(m, "zero_point", QN_DTYPE_S32, 1, &channels, zero_point, 0);
    const qn_quantize_linear_attrs attrs = {.dtype = dtype};
    uint32_t q =
        maker_step(m, &qn_op_quantize_linear, &attrs, 3, (uint32_t[]){x, f, p}, name, dtype, 2, maker_dims(m, x));
    maker_output(m, maker_step(m, &qn_op_dequantize_linear, NULL, 3, (uint32_t[]){q, s, p}, output, QN_DTYPE_F32, 2,
                               maker_dims(m, x)));
}

uint32_t program_shared_weights(maker *m, int has_words) {
    static _Alignas(64) const uint8_t zeros[4096];
    const qn_op_def *op = &qn_op_conv2d_quantized;
    const qn_dim dims[4] = {maker_const(m, 1), maker_const(m, 4), maker_const(m, 4), maker_const(m, 2)};
    uint32_t x = maker_input(m, "x", QN_DTYPE_U8, 4, dims), u = maker_input(m, "u", QN_DTYPE_S16, 4, dims);
    uint32_t w = maker_constant(m, "w", QN_DTYPE_S8, 4, (int64_t[]){1, 1, 2, 2}, zeros, sizeof zeros);
    uint32_t b = maker_constant(m, "b", QN_DTYPE_S32, 1, (int64_t[]){2}, zeros, 0);
    uint32_t c = maker_constant(m, "c", QN_DTYPE_S64, 1, (int64_t[]){2}, zeros, 0);
    uint32_t f = maker_constant(m, "f", QN_DTYPE_F32, 1, (int64_t[]){2}, zeros, 0);
    maker_output(m, maker_step(m, op, NULL, 4, (uint32_t[]){x, w, b, f}, "y", QN_DTYPE_F32, 4, dims));
    if (has_words) maker_output(m, maker_step(m, op, NULL, 4, (uint32_t[]){u, w, c, f}, "z", QN_DTYPE_F32, 4, dims));
    return w;
}

const qn_program *program_integers(maker *m, int ceiling) {
    static const float scales[IN] = {0.5f, 0.25f, 2}, scale = 0.125f;
    static const int32_t zero_points[IN] = {0, 128, 255}, zero_point = 0;
    static const uint8_t bytes[IN] = {0, 128, 255}, byte = 0;
    qn_dim dims[2] = {maker_symbol(m, "x.0", 0, 0, 1, 8), maker_const(m, IN)};
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 2, dims);
    add_integers(m, x, QN_DTYPE_U8, IN, scales, zero_points, "x/u8", "y");
    add_integers(m, x, QN_DTYPE_S16, 1, &scale, &zero_point, "x/s16", "z");
    maker_encoding(m, m->operands[m->steps[0].first_output], "x", IN, scales, bytes);
    maker_encoding(m, m->operands[m->steps[2].first_output], "x", 1, &scale, &byte);
    return maker_finish(m, ceiling);
}

const qn_program *program_picks(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 0, 64), k = maker_symbol(m, "found", -1, -1, 0, 64),
           one = maker_const(m, 1);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    uint32_t found = maker_step(m, &qn_op_where, NULL, 1, &x, "coordinates", QN_DTYPE_S64, 2, (qn_dim[]){k, one});
    maker_settles(m, k, 0);
    qn_axis_attrs axis = {.axis = 0};
    uint32_t picked =
        maker_step(m, &qn_op_gather, &axis, 2, (uint32_t[]){x, found}, "picked", QN_DTYPE_F32, 2, (qn_dim[]){k, one});
    uint32_t y = maker_step(m, &qn_op_neg, NULL, 1, &picked, "y", QN_DTYPE_F32, 2, (qn_dim[]){k, one});
    maker_output(m, y);
    return maker_finish(m, ceiling);
}
