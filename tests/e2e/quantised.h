/* quantised.h - what the end-to-end tests of integer precision share: files as samples, and builds calibrated on them. */
#ifndef QUANTISED_H
#define QUANTISED_H

#include "e2e.h"

enum { FILES_MAX = 256, PATH_BYTES = 512 };

#define INT8 "{\"precision_config\": {\"precision_mode\": \"qint8_mixed_float16\"}}"

/* Pictures, or arrays where names end in .npy, one sample each. */
typedef struct file_feed {
    qn_samples samples; /* points at the feed: not to be copied */
    char paths[FILES_MAX][PATH_BYTES];
    int64_t count, at;
    qn_tensor sample; /* the one given last */
    qn_image photo;   /* where that is a picture */
} file_feed;

/* The files of `folder` whose names end in `suffix`, by name; pictures with a side beyond `side_max` (0: none) left out. */
void feed_open(file_feed *feed, const char *folder, const char *suffix, int side_max);
void feed_close(file_feed *feed);

/* Calibrates with default options and builds. */
qn_model *build_calibrated(const char *path, const char *config, const qn_samples *samples);

/* Labels of a picture. */
qn_image label_picture(runner *r, const qn_image *photo);

#endif
