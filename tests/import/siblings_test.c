/* Files beside a model: found in its folder, and nowhere else whatever the model says. */
#include "expect.h"
#include "import/common/source.h"
#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with model/model.txt, model/weights, model/deep/weights, and outside/secret beside it. */
typedef struct fixture {
    char root[64], path[512];
    qn_source source;
} fixture;

static const char *in_root(fixture *f, const char *name) {
    snprintf(f->path, sizeof f->path, "%s/%s", f->root, name);
    return f->path;
}

static void make_folder(fixture *f, const char *name) { assert_int_equal(mkdir(in_root(f, name), 0700), 0); }

static void write_file(fixture *f, const char *name, const char *text) {
    FILE *file = fopen(in_root(f, name), "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A symbolic link; a target that begins with '@' lies in the root. */
static void make_link(fixture *f, const char *target, const char *name) {
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s%s", target[0] == '@' ? f->root : "", target[0] == '@' ? "/" : "",
             target + (target[0] == '@'));
    assert_int_equal(symlink(whole, in_root(f, name)), 0);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->root, "/tmp/qn_siblings_XXXXXX");
    if (!mkdtemp(f->root)) return 1;
    make_folder(f, "model");
    make_folder(f, "model/deep");
    make_folder(f, "outside");
    write_file(f, "model/model.txt", "the model");
    write_file(f, "model/weights", "beside");
    write_file(f, "model/deep/weights", "below");
    write_file(f, "outside/secret", "not yours");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    char command[128];
    qn_source_close(&f->source);
    snprintf(command, sizeof command, "rm -rf '%s'", f->root);
    const int failed = system(command) != 0;
    free(f);
    return failed;
}

static void open_model(fixture *f, const char *name) {
    expect_ok(qn_source_open(in_root(f, name), "a model", 1 << 20, NULL, &f->source));
}

static void expect_sibling(fixture *f, const char *name, const char *text) {
    qn_bytes bytes;
    expect_ok(qn_source_open_sibling(&f->source, name, &bytes));
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
    assert_true(qn_source_has_sibling(&f->source, name));
}

static void refuse_sibling(fixture *f, const char *name, qn_code code, const char *part) {
    qn_bytes bytes = {(const uint8_t *)name, 1};
    expect_failure(qn_source_open_sibling(&f->source, name, &bytes), code, part);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 0);
}

static void files_beside_and_below_a_model_are_read(void **state) {
    fixture *f = *state;
    open_model(f, "model/model.txt");
    expect_sibling(f, "weights", "beside");
    expect_sibling(f, "deep/weights", "below");
    expect_sibling(f, "./deep//./weights", "below");
    expect_sibling(f, "model.txt", "the model");
}

static void files_in_a_folder_that_is_the_model_are_read(void **state) {
    fixture *f = *state;
    open_model(f, "model");
    assert_true(f->source.is_folder);
    assert_int_equal(f->source.bytes.size, 0);
    expect_sibling(f, "weights", "beside");
    refuse_sibling(f, "../outside/secret", QN_INVALID_MODEL, "leaves its folder");
}

static void a_model_named_without_a_folder_has_its_siblings_here(void **state) {
    fixture *f = *state;
    char here[512];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(in_root(f, "model")), 0);
    expect_ok(qn_source_open("model.txt", "a model", 1 << 20, NULL, &f->source));
    expect_sibling(f, "weights", "beside");
    assert_int_equal(chdir(here), 0);
}

