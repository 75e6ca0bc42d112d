/* base/entry.h - how public functions begin.
 *
 *     qn_status *qn_engine_create(qn_model *model, const qn_engine_options *options, qn_engine **out_engine) {
 *         QN_ENTER();
 *         QN_REQUIRE_ARG(out_engine);
 *         *out_engine = NULL;
 *         QN_REQUIRE_ARG(model);
 *
 * scripts/check sees to it that every public function which returns a status or a floating-point number enters;
 * tests/api calls every public function with every pointer NULL and in every floating-point state.
 */
#ifndef QN_BASE_ENTRY_H
#define QN_BASE_ENTRY_H

#include "base/float_state.h"
#include "base/status.h"

/* To the end of the function the thread is in the floating-point state that quench computes in, whatever the caller's
   is. Also first thing in every thread that quench starts, since a thread inherits the state of the one that made it.
 */
#define QN_ENTER()                                                                                                     \
    __attribute__((cleanup(qn_float_state_leave))) const qn_float_state qn_entered_ = qn_float_state_enter();          \
    (void)qn_entered_

/* Returns INVALID_ARGUMENT if a pointer that must be given is NULL. */
#define QN_REQUIRE_NAMED(argument, name)                                                                               \
    do {                                                                                                               \
        if (!(argument)) return QN_ERR(QN_INVALID_ARGUMENT, "%s: no %s was given (NULL)", __func__, name);             \
    } while (0)
#define QN_REQUIRE_ARG(argument) QN_REQUIRE_NAMED(argument, #argument)

/* Returns INVALID_ARGUMENT if an array with elements is NULL. */
#define QN_REQUIRE_ARRAY(array, count)                                                                                 \
    do {                                                                                                               \
        if ((count) > 0 && !(array))                                                                                   \
            return QN_ERR(QN_INVALID_ARGUMENT, "%s: no %s was given (NULL), but %lld elements were announced",         \
                          __func__, #array, (long long)(count));                                                       \
    } while (0)

#endif
