/* build/builder.h - from a source model to a compiled one, as options say: what `build` does, and commands that run a source
 * model. */
#ifndef QUENCH_BUILD_BUILDER_H
#define QUENCH_BUILD_BUILDER_H

#include "build/calibration.h"

typedef struct builder_options {
    cli_texts configs, inputs, outputs, ranges; /* --config, --input, --output, --range */
    const char *precision, *format;
    const char *rounding; /* --rounding; NULL: as the configuration says */
    calibration_options calibration;
} builder_options;

void builder_options_deinit(builder_options *options);
/* Do the options ask for anything but the defaults? Names one that does, NULL if none does. */
const char *builder_options_find_given(const builder_options *options);

/* Sets a const char * that the configuration takes: --precision and --rounding. */
int builder_set_key(const cli_option *option, void *field, const char *value);

/* The options of commands that run a source model: a type's builder_options is at `field`. */
#define BUILDER_OPTIONS(type, field)                                                                                   \
    {0,                                                                                                                \
     "config",                                                                                                         \
     "FILE",                                                                                                           \
     "of a source model: build configuration in JSON; several merge",                                                  \
     cli_add_input,                                                                                                    \
     offsetof(type, field.configs),                                                                                    \
     0,                                                                                                                \
     0},                                                                                                               \
        {0,                                                                                                            \
         "precision",                                                                                                  \
         "MODE",                                                                                                       \
         "of a source model: force_float32, force_float16, qint8_mixed_float16, ...",                                  \
         builder_set_key,                                                                                              \
         offsetof(type, field.precision),                                                                              \
         0,                                                                                                            \
         0},                                                                                                           \
        {0,                                                                                                            \
         "calibrate",                                                                                                  \
         "DIR|LIST|x.npy",                                                                                             \
         "of a source model in integer precision: what its values are measured on",                                    \
         cli_add_input,                                                                                                \
         offsetof(type, field.calibration.samples),                                                                    \
         0,                                                                                                            \
         0},                                                                                                           \
    {                                                                                                                  \
        0, "ranges", "FILE", "of a source model in integer precision: measured ranges", cli_set_input,                 \
            offsetof(type, field.calibration.ranges), 0, 0                                                             \
    }

/* A source model on its way. */
typedef struct builder {
    const char *path;
    const builder_options *options;
    qn_config *config;
    qn_network *network;
    qn_model *float_model; /* takes the same inputs, for samples; NULL until it is needed */
    calibration calibration;
    qn_contract_result contract_result; /* after builder_build() */
} builder;

/* Imports the model and makes its configuration. `log` may be NULL. Whatever comes of it, builder_close() frees it.
   Failures of all these name the file. */
qn_status *builder_open(builder *b, const char *path, const builder_options *options, const qn_log *log) QN_MUST_USE;
/* Makes the ranges that integer precision needs, if options say where they come from. */
qn_status *builder_calibrate(builder *b, cli_watch *watch) QN_MUST_USE;
/* Builds, once. `build` is filled but for calibrator and contract. */
qn_status *builder_build(builder *b, qn_build_options *build, qn_model **out_model) QN_MUST_USE;
void builder_close(builder *b);

#endif
