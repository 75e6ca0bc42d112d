/* quench/compiler.h - everything libquench-compiler offers on top of quench/quench.h: import, configure, build. What that
 * header says of NULL and of floating point holds here too. */
#ifndef QUENCH_COMPILER_H
#define QUENCH_COMPILER_H

#include "quench/build.h"
#include "quench/calibrator.h"
#include "quench/config.h"
#include "quench/contract.h"
#include "quench/network.h"
#include "quench/nodes.h"
#include "quench/npy.h"
#include "quench/quench.h"
#include "quench/refit.h"

#endif
