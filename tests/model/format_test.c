/* The .qn format: what is written is read back, and nothing else is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/format.h"
#include "programs.h"

/* A compiled file in aligned memory of exactly its size. */
typedef struct file {
    uint8_t *data;
    size_t size;
} file;

static void assert_ok(qn_status *status) {
    if (status) fail_msg("%s", qn_status_message(status));
}

static file take_file(qn_buffer *buffer) {
    file out = {aligned_alloc(64, qn_align_up(buffer->size, 64)), buffer->size};
    memcpy(out.data, buffer->data, buffer->size);
    qn_buffer_deinit(buffer);
    return out;
}

static file write_program(const qn_program *program) {
    qn_buffer buffer;
    qn_buffer_init(&buffer, NULL);
    assert_ok(qn_program_write(program, &buffer));
    return take_file(&buffer);
}

static file write_made(const qn_program *(*make)(maker *, int), int ceiling) {
    maker *m = maker_create();
    file out = write_program(make(m, ceiling));
    maker_destroy(m);
    return out;
}

static void sign(file f) { qn_store_u64(f.data + QN_HEADER_CHECKSUM, qn_format_checksum(f.data, f.size)); }

/* Where a section begins, as the file's table says. */
static uint8_t *section(file f, qn_section which) {
    const uint8_t *entry = f.data + QN_FORMAT_HEADER_BYTES + (size_t)which * QN_FORMAT_ENTRY_BYTES;
    return f.data + qn_load_u64(entry + 8);
}

static qn_code try_read(file f) {
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_program_read((qn_bytes){f.data, f.size}, &arena, &program);
    qn_code code = qn_status_code(status);
    if (code != QN_OK) assert_true(strlen(qn_status_message(status)) > 0);
    qn_status_free(status);
    qn_arena_deinit(&arena);
    return code;
}

static void expect_refused(file f, const char *text) {
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    qn_status *status = qn_program_read((qn_bytes){f.data, f.size}, &arena, &program);
    assert_non_null(status);
    if (!strstr(qn_status_message(status), text)) fail_msg("expected '%s' in: %s", text, qn_status_message(status));
    qn_status_free(status);
    qn_arena_deinit(&arena);
}

static void test_same_program_gives_same_bytes(void **state) {
    (void)state;
    file a = write_made(program_pictures, 1), b = write_made(program_pictures, 1);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    free(a.data);
    free(b.data);
}

static void round_trip(const qn_program *(*make)(maker *, int), int ceiling) {
    file written = write_made(make, ceiling);
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    assert_ok(qn_program_read((qn_bytes){written.data, written.size}, &arena, &program));
    file again = write_program(program);
    assert_int_equal(written.size, again.size);
    assert_memory_equal(written.data, again.data, written.size);
    assert_int_equal((uintptr_t)program->constants.data % 64, 0);
    assert_true(qn_program_is_compiled((qn_bytes){written.data, written.size}));
    qn_arena_deinit(&arena);
    free(written.data);
    free(again.data);
}

static void test_what_is_read_writes_the_same_bytes(void **state) {
    (void)state;
    round_trip(program_pictures, 0);
    round_trip(program_pictures, 1);
    round_trip(program_picks, 0);
    round_trip(program_picks, 1);
    round_trip(program_integers, 0);
    round_trip(program_integers, 1);
}

