/* Pictures, legends and scores do not depend on the floating-point state of the caller, and leave it as it is. */
#include "samples.h"

#include <math.h>
#include <png.h>

#include "base/float_states.h"

enum { WIDTH = 37, HEIGHT = 23, RESULTS = 16 };

/* All that these functions make, one after another. */
typedef struct results {
    qn_image images[RESULTS];
    int count;
    double scores[4];
} results;

static uint8_t pixels[WIDTH * HEIGHT * 3], labels_a[WIDTH * HEIGHT], labels_b[WIDTH * HEIGHT];

static void fill(void) {
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7 + i / 11 * 3);
    for (size_t i = 0; i < sizeof labels_a; i++) labels_a[i] = (uint8_t)(i % 7), labels_b[i] = (uint8_t)(i % 6);
}

static qn_status *resize_all(const qn_image *photo, results *r) {
    static const int sizes[][2] = {{11, 7}, {80, 51}, {37, 9}};
    for (int f = QN_IMAGE_NEAREST; f <= QN_IMAGE_AREA; f++)
        for (int i = 0; i < 3; i++) {
            qn_status *status =
                qn_image_resize(photo, sizes[i][0], sizes[i][1], (qn_image_filter)f, NULL, &r->images[r->count++]);
            if (status) return status;
        }
    return NULL;
}

static qn_status *make_all(const sample *jpeg, const sample *png, results *r) {
    const qn_image photo = {WIDTH, HEIGHT, 3, WIDTH * 3, pixels, NULL};
    const qn_image a = {WIDTH, HEIGHT, 1, WIDTH, labels_a, NULL}, b = {WIDTH, HEIGHT, 1, WIDTH, labels_b, NULL};
    int64_t areas[QN_IMAGE_CLASSES_MAX] = {0};
    qn_image_palette palette = {0};
    qn_image_confusion *confusion = NULL;
    *r = (results){.count = 0};
    qn_status *status = resize_all(&photo, r);
    if (!status) status = qn_image_decode(jpeg->data, jpeg->size, "j", NULL, NULL, &r->images[r->count++]);
    if (!status) status = qn_image_decode(png->data, png->size, "p", NULL, NULL, &r->images[r->count++]);
    if (!status) status = qn_image_palette_load("voc", NULL, &palette);
    if (!status) status = qn_image_overlay(&photo, &a, &palette, 0.3f, NULL, &r->images[r->count++]);
    if (!status) status = qn_image_count_labels(&b, areas);
    if (!status) status = qn_image_legend(areas, &palette, 0, 100, NULL, &r->images[r->count++]);
    if (!status) status = qn_image_confusion_create(8, NULL, &confusion);
    if (!status) status = qn_image_confusion_add(confusion, &a, &b);
    r->scores[0] = qn_image_confusion_get_iou(confusion, 2);
    r->scores[1] = qn_image_confusion_get_miou(confusion);
    r->scores[2] = qn_image_confusion_get_pixel_accuracy(confusion);
    r->scores[3] = qn_image_confusion_get_iou(confusion, 5);
    qn_image_confusion_destroy(confusion);
    return status;
}

static void clear(results *r) {
    for (int i = 0; i < RESULTS; i++) qn_image_deinit(&r->images[i]);
}

static void test_pictures_and_scores_do_not_depend_on_the_state(void **state) {
    (void)state;
    fill();
    uint8_t deep[4 * 3 * 8];
    for (size_t i = 0; i < sizeof deep; i++) deep[i] = (uint8_t)(i * 37);
    const sample_png_spec spec = {
        .width = 4, .height = 3, .color = PNG_COLOR_TYPE_RGB_ALPHA, .depth = 16, .transparent = -1, .rows = deep};
    sample jpeg = sample_jpeg(pixels, WIDTH, HEIGHT, 0, 2, 0), png = sample_png(&spec);
    results plain;
    assert_ok(make_all(&jpeg, &png, &plain));
    for (int s = 0; s < FLOAT_STATES; s++) {
        results other;
        qn_status *status;
        IN_FLOAT_STATE(s, status = make_all(&jpeg, &png, &other));
        assert_ok(status);
        assert_int_equal(other.count, plain.count);
        for (int i = 0; i < plain.count; i++)
            assert_memory_equal(other.images[i].data, plain.images[i].data,
                                plain.images[i].stride_bytes * (size_t)plain.images[i].height);
        assert_memory_equal(other.scores, plain.scores, sizeof plain.scores);
        clear(&other);
    }
    clear(&plain);
    free(jpeg.data);
    free(png.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures_and_scores_do_not_depend_on_the_state)};
    return cmocka_run_group_tests_name("image/float_state", tests, NULL, NULL);
}
