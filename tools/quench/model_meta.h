/* model_meta.h - what a model says about how it was made. */
#ifndef MODEL_META_H
#define MODEL_META_H

#include "cli.h"

/* The model's provenance, configuration and image block; an empty object if there is none. NULL when memory is short.
 */
json_t *cli_load_meta(const qn_model *model);

/* The precision mode the model was built with; `size` bytes of room. */
void cli_print_precision(const qn_model *model, char *text, size_t size);

#endif