static void flip_every_byte(const qn_program *(*make)(maker *, int)) {
    file f = write_made(make, 1);
    for (size_t i = 0; i < f.size; i++) {
        f.data[i] ^= (uint8_t)(1u << i % 8);
        if (try_read(f) == QN_OK) fail_msg("byte %zu flipped is accepted", i);
        f.data[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(try_read(f), QN_OK);
    free(f.data);
}

static void test_every_flipped_byte_is_refused(void **state) {
    (void)state;
    flip_every_byte(program_picks);
    flip_every_byte(program_integers);
}

static void test_every_cut_is_refused(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    for (size_t size = 0; size < f.size; size++) { /* a block of its own, so that reading past the cut is seen */
        file cut = {aligned_alloc(64, qn_align_up(size + 1, 64)), size};
        memcpy(cut.data, f.data, size);
        if (try_read(cut) == QN_OK) fail_msg("%zu bytes are accepted", size);
        free(cut.data);
    }
    free(f.data);
}

static void test_other_files_are_named(void **state) {
    (void)state;
    _Alignas(64) uint8_t data[128] = {0xFF, 0xD8, 0xFF};
    expect_refused((file){data, sizeof data}, "not a compiled model");
    expect_refused((file){data, 0}, "empty");
    memcpy(data, QN_FORMAT_MAGIC, QN_FORMAT_MAGIC_BYTES);
    expect_refused((file){data, 12}, "cut short");
    assert_false(qn_program_is_compiled((qn_bytes){data, 7}));
}

static void test_a_newer_format_is_incompatible(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    qn_store_u32(f.data + QN_HEADER_VERSION, QN_FORMAT_VERSION + 1);
    sign(f);
    assert_int_equal(try_read(f), QN_INCOMPATIBLE);
    free(f.data);
}

static void expect_version(const qn_program *(*make)(maker *, int), uint32_t version) {
    file f = write_made(make, 1);
    assert_int_equal(qn_load_u32(f.data + QN_HEADER_VERSION), version);
    free(f.data);
}

/* So that libraries that know version 1 only go on reading what is in it. */
static void test_files_have_the_least_version_that_holds_them(void **state) {
    (void)state;
    expect_version(program_pictures, 1);
    expect_version(program_integers, 2);
}

static void test_a_version_has_its_own_sections(void **state) {
    (void)state;
    for (int integers = 0; integers < 2; integers++) {
        file f = write_made(integers ? program_integers : program_picks, 1);
        qn_store_u32(f.data + QN_HEADER_VERSION, integers ? 1 : 2);
        sign(f);
        expect_refused(f, integers ? "18 sections, expected 15" : "15 sections, expected 18");
        free(f.data);
    }
}

static void test_an_unknown_operator_is_named(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    char *name = (char *)section(f, QN_SECTION_TEXT);
    while (strcmp(name, "gather")) name += strlen(name) + 1;
    name[0] = 'G';
    sign(f);
    assert_int_equal(try_read(f), QN_INCOMPATIBLE);
    expect_refused(f, "'Gather'");
    free(f.data);
}

/* ---- Forged files: well signed, but wrong ---- */

typedef struct forgery {
    qn_section section;
    size_t record, field; /* bytes into the section */
    uint32_t value;
    const char *text; /* of the refusal */
} forgery;

static const forgery forgeries[] = {
    {QN_SECTION_SYMBOLS, 0, 24, 5, "belongs to input 5"},
    {QN_SECTION_SYMBOLS, 0, 28, 3, "axis 3"},
    {QN_SECTION_VALUES, 0, 4, 77, "element type 77"},
    {QN_SECTION_VALUES, 0, 6, 9, ""},
    {QN_SECTION_VALUES, 0, 8, 9999, "instruction 9999"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 72, 1, "of itself"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 72, 1000, "bytes of no value"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 40, 1 << 20, "outside the arena"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 40, 8, "aligned"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 48, 1 << 20, "outside the arena"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 68, 0, "is needed from"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 68, 99, "lives from"},
    {QN_SECTION_VALUES, QN_RECORD_VALUE, 0, 1 << 20, "outside the text section"},
    {QN_SECTION_OPERANDS, 0, 0, 3, "before anything made it"},
    {QN_SECTION_OPERANDS, 0, 4, 0, ""},
    {QN_SECTION_OPERANDS, 0, 0, 4000, "value 4000"},
    {QN_SECTION_OPERANDS, 0, 0, UINT32_MAX, "value 4294967295"},
    {QN_SECTION_STEPS, 0, 0, 50, "operator 50"},
    {QN_SECTION_STEPS, 0, 12, 1 << 20, "outside their section"},
    {QN_SECTION_STEPS, 0, 20, 1 << 20, "operands are outside"},
    {QN_SECTION_STEPS, 0, 24, 0, "0 inputs"},
    {QN_SECTION_STEPS, 0, 40, 0, "1 data symbols, but steps settle 0"},
    {QN_SECTION_STEPS, 0, 44, 1, "reserved"},
    {QN_SECTION_DATA_SYMBOLS, 0, 0, 0, "settles symbol 0"},
    {QN_SECTION_DATA_SYMBOLS, 0, 4, 1, "output 1 of 1"},
    {QN_SECTION_DATA_SYMBOLS, 0, 8, 1, "is not symbol"},
    {QN_SECTION_INPUTS, 0, 0, 1, "place"},
    {QN_SECTION_OUTPUTS, 0, 0, 70, "value 70"},
};

static void test_forged_tables_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        const forgery *row = &forgeries[i];
        file f = write_made(program_picks, 1);
        uint8_t *at = section(f, row->section) + row->record + row->field;
        if (row->section == QN_SECTION_VALUES && row->field >= 4 && row->field < 8)
            *at = (uint8_t)row->value;
        else
            qn_store_u32(at, row->value);
        sign(f);
        expect_refused(f, row->text);
        free(f.data);
    }
}

