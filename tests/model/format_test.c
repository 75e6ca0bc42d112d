/* The .qn format: what is written is read back, and nothing else is accepted. */
#include "files.h"

#include <stdlib.h>
#include <string.h>

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
        file cut = file_copy(f.data, size);
        if (try_read(cut) == QN_OK) fail_msg("%zu bytes are accepted", size);
        free(cut.data);
    }
    free(f.data);
}

static void test_other_files_are_named(void **state) {
    (void)state;
    _Alignas(64) uint8_t data[128] = {0xFF, 0xD8, 0xFF};
    expect_refused((file){data, sizeof data}, "not a compiled model");
    expect_refused((file){data, QN_FORMAT_MAGIC_BYTES}, "not a compiled model");
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

static void test_files_are_written_in_the_version_of_this_library(void **state) {
    const struct { const qn_program *(*make)(maker *, int); } rows[] = {{program_pictures}, {program_integers}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        file f = write_made(rows[i].make, 1);
        assert_int_equal(qn_load_u32(f.data + QN_HEADER_VERSION), QN_FORMAT_VERSION);
        free(f.data);
    }
}

static void test_a_version_has_its_own_sections(void **state) {
    (void)state;
    file f = write_made(program_integers, 1);
    qn_store_u32(f.data + QN_HEADER_VERSION, 1);
    sign(f);
    expect_refused(f, "18 sections, expected 15");
    free(f.data);
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

/* Mutates signed files at random: reading may refuse or accept, never misbehave. */
static void forge_at_random(const qn_program *(*make)(maker *, int), qn_rng *rng) {
    file original = write_made(make, 1);
    size_t tables = (size_t)(section(original, QN_SECTION_CONSTANTS) - original.data);
    for (int round = 0; round < 3000; round++) {
        file f = file_copy(original.data, original.size);
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
        cmocka_unit_test(test_files_are_written_in_the_version_of_this_library),
        cmocka_unit_test(test_a_version_has_its_own_sections),
        cmocka_unit_test(test_an_unknown_operator_is_named),
        cmocka_unit_test(test_random_forgeries_are_survived),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("model/format", tests, NULL, NULL);
}
