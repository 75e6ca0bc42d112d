#include "image/codec.h"

#include "base/entry.h"

#include <math.h>
#include <string.h>

struct qn_image_confusion {
    const qn_allocator *allocator;
    int class_count;
    int64_t *pixels; /* [truth, prediction] */
};

qn_status *qn_image_confusion_create(int class_count, const qn_allocator *allocator,
                                     qn_image_confusion **out_confusion) {
    QN_ENTER();
    QN_REQUIRE_ARG(out_confusion);
    *out_confusion = NULL;
    if (class_count < 1 || class_count > QN_IMAGE_CLASSES_MAX)
        return QN_ERR(QN_INVALID_ARGUMENT, "%d classes, expected 1 .. %d", class_count, QN_IMAGE_CLASSES_MAX);
    allocator = qn_allocator_or_default(allocator);
    const size_t cells = (size_t)class_count * (size_t)class_count;
    qn_image_confusion *confusion = qn_alloc_zeroed(allocator, 1, sizeof *confusion, 16);
    int64_t *pixels = qn_alloc_zeroed(allocator, cells, sizeof *pixels, 16);
    if (!confusion || !pixels) {
        qn_free(allocator, confusion);
        qn_free(allocator, pixels);
        return qn_status_out_of_memory();
    }
    *confusion = (qn_image_confusion){allocator, class_count, pixels};
    *out_confusion = confusion;
    return NULL;
}

void qn_image_confusion_destroy(qn_image_confusion *confusion) {
    if (!confusion) return;
    qn_free(confusion->allocator, confusion->pixels);
    qn_free(confusion->allocator, confusion);
}

/* Not inlined: where it is computed in the plain floating-point state is then certain. */
__attribute__((noinline)) static double ratio(int64_t part, int64_t whole) {
    return whole ? (double)part / (double)whole : NAN;
}

static size_t cell_count(const qn_image_confusion *confusion) {
    return (size_t)confusion->class_count * (size_t)confusion->class_count;
}

void qn_image_confusion_reset(qn_image_confusion *confusion) {
    if (!confusion) return;
    memset(confusion->pixels, 0, cell_count(confusion) * sizeof *confusion->pixels);
}

static qn_status *check_label_pair(const qn_image *a, const qn_image *b) {
    QN_TRY(qn_image_check_labels(a));
    QN_TRY(qn_image_check_labels(b));
    if (a->width != b->width || a->height != b->height)
        return QN_ERR(QN_INVALID_ARGUMENT, "label maps differ in size: %d x %d and %d x %d", a->width, a->height,
                      b->width, b->height);
    return NULL;
}

static qn_status *not_a_class(const char *which, const qn_image *labels, size_t at, int class_count) {
    return QN_ERR(QN_INVALID_ARGUMENT,
                  "%s has label %d at column %zu, row %zu, expected a class of 0 .. %d%s; check the number of classes",
                  which, labels->data[at], at % (size_t)labels->width, at / (size_t)labels->width, class_count - 1,
                  strcmp(which, "truth") ? "" : " or 255 (ignored)");
}

qn_status *qn_image_confusion_add(qn_image_confusion *confusion, const qn_image *truth, const qn_image *prediction) {
    QN_ENTER();
    QN_REQUIRE_ARG(confusion);
    QN_REQUIRE_ARG(truth);
    QN_REQUIRE_ARG(prediction);
    QN_TRY(check_label_pair(truth, prediction));
    const size_t pixels = (size_t)truth->width * (size_t)truth->height;
    const int classes = confusion->class_count;
    for (size_t i = 0; i < pixels; ++i) {
        if (truth->data[i] == QN_IMAGE_IGNORE_LABEL) continue;
        if (truth->data[i] >= classes) return not_a_class("truth", truth, i, classes);
        if (prediction->data[i] >= classes) return not_a_class("prediction", prediction, i, classes);
    }
    for (size_t i = 0; i < pixels; ++i)
        if (truth->data[i] != QN_IMAGE_IGNORE_LABEL)
            ++confusion->pixels[(size_t)truth->data[i] * (size_t)classes + prediction->data[i]];
    return NULL;
}

qn_status *qn_image_confusion_merge(qn_image_confusion *confusion, const qn_image_confusion *other) {
    QN_ENTER();
    QN_REQUIRE_ARG(confusion);
    QN_REQUIRE_ARG(other);
    if (confusion->class_count != other->class_count)
        return QN_ERR(QN_INVALID_ARGUMENT, "cannot merge totals of %d classes into totals of %d", other->class_count,
                      confusion->class_count);
    for (size_t i = 0; i < cell_count(confusion); ++i) confusion->pixels[i] += other->pixels[i];
    return NULL;
}

int qn_image_confusion_get_class_count(const qn_image_confusion *confusion) {
    return confusion ? confusion->class_count : 0;
}

int64_t qn_image_confusion_get_pixels(const qn_image_confusion *confusion, int truth, int prediction) {
    if (!confusion) return 0;
    const int classes = confusion->class_count;
    if (truth < 0 || truth >= classes || prediction < 0 || prediction >= classes) return 0;
    return confusion->pixels[truth * classes + prediction];
}

double qn_image_confusion_get_iou(const qn_image_confusion *confusion, int class_index) {
    QN_ENTER();
    if (!confusion) return NAN;
    const int64_t both = qn_image_confusion_get_pixels(confusion, class_index, class_index);
    int64_t either = -both;
    for (int i = 0; i < confusion->class_count; ++i)
        either += qn_image_confusion_get_pixels(confusion, class_index, i) +
                  qn_image_confusion_get_pixels(confusion, i, class_index);
    return ratio(both, either);
}

__attribute__((noinline)) static double mean_iou(const qn_image_confusion *confusion) {
    double sum = 0;
    int present = 0;
    for (int i = 0; i < confusion->class_count; ++i) {
        const double iou = qn_image_confusion_get_iou(confusion, i);
        if (isnan(iou)) continue;
        sum += iou;
        ++present;
    }
    return present ? sum / present : NAN;
}

double qn_image_confusion_get_miou(const qn_image_confusion *confusion) {
    QN_ENTER();
    return confusion ? mean_iou(confusion) : NAN;
}

double qn_image_confusion_get_pixel_accuracy(const qn_image_confusion *confusion) {
    QN_ENTER();
    if (!confusion) return NAN;
    int64_t right = 0, all = 0;
    for (int i = 0; i < confusion->class_count; ++i) right += qn_image_confusion_get_pixels(confusion, i, i);
    for (size_t i = 0; i < cell_count(confusion); ++i) all += confusion->pixels[i];
    return ratio(right, all);
}

qn_status *qn_image_count_equal(const qn_image *a, const qn_image *b, int64_t *inout_equal, int64_t *inout_pixels) {
    QN_ENTER();
    QN_REQUIRE_ARG(a);
    QN_REQUIRE_ARG(b);
    QN_REQUIRE_ARG(inout_equal);
    QN_REQUIRE_ARG(inout_pixels);
    QN_TRY(check_label_pair(a, b));
    const size_t pixels = (size_t)a->width * (size_t)a->height;
    int64_t equal = 0;
    for (size_t i = 0; i < pixels; ++i) equal += a->data[i] == b->data[i];
    *inout_equal += equal;
    *inout_pixels += (int64_t)pixels;
    return NULL;
}
