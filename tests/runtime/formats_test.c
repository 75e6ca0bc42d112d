/* Files that earlier versions wrote are read for ever, with the same answers, bit for bit
 * (tests/model/files/README.md). QN_ANSWERS=1 prints the answers of all files in the form of answers.txt instead of
 * comparing them. */
#include "rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/format.h"

#define FOLDER  QN_SOURCE_DIR "/tests/model/files/"
#define ANSWERS FOLDER "answers.txt"

enum { FILES_MAX = 256, NAME_MAX_BYTES = 128, OUTPUTS_MAX = 4, TOTAL_BYTES_MAX = 1 << 20 };

/* Odd and even, smaller and larger than what the kernels' tiles hold. */
static const int64_t sizes[][2] = {{17, 21}, {48, 33}, {1, 1}};
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

typedef struct file_list {
    size_t count;
    char names[FILES_MAX][NAME_MAX_BYTES];
} file_list;

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

static int is_compiled(const char *name) {
    size_t length = strlen(name);
    return length > 3 && !strcmp(name + length - 3, ".qn");
}

static file_list list_files(void) {
    file_list list = {0};
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (!is_compiled(entry->d_name)) continue;
        assert_true(list.count < FILES_MAX && strlen(entry->d_name) < NAME_MAX_BYTES);
        strcpy(list.names[list.count++], entry->d_name);
    }
    closedir(folder);
    qsort(list.names, list.count, NAME_MAX_BYTES, compare_names);
    return list;
}

static qn_model *load(const char *name) {
    char path[sizeof FOLDER + NAME_MAX_BYTES];
    qn_model *model;
    snprintf(path, sizeof path, FOLDER "%s", name);
    assert_ok(qn_model_load_file(path, NULL, &model));
    return model;
}

static uint32_t version_of(const qn_model *model) {
    size_t bytes;
    return qn_load_u32((const uint8_t *)qn_model_bytes(model, &bytes) + QN_HEADER_VERSION);
}

/* ---- Answers ---- */

/* FNV-1a. */
static uint64_t hash_bytes(const void *data, size_t bytes) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
    return hash;
}

/* Colours that vary with the place, by whole numbers only. */
static void paint(uint8_t *pixels, int64_t height, int64_t width) {
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t c = 0; c < 3; c++) {
                int64_t wave = (y * (5 + c) + x * (9 - 2 * c)) % 512;
                pixels[(y * width + x) * 3 + c] = (uint8_t)((wave < 256 ? wave : 511 - wave) ^ ((x * y * 7 + c) & 15));
            }
}

static void append(char *text, size_t room, const char *name, int64_t height, int64_t width, const char *output,
                   const qn_tensor *tensor) {
    size_t bytes = qn_dtype_size(tensor->dtype), used = strlen(text);
    used += (size_t)snprintf(text + used, room - used, "%s %lldx%lld %s %s", name, (long long)height, (long long)width,
                             output, qn_dtype_name(tensor->dtype));
    for (int d = 0; d < tensor->rank; d++) {
        bytes *= (size_t)tensor->dims[d];
        used += (size_t)snprintf(text + used, room - used, "%s%lld", d ? "x" : " ", (long long)tensor->dims[d]);
    }
    snprintf(text + used, room - used, " %016llx\n", (unsigned long long)hash_bytes(tensor->data, bytes));
}

static void answer(const qn_model *model, qn_context *context, const char *name, const int64_t size[2], char *text,
                   size_t room) {
    qn_tensor input = {.dtype = QN_DTYPE_U8, .rank = 4, .dims = {1, size[0], size[1], 3}}, outputs[OUTPUTS_MAX];
    const size_t count = qn_model_get_info(model)->output_count;
    assert_true(count <= OUTPUTS_MAX);
    input.data = malloc((size_t)(size[0] * size[1] * 3));
    paint(input.data, size[0], size[1]);
    assert_ok(qn_context_set_input_shape(context, 0, 4, input.dims));
    for (size_t i = 0; i < count; i++) {
        outputs[i] = (qn_tensor){.dtype = qn_model_output(model, i)->dtype};
        qn_status *status = qn_context_get_output_shape(context, i, &outputs[i].rank, outputs[i].dims);
        assert_true(!status || qn_status_code(status) == QN_UNAVAILABLE);
        qn_status_free(status);
        size_t bytes = qn_dtype_size(outputs[i].dtype);
        for (int d = 0; d < outputs[i].rank; d++) bytes *= (size_t)outputs[i].dims[d];
        outputs[i].data = malloc(bytes ? bytes : 1);
    }
    assert_ok(qn_context_run(context, &input, 1, outputs, count));
    for (size_t i = 0; i < count; i++) {
        append(text, room, name, size[0], size[1], qn_model_output(model, i)->name, &outputs[i]);
        free(outputs[i].data);
    }
    free(input.data);
}

