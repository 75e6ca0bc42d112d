/* pictures/model_meta.h - what a model says about how it was made. */
#ifndef QUENCH_PICTURES_MODEL_META_H
#define QUENCH_PICTURES_MODEL_META_H

#include "cli/cli.h"

/* The model's provenance, configuration and image block; an empty object if there is none. NULL when memory is short.
 */
json_t *cli_load_meta(const qn_model *model);

/* The precision mode the model was built with; `size` bytes of room. */
void cli_print_precision(const qn_model *model, char *text, size_t size);

/* The size that the source declares for a dim of an input; -1: free, or nobody says. */
int64_t cli_declared_size(const json_t *meta, size_t input, int axis);

/* Is the first dim of an input free, and a number of samples? */
int cli_has_free_batch(const qn_model *model, const json_t *meta, size_t input);

#endif
