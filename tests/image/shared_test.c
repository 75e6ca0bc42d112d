/* Real photos and masks from the shared folder; each case is skipped by name where it is absent. */
#include "samples.h"
#include "support/skips.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>

static const char *shared(const char *name) { return shared_path("%s", name); }

static void skip_unless_there(const char *name) { need_path(shared(name)); }

static uint32_t adler32(const uint8_t *data, size_t bytes) {
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < bytes; ++i) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* Sums of the RGB pixels as Pillow 13 decodes these files: the stored answers of the networks were made from those. */
static void photos_decode_to_the_pixels_that_the_references_were_made_from(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int width, height;
        uint32_t sum;
    } photos[] = {
        {"images/cow.jpg", 1280, 853, 0x19fc5bf7},
        {"images/sheep.jpg", 1920, 1080, 0x4afb9789},
        {"images/image1.jpg", 640, 427, 0x6874aa3e},
        {"images/vis1.png", 1030, 342, 0x83dc6283},
        {"voc-dev/JPEGImages/2007_000123.jpg", 500, 375, 0x6e03a550},
        {"voc-dev/JPEGImages/2007_000332.jpg", 500, 333, 0x2a427b81},
        {"calibration/2007_000256.jpg", 500, 343, 0xd804812c},
    };
    for (size_t i = 0; i < sizeof photos / sizeof *photos; ++i) {
        skip_unless_there(photos[i].name);
        qn_image image;
        assert_ok(qn_image_load(shared(photos[i].name), NULL, NULL, &image));
        assert_int_equal(image.width, photos[i].width);
        assert_int_equal(image.height, photos[i].height);
        if (adler32(image.data, image.stride_bytes * (size_t)image.height) != photos[i].sum)
            fail_msg("%s: pixels differ", photos[i].name);
        qn_image_deinit(&image);
    }
}

static qn_image load_mask(const char *folder, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s.png", folder, name);
    qn_image labels;
    assert_ok(qn_image_load_mask(shared(path), NULL, NULL, &labels));
    return labels;
}

static void voc_masks_decode_to_classes_and_the_ignore_label(void **state) {
    (void)state;
    skip_unless_there("voc-dev/SegmentationClass");
    DIR *folder = opendir(shared("voc-dev/SegmentationClass"));
    int64_t areas[QN_IMAGE_CLASSES_MAX] = {0};
    int masks = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *end = strstr(entry->d_name, ".png");
        if (!end) continue;
        *end = 0;
        qn_image labels = load_mask("voc-dev/SegmentationClass", entry->d_name);
        assert_ok(qn_image_count_labels(&labels, areas));
        qn_image_deinit(&labels);
        ++masks;
    }
    closedir(folder);
    assert_true(masks > 0);
    for (int label = 0; label < QN_IMAGE_CLASSES_MAX; ++label)
        assert_true(label <= 20 || label == QN_IMAGE_IGNORE_LABEL ? areas[label] > 0 : areas[label] == 0);
}

/* NumPy's answer for the stored labels of the float network over the stored list. */
static void the_score_of_stored_labels_is_numpys(void **state) {
    (void)state;
    skip_unless_there("refs/deeplabv3_mnv2_pascal_float32/labels");
    skip_unless_there("voc-dev/val.txt");
    FILE *list = fopen(shared("voc-dev/val.txt"), "r");
    assert_non_null(list);
    qn_image_confusion *confusion;
    assert_ok(qn_image_confusion_create(21, NULL, &confusion));
    for (char name[100]; fscanf(list, "%99s", name) == 1;) {
        qn_image truth = load_mask("voc-dev/SegmentationClass", name);
        qn_image predicted = load_mask("refs/deeplabv3_mnv2_pascal_float32/labels", name);
        assert_ok(qn_image_confusion_add(confusion, &truth, &predicted));
        qn_image_deinit(&predicted);
        qn_image_deinit(&truth);
    }
    fclose(list);
    assert_true(fabs(qn_image_confusion_get_miou(confusion) - 0.6954592336282293) < 1e-12);
    assert_true(fabs(qn_image_confusion_get_pixel_accuracy(confusion) - 0.9252080465816364) < 1e-12);
    qn_image_confusion_destroy(confusion);
}

static void a_text_file_is_no_picture(void **state) {
    (void)state;
    skip_unless_there("images/image_info.txt");
    qn_image image;
    assert_error(qn_image_load(shared("images/image_info.txt"), NULL, NULL, &image), QN_UNSUPPORTED, "image_info.txt",
                 "49 6d 61 67", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photos_decode_to_the_pixels_that_the_references_were_made_from),
        cmocka_unit_test(voc_masks_decode_to_classes_and_the_ignore_label),
        cmocka_unit_test(the_score_of_stored_labels_is_numpys),
        cmocka_unit_test(a_text_file_is_no_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
