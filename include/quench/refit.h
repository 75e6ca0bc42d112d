/* quench/refit.h - other weights for an engine that is running, by the names the source model gave them.
 *
 *     qn_refitter *refitter;
 *     status = qn_refitter_create(engine, &refitter);          (a model built with enable_refit)
 *     status = qn_refitter_set_named_weights(refitter, "Conv/weights", &tensor);
 *     status = qn_refitter_refit_engine(refitter);
 *     qn_refitter_destroy(refitter);
 *
 * A model that was built with `enable_refit` (docs/configuration.md) keeps the network as it was before it was optimised.
 * Replacing weights builds again from there: whatever a weight went into - folded scales, packed panels, half
 * precision - follows, and the engine computes bit for bit what a fresh build with these weights would. The file is
 * larger by its weights, which running never touches.
 *
 * The change is atomic: a run that is under way finishes with the old weights, every later one, of every context, has
 * all the new ones. A file that was rebuilt elsewhere can be put in force without this header:
 * qn_engine_replace_weights() in quench/engine.h.
 *
 * Threads: one at a time per refitter; the engine may be in use meanwhile.
 */
#ifndef QUENCH_REFIT_H
#define QUENCH_REFIT_H

#include "quench/engine.h"
#include "quench/status.h"
#include "quench/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct qn_refitter qn_refitter;

/* Makes a refitter for an engine, which it keeps alive.
 * @param out_refitter  on success the refitter, freed by qn_refitter_destroy(); else NULL
 * returns    UNSUPPORTED: the model was not built with enable_refit; INVALID_MODEL: what it keeps is damaged;
 *            OUT_OF_MEMORY
 * threads    any thread
 */
QN_API qn_status *qn_refitter_create(qn_engine *engine, qn_refitter **out_refitter) QN_MUST_USE;

/* Frees the refitter; weights that were set but not put in force are forgotten. Accepts NULL. */
QN_API void qn_refitter_destroy(qn_refitter *refitter);

/* A constant of the source model. */
typedef struct qn_weights_info {
    const char *name; /* owned by the refitter */
    qn_dtype dtype;
    int rank;
    int64_t dims[QN_MAX_RANK];
    int is_set;         /* given since the last qn_refitter_refit_engine() */
    const char *reason; /* why it cannot be replaced, static; NULL: it can */
} qn_weights_info;

/* Constant number `index` that the network reads, replaceable or not; 0 past the last. */
QN_API int qn_refitter_get_weights(const qn_refitter *refitter, size_t index, qn_weights_info *out_info);

/* The name of replaceable weights number `index`; NULL past the last. Owned by the refitter. */
QN_API const char *qn_refitter_get_name(const qn_refitter *refitter, size_t index);

/* The same among those not set since the last qn_refitter_refit_engine(): they keep the values they have, so none need
 * be given. NULL past the last. */
QN_API const char *qn_refitter_get_missing_name(const qn_refitter *refitter, size_t index);

/* Gives new values to weights; nothing changes before qn_refitter_refit_engine(). Later values replace earlier ones.
 * @param tensor  dtype and dims of the weights in the source model; the elements are copied
 * returns    NOT_FOUND: no constant of that name (the nearest is suggested); INVALID_ARGUMENT: another dtype or shape, or
 *            a constant that cannot be replaced, with the reason; OUT_OF_MEMORY
 */
QN_API qn_status *qn_refitter_set_named_weights(qn_refitter *refitter, const char *name,
                                                const qn_tensor *tensor) QN_MUST_USE;

/* Puts what has been set in force, on top of what is. Afterwards nothing is set.
 * returns    UNSUPPORTED: with these values the program comes out differently (a constant that decides what can be
 *            folded, a weight too large for half precision), or the file was built by another version of quench: the
 *            message says what differs. Build again, then. INVALID_MODEL, LIMIT, OUT_OF_MEMORY. After a failure the engine is
 *            as it was, and what has been set still is
 * cost       a build: tens of milliseconds and more, on the calling thread
 */
QN_API qn_status *qn_refitter_refit_engine(qn_refitter *refitter) QN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
