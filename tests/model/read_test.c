/* Files that are well signed, but whose header, sections or records are wrong: refused, with a reason. */
#include "files.h"

#include "base/meter.h"
#include "kernel/packing.h"

#include <stdlib.h>
#include <string.h>

/* ---- Header and table of sections ---- */

/* A word of four or eight bytes of a sound file, from its start on, is set, and the file signed. */
static void expect_word_refused(size_t at, int is_long, uint64_t value, const char *text) {
    file f = write_made(program_picks, 1);
    if (is_long)
        qn_store_u64(f.data + at, value);
    else
        qn_store_u32(f.data + at, (uint32_t)value);
    sign(f);
    expect_refused(f, text);
    free(f.data);
}

static size_t entry_of(qn_section which) { return QN_FORMAT_HEADER_BYTES + (size_t)which * QN_FORMAT_ENTRY_BYTES; }

static void test_forged_headers_are_refused_with_a_reason(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    const size_t size = f.size;
    free(f.data);
    expect_word_refused(QN_HEADER_VERSION, 0, 0, "file format 0 does not exist");
    expect_word_refused(QN_HEADER_FILE_BYTES, 1, size - 1, "too long: ");
    expect_word_refused(QN_HEADER_FILE_BYTES, 1, size + 1, "cut short: ");
    expect_word_refused(QN_HEADER_SECTIONS, 0, 14, "14 sections, expected 18");
    expect_word_refused(QN_HEADER_RESERVED, 1, 1, "reserved header field is not 0");
}

/* Parsers of JSON recurse, so a text that is nested deeply is refused before any of them sees it. */
static void test_a_meta_text_that_is_nested_too_deeply_is_refused(void **state) {
    (void)state;
    char meta[2 * QN_JSON_DEPTH_MAX + 3] = "";
    file sound = write_made(program_picks, 1);
    for (int levels = QN_JSON_DEPTH_MAX; levels <= QN_JSON_DEPTH_MAX + 1; levels++) {
        qn_buffer changed;
        qn_buffer_init(&changed, NULL);
        memset(meta, '[', (size_t)levels);
        memset(meta + levels, ']', (size_t)levels);
        assert_null(sections_with_meta((qn_bytes){sound.data, sound.size}, meta, &changed));
        file f = file_copy(changed.data, changed.size);
        qn_buffer_deinit(&changed);
        if (levels > QN_JSON_DEPTH_MAX)
            expect_refused(f, "meta: JSON nested deeper than 64 levels");
        else
            assert_int_equal(try_read(f), QN_OK);
        free(f.data);
    }
    free(sound.data);
}

static void test_damage_is_told_by_the_checksum(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    f.data[QN_HEADER_CHECKSUM] ^= 1;
    expect_refused(f, "the checksum does not match");
    free(f.data);
}

static void test_forged_section_tables_are_refused_with_a_reason(void **state) {
    (void)state;
    expect_word_refused(entry_of(QN_SECTION_DIMS), 0, 4, "entry 2 of the section table is not section 'dims'");
    expect_word_refused(entry_of(QN_SECTION_DIMS) + 4, 0, 1, "entry 2 of the section table is not section 'dims'");
    expect_word_refused(entry_of(QN_SECTION_DIMS) + 8, 1, 8, "section 'dims' lies at 8");
    expect_word_refused(entry_of(QN_SECTION_INPUTS) + 16, 1, 5,
                        "section 'inputs' has 5 bytes, expected a multiple of 4");
    expect_word_refused(entry_of(QN_SECTION_TEXT) + 16, 1, 1 << 20, "section 'text' lies at");
    expect_word_refused(entry_of(QN_SECTION_CONSTANTS) + 16, 1, 1, "section 'constants' lies at");
}

