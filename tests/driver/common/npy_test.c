/* Arrays as NumPy saves them: what it writes is read, what quench writes it reads, and damage is an error. */
#include "driver_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dtype.h"
#include "base/text.h"
#include "quench/npy.h"

static char folder[64], path[96];

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/quench-npy-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/x.npy", folder);
    return 0;
}
static int remove_folder(void **state) {
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_bytes(const void *data, size_t bytes) {
    unlink(path); /* some file systems flush what is truncated */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

/* A file made by hand: magic, version, header text as it stands, data. Returns its size. */
static size_t write_file(int version, const char *header, const void *data, size_t bytes) {
    uint8_t file[4096] = {0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)version, 0};
    size_t length = strlen(header), start = version == 1 ? 10 : 12;
    assert_true(start + length + bytes <= sizeof file);
    for (size_t i = 8; i < start; i++) file[i] = (uint8_t)(length >> 8 * (i - 8));
    memcpy(file + start, header, length);
    if (bytes) memcpy(file + start + length, data, bytes);
    write_bytes(file, start + length + bytes);
    return start + length + bytes;
}

static qn_tensor load(void) {
    qn_tensor tensor;
    expect_ok(qn_npy_load(path, NULL, &tensor));
    assert_int_equal((uintptr_t)tensor.data % 64, 0);
    return tensor;
}

static void refuse(qn_code code, const char *words) {
    qn_tensor tensor = {.data = path};
    qn_status *status = qn_npy_load(path, NULL, &tensor);
    assert_null(tensor.data); /* zeroed */
    assert_non_null(status);
    assert_non_null(strstr(qn_status_message(status), path));
    expect_refused(status, code, words);
}

/* ---- What quench writes ---- */

static void a_saved_array_has_the_bytes_that_numpy_writes(void **state) {
    (void)state;
    float data[6] = {1, 2, 3, 4, 5, 6};
    expect_ok(qn_npy_save(path, &(qn_tensor){QN_DTYPE_F32, 2, {2, 3}, data}));
    uint8_t expected[128 + sizeof data], found[256];
    memset(expected, ' ', sizeof expected);
    memcpy(expected, "\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 69);
    expected[127] = '\n';
    memcpy(expected + 128, data, sizeof data);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(found, 1, sizeof found, file), sizeof expected);
    fclose(file);
    assert_memory_equal(found, expected, sizeof expected);
}

static void every_type_and_rank_comes_back(void **state) {
    (void)state;
    static const int64_t shapes[][QN_MAX_RANK] = {
        {0}, {5}, {2, 3}, {3, 0, 2}, {1, 2, 3, 1}, {1, 1, 2, 1, 3}, {0}, {0}, {2, 1, 2, 1, 2, 1, 2, 1}};
    static const int ranks[] = {0, 1, 2, 3, 4, 5, 1, 2, 8};
    for (qn_dtype dtype = QN_DTYPE_F32; dtype < QN_DTYPE_STRING; dtype++) {
        if (dtype == QN_DTYPE_BF16) continue;
        for (size_t s = 0; s < sizeof ranks / sizeof *ranks; s++) {
            uint64_t data[32];
            qn_view view = {.dtype = dtype, .rank = ranks[s], .data = data};
            qn_tensor tensor = {.dtype = dtype, .rank = ranks[s], .data = data};
            memcpy(view.dims, shapes[s], sizeof view.dims);
            memcpy(tensor.dims, shapes[s], sizeof view.dims);
            for (int64_t i = 0; i < qn_view_elems(&view); i++)
                qn_view_set_int(&view, i, dtype == QN_DTYPE_BOOL ? i % 2 : i * 3 + 1);
            expect_ok(qn_npy_save(path, &tensor));
            qn_tensor found = load();
            assert_int_equal(found.dtype, dtype);
            assert_int_equal(found.rank, ranks[s]);
            for (int d = 0; d < ranks[s]; d++) assert_int_equal(found.dims[d], shapes[s][d]);
            if (qn_view_bytes(&view)) assert_memory_equal(found.data, data, qn_view_bytes(&view));
            qn_npy_free(&found, NULL);
            assert_null(found.data);
        }
    }
}

static void bfloat16_is_saved_as_float32(void **state) {
    (void)state;
    uint16_t data[2] = {qn_float_to_bfloat(1.5f), qn_float_to_bfloat(-300)};
    expect_ok(qn_npy_save(path, &(qn_tensor){QN_DTYPE_BF16, 1, {2}, data}));
    qn_tensor found = load();
    assert_int_equal(found.dtype, QN_DTYPE_F32);
    assert_true(((float *)found.data)[0] == 1.5f && ((float *)found.data)[1] == qn_bfloat_to_float(data[1]));
    qn_npy_free(&found, NULL);
}

static void texts_cannot_be_saved(void **state) {
    (void)state;
    expect_refused(qn_npy_save(path, &(qn_tensor){QN_DTYPE_STRING, 0, {0}, NULL}), QN_UNSUPPORTED, "string");
    assert_int_equal(access(path, F_OK), -1);
}

static void saving_where_there_is_no_folder_is_an_error(void **state) {
    (void)state;
    float data = 1;
    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/missing/x.npy", folder);
    expect_refused(qn_npy_save(nowhere, &(qn_tensor){QN_DTYPE_F32, 0, {0}, &data}), QN_IO, "missing/x.npy");
}

/* ---- What NumPy writes ---- */

static void the_three_versions_are_read(void **state) {
    (void)state;
    uint8_t data[3] = {7, 8, 9};
    for (int version = 1; version <= 3; version++) {
        write_file(version, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", data, 3);
        qn_tensor found = load();
        assert_int_equal(found.rank, 1);
        assert_memory_equal(found.data, data, 3);
        qn_npy_free(&found, NULL);
    }
    write_file(4, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", data, 3);
    refuse(QN_UNSUPPORTED, "version 4");
    write_file(0, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", data, 3);
    refuse(QN_UNSUPPORTED, "version 0");
}

static void other_spellings_of_the_header_are_read(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3)}",
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '<i2'}   \n",
        "{\"descr\": \"<i2\", \"fortran_order\": False, \"shape\": (2,3,), }",
        "{'descr':'<i2','fortran_order':False,'shape':(2L, 3L),}",
    };
    int16_t data[6] = {1, -2, 3, -4, 5, -6};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        write_file(1, headers[i], data, sizeof data);
        qn_tensor found = load();
        assert_int_equal(found.dtype, QN_DTYPE_S16);
        assert_int_equal(found.rank, 2);
        assert_int_equal(found.dims[1], 3);
        assert_memory_equal(found.data, data, sizeof data);
        qn_npy_free(&found, NULL);
    }
}

