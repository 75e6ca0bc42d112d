/* score/class_scores.h - intersection over union of each class, as text and as JSON. */
#ifndef QUENCH_SCORE_CLASS_SCORES_H
#define QUENCH_SCORE_CLASS_SCORES_H

#include "cli/cli.h"
#include "quench/image.h"

/* A line for each class, by its name in the palette, then mIoU and pixel accuracy. */
void class_scores_print(const qn_image_confusion *confusion, const qn_image_palette *palette);
/* Sets "miou", "pixel_accuracy" and "iou" by class; null where a class is absent. */
void class_scores_to_json(const qn_image_confusion *confusion, const qn_image_palette *palette, json_t *object);
/* A share of 0 to 1; null for NaN. */
json_t *class_share_to_json(double share);

#endif