/* A sound file that ends after `size` bytes, and says so. */
static void expect_cut_refused(size_t size, const char *text) {
    file f = write_made(program_picks, 1);
    file cut = file_copy(f.data, size);
    sections_sign(cut.data, cut.size);
    expect_refused(cut, text);
    free(cut.data);
    free(f.data);
}

static void test_files_that_end_early_are_refused_with_a_reason(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    const uint8_t *text = f.data + entry_of(QN_SECTION_TEXT);
    const size_t text_end = (size_t)(qn_load_u64(text + 8) + qn_load_u64(text + 16)),
                 table_end = entry_of(QN_SECTION_COUNT);
    free(f.data);
    expect_cut_refused(QN_FORMAT_HEADER_BYTES, "no room for the section table");
    expect_cut_refused(table_end - 1, "no room for the section table");
    expect_cut_refused(table_end, "section 'info' lies at");
    expect_cut_refused(text_end - 1, "section 'text' lies at");
    expect_cut_refused(text_end, "section 'constants' lies at 4096 with 0 bytes");
}

static void test_texts_end_in_their_section(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    qn_bytes sections[QN_SECTION_COUNT];
    sections_read((qn_bytes){f.data, f.size}, sections);
    qn_store_u32(section(f, QN_SECTION_VALUES), (uint32_t)sections[QN_SECTION_TEXT].size);
    sign(f);
    expect_refused(f, "is outside the text section");
    qn_store_u32(section(f, QN_SECTION_VALUES), (uint32_t)sections[QN_SECTION_TEXT].size - 1);
    sign(f);
    assert_int_equal(try_read(f), QN_OK); /* "" */
    free(f.data);
}

static void test_gaps_between_sections_are_zeros(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    section(f, QN_SECTION_CONSTANTS)[-1] = 1;
    sign(f);
    expect_refused(f, "the gap before section 'constants' is not filled with 0");
    free(f.data);
}

static void test_nothing_follows_the_last_section(void **state) {
    (void)state;
    file f = write_made(program_picks, 1);
    file longer = {aligned_alloc(64, qn_align_up(f.size + 8, 64)), f.size + 8};
    memcpy(longer.data, f.data, f.size);
    memset(longer.data + f.size, 0, 8);
    sections_sign(longer.data, longer.size);
    expect_refused(longer, "8 bytes follow the last section");
    free(longer.data);
    free(f.data);
}

/* A sound file with other bytes for one section, as version `version`. */
static void expect_section_refused(uint32_t version, qn_section which, qn_bytes bytes, const char *text) {
    qn_bytes sections[QN_SECTION_COUNT];
    qn_buffer buffer;
    file f = write_made(program_picks, 1);
    sections_read((qn_bytes){f.data, f.size}, sections);
    sections[which] = bytes;
    qn_buffer_init(&buffer, NULL);
    sections_write(version, sections, &buffer);
    file forged = file_copy(buffer.data, buffer.size);
    expect_refused(forged, text);
    qn_buffer_deinit(&buffer);
    free(forged.data);
    free(f.data);
}

static void test_sections_that_every_file_has_are_whole(void **state) {
    static const uint8_t zeros[2 * QN_RECORD_INFO], no_begin[] = {'a', 0}, no_end[] = {0, 'a'};
    (void)state;
    expect_section_refused(1, QN_SECTION_INFO, (qn_bytes){zeros, 0}, "section 'info' has not one record");
    expect_section_refused(1, QN_SECTION_INFO, (qn_bytes){zeros, sizeof zeros}, "section 'info' has not one record");
    expect_section_refused(1, QN_SECTION_TEXT, (qn_bytes){zeros, 0}, "does not begin and end with a NUL");
    expect_section_refused(1, QN_SECTION_TEXT, (qn_bytes){no_begin, 2}, "does not begin and end with a NUL");
    expect_section_refused(1, QN_SECTION_TEXT, (qn_bytes){no_end, 2}, "does not begin and end with a NUL");
    expect_section_refused(2, QN_SECTION_ENCODINGS, (qn_bytes){zeros, 0}, "no encodings: such a file has version 1");
}

