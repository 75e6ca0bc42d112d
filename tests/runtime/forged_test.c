/* Files that are well signed but wrong: whatever is accepted must also be safe to run. */
#include "forged.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/packing.h"
#include "model/format.h"

#define FILES QN_SOURCE_DIR "/tests/model/files/"

enum { ROUNDS = 5000, ROUNDS_OF_NETWORKS = 400 };

static void mutate(qn_rng *rng, uint8_t *at) {
    switch (qn_rng_range(rng, 0, 4)) {
    case 0: *at = (uint8_t)qn_rng_next(rng); break;
    case 1: *at ^= (uint8_t)(1u << qn_rng_range(rng, 0, 7)); break;
    case 2: *at = (uint8_t)(*at + 1); break;
    case 3: *at = (uint8_t)(*at - 1); break;
    default: qn_store_u32(at - (uintptr_t)at % 4, (uint32_t)qn_rng_range(rng, 0, 40)); /* a plausible index */
    }
}

/* A byte of some section that has four or more. */
static uint8_t *draw_place(qn_rng *rng, rig_file f) {
    for (;;) {
        int64_t count = qn_load_u32(f.data + QN_HEADER_SECTIONS);
        const uint8_t *entry =
            f.data + QN_FORMAT_HEADER_BYTES + qn_rng_range(rng, 0, count - 1) * QN_FORMAT_ENTRY_BYTES;
        int64_t begin = (int64_t)qn_load_u64(entry + 8), bytes = (int64_t)qn_load_u64(entry + 16);
        if (bytes >= 4) return f.data + qn_rng_range(rng, begin, begin + bytes - 4);
    }
}

static void forge_file(rig_file original, int rounds, uint64_t seed) {
    const char *text = getenv("QN_SEED");
    qn_rng rng;
    qn_rng_init(&rng, seed + 1000 * (text ? strtoull(text, NULL, 0) : 0));
    int counts[3] = {0, 0, 0};
    for (int round = 0; round < rounds; round++) {
        rig_file f = {aligned_alloc(64, qn_align_up(original.size, 64)), original.size};
        memcpy(f.data, original.data, original.size);
        for (int64_t count = qn_rng_range(&rng, 1, 2); count > 0; count--) mutate(&rng, draw_place(&rng, f));
        qn_store_u64(f.data + QN_HEADER_CHECKSUM, qn_format_checksum(f.data, f.size));
        counts[forged_try(f, &rng)]++;
        free(f.data);
    }
    print_message("seed %llu: %d refused, %d loaded, %d run\n", (unsigned long long)seed, counts[0], counts[1],
                  counts[2]);
    assert_true(counts[0] > 0 && counts[2] > 0);
    free(original.data);
}

static void forge(make_fn make, int ceiling, uint64_t seed) { forge_file(rig_write(make, ceiling), ROUNDS, seed); }

static void test_forged_pictures_are_survived(void **state) {
    (void)state;
    forge(program_pictures, 1, 1);
    forge(program_pictures, 0, 2);
}

static void test_forged_picks_are_survived(void **state) {
    (void)state;
    forge(program_picks, 1, 3);
    forge(program_picks, 0, 4);
}

static void test_forged_integers_are_survived(void **state) {
    (void)state;
    forge(program_integers, 1, 5);
    forge(program_integers, 0, 6);
}

static rig_file read_whole(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    rig_file out = {aligned_alloc(64, qn_align_up((size_t)size, 64)), (size_t)size};
    assert_int_equal(fread(out.data, 1, out.size, file), out.size);
    fclose(file);
    return out;
}

/* Networks of many operators, in every precision. */
static void test_forged_networks_are_survived(void **state) {
    (void)state;
    DIR *folder = opendir(FILES);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char path[sizeof FILES + sizeof entry->d_name];
        snprintf(path, sizeof path, FILES "%s", entry->d_name);
        uint64_t seed = 7;
        for (const char *at = entry->d_name; *at; at++) seed = seed * 31 + (uint8_t)*at;
        if (strstr(path, ".qn")) forge_file(read_whole(path), ROUNDS_OF_NETWORKS, seed);
    }
    closedir(folder);
}

/* A convolution that claims a larger output than its input gives. */
static const qn_program *program_liar(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, 9), twice = qn_dim_mul(maker_pool(m), n, maker_const(m, 2));
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &x, "y", QN_DTYPE_F32, 1, &twice));
    return maker_finish(m, ceiling);
}

