/* What must hold of every plan, worked out again from the program alone. */
#ifndef QN_TESTS_PLAN_CHECK_PROGRAM_H
#define QN_TESTS_PLAN_CHECK_PROGRAM_H

#include "model/program.h"

/* Fails the test where two values that are needed at the same time share bytes without being one, where something is
   written in place that may not be, where the arena is smaller than what one step needs, or where writing and reading
   the program gives another one. */
void check_program(const qn_program *program);

#endif
