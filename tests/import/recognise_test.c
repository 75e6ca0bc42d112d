#include "expect.h"
#include "memory.h"
#include "graphdef_builder.h"
#include "import/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static qn_bytes text_bytes(const char *text) { return (qn_bytes){(const uint8_t *)text, strlen(text)}; }

static void expect_refused(qn_bytes bytes, qn_code code, const char *part) {
    const qn_import_format *format = &qn_import_formats_known.rows[0];
    qn_status *status = recognise_memory(bytes, "m.pb", &format);
    assert_null(format);
    if (status) assert_memory_equal(qn_status_message(status), "m.pb ", 5);
    expect_failure(status, code, part);
}

static qn_status *recognise_file(const char *path) {
    const qn_import_format *format;
    qn_source source;
    QN_TRY(qn_source_open(path, "a model", SIZE_MAX, NULL, &source));
    qn_status *status = qn_import_recognise(&qn_import_formats_known, &source, &format);
    qn_source_close(&source);
    return status;
}

static void a_binary_graph_is_tensorflow(void **state) {
    (void)state;
    gd_graph graph;
    const qn_import_format *format;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 1, (int64_t[]){2});
    expect_ok(recognise_memory(gd_finish(&graph), "m", &format));
    assert_string_equal(format->name, "tensorflow");
    gd_deinit(&graph);
}

static void a_graph_whose_library_comes_first_is_tensorflow(void **state) {
    (void)state;
    gd_graph graph, nodes;
    const qn_import_format *format;
    gd_init(&graph);
    gd_init(&nodes);
    gd_function(&graph, "f", "a", "b");
    gd_function_result(&graph, "b", "a");
    gd_function_end(&graph);
    gd_finish(&graph);
    gd_node(&nodes, "x", "Placeholder", NULL);
    qn_bytes rest = gd_finish(&nodes);
    qn_buffer_append(&graph.bytes, rest.data, rest.size);
    expect_ok(recognise_memory((qn_bytes){graph.bytes.data, graph.bytes.size}, "m", &format));
    assert_string_equal(format->name, "tensorflow");
    gd_deinit(&graph);
    gd_deinit(&nodes);
}

static void a_cut_graph_is_still_tensorflow(void **state) {
    (void)state;
    gd_graph graph;
    const qn_import_format *format;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 1, (int64_t[]){2});
    gd_node(&graph, "y", "Relu", "x");
    qn_bytes bytes = gd_finish(&graph);
    expect_ok(recognise_memory((qn_bytes){bytes.data, bytes.size - 8}, "m", &format));
    assert_string_equal(format->name, "tensorflow");
    gd_deinit(&graph);
}

static void an_empty_file_is_called_empty(void **state) {
    (void)state;
    expect_refused((qn_bytes){NULL, 0}, QN_INVALID_MODEL, "is empty");
}

static void a_git_lfs_pointer_is_named_with_the_command_that_fetches(void **state) {
    (void)state;
    expect_refused(text_bytes("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 132\n"),
                   QN_INVALID_MODEL, "git lfs pull");
}

static void pictures_and_archives_are_named(void **state) {
    (void)state;
    expect_refused((qn_bytes){(const uint8_t *)"\xFF\xD8\xFF\xE0\0\x10JFIF", 10}, QN_INVALID_MODEL, "JPEG");
    expect_refused((qn_bytes){(const uint8_t *)"\x89PNG\r\n\x1A\n", 8}, QN_INVALID_MODEL, "PNG");
    expect_refused((qn_bytes){(const uint8_t *)"\x1F\x8B\x08\0", 4}, QN_UNSUPPORTED, "gzip");
    expect_refused((qn_bytes){(const uint8_t *)"PK\x03\x04\0\0", 6}, QN_UNSUPPORTED, "ZIP");
    expect_refused((qn_bytes){(const uint8_t *)"\x1c\0\0\0TFL3", 8}, QN_UNSUPPORTED, "TFLite");
    expect_refused((qn_bytes){(const uint8_t *)"\x89HDF\r\n\x1A\n\0", 9}, QN_UNSUPPORTED, "HDF5");
    expect_refused((qn_bytes){(const uint8_t *)"\x93QN\r\n\x1A\n\0", 8}, QN_UNSUPPORTED, "is compiled by quench");
    expect_refused((qn_bytes){(const uint8_t *)"\x92QN\r\n\x1A\n\0", 8}, QN_INVALID_MODEL, "first bytes are damaged");
    expect_refused((qn_bytes){(const uint8_t *)"\x93QN\r\r\x1A\n\0", 8}, QN_INVALID_MODEL, "first bytes are damaged");
}