static void test_a_wrong_shape_is_found_when_shapes_are_set(void **state) {
    (void)state;
    rig r = rig_open(program_liar, 1, 1, NULL, NULL);
    assert_status(qn_context_set_input_shape(r.context, 0, 1, (int64_t[]){3}), QN_INVALID_MODEL,
                  "step 0 'y' (neg): the compiled model says that dim 0 of 'y' is 6, but the operator makes 3");
    rig_close(&r);
}

/* ---- Packed weights that no kernel reads ---- */

typedef struct packed_case {
    const qn_op_def *op;
    qn_dtype x, weights;
    int x_rank;
    int64_t x_dims[4];
    int rank;
    int64_t dims[4]; /* of the weights */
    const qn_packing *packing;
    int64_t groups, is_transposed;
    const char *message;
} packed_case;

static void *draw_attrs(const packed_case *c) {
    void *attrs = calloc(1, c->op->attrs_bytes + 1);
    qn_attrs_init(c->op, attrs);
    if (c->op == &qn_op_conv2d)
        ((qn_conv2d_attrs *)attrs)->groups = c->groups;
    else if (c->op == &qn_op_conv2d_quantized)
        ((qn_conv2d_quantized_attrs *)attrs)->conv.groups = c->groups;
    else if (c->op == &qn_op_matmul)
        ((qn_matmul_attrs *)attrs)->transpose_b = c->is_transposed;
    return attrs;
}

static void check_packed(const packed_case *c) {
    enum { BYTES = 1 << 20 };
    static _Alignas(64) const uint8_t zeros[BYTES];
    const int is_quantised = c->op == &qn_op_conv2d_quantized || c->op == &qn_op_matmul_quantized;
    const qn_dtype y = is_quantised ? QN_DTYPE_F32 : c->x;
    const int64_t outputs = c->dims[c->rank - 1];
    maker *m = maker_create();
    qn_dim dims[4];
    for (int d = 0; d < c->x_rank; d++) dims[d] = maker_const(m, c->x_dims[d]);
    uint32_t operands[4] = {maker_input(m, "x", c->x, c->x_rank, dims)};
    operands[1] = maker_constant(m, "w", c->weights, c->rank, c->dims, zeros, BYTES);
    maker_pack(m, operands[1], c->packing);
    operands[2] = maker_constant(m, "b", c->x == QN_DTYPE_U8 ? QN_DTYPE_S32 : QN_DTYPE_S64, 1, &outputs, zeros, 0);
    operands[3] = maker_constant(m, "f", QN_DTYPE_F32, 1, &outputs, zeros, 0);
    void *attrs = draw_attrs(c);
    dims[c->x_rank - 1] = maker_const(m, outputs);
    maker_output(m, maker_step(m, c->op, attrs, is_quantised ? 4 : 2, operands, "y", y, c->x_rank, dims));
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_ok(qn_program_write(maker_finish(m, 1), &buffer));
    qn_model *model = NULL;
    qn_status *status = qn_model_load_memory(buffer.data, buffer.size, QN_MEMORY_COPY, NULL, &model);
    if (c->message)
        assert_status(status, QN_INVALID_MODEL, c->message);
    else
        assert_ok(status);
    qn_model_destroy(model);
    qn_buffer_deinit(&buffer);
    maker_destroy(m);
    free(attrs);
}