/* ---- Packings ---- */

/* A sound program's file with the packing of its weights renamed. */
static void test_an_unknown_packing_is_named(void **state) {
    (void)state;
    file f = write_made(program_pictures, 1);
    char *name = (char *)section(f, QN_SECTION_TEXT);
    while (strcmp(name, "panel16")) name += strlen(name) + 1;
    name[6] = '9';
    sign(f);
    assert_int_equal(try_read(f), QN_INCOMPATIBLE);
    expect_refused(f, "value 1: packing 'panel19' is unknown to this quench");
    free(f.data);
}

/* `program` as the file of version 1 that says kinds[s] in the last attribute of step s, if its operator reads packed
   weights. */
static file write_version_1(qn_program program, const int64_t *kinds) {
    qn_program_value values[64];
    qn_bytes sections[QN_SECTION_COUNT];
    qn_buffer attributes, out;
    uint8_t word[8];
    qn_buffer_init(&attributes, NULL);
    qn_buffer_init(&out, NULL);
    memcpy(values, program.values, program.value_count * sizeof *values);
    for (size_t i = 0; i < program.value_count; i++) values[i].packing = NULL;
    program.values = values;
    file f = write_program(&program);
    sections_read((qn_bytes){f.data, f.size}, sections);
    for (size_t s = 0; s < program.step_count; s++) {
        uint8_t *step = section(f, QN_SECTION_STEPS) + s * QN_RECORD_STEP;
        const uint32_t begin = qn_load_u32(step + 12), bytes = qn_load_u32(step + 16);
        const int has_kind = program.steps[s].op->pack != NULL;
        qn_store_u32(step + 12, (uint32_t)attributes.size);
        qn_store_u32(step + 16, bytes + (has_kind ? 8 : 0));
        qn_buffer_append(&attributes, sections[QN_SECTION_ATTRIBUTES].data + begin, bytes);
        qn_store_u64(word, (uint64_t)kinds[s]);
        if (has_kind) qn_buffer_append(&attributes, word, sizeof word);
    }
    sections[QN_SECTION_ATTRIBUTES] = (qn_bytes){attributes.data, attributes.size};
    sections_write(1, sections, &out);
    file old = file_copy(out.data, out.size);
    free(f.data);
    qn_buffer_deinit(&attributes);
    qn_buffer_deinit(&out);
    return old;
}

static void expect_old_refused(const qn_program *program, int64_t kind, const char *text) {
    file f = write_version_1(*program, &kind);
    expect_refused(f, text);
    free(f.data);
}

static void test_packing_of_old_versions_becomes_that_of_the_constant(void **state) {
    enum { PLAIN, PANEL, CHANNEL };
    static const struct {
        qn_dtype x;
        int groups;
        int64_t kind;
        const qn_packing *packing;
    } rows[] = {{QN_DTYPE_U8, 1, PANEL, &qn_packing_panel16x4},
                {QN_DTYPE_U8, 6, CHANNEL, &qn_packing_channel16x4},
                {QN_DTYPE_S16, 1, PANEL, &qn_packing_panel16x2},
                {QN_DTYPE_U8, 1, PLAIN, NULL}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        maker *m = maker_create();
        file f = write_version_1(*program_bytes(m, rows[r].x, rows[r].groups), &rows[r].kind);
        qn_arena arena;
        const qn_program *program = NULL;
        qn_arena_init(&arena, NULL);
        assert_ok(qn_program_read((qn_bytes){f.data, f.size}, &arena, &program));
        for (size_t i = 0; i < program->value_count; i++)
            assert_ptr_equal(program->values[i].packing,
                             strcmp(program->values[i].name, "weights") ? NULL : rows[r].packing);
        qn_arena_deinit(&arena);
        free(f.data);
        maker_destroy(m);
    }
    maker *m = maker_create();
    const qn_program *bytes = program_bytes(m, QN_DTYPE_S16, 1);
    expect_old_refused(bytes, CHANNEL,
                       "weights 'weights' are packed as channel16, which no kernel reads as s8 beside s16");
    expect_old_refused(bytes, 3, "expected attribute 'packing' in [0, 2], found 3");
    expect_old_refused(bytes, -1, "expected attribute 'packing' in [0, 2], found -1");
    maker_destroy(m);
    m = maker_create();
    expect_old_refused(program_bytes(m, QN_DTYPE_U8, 6), PANEL, "expected it packed as channel16x4 of s8");
    maker_destroy(m);
}

