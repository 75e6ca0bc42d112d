/* The oracle of the passes serves here too. */
#include "../pass/evaluate.c"