static void fortran_order_is_turned_into_c_order(void **state) {
    (void)state;
    /* element [i, j, k] is 100 i + 10 j + k; the first index runs fastest */
    int32_t data[2 * 3 * 2];
    int at = 0;
    for (int k = 0; k < 2; k++)
        for (int j = 0; j < 3; j++)
            for (int i = 0; i < 2; i++) data[at++] = 100 * i + 10 * j + k;
    write_file(1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3, 2), }", data, sizeof data);
    qn_tensor found = load();
    at = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 2; k++) assert_int_equal(((int32_t *)found.data)[at++], 100 * i + 10 * j + k);
    qn_npy_free(&found, NULL);
    write_file(1, "{'descr': '<i4', 'fortran_order': True, 'shape': (4, 0), }", NULL, 0);
    found = load();
    assert_int_equal(found.dims[0], 4);
    assert_int_equal(found.dims[1], 0);
    qn_npy_free(&found, NULL);
}

static void big_endian_numbers_are_turned_round(void **state) {
    (void)state;
    const uint8_t two[] = {0x01, 0x02, 0xFF, 0xFE}, four[] = {0x3F, 0xC0, 0, 0}, eight[] = {0, 0, 0, 0, 0, 0, 1, 0};
    write_file(1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }", two, 4);
    qn_tensor found = load();
    assert_int_equal(((int16_t *)found.data)[0], 0x102);
    assert_int_equal(((int16_t *)found.data)[1], -2);
    qn_npy_free(&found, NULL);
    write_file(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (), }", four, 4);
    found = load();
    assert_int_equal(found.rank, 0);
    assert_true(*(float *)found.data == 1.5f);
    qn_npy_free(&found, NULL);
    write_file(1, "{'descr': '>u8', 'fortran_order': True, 'shape': (1, 1), }", eight, 8);
    found = load();
    assert_int_equal(*(uint64_t *)found.data, 256);
    qn_npy_free(&found, NULL);
    write_file(1, "{'descr': '>u1', 'fortran_order': False, 'shape': (2,), }", two, 2);
    found = load();
    assert_int_equal(((uint8_t *)found.data)[1], 2);
    qn_npy_free(&found, NULL);
}

