/* Files that somebody rewrites in place while they are read: an answer about some state of theirs, or an error, and
 * never the end of the process by SIGBUS. */
#include "driver_case.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "driver/calibrate/value_ranges.h"
#include "quench/image.h"

enum { RACE_MS = 1000 };

/* The file under attack, and what it is in peace. */
typedef struct race {
    char path[64];
    qn_bytes contents;
    uint64_t seed;
    atomic_int is_over;
    pthread_t writer;
} race;

static void put(const race *r, int flags, size_t bytes) {
    const int descriptor = open(r->path, O_WRONLY | O_CREAT | flags, 0600);
    if (descriptor < 0) return;
    for (size_t done = 0; done < bytes;) {
        const ssize_t written = write(descriptor, r->contents.data + done, bytes - done);
        if (written <= 0) break;
        done += (size_t)written;
    }
    close(descriptor);
}

static void *rewrite(void *arg) {
    race *r = arg;
    qn_rng rng;
    qn_rng_init(&rng, r->seed);
    while (!atomic_load(&r->is_over)) {
        put(r, O_TRUNC, r->contents.size);
        usleep((useconds_t)qn_rng_range(&rng, 0, 4000));
        if (truncate(r->path, qn_rng_range(&rng, 0, (int64_t)r->contents.size - 1))) break;
        usleep((useconds_t)qn_rng_range(&rng, 0, 300));
        put(r, 0, (size_t)qn_rng_range(&rng, 0, (int64_t)r->contents.size));
    }
    return NULL;
}

static void begin(race *r, const void *data, size_t bytes) {
    memset(r, 0, sizeof *r);
    uint8_t *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    r->contents = (qn_bytes){copy, bytes};
    r->seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)r->seed);
    strcpy(r->path, "/tmp/quench-rewritten-XXXXXX");
    const int descriptor = mkstemp(r->path);
    assert_true(descriptor >= 0);
    close(descriptor);
    put(r, O_TRUNC, bytes);
    assert_int_equal(pthread_create(&r->writer, NULL, rewrite, r), 0);
}

static void begin_with_file(race *r, const char *path) {
    qn_bytes bytes;
    expect_ok(qn_file_read(path, "a test", SIZE_MAX, NULL, &bytes));
    begin(r, bytes.data, bytes.size);
    qn_free(qn_allocator_default(), (void *)bytes.data);
}

static void end(race *r) {
    atomic_store(&r->is_over, 1);
    pthread_join(r->writer, NULL);
    unlink(r->path);
    free((void *)r->contents.data);
}

/* Calls `look` for a second; an error of it is one of the file. */
static void look_for_a_while(const race *r, qn_status *(*look)(const char *path)) {
    struct timespec start, now;
    int times = 0, failures = 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        qn_status *status = look(r->path);
        const qn_code code = qn_status_code(status);
        if (status && code != QN_IO && code != QN_INVALID_MODEL && code != QN_INVALID_ARGUMENT &&
            code != QN_UNSUPPORTED)
            fail_msg("%s: %s", qn_code_name(code), qn_status_message(status));
        failures += status != NULL;
        times++;
        qn_status_free(status);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < RACE_MS);
    print_message("%d looks, %d failures\n", times, failures);
}

/* ---- Compiled models ---- */

/* Every byte is looked at after loading too. */
static qn_status *look_at_model(const char *path) {
    qn_model_options options;
    qn_model *model;
    size_t bytes;
    qn_model_options_init(&options);
    options.memory = QN_MEMORY_COPY;
    qn_status *status = qn_model_load_file(path, &options, &model);
    if (status) return status;
    for (int i = 0; i < 5; i++) {
        const void *data = qn_model_bytes(model, &bytes);
        qn_hash_bytes(data, bytes, 0);
        usleep(100);
    }
    status = qn_model_check_meta(model);
    qn_model_destroy(model);
    return status;
}

static void a_copied_model_does_not_mind(void **state) {
    (void)state;
    race r;
    size_t bytes;
    qn_model *model = build_of("input %x : f32[1, 8, 8, 16]\n"
                               "const %w : f32[3, 3, 16, 64] = random 1\n"
                               "%c = conv2d(%x, %w)\n"
                               "output %c\n",
                               "{'enable_refit': true}");
    const void *data = qn_model_bytes(model, &bytes);
    begin(&r, data, bytes);
    look_for_a_while(&r, look_at_model);
    end(&r);
    qn_model_destroy(model);
}