static void a_name_that_leaves_the_folder_is_refused(void **state) {
    fixture *f = *state;
    static const char *const hostile[] = {"..",      "../outside/secret",   "deep/../weights",
                                          "deep/..", "./../outside/secret", "deep/../../outside/secret"};
    open_model(f, "model/model.txt");
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        refuse_sibling(f, hostile[i], QN_INVALID_MODEL, "leaves its folder");
        assert_false(qn_source_has_sibling(&f->source, hostile[i]));
    }
    char absolute[512];
    snprintf(absolute, sizeof absolute, "%s/model/weights", f->root);
    refuse_sibling(f, absolute, QN_INVALID_MODEL, "only files in its own folder");
    refuse_sibling(f, "/etc/passwd", QN_INVALID_MODEL, "only files in its own folder");
    refuse_sibling(f, "", QN_INVALID_MODEL, "without a name");
    refuse_sibling(f, "weights\n", QN_INVALID_MODEL, "0x0a");
    refuse_sibling(f, "..weights", QN_NOT_FOUND, "'..weights'"); /* two dots that are no step up */
}

static void a_name_without_end_is_refused(void **state) {
    fixture *f = *state;
    static char name[100000];
    memset(name, 'x', sizeof name - 1);
    open_model(f, "model/model.txt");
    refuse_sibling(f, name, QN_LIMIT, "99999 bytes");
    name[4000] = '\0';
    refuse_sibling(f, name, QN_IO, "cannot be opened beside it");
}

static void a_missing_file_is_named(void **state) {
    fixture *f = *state;
    open_model(f, "model/model.txt");
    refuse_sibling(f, "weights.bin", QN_NOT_FOUND, "the model refers to 'weights.bin'");
    refuse_sibling(f, "weights/inside", QN_NOT_FOUND, "'weights/inside'");
    refuse_sibling(f, "deep", QN_IO, "is a folder");
    refuse_sibling(f, "deep/", QN_IO, "is a folder");
    assert_false(qn_source_has_sibling(&f->source, "weights.bin"));
}

static void a_link_inside_the_folder_is_followed(void **state) {
    fixture *f = *state;
    make_link(f, "deep/weights", "model/link");
    make_link(f, "@model/deep", "model/folder");
    open_model(f, "model/model.txt");
    expect_sibling(f, "link", "below");
    expect_sibling(f, "folder/weights", "below");
}

static void a_link_that_leaves_the_folder_is_refused(void **state) {
    fixture *f = *state;
    make_folder(f, "model2"); /* a name that begins like the folder's is another folder */
    write_file(f, "model2/secret", "not yours either");
    make_link(f, "../outside/secret", "model/relative");
    make_link(f, "@outside/secret", "model/absolute");
    make_link(f, "@outside", "model/folder");
    make_link(f, "../model2/secret", "model/neighbour");
    make_link(f, "loop", "model/loop");
    open_model(f, "model/model.txt");
    refuse_sibling(f, "relative", QN_INVALID_MODEL, "outside its folder");
    refuse_sibling(f, "absolute", QN_INVALID_MODEL, "outside/secret");
    refuse_sibling(f, "folder/secret", QN_INVALID_MODEL, "outside its folder");
    refuse_sibling(f, "neighbour", QN_INVALID_MODEL, "outside its folder");
    refuse_sibling(f, "loop", QN_IO, "cannot be opened beside it");
    assert_false(qn_source_has_sibling(&f->source, "relative"));
}

/* model/model.txt and model/weights are links into one store, as download caches keep them. */
static void links_into_the_folder_where_the_model_itself_lies_are_followed(void **state) {
    fixture *f = *state;
    make_folder(f, "store");
    make_folder(f, "snapshot");
    write_file(f, "store/a1", "the model");
    write_file(f, "store/b2", "in the store");
    make_link(f, "../store/a1", "snapshot/model.txt");
    make_link(f, "../store/b2", "snapshot/weights");
    make_link(f, "../outside/secret", "snapshot/secret");
    open_model(f, "snapshot/model.txt");
    expect_sibling(f, "weights", "in the store");
    refuse_sibling(f, "secret", QN_INVALID_MODEL, "outside its folder");
    refuse_sibling(f, "b2", QN_NOT_FOUND, "'b2'"); /* names are looked up where the model was named */
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state) {
    fixture *f = *state;
    assert_int_equal(mkfifo(in_root(f, "model/pipe"), 0600), 0);
    open_model(f, "model/model.txt");
    refuse_sibling(f, "pipe", QN_IO, "not a regular file");
}