/* x u8 and u s16 convolved by the same bytes. */
static void test_old_steps_that_share_weights_agree_about_them(void **state) {
    static const struct {
        int64_t kinds[2];
        const char *text; /* NULL: read */
    } rows[] = {
        {{0, 0}, NULL},
        {{1, 1}, "step 1 'z' (conv2d_quantized): weights 'w' are packed as panel16x2, by another step as panel16x4"},
        {{1, 0}, "step 1 'z' (conv2d_quantized): reads 'w', which is packed as panel16x4 of s8; expected it packed"}};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        maker *m = maker_create();
        program_shared_weights(m, 1);
        file old = write_version_1(*maker_finish(m, 1), rows[r].kinds);
        if (rows[r].text)
            expect_refused(old, rows[r].text);
        else
            assert_int_equal(try_read(old), QN_OK);
        free(old.data);
        maker_destroy(m);
    }
}

/* ---- Records ---- */

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
    {QN_SECTION_VALUES, 0, 6, 9, "rank 9, expected at most 8"},
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
    {QN_SECTION_OPERANDS, 0, 4, 0, "dim 0 of output 'x' is not symbol 'found'"},
    {QN_SECTION_OPERANDS, 0, 0, 4000, "value 4000"},
    {QN_SECTION_OPERANDS, 0, 0, UINT32_MAX, "value 4294967295"},
    {QN_SECTION_STEPS, 0, 0, 50, "operator 50"},
    {QN_SECTION_STEPS, 0, 12, 1 << 20, "outside their section"},
    {QN_SECTION_STEPS, 0, 20, 1 << 20, "operands are outside"},
    {QN_SECTION_STEPS, 0, 24, 0, "0 inputs"},
    {QN_SECTION_STEPS, 0, 40, 0, "1 data symbols, but steps settle 0"},
    {QN_SECTION_STEPS, 0, 44, 1, "step 0: reserved field is not 0"},
    {QN_SECTION_STEPS, 0, 16, 1 << 20, "1048576 bytes are outside their section"},
    {QN_SECTION_STEPS, 0, 16, 4, "4 bytes of attributes, but 'where' has none"},
    {QN_SECTION_STEPS, 0, 4, 1 << 20, "outside the text section"},
    {QN_SECTION_STEPS, 0, 8, 1 << 20, "outside the text section"},
    {QN_SECTION_SYMBOLS, 0, 0, 1 << 20, "symbol 0: text 1048576 is outside the text section"},
    {QN_SECTION_SYMBOLS, 0, 4, 1 << 20, "symbol 0: text 1048576 is outside the text section"},
    {QN_SECTION_DIMS, 0, 12, 1, "dim 0: reserved field is not 0"},
    {QN_SECTION_VALUES, 0, 7, 1, "value 0: reserved byte is not 0"},
    {QN_SECTION_VALUES, 0, 76, 1 << 20, "value 0: text 1048576 is outside the text section"},
    {QN_SECTION_OPERATORS, 0, 0, 1 << 20, "operator 0: text 1048576 is outside the text section"},
    {QN_SECTION_INFO, 0, 0, 1 << 20, "text 1048576 is outside the text section"},
    {QN_SECTION_INFO, 0, 4, 1 << 20, "text 1048576 is outside the text section"},
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
        if (row->section == QN_SECTION_VALUES && row->field >= 4 && row->field < 8) /* single bytes */
            *at = (uint8_t)row->value;
        else
            qn_store_u32(at, row->value);
        sign(f);
        expect_refused(f, row->text);
        free(f.data);
    }
}

