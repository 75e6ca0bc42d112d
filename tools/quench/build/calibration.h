/* build/calibration.h - what integer precision has to know of a network's values, and what it may cost, as options say. */
#ifndef QUENCH_BUILD_CALIBRATION_H
#define QUENCH_BUILD_CALIBRATION_H

#include "build/samples.h"
#include "cli/watch.h"
#include "quench/build.h"

typedef struct calibration_options {
    /* Where the ranges of values come from: at most one of these three. */
    cli_texts samples;  /* --calibrate */
    const char *ranges; /* --ranges */
    const char *fixed;  /* --fixed-range "LOW,HIGH" */
    const char *algorithm, *save_ranges;
    int64_t limit, threads;
    /* Samples. */
    fitter_choice fit;
    const char *folder; /* --images */
    int skips_unreadable;
    /* The contract. */
    cli_texts contract; /* --contract; else the samples of --calibrate */
    const char *masks, *metric;
    cli_number min_agreement, max_drop, confidence; /* percent, points, percent */
} calibration_options;

/* Sets a const char * that names a range algorithm. */
int calibration_set_algorithm(const cli_option *option, void *field, const char *value);
/* CLI_GO_ON, or an exit code: the options contradict each other, which has been said. */
int calibration_check_options(const calibration_options *options);
void calibration_options_deinit(calibration_options *options);

/* Do the options say where ranges come from? */
int calibration_is_wanted(const calibration_options *options);
/* Are there samples to be read, for which a model of the same inputs is needed? */
int calibration_needs_model(const calibration_options *options);

/* Adds the files that the options name to those that are read and written. */
qn_status *calibration_add_files(const calibration_options *options, cli_files *files) QN_MUST_USE;

typedef struct calibration {
    qn_calibrator *calibrator; /* NULL: none was wanted */
    qn_contract contract;      /* samples.next NULL: none */
    sample_source contract_source;
    int64_t sample_count; /* 0: ranges came from elsewhere */
    double ms;            /* of measuring */
    uint64_t peak_bytes;  /* of this process, up to then */
} calibration;

/* Makes the calibrator: measures, or takes the ranges that are given; saves them where that is asked; opens the
 * contract's samples.
 * @param model   takes the inputs of the network that is measured, as calibration_needs_model() asks; must outlive *out
 * @param watch   may be NULL
 * On failure *out is what calibration_deinit() takes. */
qn_status *calibration_run(const calibration_options *options, qn_model *model, const qn_network *network,
                           const qn_config *config, cli_watch *watch, calibration *out) QN_MUST_USE;
void calibration_deinit(calibration *c);

/* Opens the samples of --calibrate once more, else those of --contract; `model` as for calibration_run(). */
qn_status *calibration_open_report(const calibration_options *options, qn_model *model,
                                   sample_source *out_source) QN_MUST_USE;

/* The algorithm that the ranges were made by; "" where that is not known. */
void calibration_print_algorithm(const calibration *c, char *text, size_t size);

#endif