static void test_overlapping_values_are_refused(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    qn_program_value values[64];
    memcpy(values, program.values, program.value_count * sizeof *values);
    program.values = values;
    uint32_t conv = 0, sum = 0;
    for (uint32_t i = 0; i < program.value_count; i++) {
        if (!strcmp(values[i].name, "conv")) conv = i;
        if (!strcmp(values[i].name, "sum")) sum = i;
    }
    for (uint32_t i = 0; i < program.value_count; i++)
        if (i == sum || values[i].alias == (int32_t)sum) values[i].offset = values[conv].offset;
    file f = write_program(&program);
    expect_refused(f, "overlap in the arena");
    free(f.data);
    maker_destroy(m);
}

static void test_overwriting_what_is_needed_is_refused(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_dim n = maker_symbol(m, "x.0", 0, 0, 1, 8);
    uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n);
    uint32_t a = maker_step(m, &qn_op_relu, NULL, 1, &x, "a", QN_DTYPE_F32, 1, &n);
    uint32_t b = maker_step(m, &qn_op_neg, NULL, 1, &a, "b", QN_DTYPE_F32, 1, &n);
    maker_alias(m, b, a);
    maker_output(m, maker_step(m, &qn_op_add, NULL, 2, (uint32_t[]){a, b}, "c", QN_DTYPE_F32, 1, &n));
    file f = write_program(maker_finish(m, 1));
    expect_refused(f, "writes 'b' over 'a'");
    free(f.data);
    maker_destroy(m);
}

static void test_writing_into_an_input_or_constant_is_refused(void **state) {
    (void)state;
    for (int constant = 0; constant < 2; constant++) {
        maker *m = maker_create();
        qn_dim n = maker_const(m, 8);
        float data[8] = {0};
        uint32_t x = maker_input(m, "x", QN_DTYPE_F32, 1, &n),
                 c = maker_constant(m, "c", QN_DTYPE_F32, 1, (int64_t[]){8}, data, 0);
        uint32_t a = maker_step(m, &qn_op_neg, NULL, 1, constant ? &c : &x, "a", QN_DTYPE_F32, 1, &n);
        maker_alias(m, a, constant ? c : x);
        maker_output(m, maker_step(m, &qn_op_neg, NULL, 1, &a, "y", QN_DTYPE_F32, 1, &n));
        file f = write_program(maker_finish(m, 1));
        expect_refused(f, "not its to write");
        free(f.data);
        maker_destroy(m);
    }
}

static void test_packed_weights_need_their_whole_panels(void **state) {
    (void)state;
    maker *m = maker_create();
    qn_program program = *program_pictures(m, 1);
    qn_program_value values[64];
    memcpy(values, program.values, program.value_count * sizeof *values);
    program.values = values;
    for (uint32_t i = 0; i < program.value_count; i++)
        if (!strcmp(values[i].name, "weights")) values[i].bytes = 9 * 3 * 20 * sizeof(float);
    file f = write_program(&program);
    expect_refused(f, "packed");
    free(f.data);
    maker_destroy(m);
}

