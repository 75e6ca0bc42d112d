/* list_fuzz.c - lists of pictures and arrays, as calibration and evaluation take them: `photo.jpg shape[1,100,80,3]`.
 */
#include "fuzz.h"

#include "build/samples.h"
#include "quench/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SAMPLES_MAX = 4 };

size_t fuzz_head(const uint8_t *data, size_t bytes) {
    (void)data;
    return bytes;
}

static void put(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file)) abort();
}

static char folder[] = "/tmp/quench-fuzz-XXXXXX";

/* A folder with what lists may name: a.ppm and x.npy. */
static void make_folder(void) {
    static const char picture[] = "P6 4 3 255\n012345678901234567890123456789012345";
    static const uint8_t zeros[1 * 4 * 3 * 3];
    qn_tensor array = {QN_DTYPE_U8, 4, {1, 3, 4, 3}, (void *)(uintptr_t)zeros};
    char path[64];
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/a.ppm", folder);
    put(path, picture, sizeof picture - 1);
    snprintf(path, sizeof path, "%s/x.npy", folder);
    expect_fair(qn_npy_save(path, &array));
}

static void remove_folder(void) {
    char path[64];
    snprintf(path, sizeof path, "%s/a.ppm", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/x.npy", folder);
    unlink(path);
    rmdir(folder);
}

static qn_status *take(const sample_source *source) {
    qn_tensor input = {0};
    qn_status *status = NULL;
    int has = 1;
    for (int i = 0; i < SAMPLES_MAX && has && !status; i++)
        status = sample_source_blame(source, source->samples.next(source->samples.self, &input, 1, &has));
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static qn_model *model; /* once for all inputs */
    const char *path = as_file(data, bytes);
    const cli_texts texts = {&path, 1};
    const sample_options options = {.option = "--calibrate", .texts = &texts, .folder = folder};
    sample_source source;
    if (!model) {
        model = make_model(fuzz_picture_network, "{}");
        make_folder();
        atexit(remove_folder);
    }
    qn_status *status = sample_source_open(model, &options, &source);
    if (!status) status = take(&source);
    sample_source_close(&source);
    expect_fair(status);
    return 0;
}