/* ---- Source models ---- */

static qn_status *look_at_network(const char *path) {
    qn_network *network;
    qn_model *model;
    qn_status *status = qn_network_import_file(path, NULL, &network);
    if (status) return status;
    usleep(500);
    status = qn_build(network, NULL, NULL, &model);
    qn_network_destroy(network);
    if (!status) qn_model_destroy(model);
    return status;
}

static void an_imported_network_does_not_mind(void **state) {
    (void)state;
    race r;
    begin_with_file(&r, QN_SOURCE_DIR "/models/scenes/scenes.pb");
    look_for_a_while(&r, look_at_network);
    end(&r);
}

/* ---- Configurations, ranges, pictures ---- */

static qn_status *look_at_config(const char *path) {
    qn_config *config;
    qn_status *status = qn_config_create(NULL, &config);
    if (status) return status;
    status = qn_config_merge_file(config, path);
    qn_config_destroy(config);
    return status;
}

static qn_status *look_at_ranges(const char *path) {
    qn_arena arena;
    qn_value_ranges ranges;
    qn_arena_init(&arena, qn_allocator_default());
    qn_status *status = qn_value_ranges_read_file(path, &arena, &ranges);
    qn_arena_deinit(&arena);
    return status;
}

static qn_status *look_at_picture(const char *path) {
    qn_image image;
    qn_status *status = qn_image_load(path, NULL, NULL, &image);
    qn_image_deinit(&image);
    return status;
}

static qn_status *look_at_palette(const char *path) {
    qn_image_palette palette;
    qn_status *status = qn_image_palette_load(path, NULL, &palette);
    qn_image_palette_deinit(&palette);
    return status;
}

static void readers_of_text_do_not_mind(void **state) {
    (void)state;
    static qn_status *(*const looks[])(const char *path) = {look_at_config, look_at_ranges, look_at_palette};
    enum { BYTES = 300000 };
    char *text = malloc(BYTES);
    assert_non_null(text);
    memset(text, ' ', BYTES);
    memcpy(text, "{}", 2);
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        race r;
        begin(&r, text, BYTES);
        look_for_a_while(&r, looks[i]);
        end(&r);
    }
    free(text);
}

static void a_decoder_does_not_mind(void **state) {
    (void)state;
    race r;
    begin_with_file(&r, QN_SOURCE_DIR "/models/scenes/pictures/scene_1.jpg");
    look_for_a_while(&r, look_at_picture);
    end(&r);
}

/* ---- How files are taken ---- */

static void files_are_mapped_or_copied_but_not_borrowed(void **state) {
    (void)state;
    char path[] = "/tmp/quench-rewritten-XXXXXX";
    qn_model_options options;
    qn_model *model = build_of("input %x : f32[1, 4]\n%y = relu(%x)\noutput %y\n", NULL), *other;
    size_t bytes;
    const void *data = qn_model_bytes(model, &bytes);
    close(mkstemp(path));
    expect_ok(qn_model_save_file(model, path));
    qn_model_options_init(&options);
    assert_int_equal(options.memory, QN_MEMORY_MAP);
    for (int memory = 0; memory < 5; memory++) {
        options.memory = (qn_memory)memory;
        qn_status *status = qn_model_load_file(path, &options, &other);
        if (memory == QN_MEMORY_COPY || memory == QN_MEMORY_MAP) {
            expect_ok(status);
            qn_model_destroy(other);
        } else {
            expect_refused(status, QN_INVALID_ARGUMENT, "mapped or copied");
        }
    }
    options.size = sizeof(size_t) + sizeof(void *); /* who was compiled before there was a choice */
    expect_ok(qn_model_load_file(path, &options, &other));
    qn_model_destroy(other);
    expect_refused(qn_model_load_memory(data, bytes, QN_MEMORY_MAP, NULL, &other), QN_INVALID_ARGUMENT,
                   "copied or borrowed");
    unlink(path);
    qn_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copied_model_does_not_mind),
        cmocka_unit_test(an_imported_network_does_not_mind),
        cmocka_unit_test(readers_of_text_do_not_mind),
        cmocka_unit_test(a_decoder_does_not_mind),
        cmocka_unit_test(files_are_mapped_or_copied_but_not_borrowed),
    };
    return cmocka_run_group_tests_name("driver/rewritten", tests, NULL, NULL);
}