/* Groups are filled up too: 30 products take 32 bytes of each of 16 outputs in fours, 30 in pairs, 5 rows take 8. */
static void test_packed_bytes_need_their_whole_groups(void **state) {
    static const struct {
        qn_dtype dtype;
        int groups;
        uint64_t need;
    } rows[] = {{QN_DTYPE_U8, 1, 32 * 16}, {QN_DTYPE_U8, 6, 8 * 16}, {QN_DTYPE_S16, 1, 30 * 16}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (uint64_t missing = 0; missing <= 1; missing++) {
            maker *m = maker_create();
            qn_program program = *program_bytes(m, rows[r].dtype, rows[r].groups);
            qn_program_value values[64];
            memcpy(values, program.values, program.value_count * sizeof *values);
            program.values = values;
            for (uint32_t i = 0; i < program.value_count; i++)
                if (!strcmp(values[i].name, "weights")) values[i].bytes = rows[r].need - missing;
            file f = write_program(&program);
            if (missing)
                expect_refused(f, "packed");
            else
                assert_int_equal(try_read(f), QN_OK);
            free(f.data);
            maker_destroy(m);
        }
    }
}

/* ---- What integers stand for ---- */

static void test_encodings_are_read_in_place(void **state) {
    (void)state;
    file f = write_made(program_integers, 1);
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, NULL);
    assert_ok(qn_program_read((qn_bytes){f.data, f.size}, &arena, &program));
    assert_int_equal(program->encoding_count, 2);
    const qn_program_encoding *bytes = &program->encodings[0], *words = &program->encodings[1];
    assert_string_equal(program->values[bytes->value].name, "x/u8");
    assert_string_equal(program->values[words->value].name, "x/s16");
    assert_string_equal(bytes->of, "x");
    assert_int_equal(bytes->channels, 3);
    assert_int_equal(words->channels, 1);
    assert_ptr_equal(bytes->scale, section(f, QN_SECTION_SCALES));
    assert_ptr_equal(words->zero_point, section(f, QN_SECTION_ZERO_POINTS) + 3);
    assert_true(bytes->scale[1] == 0.25f && bytes->zero_point[1] == 128 && words->scale[0] == 0.125f);
    qn_arena_deinit(&arena);
    free(f.data);
}

/* `at`: of a u32 in the section, or of a byte among the zero points. */
static const struct {
    qn_section section;
    size_t at;
    uint32_t value;
    const char *text;
} encoding_forgeries[] = {
    {QN_SECTION_ENCODINGS, 0, 4000, "encoding 0 is of value 4000 of "},
    {QN_SECTION_ENCODINGS, 0, 0, "what value 0 'x' stands for: its type is f32; expected u8 or s16"},
    {QN_SECTION_ENCODINGS, 12, 0, "does not come after value"},
    {QN_SECTION_ENCODINGS, 4, 1 << 20, "outside the text section"},
    {QN_SECTION_ENCODINGS, 4, 0, "has no name"},
    {QN_SECTION_ENCODINGS, 8, 5, "5 channels, but there are 4 scales left"},
    {QN_SECTION_ENCODINGS, 8, UINT32_MAX, "but there are 4 scales left"},
    {QN_SECTION_ENCODINGS, 8, 2, "3 channels in encodings, but 4 scales and 4 zero points"},
    {QN_SECTION_ENCODINGS, 20, 0, "3 channels in encodings, but 4 scales"},
    {QN_SECTION_SCALES, 4, 0x00000000, "what value 4 'x/u8' stands for: scale 1 is 0; expected a positive normal"},
    {QN_SECTION_SCALES, 4, 0xbf800000, "scale 1 is -1"},
    {QN_SECTION_SCALES, 4, 0x7f800000, "scale 1 is inf"},
    {QN_SECTION_SCALES, 4, 0x7fc00000, "scale 1 is nan"},
    {QN_SECTION_SCALES, 4, 0x00000001, "scale 1 is 1.4013e-45"},
    {QN_SECTION_ZERO_POINTS, 3, 1, "zero point 0 is 1; expected 0 for s16"},
};

