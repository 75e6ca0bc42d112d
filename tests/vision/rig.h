/* vision/rig.h - models that are built here, segmenters of them, and photos: what the tests of this area share. */
#ifndef TESTS_VISION_RIG_H
#define TESTS_VISION_RIG_H

#include "quench/vision.h"

enum { SIDE = 4 };

/* Fails the test with the status's message, if there is one. */
void ok(qn_status *status);
/* Fails the test unless the status has that code and its message that text. */
void expect(qn_status *status, qn_code code, const char *text);

/* Scores [1, side, side, 3] of a picture are its colours as floats; with `tail` ("argmax", "avg_pool2d", "reduce_mean",
   "transpose" to [1, 3, side, side]) what that makes of them. Sizes are fixed, or with `config` as it says. */
qn_model *make_model_of(int side, const char *tail, const char *attributes, const char *config_text);
/* The same with SIDE. */
qn_model *make_model(const char *tail, const char *attributes, const char *config_text);

/* A segmenter with everything it stands on. */
typedef struct rig {
    qn_model *model;
    qn_vision *vision;
    qn_engine *engine;
    qn_context *context;
    qn_segmenter *segmenter;
} rig;

/* Takes the model over. */
rig rig_create(qn_model *model, const qn_segmenter_options *options);
void rig_destroy(rig *r);

/* Colours that change smoothly, so that classes have edges across the picture. */
qn_image make_photo(int width, int height, int channels);

/* Fails the test unless the two label maps are the same. */
void expect_same(const qn_image *a, const qn_image *b);

#endif