static void a_source_in_memory_refuses_siblings_with_a_way_out(void **state) {
    fixture *f = *state;
    qn_source_init_memory(&f->source, (qn_bytes){(const uint8_t *)"m", 1}, in_root(f, "model/model.txt"), NULL);
    refuse_sibling(f, "weights", QN_UNSUPPORTED, "import it by its path");
    refuse_sibling(f, "../weights", QN_INVALID_MODEL, "leaves its folder");
    assert_false(qn_source_has_sibling(&f->source, "weights"));
}

static void a_file_is_read_once_and_lives_as_long_as_the_source(void **state) {
    fixture *f = *state;
    qn_bytes first, again;
    open_model(f, "model/model.txt");
    expect_ok(qn_source_open_sibling(&f->source, "weights", &first));
    write_file(f, "model/weights", "changed meanwhile");
    expect_ok(qn_source_open_sibling(&f->source, "weights", &again));
    assert_ptr_equal(first.data, again.data);
    assert_memory_equal(first.data, "beside", 6);
    assert_int_equal((uintptr_t)first.data % 64, 0);
}

static void the_bytes_of_all_files_are_bounded_together(void **state) {
    fixture *f = *state;
    open_model(f, "model/model.txt");
    assert_true(f->source.sibling_bytes_max == QN_IMPORT_SIBLING_BYTES_MAX);
    f->source.sibling_bytes_max = 10;
    expect_sibling(f, "weights", "beside");
    refuse_sibling(f, "deep/weights", QN_LIMIT, "above the limit of 4 bytes");
    expect_sibling(f, "weights", "beside"); /* open already: costs nothing */
    write_file(f, "model/small", "four");
    expect_sibling(f, "small", "four");
}

static void the_hash_tells_models_with_other_files_beside_them_apart(void **state) {
    fixture *f = *state;
    uint64_t hashes[3];
    for (int i = 0; i < 3; i++) {
        open_model(f, "model/model.txt");
        if (i) expect_sibling(f, "weights", i == 1 ? "beside" : "others");
        hashes[i] = qn_source_hash(&f->source);
        assert_int_equal(qn_source_count_bytes(&f->source), strlen("the model") + (i ? 6 : 0));
        qn_source_close(&f->source);
        write_file(f, "model/weights", i ? "others" : "beside");
    }
    assert_true(hashes[0] == qn_hash_bytes("the model", strlen("the model"), 0));
    assert_true(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
}

static void a_model_that_cannot_be_read_leaves_a_closed_source(void **state) {
    fixture *f = *state;
    expect_failure(qn_source_open(in_root(f, "none"), "a model", 10, NULL, &f->source), QN_NOT_FOUND, "none");
    qn_source_close(&f->source);
    expect_failure(qn_source_open(in_root(f, "model/model.txt"), "a model", 3, NULL, &f->source), QN_LIMIT, "a model");
    qn_source_close(&f->source);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(files_beside_and_below_a_model_are_read),
        CASE(files_in_a_folder_that_is_the_model_are_read),
        CASE(a_model_named_without_a_folder_has_its_siblings_here),
        CASE(a_name_that_leaves_the_folder_is_refused),
        CASE(a_name_without_end_is_refused),
        CASE(a_missing_file_is_named),
        CASE(a_link_inside_the_folder_is_followed),
        CASE(a_link_that_leaves_the_folder_is_refused),
        CASE(links_into_the_folder_where_the_model_itself_lies_are_followed),
        CASE(what_is_no_regular_file_is_refused_without_waiting),
        CASE(a_source_in_memory_refuses_siblings_with_a_way_out),
        CASE(a_file_is_read_once_and_lives_as_long_as_the_source),
        CASE(the_bytes_of_all_files_are_bounded_together),
        CASE(the_hash_tells_models_with_other_files_beside_them_apart),
        CASE(a_model_that_cannot_be_read_leaves_a_closed_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