static void test_forged_encodings_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof encoding_forgeries / sizeof *encoding_forgeries; i++) {
        file f = write_made(program_integers, 1);
        uint8_t *at = section(f, encoding_forgeries[i].section) + encoding_forgeries[i].at;
        if (encoding_forgeries[i].section == QN_SECTION_ZERO_POINTS)
            *at = (uint8_t)encoding_forgeries[i].value;
        else
            qn_store_u32(at, encoding_forgeries[i].value);
        sign(f);
        expect_refused(f, encoding_forgeries[i].text);
        free(f.data);
    }
}

static void expect_encoding_refused(uint32_t value, uint32_t channels, const char *text) {
    static const float scale[4] = {1, 1, 1, 1};
    static const uint8_t zero_point[4] = {0};
    maker *m = maker_create();
    qn_program program = *program_integers(m, 1);
    const qn_program_encoding encoding = {value, "x", channels, scale, zero_point};
    program.encodings = &encoding;
    program.encoding_count = 1;
    file f = write_program(&program);
    expect_refused(f, text);
    free(f.data);
    maker_destroy(m);
}

/* A constant of 4 bytes each, the first of that name, with one element forged. */
static void expect_constant_refused(const char *name, size_t element, uint32_t bits, const char *text) {
    maker *m = maker_create();
    const qn_program *program = program_integers(m, 1);
    uint32_t i = 0;
    while (strcmp(program->values[i].name, name)) i++;
    uint8_t *at = (uint8_t *)(uintptr_t)program->constants.data + program->values[i].offset + 4 * element;
    qn_store_u32(at, bits);
    file f = write_program(program);
    expect_refused(f, text);
    free(f.data);
    maker_destroy(m);
}

static void test_constants_that_no_integers_have_are_refused(void **state) {
    (void)state;
    expect_constant_refused("zero_point", 1, 256,
                            "step 0 'x/u8' (quantize_linear): channel 1: zero_point is 256; expected 0 to 255 for u8");
    expect_constant_refused("zero_point", 0, UINT32_MAX, "channel 0: zero_point is -1; expected 0 to 255");
    expect_constant_refused("multiplier", 2, 0x7fc00000,
                            "multiplier of channel 2 is nan; expected a finite number above 0");
    expect_constant_refused("multiplier", 0, 0x7f800000, "multiplier of channel 0 is inf");
    expect_constant_refused(
        "scale", 2, 0x80000000,
        "step 1 'y' (dequantize_linear): scale of channel 2 is -0; expected a finite number above 0");
}

static void test_attributes_that_no_integers_have_are_refused(void **state) {
    (void)state;
    for (int is_pad = 0; is_pad < 2; is_pad++) {
        maker *m = maker_create();
        const qn_program *program = program_bytes(m, QN_DTYPE_U8, 1);
        qn_conv2d_quantized_attrs *attrs = (qn_conv2d_quantized_attrs *)(uintptr_t)program->steps[0].attrs;
        *(is_pad ? &attrs->pad_value : &attrs->result.zero_point) = 256;
        file f = write_program(program);
        expect_refused(f, is_pad ? "step 0 'conv' (conv2d_quantized): pad_value is 256; expected 0 to 255 for u8"
                                 : "zero_point is 256; expected 0 to 0 for f32");
        free(f.data);
        maker_destroy(m);
    }
}

static void test_encodings_fit_their_values(void **state) {
    (void)state;
    maker *m = maker_create();
    const qn_program *program = program_integers(m, 1);
    uint32_t bytes = program->encodings[0].value;
    maker_destroy(m);
    expect_encoding_refused(bytes, 2, "2 scales; expected one, or one for each element of the last axis");
    expect_encoding_refused(bytes, 4, "4 scales; expected one");
    expect_encoding_refused(bytes, 0, "0 scales; expected one");
    expect_encoding_refused(bytes - 1, 1, "its type is s32");
}