/* ---- Refusals ---- */

static void element_types_quench_has_not_are_named(void **state) {
    (void)state;
    static const char *const codes[] = {"'<c8'",  "'<c16'",    "'|S5'", "'<U3'", "'|V4'",
                                        "'<f16'", "'<M8[ns]'", "'?f4'", "'<f3'"};
    char header[256];
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': (1,), }", codes[i]);
        write_file(1, header, "12345678", 8);
        refuse(QN_UNSUPPORTED, "element type");
    }
    write_file(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234", 4);
    refuse(QN_INVALID_ARGUMENT, "descr");
    write_file(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "1234", 4);
    refuse(QN_UNSUPPORTED, "element type '|O' is not supported: expected floats");
}

static void headers_that_say_too_little_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header, *words;
    } rows[] = {{"", "opening brace"},
                {"{'descr': '<f4', 'fortran_order': False, }", "shape"},
                {"{'fortran_order': False, 'shape': (1,), }", "descr"},
                {"{'descr': '<f4', 'shape': (1,), }", "fortran_order"},
                {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", "fortran_order"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': 1, }", "shape"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, }", "expected a number"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "expected a number"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (a,), }", "expected a number"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (1", "comma between dims"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape': (", "expected a number"},
                {"{'descr': '<f4', 'fortran_order': False, 'shape'", "colon"},
                {"{'fortran_order': False, 'shape': (1,), 'descr': '<", "descr"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file(1, rows[i].header, "1234", 4);
        refuse(QN_INVALID_ARGUMENT, rows[i].words);
    }
}

/* NumPy takes the last of two members of the same name, another reader the first: they see different arrays. */
static void headers_that_can_be_read_in_two_ways_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header, *words;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'descr': '<f4', }", "key 'descr' twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'fortran_order': True, 'shape': (1,), }",
         "key 'fortran_order' twice"},
        {"{'shape': (1,), 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "key 'shape' twice"},
        {"{'descr': '<f4', 'fortran_order': False, \"descr\": '<i4', 'shape': (1,), }", "key 'descr' twice"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'order': 1, }", "key 'order'"},
        {"{'xdescr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "key 'xdescr'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } {'descr': '<i4'}", "end behind the closing brace"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\1", "end behind the closing brace"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (1,), }", "comma between its members"},
        {"{, 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "key in quotes"},
        {"{'descr': '<f4',, 'fortran_order': False, 'shape': (1,), }", "key in quotes"},
        {"'descr': '<f4', 'fortran_order': False, 'shape': (1,)", "opening brace"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", "comma between its members"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", "comma behind the only dim"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }", "comma between dims"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,,), }", "expected a number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (,), }", "expected a number"},
        {"{'descr': '<f4', 'fortran_order': Falsehood, 'shape': (1,), }", "comma between its members"},
        {"{'descr' '<f4', 'fortran_order': False, 'shape': (1,), }", "colon"},
        {"{'d\\x65scr': '<f4', 'fortran_order': False, 'shape': (1,), }", "key in quotes"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_file(1, rows[i].header, "1234", 4);
        refuse(QN_INVALID_ARGUMENT, rows[i].words);
    }
}

static void shapes_beyond_limits_are_refused(void **state) {
    (void)state;
    write_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }", "1234", 4);
    refuse(QN_UNSUPPORTED, "more than 8 dims");
    write_file(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "12345678", 8);
    refuse(QN_LIMIT, "too large");
    write_file(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,), }", "12345678", 8);
    refuse(QN_LIMIT, "too large");
    write_file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807,), }", "12345678", 8);
    refuse(QN_INVALID_ARGUMENT, "the file has 8");
}

static void what_is_no_array_is_refused(void **state) {
    (void)state;
    write_bytes("", 0);
    refuse(QN_INVALID_ARGUMENT, "0 bytes");
    write_bytes("\x93NUMPY\x01", 7);
    refuse(QN_INVALID_ARGUMENT, "no .npy");
    write_bytes("\x93NUMPY\x02\0\x10\0", 10);
    refuse(QN_INVALID_ARGUMENT, "cut short");
    write_bytes("PK\x03\x04 an archive of arrays", 25);
    refuse(QN_INVALID_ARGUMENT, "no .npy");
    write_bytes("\x93NUMPY\x01\0\xFF\xFF{}", 12);
    refuse(QN_INVALID_ARGUMENT, "the header says");
    write_bytes("\x93NUMPY\x02\0\xFF\xFF\xFF\xFF{}", 14);
    refuse(QN_INVALID_ARGUMENT, "the header says");
    unlink(path);
    refuse(QN_NOT_FOUND, "");
    mkdir(path, 0700);
    refuse(QN_IO, "folder");
    rmdir(path);
}

