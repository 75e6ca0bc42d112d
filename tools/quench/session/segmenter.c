#include "session/segmenter.h"

#include <stdlib.h>

struct segmenter {
    cli_session session;
    fitter fitter;
    qn_segmenter *core;
};

/* ---- Life ---- */

/* What the library would refuse too, in its words. */
static qn_status *check_answer(const segmenter *s, int is_smooth) {
    const qn_vision_info *info = s->fitter.info;
    const char *advice = "`quench run` and `eval --inputs` take arrays";
    CLI_TRY(fitter_advise(qn_vision_expect_labels(s->fitter.vision, s->session.model), advice));
    if (!is_smooth || info->answer != QN_VISION_LABELS) return NULL;
    return qn_status_create(QN_UNSUPPORTED,
                            "--smooth needs scores, but output '%s' holds labels: build the model with the scores "
                            "before them as its output (--output NAME), or do without",
                            qn_model_output(s->session.model, info->output)->name);
}

static qn_status *open_core(fitter_choice fit, segmenter *s) {
    CLI_TRY(fitter_init(s->session.model, fit, &s->fitter));
    CLI_TRY(check_answer(s, fit.is_smooth));
    qn_segmenter_options options;
    qn_segmenter_options_init(&options);
    options.is_smooth = fit.is_smooth;
    options.cancel = cli_watch_is_cancelled;
    return qn_segmenter_create(s->fitter.vision, s->session.model, s->session.context, &options, &s->core);
}

static qn_status *open_parts(const char *path, const cli_run_options *run, fitter_choice fit, segmenter *s) {
    CLI_TRY(cli_session_bind(run, NULL, &s->session));
    return cli_context(open_core(fit, s), "%s", path);
}

qn_status *segmenter_open_model(qn_model *model, const char *path, const cli_run_options *run, fitter_choice fit,
                                segmenter **out_segmenter) {
    *out_segmenter = NULL;
    segmenter *s = calloc(1, sizeof *s);
    if (!s) return qn_model_destroy(model), cli_out_of_memory();
    s->session.model = model;
    qn_status *status = open_parts(path, run, fit, s);
    if (status)
        segmenter_close(s);
    else
        *out_segmenter = s;
    return status;
}

qn_status *segmenter_open(const char *path, const cli_run_options *run, fitter_choice fit, segmenter **out_segmenter) {
    qn_model *model;
    builder_options source = run->source;
    source.calibration.threads = run->threads;
    source.calibration.fit = fit;
    *out_segmenter = NULL;
    CLI_TRY(cli_open_model(path, &source, &model, NULL));
    return segmenter_open_model(model, path, run, fit, out_segmenter);
}

void segmenter_close(segmenter *s) {
    if (!s) return;
    qn_segmenter_destroy(s->core);
    fitter_deinit(&s->fitter);
    cli_session_close(&s->session);
    free(s);
}

const cli_session *segmenter_session(const segmenter *s) { return &s->session; }

const fitter *segmenter_fitter(const segmenter *s) { return &s->fitter; }

qn_status *segmenter_run(segmenter *s, const qn_image *photo, int width, int height, qn_image *out_labels,
                         qn_segmenter_info *out_info) {
    return qn_segmenter_run(s->core, photo, width, height, out_labels, out_info);
}
