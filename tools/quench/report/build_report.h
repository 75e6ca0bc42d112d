/* report/build_report.h - what the library says of an integer build, and what the network sees before and after. */
#ifndef QUENCH_REPORT_BUILD_REPORT_H
#define QUENCH_REPORT_BUILD_REPORT_H

#include "build/builder.h"
#include "report/report_html.h"

typedef struct build_report {
    sample_source source; /* samples.next NULL: there are none */
    json_t *quantisation; /* the library's report; NULL: it made none */
    qn_status *status;    /* why it could not be taken */
} build_report;

/* Prepares a build that is to be reported on, after builder_calibrate(): sets what `build` hands over, and opens
 * samples again. `report` must stay where it is until the build is over. */
qn_status *build_report_begin(build_report *report, const builder *b, qn_build_options *build) QN_MUST_USE;
/* What went wrong while the build handed its report over. */
qn_status *build_report_end(build_report *report) QN_MUST_USE;
void build_report_deinit(build_report *report); /* accepts a zeroed one */

/* Runs the float model and the finished one on some of the samples. None where there are no samples or the model takes
 * no pictures or gives no label maps: *out_pictures is empty then. */
qn_status *build_report_see(const build_report *report, qn_model *before, qn_model *after,
                            report_pictures *out_pictures) QN_MUST_USE;

#endif