/* All answers of a file with the given CPU features and threads, as answers.txt has them. */
static char *answer_all(const char *name, const char *cpu, int threads) {
    const size_t room = 8192;
    char *text = calloc(1, room);
    qn_model *model = load(name);
    qn_engine *engine;
    qn_context *context;
    qn_engine_options options;
    qn_engine_options_init(&options);
    options.cpu = cpu;
    options.threads = threads;
    assert_ok(qn_engine_create(model, &options, &engine));
    assert_ok(qn_context_create(engine, &context));
    for (int i = 0; i < SIZE_COUNT; i++) answer(model, context, name, sizes[i], text, room);
    qn_context_destroy(context);
    qn_engine_destroy(engine);
    qn_model_destroy(model);
    return text;
}

/* The lines of answers.txt that speak of `name`. */
static char *read_answers(const char *name) {
    const size_t room = 8192;
    char *text = calloc(1, room), line[512];
    FILE *file = fopen(ANSWERS, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        size_t length = strlen(name);
        if (strncmp(line, name, length) || line[length] != ' ') continue;
        assert_true(strlen(text) + strlen(line) < room);
        strcat(text, line);
    }
    fclose(file);
    return text;
}

/* ---- Tests ---- */

static void test_every_format_version_has_files_in_every_precision(void **state) {
    (void)state;
    static const char *const modes[] = {"force_float32",       "force_float16",        "qint8_mixed_float32",
                                        "qint8_mixed_float16", "qint16_mixed_float32", "qint16_mixed_float16"};
    const file_list list = list_files();
    int has_version[QN_FORMAT_VERSION + 1] = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < list.count; i++) {
        unsigned named;
        qn_model *model = load(list.names[i]);
        assert_int_equal(sscanf(list.names[i], "v%u_", &named), 1);
        assert_int_equal(version_of(model), named);
        assert_true(named >= 1 && named <= QN_FORMAT_VERSION);
        has_version[named] = 1;
        bytes += qn_model_get_info(model)->file_bytes;
        qn_model_destroy(model);
    }
    for (int version = 1; version <= QN_FORMAT_VERSION; version++)
        if (!has_version[version])
            fail_msg("no file of format version %d: run tests/model/files/make.sh and keep what is new", version);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        int found = 0;
        for (size_t i = 0; i < list.count; i++) found += strstr(list.names[i], modes[m]) != NULL;
        if (!found) fail_msg("no file of %s", modes[m]);
    }
    assert_true(bytes <= TOTAL_BYTES_MAX);
}

static void test_files_of_all_versions_give_their_answers_on_every_cpu(void **state) {
    (void)state;
    static const char *const cpus[] = {"generic", "avx2", NULL};
    const file_list list = list_files();
    const int prints = getenv("QN_ANSWERS") != NULL;
    for (size_t i = 0; i < list.count; i++) {
        char *expected = read_answers(list.names[i]);
        if (!prints && !*expected) fail_msg("%s has no answers in " ANSWERS, list.names[i]);
        for (size_t c = 0; c < sizeof cpus / sizeof *cpus; c++) {
            char *found = answer_all(list.names[i], cpus[c], c == 0 ? 1 : 3);
            if (prints && !cpus[c]) printf("%s", found);
            if (!prints && strcmp(found, expected))
                fail_msg("with %s\n%sexpected\n%s", cpus[c] ? cpus[c] : "all features", found, expected);
            free(found);
        }
        free(expected);
    }
}

static void test_no_file_that_has_answers_is_missing(void **state) {
    (void)state;
    char line[512], name[NAME_MAX_BYTES];
    FILE *file = fopen(ANSWERS, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%127s", name) != 1) continue;
        qn_model_destroy(load(name));
    }
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_format_version_has_files_in_every_precision),
        cmocka_unit_test(test_files_of_all_versions_give_their_answers_on_every_cpu),
        cmocka_unit_test(test_no_file_that_has_answers_is_missing),
    };
    return cmocka_run_group_tests_name("runtime/formats", tests, NULL, NULL);
}