/* Mutates signed files at random: reading may refuse or accept, never misbehave. */
static void forge_at_random(const qn_program *(*make)(maker *, int), qn_rng *rng) {
    file original = write_made(make, 1);
    size_t tables = (size_t)(section(original, QN_SECTION_CONSTANTS) - original.data);
    for (int round = 0; round < 3000; round++) {
        file f = {aligned_alloc(64, qn_align_up(original.size, 64)), original.size};
        memcpy(f.data, original.data, original.size);
        for (int64_t count = qn_rng_range(rng, 1, 3); count > 0; count--) {
            int64_t at = qn_rng_range(rng, QN_FORMAT_HEADER_BYTES, (int64_t)tables - 1);
            if (round % 4 == 0) at = (int64_t)original.size - 1 - at % 64; /* what integers stand for lies last */
            f.data[at] = (uint8_t)qn_rng_next(rng);
        }
        sign(f);
        (void)try_read(f);
        free(f.data);
    }
    free(original.data);
}

static void test_random_forgeries_are_survived(void **state) {
    (void)state;
    qn_rng rng;
    uint64_t seed = 20240611;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng_init(&rng, seed);
    forge_at_random(program_pictures, &rng);
    forge_at_random(program_integers, &rng);
}

/* Refuses the n-th allocation. */
typedef struct failing {
    int left;
    int live;
} failing;

static void *failing_alloc(void *self, size_t bytes, size_t align) {
    failing *f = self;
    if (f->left-- <= 0) return NULL;
    f->live++;
    return aligned_alloc(align, qn_align_up(bytes, align));
}

static void failing_free(void *self, void *block) {
    if (block) ((failing *)self)->live--;
    free(block);
}

static void test_every_failed_allocation_is_reported(void **state) {
    (void)state;
    file f = write_made(program_pictures, 1);
    int succeeded = 0;
    for (int n = 0; !succeeded; n++) {
        failing counter = {.left = n};
        qn_allocator allocator = {&counter, failing_alloc, failing_free};
        qn_arena arena;
        const qn_program *program = NULL;
        qn_arena_init(&arena, &allocator);
        qn_status *status = qn_program_read((qn_bytes){f.data, f.size}, &arena, &program);
        succeeded = !status;
        if (status) assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        qn_status_free(status);
        qn_arena_deinit(&arena);
        assert_int_equal(counter.live, 0);
    }
    maker *m = maker_create();
    const qn_program *program = program_pictures(m, 1);
    succeeded = 0;
    for (int n = 0; !succeeded; n++) {
        failing counter = {.left = n};
        qn_allocator allocator = {&counter, failing_alloc, failing_free};
        qn_buffer buffer;
        qn_buffer_init(&buffer, &allocator);
        qn_status *status = qn_program_write(program, &buffer);
        succeeded = !status;
        if (status) assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        qn_status_free(status);
        qn_buffer_deinit(&buffer);
        assert_int_equal(counter.live, 0);
    }
    maker_destroy(m);
    free(f.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_program_gives_same_bytes),
        cmocka_unit_test(test_what_is_read_writes_the_same_bytes),
        cmocka_unit_test(test_every_flipped_byte_is_refused),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_other_files_are_named),
        cmocka_unit_test(test_a_newer_format_is_incompatible),
        cmocka_unit_test(test_files_have_the_least_version_that_holds_them),
        cmocka_unit_test(test_a_version_has_its_own_sections),
        cmocka_unit_test(test_an_unknown_operator_is_named),
        cmocka_unit_test(test_forged_tables_are_refused_with_a_reason),
        cmocka_unit_test(test_overlapping_values_are_refused),
        cmocka_unit_test(test_overwriting_what_is_needed_is_refused),
        cmocka_unit_test(test_writing_into_an_input_or_constant_is_refused),
        cmocka_unit_test(test_packed_weights_need_their_whole_panels),
        cmocka_unit_test(test_packed_bytes_need_their_whole_groups),
        cmocka_unit_test(test_encodings_are_read_in_place),
        cmocka_unit_test(test_forged_encodings_are_refused_with_a_reason),
        cmocka_unit_test(test_encodings_fit_their_values),
        cmocka_unit_test(test_constants_that_no_integers_have_are_refused),
        cmocka_unit_test(test_attributes_that_no_integers_have_are_refused),
        cmocka_unit_test(test_random_forgeries_are_survived),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("model/format", tests, NULL, NULL);
}
