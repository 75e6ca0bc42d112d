/* quench/build.h - from a network to a compiled model. */
#ifndef QUENCH_BUILD_H
#define QUENCH_BUILD_H

#include "quench/config.h"
#include "quench/contract.h"
#include "quench/log.h"
#include "quench/model.h"
#include "quench/network.h"
#include "quench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_build_options {
    size_t size;                   /* sizeof(qn_build_options), set by qn_build_options_init */
    const qn_allocator *allocator; /* of the model; default NULL: the C library's heap. Copied */
    const qn_log *log;             /* default NULL. Used during the call only */
    /* Default NULL. Called after each pass with its name and the graph as text IR, both valid during the call. Making
       the text costs time, so give it only where it is wanted: pass names in `print_after` ("all": every pass). Also called
       with "before_build" and "after_build" where debug_config.print_ir asks for these; without it they go to the log. */
    void (*after_pass)(void *self, const char *pass, const char *graph_text);
    void *after_pass_self;
    const char *print_after;
    /* Default NULL. What integer precision needs to know of the values; used during the call only. */
    const qn_calibrator *calibrator;
    /* Default NULL: every layer that can be is integer. Integer precision only. */
    const qn_contract *contract;
    /* Default NULL. Integer precision only: called once, when all layers have their precision, with a report on them as JSON
       (docs/calibration-report.md), valid during the call. */
    void (*report)(void *self, const char *json);
    void *report_self;
    /* Default NULL: the report says nothing that has to be measured. Otherwise the float network and the finished one run
       on at most 8 of these, from the one that comes next; they need no rewind. Their errors end the build. */
    const qn_samples *report_samples;
    /* Default NULL. Called on the building thread, several times in every phase: `phase` is "prepare", "optimise", "plan", "write"
       or "check", valid during the call, with integer precision also "report" and those of contracts, in between; `fraction` of that phase, from 0 to 1, is done. */
    void (*progress)(void *self, const char *phase, double fraction);
    void *progress_self;
    /* Default NULL. Asked on the building thread every few milliseconds of long work; non-zero ends the build with CANCELLED. */
    int (*cancel)(void *self);
    void *cancel_self;
    /* Default NULL. Filled when `contract` was measured, whether or not it can be kept; after qn_contract_result_init(). */
    qn_contract_result *contract_result;
} qn_build_options;

/* Sets every option to its default. */
QN_API void qn_build_options_init(qn_build_options *options);

/* Optimises, plans and compiles.
 * @param network  consumed: whether or not the build succeeds it may only be destroyed afterwards
 * @param config   NULL: every default
 * @param options  NULL for the defaults
 * @param out_model  on success a model that needs neither network nor source file; freed by qn_model_destroy(). Else NULL
 * returns    INVALID_ARGUMENT: the configuration does not fit the network, or print_after names no pass, or (qn_status_option() is
 *            "calibrator") integer precision has no ranges; INVALID_MODEL: the
 *            network cannot work at any shape in range; UNSUPPORTED; LIMIT; CANCELLED: `cancel` said so, and nothing is left
 *            behind; OUT_OF_MEMORY
 * threads    any thread
 */
QN_API qn_status *qn_build(qn_network *network, const qn_config *config, const qn_build_options *options,
                           qn_model **out_model) QN_MUST_USE;

/* Writes a model's bytes to a file, atomically. IO. Any thread. */
QN_API qn_status *qn_model_save_file(const qn_model *model, const char *path) QN_MUST_USE;

/* Checks the JSON that a compiled file carries (qn_model_info.meta), which running it does not need: that it is JSON
 * without members of the same name, of the types and values that quench writes, and that the weights and the network
 * which `enable_refit` keeps are there. Members that it does not know are left to newer versions.
 * returns    INVALID_MODEL, naming the member; OUT_OF_MEMORY
 * threads    any thread */
QN_API qn_status *qn_model_check_meta(const qn_model *model) QN_MUST_USE;

/* Name and description of optimisation pass `index`, NULL past the end. Static. */
QN_API const char *qn_pass_name(size_t index);
QN_API const char *qn_pass_description(size_t index);

#ifdef __cplusplus
}
#endif
#endif