static void text_is_told_apart(void **state) {
    (void)state;
    expect_refused(text_bytes("node {\n  name: \"x\"\n  op: \"Placeholder\"\n}\n"), QN_UNSUPPORTED,
                   "GraphDef in text format");
    expect_refused(text_bytes("# comment\nversions {\n producer: 27 }\n"), QN_UNSUPPORTED, "as_text=False");
    expect_refused(text_bytes("saved_model_schema_version: 1\nmeta_graphs {\n}\n"), QN_UNSUPPORTED,
                   "SavedModel in text");
    expect_refused(text_bytes("name: \"net\"\nlayer {\n  name: \"conv\"\n}\n"), QN_UNSUPPORTED, "Caffe");
    expect_refused(text_bytes("<!DOCTYPE html>\n<html></html>"), QN_INVALID_MODEL, "web page");
    expect_refused(text_bytes("hello, world\n"), QN_INVALID_MODEL, "is text");
    expect_refused(text_bytes("\n"), QN_INVALID_MODEL, "is text");
}

static void other_messages_are_told_apart(void **state) {
    (void)state;
    gd_graph graph;
    qn_buffer meta, outer;
    gd_init(&graph);
    gd_placeholder(&graph, "x", GD_FLOAT, 1, (int64_t[]){2});
    qn_bytes bytes = gd_finish(&graph);
    qn_buffer_init(&meta, NULL);
    qn_buffer_init(&outer, NULL);
    qn_buffer info;
    qn_buffer_init(&info, NULL);
    pb_text(&info, 4, "serve");
    pb_message(&meta, 1, &info);
    pb_bytes(&meta, 2, bytes.data, bytes.size);
    expect_refused((qn_bytes){meta.data, meta.size}, QN_UNSUPPORTED, "checkpoint");
    pb_varint(&outer, 1, 1);
    pb_message(&outer, 2, &meta);
    expect_refused((qn_bytes){outer.data, outer.size}, QN_UNSUPPORTED, "SavedModel");
    qn_buffer_deinit(&outer);

    qn_buffer_init(&outer, NULL);
    pb_varint(&outer, 1, 8); /* ir_version */
    pb_text(&outer, 2, "pytorch");
    pb_bytes(&outer, 7, bytes.data, bytes.size);
    expect_refused((qn_bytes){outer.data, outer.size}, QN_UNSUPPORTED, "ONNX");
    qn_buffer_deinit(&outer);

    qn_buffer_init(&outer, NULL);
    pb_text(&outer, 1, "net");
    pb_bytes(&outer, 100, bytes.data, bytes.size);
    expect_refused((qn_bytes){outer.data, outer.size}, QN_UNSUPPORTED, "Caffe");
    qn_buffer_deinit(&outer);
    gd_deinit(&graph);
}

static void other_bytes_are_no_model(void **state) {
    (void)state;
    static const uint8_t zeros[300], noise[] = {0x0a, 0xff, 0x13, 0x37, 0x00};
    expect_refused((qn_bytes){zeros, sizeof zeros}, QN_INVALID_MODEL, "no model that quench knows");
    expect_refused((qn_bytes){noise, sizeof noise}, QN_INVALID_MODEL, "no model that quench knows");
    expect_refused((qn_bytes){zeros, 1}, QN_INVALID_MODEL, "no model that quench knows");
}

static void a_saved_model_folder_is_named_as_such(void **state) {
    (void)state;
    char folder[] = "/tmp/qn_recognise_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    expect_failure(recognise_file(folder), QN_NOT_FOUND, "folder without a model");
    snprintf(path, sizeof path, "%s/saved_model.pb", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fclose(file);
    expect_failure(recognise_file(folder), QN_UNSUPPORTED, "SavedModel folder");
    remove(path);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_binary_graph_is_tensorflow),
        cmocka_unit_test(a_graph_whose_library_comes_first_is_tensorflow),
        cmocka_unit_test(a_cut_graph_is_still_tensorflow),
        cmocka_unit_test(an_empty_file_is_called_empty),
        cmocka_unit_test(a_git_lfs_pointer_is_named_with_the_command_that_fetches),
        cmocka_unit_test(pictures_and_archives_are_named),
        cmocka_unit_test(text_is_told_apart),
        cmocka_unit_test(other_messages_are_told_apart),
        cmocka_unit_test(other_bytes_are_no_model),
        cmocka_unit_test(a_saved_model_folder_is_named_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
