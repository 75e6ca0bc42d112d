/* image/palette_data.h - tables of the built-in palettes. Internal to src/image. */
#ifndef QN_IMAGE_PALETTE_DATA_H
#define QN_IMAGE_PALETTE_DATA_H

#include <stdint.h>

typedef struct qn_image_class {
    const char *name;
    uint8_t color[3]; /* R, G, B */
} qn_image_class;

enum { QN_IMAGE_VOC_COUNT = 21, QN_IMAGE_CITYSCAPES_COUNT = 19, QN_IMAGE_ADE20K_COUNT = 151 };
extern const char *const qn_image_voc_names[QN_IMAGE_VOC_COUNT];
extern const qn_image_class qn_image_cityscapes_classes[QN_IMAGE_CITYSCAPES_COUNT];
extern const qn_image_class qn_image_ade20k_classes[QN_IMAGE_ADE20K_COUNT];

#endif