/* ---- Damage ---- */

static size_t sound_file(uint8_t file[4096]) {
    float data[6] = {1, 2, 3, 4, 5, 6};
    expect_ok(qn_npy_save(path, &(qn_tensor){QN_DTYPE_F32, 2, {2, 3}, data}));
    FILE *in = fopen(path, "rb");
    size_t size = fread(file, 1, 4096, in);
    fclose(in);
    return size;
}

static void a_file_cut_short_anywhere_or_too_long_is_refused(void **state) {
    (void)state;
    uint8_t file[4096];
    size_t size = sound_file(file);
    for (size_t cut = 0; cut < size; cut++) {
        write_bytes(file, cut);
        refuse(QN_INVALID_ARGUMENT, "");
    }
    write_bytes(file, size + 1);
    refuse(QN_INVALID_ARGUMENT, "the file has 25");
}

/* Whatever the header becomes: an error, or an array of the bytes that are there. */
static void a_header_with_any_byte_changed_is_an_error_or_an_array(void **state) {
    (void)state;
    uint8_t file[4096];
    size_t size = sound_file(file);
    uint64_t seed = 8128;
    qn_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng_init(&rng, seed);
    for (size_t at = 0; at < size - 24; at++)
        for (int round = 0; round < 12; round++) {
            uint8_t kept = file[at];
            qn_tensor tensor;
            file[at] = round < 8 ? (uint8_t)(kept ^ 1 << round) : (uint8_t)qn_rng_next(&rng);
            write_bytes(file, size);
            qn_status *status = qn_npy_load(path, NULL, &tensor);
            if (status) {
                assert_null(tensor.data);
                assert_true(strlen(qn_status_message(status)) > strlen(path));
                qn_status_free(status);
            } else {
                qn_view view = {.dtype = tensor.dtype, .rank = tensor.rank};
                memcpy(view.dims, tensor.dims, sizeof view.dims);
                assert_int_equal(qn_view_bytes(&view), 24);
                qn_npy_free(&tensor, NULL);
            }
            file[at] = kept;
        }
}

static void bytes_changed_at_random_never_crash(void **state) {
    (void)state;
    uint8_t file[4096], damaged[4096];
    size_t size = sound_file(file);
    uint64_t seed = 496;
    qn_rng rng;
    print_message("seed %llu\n", (unsigned long long)seed);
    qn_rng_init(&rng, seed);
    for (int round = 0; round < 3000; round++) {
        qn_tensor tensor;
        memcpy(damaged, file, size);
        for (int64_t flips = qn_rng_range(&rng, 1, 6); flips; flips--)
            damaged[qn_rng_range(&rng, 6, 90)] = (uint8_t)qn_rng_range(&rng, 0, round % 2 ? 255 : 127);
        write_bytes(damaged, (size_t)qn_rng_range(&rng, 60, (int64_t)size));
        qn_status *status = qn_npy_load(path, NULL, &tensor);
        if (!status) qn_npy_free(&tensor, NULL);
        qn_status_free(status);
    }
}

/* ---- In pieces ---- */

static qn_npy_file *open_array(void) {
    qn_npy_file *file;
    expect_ok(qn_npy_open(path, NULL, &file));
    return file;
}

static void parts_are_those_of_the_whole(void **state) {
    (void)state;
    const uint8_t data[] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 0};
    uint16_t part[6];
    write_file(1, "{'descr': '>u2', 'fortran_order': False, 'shape': (3, 2), }", data, sizeof data);
    qn_npy_file *file = open_array();
    const qn_tensor *info = qn_npy_info(file);
    assert_true(info->dtype == QN_DTYPE_U16 && info->rank == 2 && info->dims[0] == 3 && info->dims[1] == 2 &&
                !info->data);
    expect_ok(qn_npy_read(file, 4, 2, part));
    assert_true(part[0] == 5 && part[1] == 256);
    expect_ok(qn_npy_read(file, 1, 3, part));
    assert_true(part[0] == 2 && part[1] == 3 && part[2] == 4);
    expect_ok(qn_npy_read(file, 6, 0, part));
    static const int64_t beyond[][2] = {{5, 2}, {7, 0}, {-1, 1}, {0, -1}, {0, INT64_MAX}, {INT64_MAX, 1}};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
        expect_refused(qn_npy_read(file, beyond[i][0], beyond[i][1], part), QN_INVALID_ARGUMENT, "there are 6");
    qn_npy_close(file);
}

