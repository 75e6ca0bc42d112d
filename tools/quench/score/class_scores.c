#include "score/class_scores.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TITLE_TEXT = 96 };

/* The class's name; with its number where it has none or shares it with an earlier class. */
static const char *class_title(const qn_image_palette *palette, int class, char *text) {
    const char *name = palette->names[class];
    int is_shared = 0;
    for (int c = 0; c < class && name; c++) is_shared |= palette->names[c] && !strcmp(palette->names[c], name);
    if (name && !is_shared) return name;
    snprintf(text, TITLE_TEXT, "%.60s%s%d", name ? name : "class", " ", class);
    return text;
}

void class_scores_print(const qn_image_confusion *confusion, const qn_image_palette *palette) {
    char title[TITLE_TEXT];
    cli_print("%-24s %8s\n", "class", "IoU");
    for (int c = 0; c < qn_image_confusion_get_class_count(confusion); c++) {
        const double iou = qn_image_confusion_get_iou(confusion, c);
        if (isnan(iou))
            cli_print("%-24s %8s\n", class_title(palette, c, title), "absent");
        else
            cli_print("%-24s %8.4f\n", class_title(palette, c, title), iou);
    }
    cli_print("%-24s %8.4f\n", "mIoU", qn_image_confusion_get_miou(confusion));
    cli_print("%-24s %8.4f\n", "pixel accuracy", qn_image_confusion_get_pixel_accuracy(confusion));
}

json_t *class_share_to_json(double share) { return isnan(share) ? json_null() : json_real(share); }

void class_scores_to_json(const qn_image_confusion *confusion, const qn_image_palette *palette, json_t *object) {
    char title[TITLE_TEXT];
    json_t *iou = json_object();
    for (int c = 0; c < qn_image_confusion_get_class_count(confusion); c++) {
        json_t *key = cli_json_text(class_title(palette, c, title));
        json_object_set_new(iou, json_string_value(key), class_share_to_json(qn_image_confusion_get_iou(confusion, c)));
        json_decref(key);
    }
    json_object_set_new(object, "miou", class_share_to_json(qn_image_confusion_get_miou(confusion)));
    json_object_set_new(object, "pixel_accuracy",
                        class_share_to_json(qn_image_confusion_get_pixel_accuracy(confusion)));
    json_object_set_new(object, "iou", iou);
}
