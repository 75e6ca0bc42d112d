/* The hand-made programs of the format's tests, for these tests too. */
#include "model/programs.c"
