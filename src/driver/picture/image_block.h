/* driver/picture/image_block.h - how pictures become an input and an output becomes masks: told from the graph, and by the
 * `image` block of the configuration where it says more. */
#ifndef QN_DRIVER_PICTURE_IMAGE_BLOCK_H
#define QN_DRIVER_PICTURE_IMAGE_BLOCK_H

#include "driver/picture/answer.h"
#include "driver/config/config.h"
#include "ir/graph.h"

/* Makes the block that a compiled file carries (docs/configuration.md): input, layout, color, output, decode, fit and,
   where they are known, axis, class_count, classes, palette, pad_value; for "foreground" threshold and
   threshold_reason; for float inputs mean, std and scale, which make (pixel * scale - mean) / std of a pixel.
   *out_block is NULL where nothing is configured and the graph shows no pictures: a uint8 input with 3 or 1 channels,
   and a label map that comes from an argmax or a comparison, or nothing but scores of every pixel. The graph is
   inferred, its inputs and outputs are in their final layout, and no pass has run. INVALID_ARGUMENT: a block that does
   not fit the graph, naming the key. */
qn_status *qn_image_block_make(const qn_graph *graph, const qn_config *config, json_t **out_block) QN_MUST_USE;

/* How `output` of the same graph, after passes too, is read where the block is about it, or where it holds
   probabilities of one class; 0: neither. */
int qn_image_block_find_answer(const qn_graph *graph, const qn_config *config, const qn_value *output,
                               qn_answer *out_answer);

#endif
