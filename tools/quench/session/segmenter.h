/* session/segmenter.h - from a picture to a label map with any segmentation model: what segment and eval share. */
#ifndef QUENCH_SESSION_SEGMENTER_H
#define QUENCH_SESSION_SEGMENTER_H

#include "pictures/fitter.h"
#include "session/session.h"

typedef struct segmenter segmenter;

/* Opens a model for pictures. Failures name the file. */
qn_status *segmenter_open(const char *path, const cli_run_options *run, fitter_choice fit,
                          segmenter **out_segmenter) QN_MUST_USE;
/* The same for a model that is open; it is taken over, and gone after a failure too. `path` names it in messages. */
qn_status *segmenter_open_model(qn_model *model, const char *path, const cli_run_options *run, fitter_choice fit,
                                segmenter **out_segmenter) QN_MUST_USE;
void segmenter_close(segmenter *s); /* accepts NULL */

const cli_session *segmenter_session(const segmenter *s);
const fitter *segmenter_fitter(const segmenter *s);

/* Labels every pixel of a picture.
 * @param photo          channels as the model wants
 * @param width, height  of the label map
 * @param out_info       may be NULL */
qn_status *segmenter_run(segmenter *s, const qn_image *photo, int width, int height, qn_image *out_labels,
                         qn_segmenter_info *out_info) QN_MUST_USE;

#endif