static void test_weights_packed_as_no_kernel_reads_them_are_refused_when_loading(void **state) {
    (void)state;
#define CONV  &qn_op_conv2d, QN_DTYPE_F32, QN_DTYPE_F32, 4, {1, 4, 4, 6}, 4
#define BYTES &qn_op_conv2d_quantized, QN_DTYPE_U8, QN_DTYPE_S8, 4, {1, 4, 4, 6}, 4
#define WORDS &qn_op_conv2d_quantized, QN_DTYPE_S16, QN_DTYPE_S8, 4, {1, 4, 4, 6}, 4
#define MUL                                                                                                            \
    &qn_op_matmul, QN_DTYPE_F32, QN_DTYPE_F32, 2, { 4, 6 }
#define MULQ    &qn_op_matmul_quantized, QN_DTYPE_U8, QN_DTYPE_S8, 2
#define DOUBLES &qn_op_conv2d, QN_DTYPE_F64, QN_DTYPE_F64, 4, {1, 4, 4, 6}, 4
#define MIXED   &qn_op_conv2d, QN_DTYPE_BF16, QN_DTYPE_F32, 4, {1, 4, 4, 6}, 4
#define PANEL   &qn_packing_panel16
#define PAIRS   &qn_packing_panel16x2
#define QUADS   &qn_packing_panel16x4
#define CHANNEL &qn_packing_channel16
    const packed_case cases[] = {
        {CONV, {1, 1, 6, 5}, PANEL, 1, 0, NULL},
        {CONV,
         {1, 1, 6, 5},
         CHANNEL,
         1,
         0,
         "value 1 'w': packed as channel16, which is not for f32 of rank 4 and these"},
        {CONV, {1, 1, 6, 5}, PAIRS, 1, 0, "packed as panel16x2, which is not for f32"},
        {CONV, {1, 1, 3, 6}, PANEL, 2, 0, "step 0 'y' (conv2d): reads 'w', which is packed as panel16 for conv_f32"},
        {CONV, {1, 1, 1, 6}, CHANNEL, 6, 0, NULL},
        {CONV, {1, 1, 1, 6}, PANEL, 6, 0, "panel16 of f32; expected it packed as channel16 of f32"},
        {CONV,
         {1, 1, 1, 12},
         CHANNEL,
         6,
         0,
         "channel16 for depthwise_f32, depthwise_f16, depthwise_s16; expected it plain"},
        {DOUBLES, {1, 1, 6, 5}, PANEL, 1, 0, "not for f64"},
        {MIXED, {1, 1, 6, 5}, PANEL, 1, 0, "expected it plain"},
        {BYTES, {1, 1, 6, 5}, QUADS, 1, 0, NULL},
        {BYTES, {1, 1, 6, 5}, PAIRS, 1, 0, "panel16x2 of s8; expected it packed as panel16x4 of s8"},
        {BYTES, {5462, 1, 6, 5}, QUADS, 1, 0, "panel16x4 for conv_u8; expected it plain"},
        {WORDS, {1, 1, 6, 5}, PAIRS, 1, 0, NULL},
        {WORDS,
         {1, 1, 1, 6},
         &qn_packing_channel16x4,
         6,
         0,
         "channel16x4 of s8; expected it packed as channel16 of s16"},
        {MUL, 2, {6, 5}, PANEL, 0, 0, NULL},
        {MUL, 2, {6, 5}, CHANNEL, 0, 0, "packed as channel16, which is not for f32 of rank 2"},
        {MUL, 2, {5, 6}, PANEL, 0, 1, "transposes 'w', which is packed as panel16"},
        {MUL, 3, {1, 6, 5}, PANEL, 0, 0, "panel16 for conv_f32, conv_f16; expected it plain"},
        {MULQ, {4, 6}, 2, {6, 5}, QUADS, 0, 0, NULL},
        {MULQ, {4, 6}, 2, {6, 5}, PAIRS, 0, 0, "expected it packed as panel16x4"},
        {MULQ, {1, 32769}, 2, {32769, 5}, QUADS, 0, 0, "expected it plain"},
        {&qn_op_add,
         QN_DTYPE_F32,
         QN_DTYPE_F32,
         2,
         {4, 5},
         2,
         {4, 5},
         PANEL,
         0,
         0,
         "(add): reads 'w', which is packed"},
    };
#undef DOUBLES
#undef MIXED
#undef PANEL
#undef PAIRS
#undef QUADS
#undef CHANNEL
#undef CONV
#undef BYTES
#undef WORDS
#undef MUL
#undef MULQ
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_packed(&cases[i]);
}

/* y [n] = -x, where n is said to be found by the step. */
static const qn_program *program_false_settler(maker *m, int ceiling) {
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, 9), k = maker_symbol(m, "y.0", -1, -1, 0, 9);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &x, "y", QN_DTYPE_F32, 1, &k));
    maker_settles(m, k, 0);
    return maker_finish(m, ceiling);
}

static void test_only_operators_whose_sizes_depend_on_data_settle_sizes(void **state) {
    (void)state;
    rig_file file = rig_write(program_false_settler, 1);
    qn_model *model;
    assert_status(qn_model_load_memory(file.data, file.size, QN_MEMORY_COPY, NULL, &model), QN_INVALID_MODEL,
                  "step 0 'y' (neg): settles a size");
    free(file.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_pictures_are_survived),
        cmocka_unit_test(test_forged_picks_are_survived),
        cmocka_unit_test(test_forged_integers_are_survived),
        cmocka_unit_test(test_forged_networks_are_survived),
        cmocka_unit_test(test_weights_packed_as_no_kernel_reads_them_are_refused_when_loading),
        cmocka_unit_test(test_only_operators_whose_sizes_depend_on_data_settle_sizes),
        cmocka_unit_test(test_a_wrong_shape_is_found_when_shapes_are_set),
    };
    return cmocka_run_group_tests_name("runtime/forged", tests, NULL, NULL);
}