static void parts_in_fortran_order_are_refused_with_the_reason(void **state) {
    (void)state;
    uint8_t part[6];
    write_file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", "abcdef", 6);
    qn_npy_file *file = open_array();
    expect_refused(qn_npy_read(file, 0, 3, part), QN_UNSUPPORTED, "ascontiguousarray");
    expect_ok(qn_npy_read(file, 0, 6, part));
    assert_memory_equal(part, "acebdf", 6);
    qn_npy_close(file);
    write_file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (6,), }", "abcdef", 6);
    file = open_array();
    expect_ok(qn_npy_read(file, 2, 2, part));
    assert_memory_equal(part, "cd", 2);
    qn_npy_close(file);
}

static void an_array_that_changes_its_size_while_it_is_read_is_an_error(void **state) {
    (void)state;
    uint8_t bytes[4096];
    float part[2];
    size_t size = sound_file(bytes);
    static const int changes[] = {-1, -24, 1, 4096};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        qn_npy_file *file = open_array();
        expect_ok(qn_npy_read(file, 0, 2, part));
        assert_int_equal(truncate(path, (off_t)size + changes[i]), 0);
        expect_refused(qn_npy_read(file, 0, 2, part), QN_IO, "had 152 when it was opened");
        assert_int_equal(truncate(path, (off_t)size), 0);
        expect_ok(qn_npy_read(file, 2, 2, part));
        qn_npy_close(file);
    }
}

/* ---- Memory ---- */

static int allocations, fails_at, live;
static void *count_and_refuse(void *self, size_t bytes, size_t align) {
    (void)self;
    if (++allocations == fails_at) return NULL;
    live++;
    return aligned_alloc(align < sizeof(void *) ? sizeof(void *) : align, (bytes + 63) / 64 * 64);
}
static void count_and_free(void *self, void *block) {
    (void)self;
    live -= block != NULL;
    free(block);
}

static void memory_comes_from_the_allocator_given(void **state) {
    (void)state;
    uint8_t file[4096];
    qn_tensor tensor;
    const qn_allocator counting = {NULL, count_and_refuse, count_and_free};
    sound_file(file);
    qn_status *status = NULL;
    for (fails_at = 1; fails_at == 1 || status; fails_at++) {
        qn_status_free(status);
        allocations = live = 0;
        status = qn_npy_load(path, &counting, &tensor);
        if (!status) continue;
        assert_int_equal(qn_status_code(status), QN_OUT_OF_MEMORY);
        assert_int_equal(allocations, fails_at);
        assert_int_equal(live, 0);
        assert_null(tensor.data);
    }
    assert_true(fails_at > 2);
    assert_int_equal(live, 1);
    qn_npy_free(&tensor, &counting);
    assert_int_equal(live, 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_saved_array_has_the_bytes_that_numpy_writes),
        CASE(every_type_and_rank_comes_back),
        CASE(bfloat16_is_saved_as_float32),
        CASE(texts_cannot_be_saved),
        CASE(saving_where_there_is_no_folder_is_an_error),
        CASE(the_three_versions_are_read),
        CASE(other_spellings_of_the_header_are_read),
        CASE(fortran_order_is_turned_into_c_order),
        CASE(big_endian_numbers_are_turned_round),
        CASE(element_types_quench_has_not_are_named),
        CASE(headers_that_say_too_little_are_refused),
        CASE(headers_that_can_be_read_in_two_ways_are_refused),
        CASE(shapes_beyond_limits_are_refused),
        CASE(what_is_no_array_is_refused),
        CASE(a_file_cut_short_anywhere_or_too_long_is_refused),
        CASE(a_header_with_any_byte_changed_is_an_error_or_an_array),
        CASE(bytes_changed_at_random_never_crash),
        CASE(parts_are_those_of_the_whole),
        CASE(parts_in_fortran_order_are_refused_with_the_reason),
        CASE(an_array_that_changes_its_size_while_it_is_read_is_an_error),
        CASE(memory_comes_from_the_allocator_given),
    };
    return cmocka_run_group_tests_name("driver/npy", tests, NULL, NULL);
}
