/* The random networks of the passes serve here too. */
#include "../pass/random_graph.c"
