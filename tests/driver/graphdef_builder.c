/* The builder of the importer's tests serves here too. */
#include "../import/graphdef_builder.c"
