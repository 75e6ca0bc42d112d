/* session/session.h - a model opened, bound to this CPU and ready to run: what run, bench, segment and eval share. */
#ifndef QUENCH_SESSION_SESSION_H
#define QUENCH_SESSION_SESSION_H

#include "build/builder.h"
#include "pictures/model_meta.h"

/* Opens a compiled file, or imports a source model and builds it in memory (and says so).
 * @param source           how a source model is built; NULL: with every default. A compiled file refuses what is in it
 * @param out_is_compiled  may be NULL
 * Failures name the file. */
qn_status *cli_open_model(const char *path, const builder_options *source, qn_model **out_model,
                          int *out_is_compiled) QN_MUST_USE;
/* The same for who only looks at the model: a compiled file is copied, so whoever rewrites it meanwhile does no harm.
 */
qn_status *cli_open_copy(const char *path, const builder_options *source, qn_model **out_model,
                         int *out_is_compiled) QN_MUST_USE;

/* Does the file begin like a compiled one? 0 also if it cannot be read: whoever opens it then reports that. */
int cli_is_compiled_file(const char *path);

/* What options choose about running. */
typedef struct cli_run_options {
    int64_t threads; /* 0: as many as usable */
    const char *cpu; /* NULL: QUENCH_CPU, else all */
    builder_options source;
} cli_run_options;

void cli_run_options_deinit(cli_run_options *options);
/* The same run for a second model, which is built with every default. */
cli_run_options cli_run_options_plain(const cli_run_options *options);

/* Rows for tables of options; `type` has a cli_run_options `run` and a const char *`json`. */
#define CLI_RUN_OPTIONS(type)                                                                                          \
    {0,           "threads",                                                                                           \
     "N",         "threads that work on a run; default: the CPUs this process may use",                                \
     cli_set_int, offsetof(type, run.threads),                                                                         \
     1,           1024},                                                                                               \
        {0,           "cpu",                                                                                           \
         "NAME",      "use no CPU features above generic, avx2, avx512, ...; default: QUENCH_CPU, else all",           \
         cli_set_cpu, offsetof(type, run.cpu),                                                                         \
         0,           0},                                                                                              \
        BUILDER_OPTIONS(type, run.source), {                                                                           \
        0, "json", "FILE|-", "the figures as JSON; - for standard output", cli_set_json, offsetof(type, json), 0, 0    \
    }

typedef struct cli_session {
    qn_model *model;
    qn_engine *engine;
    qn_context *context;
    int is_compiled;
    double load_ms; /* a source model: importing and building included */
    double bind_ms; /* engine and context */
} cli_session;

/* Opens the model and makes engine and context. Says on standard error how many threads there are unless they were
   chosen. On failure `out` is zeroed. `allocator`: of engine and context, NULL for the heap. */
qn_status *cli_session_open(const char *path, const cli_run_options *options, const qn_allocator *allocator,
                            cli_session *out) QN_MUST_USE;
/* The second half of it: makes engine and context for session->model. What there is after a failure,
 * cli_session_close() frees. */
qn_status *cli_session_bind(const cli_run_options *options, const qn_allocator *allocator,
                            cli_session *session) QN_MUST_USE;
void cli_session_close(cli_session *session);

/* Makes tensors for all outputs at the shapes that are set; where a size depends on data, for its upper bound.
   @param out_outputs  one per output, each freed by qn_tensor_deinit(); all zeroed on failure */
qn_status *cli_session_make_outputs(const cli_session *session, qn_tensor *out_outputs) QN_MUST_USE;

/* Sets the shapes of `inputs`, one tensor per input, and makes outputs for them in place of those that inout_outputs
   has. */
qn_status *cli_session_fit(const cli_session *session, const qn_tensor *inputs, qn_tensor *inout_outputs) QN_MUST_USE;

/* Records the runs that follow, every step and thread on a time line, into a new trace; the session's context goes on
   recording until cli_session_end_trace(), which writes the file unless `status`, of the runs between, is a failure. */
qn_status *cli_session_begin_trace(cli_session *session, qn_trace **out_trace) QN_MUST_USE;
qn_status *cli_session_end_trace(cli_session *session, qn_trace *trace, const char *path,
                                 qn_status *status) QN_MUST_USE;

/* The most that a context's values and scratch can take over the declared range, in bytes; 0: there is no ceiling. */
qn_status *cli_session_find_ceiling(const cli_session *session, uint64_t *out_bytes) QN_MUST_USE;

#endif