static void test_a_check_has_a_message(void **state) {
    (void)state;
    file f = write_made(program_pictures, 1);
    qn_store_u32(section(f, QN_SECTION_CHECKS) + 4, 1 << 20);
    sign(f);
    expect_refused(f, "check 0: text 1048576 is outside the text section");
    free(f.data);
}

/* Attributes are read as their operator has them, and what they say is checked. */
static void test_forged_attributes_are_refused_with_a_reason(void **state) {
    (void)state;
    file f = write_made(program_pictures, 1);
    uint8_t *step = section(f, QN_SECTION_STEPS),
            *attributes = section(f, QN_SECTION_ATTRIBUTES) + qn_load_u32(step + 12);
    qn_store_u32(step + 16, qn_load_u32(step + 16) - 1);
    sign(f);
    expect_refused(f, "step 0: 'conv' (conv2d): ");
    qn_store_u32(step + 16, qn_load_u32(step + 16) + 1);
    memset(attributes, 0xff, qn_load_u32(step + 16));
    sign(f);
    expect_refused(f, "step 0: 'conv' (conv2d): ");
    free(f.data);
}

static void test_attributes_out_of_range_are_refused(void **state) {
    (void)state;
    maker *m = maker_create();
    const qn_program *program = program_pictures(m, 1);
    ((qn_conv2d_attrs *)(uintptr_t)program->steps[0].attrs)->groups = 0;
    file f = write_program(program);
    expect_refused(f, "step 0: 'conv' (conv2d): conv2d: expected attribute 'groups'");
    free(f.data);
    maker_destroy(m);
}

static void test_what_verifying_needs_does_not_stay_with_the_program(void **state) {
    (void)state;
    file f = write_made(program_pictures, 1);
    meter m;
    const qn_allocator allocator = meter_allocator(&m, SIZE_MAX);
    qn_arena arena;
    const qn_program *program = NULL;
    qn_arena_init(&arena, &allocator);
    assert_ok(qn_program_read((qn_bytes){f.data, f.size}, &arena, &program));
    assert_true(m.live > 0 && m.live < m.allocations);
    qn_arena_deinit(&arena);
    assert_int_equal(m.live, 0);
    free(f.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forged_headers_are_refused_with_a_reason),
        cmocka_unit_test(test_a_meta_text_that_is_nested_too_deeply_is_refused),
        cmocka_unit_test(test_damage_is_told_by_the_checksum),
        cmocka_unit_test(test_forged_section_tables_are_refused_with_a_reason),
        cmocka_unit_test(test_files_that_end_early_are_refused_with_a_reason),
        cmocka_unit_test(test_texts_end_in_their_section),
        cmocka_unit_test(test_gaps_between_sections_are_zeros),
        cmocka_unit_test(test_nothing_follows_the_last_section),
        cmocka_unit_test(test_sections_that_every_file_has_are_whole),
        cmocka_unit_test(test_an_unknown_packing_is_named),
        cmocka_unit_test(test_packing_of_old_versions_becomes_that_of_the_constant),
        cmocka_unit_test(test_old_steps_that_share_weights_agree_about_them),
        cmocka_unit_test(test_forged_tables_are_refused_with_a_reason),
        cmocka_unit_test(test_a_check_has_a_message),
        cmocka_unit_test(test_forged_attributes_are_refused_with_a_reason),
        cmocka_unit_test(test_attributes_out_of_range_are_refused),
        cmocka_unit_test(test_what_verifying_needs_does_not_stay_with_the_program),
    };
    return cmocka_run_group_tests_name("model/read", tests, NULL, NULL);
}
