/* build/samples.h - what a network is measured on, from files: pictures as `segment` fits them, and arrays. */
#ifndef QUENCH_BUILD_SAMPLES_H
#define QUENCH_BUILD_SAMPLES_H

#include "pictures/fitter.h"
#include "pictures/pictures.h"
#include "quench/calibrator.h"

typedef struct sample_options {
    const char *option;     /* where the texts come from, for messages: "--calibrate" */
    const cli_texts *texts; /* DIR, LIST, picture or x.npy; NAME=LIST or NAME=x.npy: for one of several inputs */
    const char *folder;     /* NULL; else where names in lists are looked for first */
    const char *masks;      /* NULL; else the folder of the pictures' masks */
    fitter_choice fit;
    int64_t limit;        /* 0; else use at most so many, evenly spread over all */
    int skips_unreadable; /* pictures that cannot be read are left out, with a warning each */
} sample_options;

/* Samples and how they end. The samples stay valid until then; `count` is an upper bound where pictures may be skipped.
 */
typedef struct sample_source {
    qn_samples samples;
    /* What was given last, for messages, freed with free(): "a.jpg", "x.npy, 3 of 8"; NULL when memory is short. */
    char *(*name)(const void *self);
    void (*close)(void *self);
} sample_source;

/* Opens what the texts name, for a model that takes the same inputs as the network that is measured. Says which files
 * are missing before anything runs, and warns of a set that is too small or names a file twice.
 * @param model  stays the caller's and must outlive the source
 * returns  NOT_FOUND, IO, INVALID_ARGUMENT: with the option, file and line. *out_source is zeroed then */
qn_status *sample_source_open(qn_model *model, const sample_options *options, sample_source *out_source) QN_MUST_USE;
/* Names the file of the sample that the library failed on, if it was one; NULL stays NULL. */
qn_status *sample_source_blame(const sample_source *source, qn_status *status) QN_MUST_USE;
void sample_source_close(sample_source *source); /* accepts a zeroed one */

/* ---- Inside ---- */

/* One file, and where it was named. */
typedef struct sample_item {
    char *path, *origin;       /* origin: "list.txt: 'a.jpg'", or the path again */
    int rank;                  /* -1: no shape is given */
    int64_t dims[QN_MAX_RANK]; /* `path shape[1,100,80,3]` */
} sample_item;

typedef struct sample_list {
    sample_item *items;
    size_t count, capacity;
} sample_list;

void sample_list_deinit(sample_list *list);

/* The two kinds of sources. They take the lists over, whether or not they succeed.
   @param lists  one per input of the model; one without items is not given */
qn_status *picture_samples_open(qn_model *model, const sample_options *options, sample_list *list,
                                sample_source *out_source) QN_MUST_USE;
qn_status *array_samples_open(qn_model *model, const sample_options *options, sample_list *lists,
                              sample_source *out_source) QN_MUST_USE;

/* Which of `count` samples is the i-th that is used, and how many are. */
static inline int64_t sample_pick(int64_t i, int64_t count, int64_t limit) {
    return limit && limit < count ? (int64_t)((double)i * (double)count / (double)limit) : i;
}
static inline int64_t sample_pick_count(int64_t count, int64_t limit) { return limit && limit < count ? limit : count; }

#endif
